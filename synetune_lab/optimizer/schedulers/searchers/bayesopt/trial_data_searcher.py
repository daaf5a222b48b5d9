"""What model-based searchers know, apart from any model: trials, their values, the space."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from synetune_lab.config_space import Categorical, Domain, midpoint_config
from synetune_lab.errors import SchedulerError
from synetune_lab.optimizer.schedulers.searchers.base import SpaceEditReport
from synetune_lab.optimizer.schedulers.searchers.bayesopt.data_cap import cap_single_fidelity
from synetune_lab.optimizer.schedulers.searchers.bayesopt.encoded_space import EncodedSpace
from synetune_lab.optimizer.schedulers.searchers.bayesopt.metric_model import ModelData
from synetune_lab.optimizer.schedulers.searchers.bayesopt.model_space import ModelSpace
from synetune_lab.optimizer.schedulers.searchers.bayesopt.options import (
    GPOptions,
    reward_constant,
)
from synetune_lab.optimizer.schedulers.searchers.bayesopt.targets import scaled_targets, tamed
from synetune_lab.optimizer.schedulers.searchers.bayesopt.trial_data import TrialData
from synetune_lab.optimizer.schedulers.searchers.stochastic import (
    StochasticAndFilterDuplicatesSearcher,
)

if TYPE_CHECKING:
    import numpy.typing as npt

    from synetune_lab.optimizer.schedulers.searchers.base import Config

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.intp]

__all__ = ["TrialDataSearcher"]

logger = logging.getLogger(__name__)

# Least value of the Box-Cox transform, as a share of the spread of values that had to be shifted.
_MARGIN = 0.01


class TrialDataSearcher(StochasticAndFilterDuplicatesSearcher):
    """Keeps what trials have reported and what is pending, and makes model data of it.

    Args:
        config_space: See `BaseSearcher`.
        metric: See `BaseSearcher`.
        points_to_evaluate: See `BaseSearcher`.
        allow_duplicates: See `StochasticAndFilterDuplicatesSearcher`.
        options: Checked options.
        mode: See `BaseSearcher`.
        random_seed: See `StochasticSearcher`.
        random_seed_generator: See `StochasticSearcher`.
    """

    _STATE: ClassVar[tuple[str, ...]] = (
        *StochasticAndFilterDuplicatesSearcher._STATE,
        "_data",
        "_version",
    )

    def __init__(
        self,
        config_space: Mapping[str, Any],
        metric: str,
        points_to_evaluate: Sequence[Mapping[str, Any]] | None,
        allow_duplicates: bool | None,
        options: GPOptions,
        *,
        mode: str = "min",
        random_seed: int | None = None,
        random_seed_generator: Callable[[], int] | None = None,
    ) -> None:
        super().__init__(
            config_space,
            metric,
            _of_active_task(points_to_evaluate, config_space, options),
            allow_duplicates,
            options.restrict_configurations,
            mode=mode,
            random_seed=random_seed,
            random_seed_generator=random_seed_generator,
        )
        if not isinstance(self.metric, str):
            raise SchedulerError(f"{type(self).__name__} takes one metric, got {self.metric}")
        self.require_hyperparameters()
        self.options = options
        self._metric_name = self.metric
        self._sign = -1.0 if self.mode == "max" else 1.0
        self._data = TrialData(self._make_space())
        if self._restricted is not None:
            self._restrict_to_active(self._restricted)
        self._encoded_space: EncodedSpace | None = None
        # Mean and standard deviation of each metric's values, as of the last model data.
        self._scales: dict[str, tuple[float, float]] = {}
        # What Box-Cox adds to values.
        self._shift = 0.0
        self._warned_of_shift = False
        self._version = 0  # counts changes of the data

    def configure_scheduler(self, scheduler: Any) -> None:
        """Minimise or maximise as the scheduler does."""
        super().configure_scheduler(scheduler)
        mode = getattr(scheduler, "mode", self.mode)
        if isinstance(mode, str):
            self.mode = mode
            self._sign = -1.0 if mode == "max" else 1.0

    # Levels and space (for subclasses)

    def _make_space(self) -> ModelSpace:
        options = self.options
        task = options.transfer_learning_task_attr
        if task is None:
            return ModelSpace(self.config_space)
        if task not in self.config_space:
            raise SchedulerError(
                f"search_options: transfer_learning_task_attr={task!r} is no hyperparameter"
            )
        domain, value = self.config_space[task], options.transfer_learning_active_task
        if not (isinstance(domain, Categorical) and value in domain.categories):
            raise SchedulerError(
                f"search_options: transfer_learning_active_task={value!r} is no value of "
                f"{task}, {domain!r}"
            )
        active = dict(options.transfer_learning_active_config_space or {})
        active.pop(task, None)
        active = {k: v for k, v in active.items() if v != self.config_space.get(k)}
        return ModelSpace(self.config_space, active, {task: value}, [task])

    def _restrict_to_active(self, restricted: Sequence[tuple[Config, bytes]]) -> None:
        """Take away what is of other tasks than the active one."""
        space = self._data.space
        for config, key in list(restricted):
            if not space.is_searched(config):
                self._exclude(key)
        if not self._restricted:
            raise SchedulerError(
                "restrict_configurations has no configuration of transfer_learning_active_task="
                f"{self.options.transfer_learning_active_task!r} and its active config space"
            )

    @property
    def encoded_space(self) -> EncodedSpace:
        """The part of the unit cube that is searched."""
        if self._encoded_space is None:
            self._encoded_space = EncodedSpace(self._data.space.ranges)
        return self._encoded_space

    def _level_of(self, result: Mapping[str, Any]) -> int:  # noqa: ARG002
        """The level that a report is of; 0 without levels."""
        return 0

    def _first_level(self) -> int:
        """The level at which a new trial is judged first; 0 without levels."""
        return 0

    def _is_modelled(self, levels: IntArray) -> npt.NDArray[np.bool_]:
        """Which levels the model has a place for."""
        return np.ones(len(levels), dtype=bool)

    def _cap(self, rows: IntArray, levels: IntArray, values: FloatArray) -> IntArray:  # noqa: ARG002
        """Positions of the observations that the model gets."""
        most, top = self.options.max_size_data_for_model, self.options.max_size_top_fraction
        if most is None:
            return np.arange(len(values))
        return cap_single_fidelity(values, most, top, self.random_state)

    # What the scheduler tells

    def _update(self, trial_id: str, config: Config, result: dict[str, Any]) -> None:
        row = self._data.row_of(trial_id, config)
        assert row is not None
        level = self._level_of(result)
        self._data.of(self._metric_name).put(row, level, float(result[self._metric_name]))
        self._data.arrived(row, level)
        self._version += 1

    def register_pending(
        self, trial_id: str, config: Config | None = None, milestone: int | None = None
    ) -> None:
        """A trial is being evaluated (see `BaseSearcher.register_pending`)."""
        super().register_pending(trial_id, config, milestone)
        row = self._data.row_of(trial_id, config)
        if row is not None:
            self._data.expect(row, milestone or 0)

    def cleanup_pending(self, trial_id: str) -> None:
        """A trial is not being evaluated any more."""
        super().cleanup_pending(trial_id)
        self._data.forget_pending(trial_id)

    def evaluation_failed(self, trial_id: str) -> None:
        """A trial failed: nothing of it is expected, and its configuration does not come again."""
        super().evaluation_failed(trial_id)
        self._data.forget_pending(trial_id)

    def remove_case(self, trial_id: str, **kwargs: Any) -> None:
        """Take a result out of the model again."""
        row = self._data.row_of(trial_id)
        if row is not None:
            self._data.of(self._metric_name).remove(row, self._level_of(kwargs))
            self._version += 1

    def dataset_size(self) -> int:
        """Number of observations."""
        return len(self._data.of(self._metric_name))

    # What models learn from

    def model_data(self, metric: str) -> ModelData:
        """What the model of a metric learns from, at most `max_size_data_for_model` values."""
        observed = self._data.of(metric)
        rows = np.array(observed.rows, dtype=np.intp)
        levels = np.array(observed.levels, dtype=np.intp)
        values = np.array(observed.values, dtype=np.float64)
        if len(rows):
            usable = self._data.usable(rows) & self._is_modelled(levels)
            rows, levels, values = rows[usable], levels[usable], values[usable]
        values = self._to_minimise(metric, values)
        if len(rows):
            kept = self._cap(rows, levels, values)
            rows, levels, values = rows[kept], levels[kept], values[kept]
        return ModelData(self._data.vectors(rows), levels, self._targets(metric, values), rows)

    def _to_minimise(self, metric: str, values: FloatArray) -> FloatArray:
        return self._sign * values if metric == self._metric_name else values

    def _targets(self, metric: str, values: FloatArray) -> FloatArray:
        if self.options.boxcox_transform and metric == self._metric_name:
            # The transform has a scale of its own, but needs positive values.
            if not np.isfinite(values).any():
                return np.ones(len(values))
            calm = tamed(values)
            self._shift = self._reward_shift()
            least = float(calm.min())
            if least + self._shift <= 0:
                self._warn_of_shift(metric, least)
                self._shift = _MARGIN * (float(np.ptp(calm)) or 1.0) - least
            return calm + self._shift
        scaled = scaled_targets(values)
        self._scales[metric] = scaled.mean, scaled.std
        return scaled.values

    def _reward_shift(self) -> float:
        return reward_constant(self.options.map_reward) if self.mode == "max" else 0.0

    def _warn_of_shift(self, metric: str, least: float) -> None:
        if self._warned_of_shift:
            return
        self._warned_of_shift = True
        own = f"{self._sign * least:g}"
        advice = (
            f"{metric} reached {own}; map_reward='<a>_minus_x' with a larger a avoids it"
            if self.mode == "max"
            else f"{metric} reached {own}"
        )
        logger.warning(
            "boxcox_transform=True needs positive values, and %s: they are shifted until the least "
            "is positive",
            advice,
        )

    def _to_metric(self, scaled: Any) -> Any:
        if self.options.boxcox_transform:
            return self._sign * (scaled - self._shift)
        mean, std = self._scales[self._metric_name]
        return self._sign * (scaled * std + mean)

    # Edits and state

    def edit_space(
        self, config_space: Mapping[str, Any], defaults: Mapping[str, Any] | None = None
    ) -> SpaceEditReport:
        """Choose from another space; what was seen outside of it still informs the model."""
        if self.options.transfer_learning_task_attr is not None:
            raise SchedulerError(
                f"{type(self).__name__} with transfer_learning_task_attr can't edit the "
                "configuration space"
            )
        if not any(hasattr(entry, "sample") for entry in config_space.values()):
            raise SchedulerError(
                f"config_space must keep a hyperparameter that {type(self).__name__} can choose"
            )
        report = super().edit_space(config_space, defaults)
        space = self._data.space.edit(config_space, self._added or {})
        self._data.change_space(space)
        self._encoded_space = None
        self._version += 1
        inside, outside, dropped = self._data.count_outside(self._metric_name)
        return SpaceEditReport(
            kept=inside,
            outside=outside,
            dropped=dropped,
            points_dropped=report.points_dropped,
            note="the model goes on with all that it can express in the new space",
        )

    def clone_from_state(self, state: Mapping[str, Any]) -> Any:
        """See `BaseSearcher.clone_from_state`."""
        other = super().clone_from_state(state)
        other._encoded_space = None
        return other

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_encoded_space": None}


def _of_active_task(
    points: Sequence[Mapping[str, Any]] | None, config_space: Mapping[str, Any], options: GPOptions
) -> Sequence[Mapping[str, Any]] | None:
    """Configurations to begin with, completed from what is tuned when there are several tasks."""
    task = options.transfer_learning_task_attr
    points = [{}] if points is None else points
    if task is None or not isinstance(points, (list, tuple)):
        return points
    active = {**config_space, **(options.transfer_learning_active_config_space or {})}
    middle = {**midpoint_config(active), task: options.transfer_learning_active_task}
    # What is not valid is refused with the option's name when the space is made.
    domains = {name: entry for name, entry in config_space.items() if isinstance(entry, Domain)}
    own = {name: middle[name] for name in middle if name in domains}
    own = {name: value for name, value in own.items() if domains[name].is_valid(value)}
    return [{**own, **point} if isinstance(point, Mapping) else point for point in points]
