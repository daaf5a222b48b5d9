"""Base of the backends on simulated time whose trials are looked up in a blackbox."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from synetune_lab.backend.simulator_backend.course import TableCourse, TrialCourse
from synetune_lab.backend.simulator_backend.simulated_backend import SimulatedBackend
from synetune_lab.blackbox_repository.blackbox_tabular import BlackboxTabular
from synetune_lab.config_space import Domain
from synetune_lab.errors import BackendError, BlackboxError

if TYPE_CHECKING:
    from synetune_lab.blackbox_repository.blackbox import Blackbox
    from synetune_lab.optimizer.scheduler import TrialScheduler

__all__ = ["BlackboxSimulatorBackend"]

logger = logging.getLogger(__name__)


class BlackboxSimulatorBackend(SimulatedBackend):
    """Looks trials up in a blackbox. Subclasses say which.

    Args:
        elapsed_time_attr: Name of the objective that holds the seconds from the start of training
            to each fidelity. It is reported as the seconds since the trial was resumed last.
        max_resource_attr: Name of the entry of configurations that holds the largest fidelity to
            report; None reports all.
        seed: Which repetition is used; None for one that is drawn for each trial, and kept when it
            is resumed.
        support_checkpointing: Whether a trial that is resumed goes on where it was paused; else
            it begins again, and repeats its reports.
        simulatorbackend_kwargs: `simulator_config`, `tuner_sleep_time`, `speed` and
            `delete_checkpoints` of `SimulatedBackend`.
    """

    def __init__(
        self,
        elapsed_time_attr: str,
        max_resource_attr: str | None = None,
        seed: int | None = None,
        support_checkpointing: bool = True,
        **simulatorbackend_kwargs: Any,
    ) -> None:
        super().__init__(elapsed_time_attr, **simulatorbackend_kwargs)
        self._max_resource_attr = max_resource_attr
        self.simulated_seed = seed
        self.support_checkpointing = support_checkpointing
        self._blackbox: Blackbox | None = None
        self._names: tuple[str, ...] = ()
        self._resources: np.ndarray | None = None

    @property
    def blackbox(self) -> Blackbox:
        """The blackbox that trials are looked up in."""
        if self._blackbox is None:
            self._blackbox = self._load()
            self._take(self._blackbox)
        return self._blackbox

    def _load(self) -> Blackbox:
        raise NotImplementedError

    def _take(self, blackbox: Blackbox) -> None:
        """Check the blackbox, and note what is needed for each trial."""
        names, time = blackbox.objectives_names, self.elapsed_time_attr
        if time not in names:
            raise BackendError(
                f"elapsed_time_attr={time!r} is not an objective of the blackbox; it has {names}"
            )
        if self.simulated_seed is not None and not 0 <= self.simulated_seed < blackbox.num_seeds:
            raise BackendError(
                f"seed={self.simulated_seed}; the blackbox has the seeds 0 to "
                f"{blackbox.num_seeds - 1}"
            )
        values = blackbox.fidelity_values
        if values is None:
            self._names, self._resources = tuple(names), None
        else:
            self._names = (*names, blackbox.fidelity_name())
            self._resources = np.asarray(values)
        self._time_column = names.index(time)
        self._reached = [] if values is None else np.asarray(values).tolist()
        self._is_sound = False
        self._salt = 0
        if isinstance(blackbox, BlackboxTabular):
            _check_times(blackbox, self._time_column, time)
            self._is_sound = not np.isnan(blackbox.objectives_evaluations).any()

    def check_scheduler(self, scheduler: TrialScheduler) -> None:
        """Refuse a scheduler that asks for what the blackbox does not have.

        The repetition that a trial gets depends on the scheduler's seed, too.

        Raises:
            BackendError: If a metric, the resource or a hyperparameter is missing, or the maximum
                resource is beyond the recorded ones.
        """
        blackbox = self.blackbox
        self._salt = _random_seed_of(scheduler)
        reported = list(self._names)
        for name in scheduler.metric_names():
            if name not in reported:
                raise BackendError(
                    f"the scheduler's metric {name!r} is not reported; the blackbox has {reported}"
                )
        missing = [
            name
            for name, entry in blackbox.configuration_space.items()
            if isinstance(entry, Domain) and name not in scheduler.config_space
        ]
        if missing:
            raise BackendError(
                f"the scheduler's config_space lacks {missing}, which the blackbox needs; use "
                "backend.blackbox.configuration_space"
            )
        asked = scheduler.describe()
        cost = asked.get("cost_attr")
        if cost is not None and cost not in reported:
            raise BackendError(
                f"the scheduler's cost_attr={cost!r} is not reported; the blackbox has {reported}"
            )
        self._check_resources(asked)

    def _check_resources(self, asked: Mapping[str, Any]) -> None:
        name = asked.get("resource_attr")
        if name is None:
            return
        if name not in self._names:
            raise BackendError(
                f"the scheduler's resource_attr={name!r} is not reported; the blackbox has "
                f"{list(self._names)}"
            )
        if self._resources is None or name != self.blackbox.fidelity_name():
            return
        largest, most = asked.get("max_resource"), self._resources[-1]
        if largest is not None and largest > most:
            raise BackendError(
                f"the scheduler's maximum resource is {largest}, and the blackbox ends at "
                f"{name}={most}"
            )
        levels = {level for rungs in asked.get("rung_levels") or () for level in rungs}
        lacking = sorted(levels - set(self._resources.tolist()))
        if lacking and asked.get("pauses_trials") and self._max_resource_attr is not None:
            raise BackendError(
                f"the scheduler has rungs at {name} = {lacking}, which the blackbox lacks: trials "
                f"would end before they get there; recorded are {self._resources.tolist()[:20]}"
            )
        if lacking:
            logger.warning(
                "the scheduler has rungs at %s = %s, which the blackbox lacks; trials are judged "
                "at their next report",
                name,
                lacking,
            )

    def _course_of(self, trial_id: int, config: Mapping[str, Any], level: int) -> TrialCourse:
        blackbox = self.blackbox
        try:
            curve = blackbox.curve(config, self._seed_of(trial_id, blackbox.num_seeds))
        except BlackboxError as error:
            raise BackendError(str(error)) from None
        first, stop = 0, len(curve)
        resources = self._resources
        if resources is not None:
            cap = config.get(self._max_resource_attr) if self._max_resource_attr else None
            if cap is not None:
                stop = int(np.searchsorted(resources, cap, side="right"))
            if level and self.support_checkpointing:
                first = int(np.searchsorted(resources, level, side="right"))
        values = curve[first:stop]
        failure = None
        if not self._is_sound:
            values, failure = self._checked(values, first)
        offset = float(curve[first - 1, self._time_column]) if first else 0.0
        reached, name = None, ""
        if resources is not None:
            reached, name = self._reached[first : first + len(values)], self._names[-1]
        names = blackbox.objectives_names
        return TableCourse(names, values, self._time_column, offset, reached, failure, name)

    def _checked(self, values: np.ndarray, first: int) -> tuple[np.ndarray, str | None]:
        """What of a curve can be told, and why it ends there if that is not its end.

        Raises:
            BackendError: If its times go back.
        """
        failure = None
        known = ~np.isnan(values).any(axis=1)
        if not known.all():
            missing = int(np.argmin(known))
            at = ""
            if self._resources is not None:
                at = f" at {self._names[-1]}={self._resources[first + missing]}"
            lacking = [n for n, v in zip(self._names, values[missing], strict=False) if v != v]
            failure = (
                f"the blackbox has no value of {', '.join(lacking)}{at} for this configuration"
            )
            values = values[:missing]
        times = values[:, self._time_column]
        if len(times) and (times[0] < 0 or not np.all(np.isfinite(times))):
            raise BackendError(
                f"{self.elapsed_time_attr} of the blackbox is negative or infinite for this "
                f"configuration: {times[:10].tolist()}; it must be the seconds since the start of "
                "training"
            )
        if np.any(np.diff(times) < 0):
            raise BackendError(
                f"{self.elapsed_time_attr} of the blackbox goes back for this configuration: "
                f"{times[:10].tolist()}; it must be the seconds since the start of training"
            )
        return values, failure

    def _seed_of(self, trial_id: int, num_seeds: int) -> int | None:
        if self.simulated_seed is not None:
            return self.simulated_seed
        if num_seeds == 1:
            return 0
        # The same for each run of the trial; a hash of its number that looks random.
        mixed = (trial_id + 1 + 0x9E3779B9 * self._salt) % 2**32
        for _ in range(2):  # the finaliser of MurmurHash3
            mixed = (mixed ^ mixed >> 16) * 0x85EBCA6B % 2**32
            mixed = (mixed ^ mixed >> 13) * 0xC2B2AE35 % 2**32
        return (mixed ^ mixed >> 16) % num_seeds

    def entrypoint_path(self) -> Path:
        """A name for the run."""
        return Path(self._title())

    def _title(self) -> str:
        raise NotImplementedError

    def set_entrypoint(self, entry_point: str) -> None:
        """There is no script.

        Raises:
            BackendError: Always.
        """
        raise BackendError(f"a blackbox has no script to replace by {entry_point!r}")


def _random_seed_of(scheduler: Any) -> int:
    """The seed of a scheduler, or of the one inside of it; 0 if it has none."""
    while scheduler is not None:
        seed = getattr(scheduler, "random_seed", None)
        if isinstance(seed, (int, np.integer)):
            return int(seed)
        scheduler = getattr(scheduler, "scheduler", None)
    return 0


def _check_times(blackbox: BlackboxTabular, column: int, name: str) -> None:
    """Refuse a table whose times are no times, or go back, before the first trial."""
    times = blackbox.objectives_evaluations[..., column]
    values = blackbox.fidelity_values
    should_be = "it must be the seconds since the start of training"
    wrong = (times < 0) | np.isinf(times)
    if wrong.any():
        row, seed, fidelity = (int(i) for i in np.argwhere(wrong)[0])
        raise BackendError(
            f"{name} is negative or infinite {int(wrong.sum())} times in the blackbox, first for "
            f"configuration {row}, seed {seed}, at fidelity "
            f"{fidelity if values is None else values[fidelity]}: {times[row, seed, fidelity]}; "
            f"{should_be}"
        )
    back = np.diff(times, axis=2) < 0
    if back.any():
        row, seed, fidelity = (int(i) for i in np.argwhere(back)[0])
        after = fidelity + 1 if values is None else values[fidelity + 1]
        raise BackendError(
            f"{name} goes back {int(back.sum())} times in the blackbox, first for configuration "
            f"{row}, seed {seed}, at fidelity {after}; {should_be}. Sum up what are times of "
            "single steps (numpy.cumsum)"
        )
