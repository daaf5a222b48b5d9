"""Bayesian optimisation of trials that are judged at rungs: what MOBSTER chooses by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from synetune_lab.errors import SchedulerError
from synetune_lab.gp.independent import IndependentRegression
from synetune_lab.gp.kernels.resource import resource_process
from synetune_lab.gp.regression import GaussianProcessRegression
from synetune_lab.gp.target_transforms import BoxCoxTransform
from synetune_lab.optimizer.schedulers.searchers.bayesopt.curve_model import CurveMetricModel
from synetune_lab.optimizer.schedulers.searchers.bayesopt.data_cap import cap_multi_fidelity
from synetune_lab.optimizer.schedulers.searchers.bayesopt.gp_fifo_searcher import (
    fit_config,
    refit_rule,
)
from synetune_lab.optimizer.schedulers.searchers.bayesopt.kernels import (
    NOISE_PRIOR,
    base_kernel,
    base_mean,
    check_own_parts,
)
from synetune_lab.optimizer.schedulers.searchers.bayesopt.metric_model import GPMetricModel
from synetune_lab.optimizer.schedulers.searchers.bayesopt.model_searcher import ModelBasedSearcher
from synetune_lab.optimizer.schedulers.searchers.bayesopt.options import (
    MultiFidelityOptions,
    parse,
)

if TYPE_CHECKING:
    import numpy.typing as npt

    from synetune_lab.optimizer.schedulers.searchers.bayesopt.metric_model import (
        MetricModel,
        ModelData,
    )

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.intp]

__all__ = ["GPMultiFidelitySearcher"]


class GPMultiFidelitySearcher(ModelBasedSearcher):
    """Chooses by a model of the metric over configurations and resources.

    Klein, Tiao, Lienart, Archambeau, Seeger: Model-based Asynchronous Hyperparameter and Neural
    Architecture Search, https://arxiv.org/abs/2003.10865.

    Args:
        config_space: See `BaseSearcher`.
        metric: See `BaseSearcher`.
        points_to_evaluate: See `BaseSearcher`.
        allow_duplicates: See `StochasticAndFilterDuplicatesSearcher`.
        resource_attr: Name of the resource in reports; the scheduler gives it.
        mode: See `BaseSearcher`.
        random_seed: See `StochasticSearcher`.
        random_seed_generator: See `StochasticSearcher`.
        options: Fields of `MultiFidelityOptions`.

    Raises:
        SchedulerError: If an option is unknown or out of range.
    """

    # Rungs end a trial that is a little worse than others by chance: a model of their values is
    # not to be followed to the last digit.
    _ei_jitter: ClassVar[float] = 0.01
    # What a kernel of curves can't follow counts as noise, so that the model would have the best
    # configuration tried again and again, with a digit changed.
    _most_alike: ClassVar[int | None] = 2

    options_class: ClassVar[type[MultiFidelityOptions]] = MultiFidelityOptions
    options: MultiFidelityOptions

    def __init__(
        self,
        config_space: Mapping[str, Any],
        metric: str,
        points_to_evaluate: Sequence[Mapping[str, Any]] | None = None,
        allow_duplicates: bool | None = None,
        resource_attr: str | None = None,
        *,
        mode: str = "min",
        random_seed: int | None = None,
        random_seed_generator: Callable[[], int] | None = None,
        scheduler: str | None = None,
        **options: Any,
    ) -> None:
        if scheduler == "hyperband_synchronous" and self.options_class is MultiFidelityOptions:
            # Rungs fill one after the other there: independent models do as well, in less time.
            options.setdefault("model", "gp_independent")
        super().__init__(
            config_space,
            metric,
            points_to_evaluate,
            allow_duplicates,
            parse(self.options_class, options),
            mode=mode,
            random_seed=random_seed,
            random_seed_generator=random_seed_generator,
        )
        check_own_parts(self.options, self._data.space)
        self._resource_attr = resource_attr
        self._r_max = 0
        self._levels: list[int] = []  # rung levels and the maximum resource

    def configure_scheduler(self, scheduler: Any) -> None:
        """Take resource, maximum resource and rung levels from a scheduler with rungs.

        Raises:
            SchedulerError: If it has no rungs, or does not pass on what the model needs.
        """
        super().configure_scheduler(scheduler)
        levels = getattr(scheduler, "rung_levels", None)
        r_max = getattr(scheduler, "max_resource_level", None)
        if levels is None or r_max is None:
            raise SchedulerError(
                f"{type(self).__name__} goes with schedulers that have rungs, not with "
                f"{type(scheduler).__name__}"
            )
        self._resource_attr = scheduler.resource_attr
        self._r_max = int(r_max)
        self._levels = sorted({*(int(level) for level in levels), self._r_max})
        needs_all = self.options.model in ("gp_issm", "gp_expdecay")
        if needs_all and getattr(scheduler, "searcher_data", "all") != "all":
            raise SchedulerError(
                f"search_options: model={self.options.model!r} needs searcher_data='all', got "
                f"{scheduler.searcher_data!r}"
            )

    @property
    def rung_levels(self) -> list[int]:
        """Rung levels and the maximum resource, ascending."""
        return list(self._levels)

    def _make_models(self) -> dict[str, MetricModel]:
        return {self._metric_name: self._make_model()}

    def _make_model(self) -> MetricModel:
        options, space = self.options, self._data.space
        rule, fit = refit_rule(options), fit_config(options)
        if options.model in ("gp_issm", "gp_expdecay"):
            kernel = base_kernel(options, space)
            return CurveMetricModel(kernel, options, rule, fit, self._r_max)
        regression: Any
        if options.model == "gp_independent":
            regression = IndependentRegression(
                base_kernel(options, space, has_covariance_scale=False),
                self._levels,
                self._r_max,
                options.separate_noise_variances,
                optimization=fit,
            )
        else:
            process = resource_process(
                options.gp_resource_kernel,
                base_kernel(options, space),
                base_mean(options, space),
                self._r_max,
            )
            transform = BoxCoxTransform() if options.boxcox_transform else None
            regression = GaussianProcessRegression(
                process, transform, optimization=fit, noise_prior=NOISE_PRIOR
            )
        return GPMetricModel(
            regression, rule, self._r_max, options.gp_inference == "mcmc", options.opt_verbose
        )

    def _model_name(self) -> str:
        return self.options.model

    # Levels

    def _level_of(self, result: Mapping[str, Any]) -> int:
        return int(result[self._resource_attr or ""])

    def _is_modelled(self, levels: IntArray) -> npt.NDArray[np.bool_]:
        if self.options.model == "gp_independent":
            # It has a part for each rung level and none between.
            return np.isin(levels, self._levels)
        return np.ones(len(levels), dtype=bool)

    def _pending_cases(self) -> list[tuple[int, int]]:
        cases = super()._pending_cases()
        if self.options.model == "gp_independent":
            return [case for case in cases if case[1] in self._levels]
        return cases

    def _first_level(self) -> int:
        return self._levels[0]

    def _num_at_max(self) -> int:
        return self._data.of(self._metric_name).num_at(self._r_max)

    def _cap(self, rows: IntArray, levels: IntArray, values: FloatArray) -> IntArray:
        most = self.options.max_size_data_for_model
        if most is None:
            return np.arange(len(values))
        return cap_multi_fidelity(rows, levels, most, self.random_state)

    def _acquisition_level(self, data: ModelData, context: Mapping[str, Any]) -> int:  # noqa: ARG002
        if self.options.model in ("gp_issm", "gp_expdecay"):
            return self._r_max
        if self.options.resource_acq == "first":
            bracket = int(context.get("bracket", 0))
            return self._levels[min(bracket, len(self._levels) - 1)]
        # The highest level with enough observations, as in BOHB.
        enough = self._data.space.ranges.ndarray_size
        counts = self._data.of(self._metric_name).counts()
        full = [level for level in self._levels if counts.get(level, 0) >= enough]
        return full[-1] if full else self._levels[0]
