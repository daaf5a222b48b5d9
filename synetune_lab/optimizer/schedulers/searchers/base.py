"""The contract of a searcher: which configuration to try next.

A searcher never blocks and draws only from its own seeded generator. Schedulers call it as in this
trace::

    searcher.configure_scheduler(scheduler)
    searcher.get_config(trial_id="0")  # -> {"lr": 0.01}
    searcher.register_pending("0", {"lr": 0.01}, milestone=1)
    searcher.on_trial_result("0", config, {"loss": 0.4}, update=True)
    searcher.evaluation_failed("1")
    searcher.get_config(trial_id="2")  # -> None: nothing left to try
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, TypeVar

from synetune_lab.config_space import (
    Domain,
    SpaceDiff,
    diff_config_spaces,
    impute_points_to_evaluate,
    remove_constant_and_cast,
    validate_config,
    validate_config_space,
)
from synetune_lab.errors import InvalidConfigError, SchedulerError

__all__ = ["KEY_NEW_CONFIGURATION", "BaseSearcher", "SpaceEditReport"]

KEY_NEW_CONFIGURATION = "new_configuration"
"""Argument of `get_config` with a configuration that the searcher has chosen already."""

Config = dict[str, Any]
SearcherT = TypeVar("SearcherT", bound="BaseSearcher")


@dataclass(frozen=True)
class SpaceEditReport:
    """What became of a searcher's data when the space was edited.

    Attributes:
        kept: Observations that inform the model as before, encoded anew.
        outside: Observations outside the new space that inform the model all the same.
        dropped: Observations that can't be expressed in the new space.
        points_dropped: Configurations of `points_to_evaluate` that are outside the new space.
        note: One sentence for the user.
    """

    kept: int = 0
    outside: int = 0
    dropped: int = 0
    points_dropped: int = 0
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """The report as JSON; `dict(report)` is the same."""
        return asdict(self)

    def keys(self) -> list[str]:
        """Names of the entries of the JSON form."""
        return list(self.to_json())

    def __getitem__(self, name: str) -> Any:
        return self.to_json()[name]


class BaseSearcher:
    """Base class of all searchers.

    Args:
        config_space: Configuration space.
        metric: Name of the metric to optimise, or a list of several.
        points_to_evaluate: Configurations to try first, in order. Each may lack hyperparameters,
            which get the midpoint of their range. None stands for one empty configuration, so the
            midpoint of all; an empty list for none.
        mode: `min` or `max`, or a list with one for each metric.

    Raises:
        ConfigSpaceError: If the space is not possible.
        InvalidConfigError: If `points_to_evaluate` does not fit it.
    """

    _STATE: ClassVar[tuple[str, ...]] = (
        "config_space",
        "_points",
        "_points_given",
        "_reason",
        "_added",
    )
    """Names of the members that `get_state` saves. Subclasses add theirs."""

    def __init__(
        self,
        config_space: Mapping[str, Any],
        metric: str | Sequence[str],
        points_to_evaluate: Sequence[Mapping[str, Any]] | None = None,
        mode: str | Sequence[str] = "min",
    ) -> None:
        validate_config_space(config_space)
        self.config_space: dict[str, Any] = dict(config_space)
        self.metric = metric if isinstance(metric, str) else list(metric)
        self.mode = _checked_mode(mode, self.metric)
        # Pairs of the position that the user gave it and the configuration.
        self._points: list[tuple[int, Config]] = list(
            enumerate(impute_points_to_evaluate(points_to_evaluate, self.config_space))
        )
        self._points_given = 0
        self._added: Config | None = None  # by edits, with the values of earlier trials
        self._reason: dict[str, Any] = {"kind": "searcher", "name": type(self).__name__}

    # What a scheduler calls

    def configure_scheduler(self, scheduler: Any) -> None:
        """Take what the searcher needs to know from its scheduler, before its first use."""

    def get_config(self, **kwargs: Any) -> Config | None:
        """The next configuration to try, without the constants of the space.

        Args:
            kwargs: `trial_id`, a text, for the trial that will run it, and what a scheduler adds.

        Returns:
            The configuration, or None if there will never be another one.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement get_config")

    def on_trial_result(
        self, trial_id: str, config: Config, result: dict[str, Any], update: bool
    ) -> None:
        """A trial reported.

        Args:
            trial_id: The trial.
            config: Its configuration.
            result: The report.
            update: Whether it is to enter the model. Other reports are passed for information.
        """
        if update:
            self._update(trial_id, config, result)

    def _update(self, trial_id: str, config: Config, result: dict[str, Any]) -> None:
        """Take a result into the model (for subclasses)."""

    def register_pending(
        self, trial_id: str, config: Config | None = None, milestone: int | None = None
    ) -> None:
        """A trial is being evaluated.

        Args:
            trial_id: The trial.
            config: Its configuration; needed if the searcher does not know the trial.
            milestone: Resource at which its result is expected, in multi-fidelity schedulers.
        """

    def remove_case(self, trial_id: str, **kwargs: Any) -> None:
        """Take a result that was passed with `update=True` out of the model again."""

    def evaluation_failed(self, trial_id: str) -> None:
        """A trial failed: its configuration is not to be suggested again."""

    def exclude_config(self, config: Config) -> None:
        """A configuration failed, and is not to be suggested again.

        Schedulers call it beside `evaluation_failed`, since a trial may fail long after it was
        suggested, and a searcher need not remember all of them.
        """

    def cleanup_pending(self, trial_id: str) -> None:
        """A trial is not being evaluated any more."""

    def explain_last(self) -> dict[str, Any]:
        """Why the last `get_config` chose what it did, as JSON.

        Its `kind` is `points_to_evaluate` (with `index`), `random`, `grid` (with `index`), ...
        """
        return self._reason

    def edit_space(
        self, config_space: Mapping[str, Any], defaults: Mapping[str, Any] | None = None
    ) -> SpaceEditReport:
        """Choose from another version of the configuration space from now on.

        Args:
            config_space: The whole new space.
            defaults: Values that earlier trials count as having, for new hyperparameters.

        Raises:
            SchedulerError: If this searcher can't, or the change is not possible; nothing has
                changed then.
        """
        del config_space, defaults
        raise SchedulerError(
            f"{type(self).__name__} does not support editing the configuration space during a run"
        )

    # The model

    def dataset_size(self) -> int:
        """Number of results in the model; 0 without a model."""
        return 0

    def model_parameters(self) -> dict[str, Any]:
        """Current parameters of the model; empty without a model."""
        return {}

    @property
    def debug_log(self) -> Any:
        """What writes the searcher's log of choices, or None."""
        return None

    # State

    def get_state(self) -> dict[str, Any]:
        """The part of the searcher that changes, as something that can be pickled."""
        return {name: copy.deepcopy(getattr(self, name)) for name in self._STATE}

    def clone_from_state(self: SearcherT, state: Mapping[str, Any]) -> SearcherT:
        """A searcher like this one, with the state that `get_state` returned.

        This searcher is not to be used afterwards.
        """
        other = copy.copy(self)
        for name, value in state.items():
            setattr(other, name, copy.deepcopy(value))
        return other

    # For subclasses

    def _next_initial_config(self) -> Config | None:
        """The next of `points_to_evaluate`, or None when all have been returned."""
        if not self._points:
            return None
        index, config = self._points.pop(0)
        self._points_given += 1
        self._reason = {"kind": "points_to_evaluate", "index": index}
        return config

    def require_hyperparameters(self) -> None:
        """For searchers that have nothing to do where there is nothing to choose.

        Raises:
            SchedulerError: If all entries of the space are constants.
        """
        if not any(isinstance(entry, Domain) for entry in self.config_space.values()):
            raise SchedulerError(
                f"config_space has no hyperparameter that {type(self).__name__} could choose, only "
                f"the constants {list(self.config_space)}"
            )

    def _completed(self, config: Mapping[str, Any]) -> Mapping[str, Any]:
        """A configuration with what was added by edits since it was chosen."""
        return {**self._added, **config} if self._added else config

    def in_space(self, config: Mapping[str, Any]) -> Config | None:
        """A trial's configuration in the space as it is now; None if it is not in there.

        Trials that are older than an edit of the space lack what was added, and count as having
        its default; a value that was fixed meanwhile is not looked at.
        """
        if self._added is None:
            return remove_constant_and_cast(config, self.config_space)
        try:
            own = remove_constant_and_cast(self._completed(config), self.config_space)
            validate_config(own, self.config_space)
        except InvalidConfigError:
            return None
        return own

    def _take_space(
        self, config_space: Mapping[str, Any], defaults: Mapping[str, Any] | None = None
    ) -> tuple[SpaceDiff, int]:
        """Replace the space, and drop points to evaluate that are outside the new one.

        Returns:
            The changes, and the number of points dropped.

        Raises:
            SchedulerError: If a change is not possible; nothing has changed then.
        """
        diff = diff_config_spaces(self.config_space, config_space, defaults)
        if not diff.allowed:
            reasons = "; ".join(f"{entry.name}: {entry.message}" for entry in diff.refused)
            raise SchedulerError(f"the configuration space can't be changed this way: {reasons}")
        self.config_space = dict(config_space)
        self._added = {**(self._added or {}), **diff.defaults}
        kept = []
        for index, point in self._points:
            try:
                config = remove_constant_and_cast({**diff.defaults, **point}, config_space)
                validate_config(config, config_space)
            except InvalidConfigError:
                continue
            if all(point.get(name) == value for name, value in diff.fixed.items()):
                kept.append((index, config))
        dropped = len(self._points) - len(kept)
        self._points = kept
        return diff, dropped


def _checked_mode(mode: str | Sequence[str], metric: str | Sequence[str]) -> str | list[str]:
    modes = [mode] if isinstance(mode, str) else list(mode)
    if any(entry not in ("min", "max") for entry in modes) or not modes:
        raise SchedulerError(f"mode={mode!r} must be 'min' or 'max', or a list of them")
    if isinstance(mode, str):
        return mode
    if isinstance(metric, str) or len(modes) != len(metric):
        raise SchedulerError(f"mode={mode!r} must have one entry for each of metric={metric!r}")
    return modes
