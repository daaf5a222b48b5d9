"""The prior of a metric over encoded configurations, by the options of a searcher."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from synetune_lab.config_space.discrete import Categorical, Ordinal
from synetune_lab.gp.kernels.combined import ProductKernel, RangeKernel
from synetune_lab.gp.kernels.matern import Matern52
from synetune_lab.gp.kernels.warped import WarpedKernel
from synetune_lab.gp.priors import LogNormal

if TYPE_CHECKING:
    from synetune_lab.gp.kernels.base import Kernel
    from synetune_lab.optimizer.schedulers.searchers.bayesopt.model_space import ModelSpace
    from synetune_lab.optimizer.schedulers.searchers.bayesopt.options import GPOptions

__all__ = ["bandwidth_prior", "base_kernel"]

_LOG_MODE = 0.3
_LOG_STD = 1.2


def base_kernel(
    options: GPOptions, space: ModelSpace, has_covariance_scale: bool | None = None
) -> Kernel:
    """The kernel of configurations that options ask for.

    Args:
        options: Options.
        space: Encoding of configurations.
        has_covariance_scale: Overrides that of the options.
    """
    ranges = space.ranges
    ard = options.gp_base_kernel == "matern52-ard"
    scale = options.has_covariance_scale if has_covariance_scale is None else has_covariance_scale
    size = ranges.ndarray_size
    prior = bandwidth_prior(size)
    task = options.transfer_learning_task_attr
    if task is not None:
        num_task = ranges.encoded_ranges[task][1]
        rest = Matern52(size - num_task, ARD=ard, has_covariance_scale=scale, bandwidth_prior=prior)
        if options.transfer_learning_model == "matern52_same":
            return RangeKernel(size, rest, num_task)
        of_task = Matern52(num_task, has_covariance_scale=False)
        return ProductKernel(of_task, rest, ("task_", ""))
    kernel = Matern52(size, ARD=ard, has_covariance_scale=scale, bandwidth_prior=prior)
    if options.input_warping:
        bent = [
            k
            for name, (begin, end) in ranges.encoded_ranges.items()
            if _can_be_bent(ranges.config_space[name])
            for k in range(begin, end)
        ]
        if bent:
            return WarpedKernel(kernel, bent)
    return kernel


def bandwidth_prior(dimension: int) -> LogNormal:
    """A weak prior of inverse bandwidths, whose mode falls with the dimension as distances grow.

    Without one, a handful of observations are explained by noise, or by one coordinate alone.
    Hvarfner, Hellsten, Nardi: Vanilla Bayesian Optimization Performs Great in High Dimensions,
    https://arxiv.org/abs/2402.02229.
    """
    log_mode = _LOG_MODE - 0.5 * math.log(dimension)
    return LogNormal(log_mode + _LOG_STD**2, _LOG_STD)


def _can_be_bent(domain: object) -> bool:
    return isinstance(domain, Ordinal) or not isinstance(domain, Categorical)
