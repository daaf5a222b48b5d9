"""Bayesian optimisation with an estimator of the user's as the model."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from synetune_lab.errors import SchedulerError
from synetune_lab.optimizer.schedulers.searchers.bayesopt.acquisition.base import (
    AcquisitionFunction,
)
from synetune_lab.optimizer.schedulers.searchers.bayesopt.acquisition.expected_improvement import (
    EIAcquisitionFunction,
)
from synetune_lab.optimizer.schedulers.searchers.bayesopt.acquisition.factory import (
    ACQUISITION_FUNCTIONS,
)
from synetune_lab.optimizer.schedulers.searchers.bayesopt.gp_fifo_searcher import refit_rule
from synetune_lab.optimizer.schedulers.searchers.bayesopt.model_searcher import (
    EI_JITTER,
    ModelBasedSearcher,
)
from synetune_lab.optimizer.schedulers.searchers.bayesopt.options import GPOptions
from synetune_lab.optimizer.schedulers.searchers.bayesopt.targets import scaled_targets, tamed
from synetune_lab.optimizer.schedulers.searchers.sklearn.estimator import SKLearnEstimator
from synetune_lab.optimizer.schedulers.searchers.sklearn.metric_model import EstimatorModel
from synetune_lab.optimizer.schedulers.searchers.sklearn.regressors import RegressorEstimator

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from synetune_lab.optimizer.schedulers.searchers.bayesopt.acquisition.base import (
        BoundAcquisition,
    )
    from synetune_lab.optimizer.schedulers.searchers.bayesopt.metric_model import (
        Conditioned,
        MetricModel,
        ModelData,
    )
    from synetune_lab.optimizer.schedulers.searchers.bayesopt.proposal import Proposal

    FloatArray = npt.NDArray[np.float64]

__all__ = ["SKLearnSurrogateSearcher"]


class SKLearnSurrogateSearcher(ModelBasedSearcher):
    """Chooses the best of many candidates by a model of the user's.

    The acquisition function is not optimised beyond them, unless predictors implement
    `backward_gradient`. Trials whose result is pending are not in the model; their configurations
    do not come a second time. Where the estimator can't be fitted, as to too few data, a random
    configuration is suggested.

    Args:
        config_space: See `BaseSearcher`.
        metric: See `BaseSearcher`.
        estimator: A `SKLearnEstimator`, or any regressor with `fit(X, y)` and `predict(X)`. As to
            standard deviations of the latter, see `RegressorEstimator`: they come from
            `return_std=True`, from the trees of a forest, or from the bootstrap.
        points_to_evaluate: See `BaseSearcher`.
        scoring_class: Class of the acquisition function, or another callable that makes one; an
            acquisition function itself will do. None: expected improvement, with the jitter of
            other searchers.
        num_initial_candidates: Number of random candidates for each suggestion.
        num_initial_random_choices: So many configurations are given before the model is used:
            `points_to_evaluate` first, then random ones.
        allow_duplicates: See `StochasticAndFilterDuplicatesSearcher`.
        restrict_configurations: See `StochasticAndFilterDuplicatesSearcher`.
        mode: See `BaseSearcher`. None: the scheduler's; `min` without a scheduler.
        random_seed: See `StochasticSearcher`.
        random_seed_generator: See `StochasticSearcher`.

    Raises:
        SchedulerError: If an argument is out of range.
    """

    def __init__(
        self,
        config_space: Mapping[str, Any],
        metric: str,
        estimator: Any,
        points_to_evaluate: Sequence[Mapping[str, Any]] | None = None,
        scoring_class: Callable[[], AcquisitionFunction] | AcquisitionFunction | None = None,
        num_initial_candidates: int = 250,
        num_initial_random_choices: int = 3,
        allow_duplicates: bool = False,
        restrict_configurations: Sequence[Mapping[str, Any]] | None = None,
        *,
        mode: str | None = None,
        random_seed: int | None = None,
        random_seed_generator: Callable[[], int] | None = None,
    ) -> None:
        self._scoring = _scoring(scoring_class)
        self._mode_is_given = mode is not None
        counts: list[tuple[str, Any, int]] = [
            ("num_initial_candidates", num_initial_candidates, 1),
            ("num_initial_random_choices", num_initial_random_choices, 0),
        ]
        for name, value, least in counts:
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise SchedulerError(f"{name}={value!r} must be a whole number from {least}")
        super().__init__(
            config_space,
            metric,
            points_to_evaluate,
            allow_duplicates,
            GPOptions(
                num_init_random=num_initial_random_choices,
                num_init_candidates=num_initial_candidates,
                no_fantasizing=True,
                skip_local_optimization=True,
                restrict_configurations=restrict_configurations,
            ),
            mode=mode or "min",
            random_seed=random_seed,
            random_seed_generator=random_seed_generator,
        )
        self._estimator = _estimator(estimator, self.random_seed)

    def configure_scheduler(self, scheduler: Any) -> None:
        """Take the mode, if none was given; refuse schedulers with rungs.

        Raises:
            SchedulerError: If it is one, or its mode is another one than was given.
        """
        if hasattr(type(scheduler), "resource_attr"):
            raise SchedulerError(
                f"{type(self).__name__} does not tell resource levels apart, so that it can't work "
                f"with {type(scheduler).__name__}; use FIFOScheduler"
            )
        mode = getattr(scheduler, "mode", self.mode)
        if self._mode_is_given and mode != self.mode:
            raise SchedulerError(
                f"mode={self.mode!r} of {type(self).__name__} must be that of its scheduler, "
                f"{mode!r}"
            )
        super().configure_scheduler(scheduler)

    def _make_acquisition(self) -> AcquisitionFunction:
        return self._scoring

    def _make_models(self) -> dict[str, MetricModel]:
        # A copy: what it learns is the state of this searcher.
        model = EstimatorModel(copy.deepcopy(self._estimator), refit_rule(self.options))
        return {self._metric_name: model}

    def _targets(self, metric: str, values: FloatArray) -> FloatArray:
        scaled = scaled_targets(values)
        self._scales[metric] = scaled.mean, scaled.std
        return scaled.values if self._estimator.normalize_targets else tamed(values)

    def _bind(
        self, conditioned: Mapping[str, Conditioned], data: ModelData, level: int
    ) -> tuple[BoundAcquisition, FloatArray]:
        bound, known = super()._bind(conditioned, data, level)
        is_local = bound.has_gradient and self._restricted is None
        self.options = replace(self.options, skip_local_optimization=not is_local)
        return bound, known

    def _model_name(self) -> str:
        estimator = self._estimator
        own = estimator.regressor if isinstance(estimator, RegressorEstimator) else estimator
        return type(own).__name__

    def _explain(
        self, proposal: Proposal, bound: BoundAcquisition, data: ModelData, level: int
    ) -> dict[str, Any]:
        names = {cls: name for name, cls in ACQUISITION_FUNCTIONS.items()}
        cls = type(self.acquisition)
        reason = super()._explain(proposal, bound, data, level)
        return {**reason, "acquisition": names.get(cls, cls.__name__)}


def _estimator(given: Any, random_seed: int) -> Any:
    """The estimator as a `SKLearnEstimator`."""
    if isinstance(given, type) or not callable(getattr(given, "fit", None)):
        raise SchedulerError(
            f"estimator={given!r} must be a SKLearnEstimator, or an object with fit(X, y) and "
            "predict(X)"
        )
    if isinstance(given, SKLearnEstimator):
        return given
    if "update_params" in inspect.signature(given.fit).parameters:
        raise SchedulerError(
            f"estimator={given!r} has fit(X, y, update_params); make it a subclass of "
            "SKLearnEstimator"
        )
    if not callable(getattr(given, "predict", None)):
        raise SchedulerError(f"estimator={given!r} must have predict(X)")
    return RegressorEstimator(given, random_seed)


def _scoring(given: Any) -> AcquisitionFunction:
    """The acquisition function that `scoring_class` stands for."""
    if given is None or given is EIAcquisitionFunction:
        return EIAcquisitionFunction(EI_JITTER)
    made = given
    if not isinstance(made, AcquisitionFunction):
        if not callable(made):
            raise SchedulerError(f"scoring_class={given!r} must be a class, or None")
        made = made()
    if not isinstance(made, AcquisitionFunction):
        raise SchedulerError(f"scoring_class={given!r} must make an AcquisitionFunction")
    if made.num_others:
        raise SchedulerError(
            f"scoring_class={given!r} needs models of further metrics, which there are none of"
        )
    return made
