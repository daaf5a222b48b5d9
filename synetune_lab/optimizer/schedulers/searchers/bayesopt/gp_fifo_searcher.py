"""Bayesian optimisation of trials that run to their end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from synetune_lab.gp.optimize import OptimizationConfig
from synetune_lab.gp.process import KernelProcess
from synetune_lab.gp.regression import GaussianProcessRegression
from synetune_lab.gp.target_transforms import BoxCoxTransform
from synetune_lab.optimizer.schedulers.searchers.bayesopt.kernels import (
    NOISE_PRIOR,
    base_kernel,
    base_mean,
    check_own_parts,
)
from synetune_lab.optimizer.schedulers.searchers.bayesopt.metric_model import GPMetricModel
from synetune_lab.optimizer.schedulers.searchers.bayesopt.model_searcher import ModelBasedSearcher
from synetune_lab.optimizer.schedulers.searchers.bayesopt.options import GPOptions, parse
from synetune_lab.optimizer.schedulers.searchers.bayesopt.refit import RefitRule

if TYPE_CHECKING:
    from synetune_lab.optimizer.schedulers.searchers.bayesopt.metric_model import MetricModel
    from synetune_lab.optimizer.schedulers.searchers.bayesopt.model_space import ModelSpace

__all__ = ["GPFIFOSearcher", "fit_config", "gp_metric_model", "refit_rule"]

# A derivative of a hundredth of a nat is noise; what is gained below it is not worth the time.
_GRADIENT_TOLERANCE = 1e-2
_WARM_GRADIENT_TOLERANCE = 0.1
_TOLERANCE = 1e-5


class GPFIFOSearcher(ModelBasedSearcher):
    """Chooses what a Gaussian process of past results lets expect the largest improvement of.

    Snoek, Larochelle, Adams: Practical Bayesian Optimization of Machine Learning Algorithms,
    https://arxiv.org/abs/1206.2944.

    Args:
        config_space: See `BaseSearcher`.
        metric: See `BaseSearcher`.
        points_to_evaluate: See `BaseSearcher`.
        allow_duplicates: See `StochasticAndFilterDuplicatesSearcher`.
        mode: See `BaseSearcher`.
        random_seed: See `StochasticSearcher`.
        random_seed_generator: See `StochasticSearcher`.
        resource_attr: Name of the resource in reports; not needed.
        options: Fields of `GPOptions`.

    Raises:
        SchedulerError: If an option is unknown or out of range.
    """

    options_class: ClassVar[type[GPOptions]] = GPOptions

    def __init__(
        self,
        config_space: Mapping[str, Any],
        metric: str,
        points_to_evaluate: Sequence[Mapping[str, Any]] | None = None,
        allow_duplicates: bool | None = None,
        *,
        mode: str = "min",
        random_seed: int | None = None,
        random_seed_generator: Callable[[], int] | None = None,
        resource_attr: str | None = None,
        **options: Any,
    ) -> None:
        self._resource_attr = resource_attr
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

    def _make_models(self) -> dict[str, MetricModel]:
        return {self._metric_name: gp_metric_model(self.options, self._data.space)}


def gp_metric_model(
    options: GPOptions, space: ModelSpace, boxcox: bool | None = None
) -> GPMetricModel:
    """The Gaussian process of one metric over configurations that options ask for."""
    if boxcox is None:
        boxcox = options.boxcox_transform
    regression = GaussianProcessRegression(
        KernelProcess(base_kernel(options, space), base_mean(options, space)),
        BoxCoxTransform() if boxcox else None,
        optimization=fit_config(options),
        noise_prior=NOISE_PRIOR,
    )
    return GPMetricModel(
        regression,
        refit_rule(options),
        mcmc=options.gp_inference == "mcmc",
        verbose=options.opt_verbose,
    )


def fit_config(options: GPOptions) -> OptimizationConfig:
    """How parameters are sought."""
    return OptimizationConfig(
        _TOLERANCE,
        options.opt_maxiter,
        options.opt_nstarts,
        _GRADIENT_TOLERANCE,
        _WARM_GRADIENT_TOLERANCE,
    )


def refit_rule(options: GPOptions) -> RefitRule:
    """When parameters are sought."""
    return RefitRule(
        options.opt_skip_init_length,
        options.opt_skip_period,
        getattr(options, "opt_skip_num_max_resource", False),
        options.opt_warmstart,
    )
