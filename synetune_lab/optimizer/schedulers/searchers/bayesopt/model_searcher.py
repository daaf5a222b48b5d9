"""The base of searchers that choose by a surrogate model and an acquisition function."""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from synetune_lab.errors import SchedulerError
from synetune_lab.gp.blas_threads import one_blas_thread
from synetune_lab.optimizer.schedulers.searchers.base import SpaceEditReport
from synetune_lab.optimizer.schedulers.searchers.bayesopt.acquisition.factory import (
    acquisition_function_factory,
)
from synetune_lab.optimizer.schedulers.searchers.bayesopt.data_cap import cap_single_fidelity
from synetune_lab.optimizer.schedulers.searchers.bayesopt.encoded_space import EncodedSpace
from synetune_lab.optimizer.schedulers.searchers.bayesopt.metric_model import (
    ModelData,
    NotEnoughDataError,
    predicted_mean,
)
from synetune_lab.optimizer.schedulers.searchers.bayesopt.model_space import ModelSpace
from synetune_lab.optimizer.schedulers.searchers.bayesopt.options import (
    GPOptions,
    reward_constant,
)
from synetune_lab.optimizer.schedulers.searchers.bayesopt.proposal import Proposal, propose
from synetune_lab.optimizer.schedulers.searchers.bayesopt.targets import scaled_targets, tamed
from synetune_lab.optimizer.schedulers.searchers.bayesopt.trial_data import TrialData
from synetune_lab.optimizer.schedulers.searchers.stochastic import (
    StochasticAndFilterDuplicatesSearcher,
)

if TYPE_CHECKING:
    import numpy.typing as npt

    from synetune_lab.optimizer.schedulers.searchers.base import Config
    from synetune_lab.optimizer.schedulers.searchers.bayesopt.acquisition.base import (
        AcquisitionFunction,
        BoundAcquisition,
    )
    from synetune_lab.optimizer.schedulers.searchers.bayesopt.metric_model import (
        Conditioned,
        MetricModel,
    )

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.intp]

__all__ = ["ModelBasedSearcher"]

logger = logging.getLogger(__name__)

EI_JITTER = 1e-4
"""Improvement, in standard deviations of the values, that counts as none.

The usual 0.01 ends the search as soon as the best value is known to a hundredth of their spread:
the regret on smooth functions is a thousand times as large.
"""


class ModelBasedSearcher(StochasticAndFilterDuplicatesSearcher):
    """Bayesian optimisation: fit models to what was reported, and maximise an acquisition function.

    A subclass says which models there are (`_make_models`) and which values of reports they learn
    from; everything else is here: data, pending trials, when to fit, candidates, local search,
    duplicates, edits of the space, and the reason of each choice.

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

    _ei_jitter: ClassVar[float] = EI_JITTER

    _STATE: ClassVar[tuple[str, ...]] = (
        *StochasticAndFilterDuplicatesSearcher._STATE,
        "_data",
        "_models",
        "_num_random",
        "_version",
        "_fitted_version",
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
            points_to_evaluate,
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
        self._encoded_space: EncodedSpace | None = None
        self.acquisition = self._make_acquisition()
        self._models: dict[str, MetricModel] = {}
        self._num_random = 0
        # Mean and standard deviation of each metric's values, as of the last model data.
        self._scales: dict[str, tuple[float, float]] = {}
        # Counts changes of the data, and the one that parameters were last fitted to.
        self._version = 0
        self._fitted_version = -1

    def configure_scheduler(self, scheduler: Any) -> None:
        """Minimise or maximise as the scheduler does."""
        super().configure_scheduler(scheduler)
        mode = getattr(scheduler, "mode", self.mode)
        if isinstance(mode, str):
            self.mode = mode
            self._sign = -1.0 if mode == "max" else 1.0

    # For subclasses

    @abstractmethod
    def _make_models(self) -> dict[str, MetricModel]:
        """A model for each value that is learnt; made when the first is needed."""

    def _make_acquisition(self) -> AcquisitionFunction:
        options = self.options
        arguments = dict(options.acq_function_kwargs or {})
        if options.acq_function == "ei":
            arguments.setdefault("jitter", self._ei_jitter)
        return acquisition_function_factory(options.acq_function, **arguments)

    def _make_space(self) -> ModelSpace:
        options = self.options
        task = options.transfer_learning_task_attr
        if task is None:
            return ModelSpace(self.config_space)
        if task not in self.config_space:
            raise SchedulerError(
                f"search_options: transfer_learning_task_attr={task!r} is no hyperparameter"
            )
        active = dict(options.transfer_learning_active_config_space or {})
        active.pop(task, None)
        active = {k: v for k, v in active.items() if v != self.config_space.get(k)}
        fixed = {task: options.transfer_learning_active_task}
        return ModelSpace(self.config_space, active, fixed, [task])

    def _level_of(self, result: Mapping[str, Any]) -> int:  # noqa: ARG002
        """The level that a report is of; 0 without levels."""
        return 0

    def _acquisition_level(self, data: ModelData, context: Mapping[str, Any]) -> int:  # noqa: ARG002
        """The level at which a new configuration is judged."""
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

    def _values_of(self, name: str, result: Mapping[str, Any]) -> float:
        return float(result[name])

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

    def model_parameters(self) -> dict[str, Any]:
        """Current parameters of the models; those of several have the metric before their names."""
        if len(self._models) == 1:
            return dict(next(iter(self._models.values())).parameters())
        return {
            f"{name}_{key}": value
            for name, model in self._models.items()
            for key, value in model.parameters().items()
        }

    # Suggestions

    def _get_config(self, **kwargs: Any) -> Config | None:
        is_early = self._points_given + self._num_random < self.options.num_init_random
        if is_early or not self._has_data():
            return self._random()
        with one_blas_thread():
            return self._suggest(kwargs) or self._random()

    def _has_data(self) -> bool:
        return self.dataset_size() > 0

    def _random(self) -> Config | None:
        self._num_random += 1
        self._reason = {"kind": "random"}
        if self.options.transfer_learning_task_attr is None:
            return self._get_random_config()
        for _ in range(1000):
            config = self._data.space.ranges.random_config(self.random_state)
            if not self.should_not_suggest(config):
                return config
        return None

    def _suggest(self, context: Mapping[str, Any]) -> Config | None:
        data = self.model_data(self._metric_name)
        if len(data) == 0:
            return None
        level = self._acquisition_level(data, context)
        try:
            self._fit_models(data)
            conditioned = self._condition_models(data)
            bound, known = self._bind(conditioned, data, level)
            proposal = propose(
                bound,
                self.encoded_space,
                known,
                self.options,
                self._restricted_configs(),
                lambda config: self.should_not_suggest(self._data.space.without_fixed(config)),
                self.random_state,
            )
        except (FloatingPointError, np.linalg.LinAlgError, NotEnoughDataError) as error:
            logger.warning("a random configuration is tried, since the model failed: %s", error)
            return None
        if proposal is None:
            return None
        self._reason = self._explain(proposal, bound, data, level)
        if self.options.debug_log:
            logger.info("suggestion: %s", self._reason)
        return self._data.space.without_fixed(proposal.config)

    @property
    def encoded_space(self) -> EncodedSpace:
        """The part of the unit cube that is searched."""
        if self._encoded_space is None:
            self._encoded_space = EncodedSpace(self._data.space.ranges)
        return self._encoded_space

    def _restricted_configs(self) -> list[Config] | None:
        return None if self._restricted is None else [config for config, _ in self._restricted]

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
            shift = reward_constant(self.options.map_reward) if self.mode == "max" else 0.0
            return tamed(values + shift)
        scaled = scaled_targets(values)
        self._scales[metric] = scaled.mean, scaled.std
        return scaled.values

    def _fit_models(self, data: ModelData) -> None:
        """Fit the parameters of all models, if their rules say so."""
        if not self._models:
            self._models = self._make_models()
        if self._fitted_version == self._version:
            return
        self._fitted_version = self._version
        num_at_max = self._num_at_max()
        for name, model in self._models.items():
            own = self._data_of(name, data)
            if len(own) and (
                not model.is_fitted or model.rule.is_due(self.dataset_size(), num_at_max)
            ):
                model.fit(own, self.random_state)

    def _data_of(self, name: str, data: ModelData) -> ModelData:
        """What a model learns from, given the data of the main one (for several models)."""
        return data if name == self._metric_name else self.model_data(name)

    def _num_at_max(self) -> int:
        return 0

    def _condition_models(self, data: ModelData) -> dict[str, Conditioned]:
        """All models given their data, and the main one given fantasies as well."""
        conditioned: dict[str, Conditioned] = {}
        for name, model in self._models.items():
            own = self._data_of(name, data)
            conditioned[name] = model.condition(own)
        main = self._metric_name
        conditioned[main] = self._with_fantasies(conditioned[main])
        return conditioned

    def _with_fantasies(self, conditioned: Conditioned) -> Conditioned:
        """The main model given what pending trials may report."""
        cases = self._pending_cases()
        if not cases:
            return conditioned
        rows = np.array([row for row, _ in cases], dtype=np.intp)
        levels = np.array([level for _, level in cases], dtype=np.intp)
        return conditioned.with_fantasies(
            self._data.vectors(rows),
            levels,
            rows,
            self.options.num_fantasy_samples,
            self.random_state,
        )

    def _pending_cases(self) -> list[tuple[int, int]]:
        """Rows and levels that fantasies are drawn for."""
        return [] if self.options.no_fantasizing else self._data.pending_cases(self._metric_name)

    def _known_rows(self, data: ModelData) -> IntArray:
        """Rows of configurations that compete for the incumbent: observed ones and pending ones."""
        pending = np.array([row for row, _ in self._pending_cases()], dtype=np.intp)
        rows = np.unique(np.concatenate([data.rows, pending]))
        searched = rows[self._data.is_searched(rows)]
        return searched if len(searched) else rows

    def _bind(
        self, conditioned: Mapping[str, Conditioned], data: ModelData, level: int
    ) -> tuple[BoundAcquisition, FloatArray]:
        """The acquisition function of configurations, and the known ones, best first."""
        model = conditioned[self._metric_name].at(level)
        others = {
            name: entry.at(level)
            for name, entry in conditioned.items()
            if name != self._metric_name
        }
        known = self._data.vectors(self._known_rows(data))
        bound = self.acquisition.bind(model, known, others)
        order = np.argsort(predicted_mean(model, known).mean(axis=1), kind="stable")
        return bound, known[order]

    # Reasons

    def _explain(
        self, proposal: Proposal, bound: BoundAcquisition, data: ModelData, level: int
    ) -> dict[str, Any]:
        points = np.stack([proposal.encoded, *proposal.beaten])
        predicted = self.predicted(bound.model, points)
        values = bound.acquisition.in_own_units(np.array([proposal.value, *proposal.beaten_values]))
        reason: dict[str, Any] = {
            "kind": "model",
            "model": self._model_name(),
            "acquisition": self.options.acq_function,
            "value": _finite(values[0]),
            "mean": _finite(predicted[0][0]),
            "std": _finite(predicted[1][0]),
            "num_data": len(data),
            "num_pending": len(self._pending_cases()),
            "num_candidates": proposal.num_candidates,
            "beaten": [
                {"value": _finite(value), "mean": _finite(mean), "std": _finite(std)}
                for value, mean, std in zip(
                    values[1:], predicted[0][1:], predicted[1][1:], strict=True
                )
            ],
        }
        if bound.best is not None and np.isfinite(bound.best).all():
            reason["incumbent"] = _finite(self._to_metric(self._to_targets(np.mean(bound.best))))
        if level:
            reason["level"] = level
        return reason

    def _model_name(self) -> str:
        return "gp"

    def predicted(self, model: Any, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Predicted means and standard deviations in the metric's own units, shapes (m,)."""
        prediction = model.predict(x)
        mean = prediction.mean.mean(axis=1)
        spread = prediction.mean.var(axis=1) + (prediction.std**2).mean(axis=1)
        std = np.sqrt(spread)
        if self.options.boxcox_transform:
            low, high = self._to_targets(mean - std), self._to_targets(mean + std)
            return self._to_metric(self._to_targets(mean)), np.asarray(0.5 * (high - low))
        return self._to_metric(mean), std * self._scales[self._metric_name][1]

    def _to_targets(self, predicted: Any) -> Any:
        """Predictions in the scale of targets, where the model transforms them."""
        main = self._models[self._metric_name]
        return main.to_targets(predicted) if hasattr(main, "to_targets") else predicted

    def _to_metric(self, scaled: Any) -> Any:
        if self.options.boxcox_transform:
            shift = reward_constant(self.options.map_reward) if self.mode == "max" else 0.0
            return self._sign * (scaled - shift)
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
        self._models = {}
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


def _finite(value: Any) -> float | None:
    number = float(value)
    return number if np.isfinite(number) else None
