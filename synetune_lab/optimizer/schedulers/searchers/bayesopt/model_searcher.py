"""The base of searchers that choose by a surrogate model and an acquisition function."""

from __future__ import annotations

import copy
import logging
import math
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from synetune_lab.errors import SchedulerError
from synetune_lab.gp.blas_threads import one_blas_thread
from synetune_lab.optimizer.schedulers.searchers.bayesopt.acquisition.factory import (
    acquisition_function_factory,
)
from synetune_lab.optimizer.schedulers.searchers.bayesopt.metric_model import (
    ModelData,
    NotEnoughDataError,
    predicted_mean,
)
from synetune_lab.optimizer.schedulers.searchers.bayesopt.proposal import Proposal, propose
from synetune_lab.optimizer.schedulers.searchers.bayesopt.trial_data_searcher import (
    TrialDataSearcher,
)

if TYPE_CHECKING:
    import numpy.typing as npt

    from synetune_lab.optimizer.schedulers.searchers.base import Config, SpaceEditReport
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


class ModelBasedSearcher(TrialDataSearcher):
    """Bayesian optimisation: fit models to what was reported, and maximise an acquisition function.

    A subclass says which models there are (`_make_models`) and which values of reports they learn
    from; everything else is here and in `TrialDataSearcher`: data, pending trials, when to fit,
    candidates, local search, duplicates, edits of the space, and the reason of each choice.

    Args: See `TrialDataSearcher`.
    """

    _ei_jitter: ClassVar[float] = EI_JITTER
    _most_alike: ClassVar[int | None] = None

    _STATE: ClassVar[tuple[str, ...]] = (
        *TrialDataSearcher._STATE,
        "_models",
        "_num_random",
        "_fitted_version",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.acquisition = self._make_acquisition()
        self._models: dict[str, MetricModel] = {}
        self._num_random = 0
        self._fitted_version = -1  # of the data that parameters were last fitted to

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

    def _acquisition_level(self, data: ModelData, context: Mapping[str, Any]) -> int:  # noqa: ARG002
        """The level at which a new configuration is judged."""
        return 0

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
        if self._is_flat():
            return self._random("all values so far are the same")
        with one_blas_thread():
            return self._suggest(kwargs) or self._random()

    def _has_data(self) -> bool:
        return self.dataset_size() > 0

    def _is_flat(self) -> bool:
        """Whether several values are all the same.

        A model would learn that nothing matters, and stay in the corners of the space; what ends
        the plateau is found sooner by chance.
        """
        values = self._data.of(self._metric_name).values
        if len(values) < 2 or self.acquisition.num_others:
            return False
        return len({value for value in values if math.isfinite(value)}) < 2

    def _random(self, note: str = "") -> Config | None:
        self._num_random += 1
        self._reason = {"kind": "random", "note": note} if note else {"kind": "random"}
        if self.options.transfer_learning_task_attr is None or self._restricted is not None:
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
                self._most_alike,
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

    def get_batch_configs(
        self, batch_size: int, num_init_candidates_for_batch: int | None = None
    ) -> list[Config]:
        """Configurations to try together; the searcher itself does not change.

        They are chosen one after the other, each with those before it pending.

        Args:
            batch_size: How many.
            num_init_candidates_for_batch: `num_init_candidates` for all but the first; None for
                the same.

        Returns:
            The configurations; fewer if the space is exhausted.

        Raises:
            SchedulerError: If `batch_size` is not a whole number from 1.
        """
        if not _is_count(batch_size):
            raise SchedulerError(f"batch_size={batch_size!r} must be a whole number from 1")
        other = copy.deepcopy(self)
        configs: list[Config] = []
        for index in range(batch_size):
            name = f"batch {index}"
            config = other.get_config(trial_id=name)
            if config is None:
                break
            configs.append(config)
            other.register_pending(name, config, other._first_level())
            if num_init_candidates_for_batch is not None:
                other.options = replace(
                    other.options, num_init_candidates=num_init_candidates_for_batch
                )
        return configs

    def _restricted_configs(self) -> list[Config] | None:
        return None if self._restricted is None else [config for config, _ in self._restricted]

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

    def edit_space(
        self, config_space: Mapping[str, Any], defaults: Mapping[str, Any] | None = None
    ) -> SpaceEditReport:
        """Choose from another space; what was seen outside of it still informs the model."""
        report = super().edit_space(config_space, defaults)
        self._models = {}
        return report


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _finite(value: Any) -> float | None:
    number = float(value)
    return number if np.isfinite(number) else None
