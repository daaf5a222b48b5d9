"""The prior of a metric over encoded configurations, by the options of a searcher."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from synetune_lab.config_space.discrete import Categorical, Ordinal
from synetune_lab.errors import SchedulerError
from synetune_lab.gp.kernels.base import Kernel
from synetune_lab.gp.kernels.combined import ProductKernel, RangeKernel
from synetune_lab.gp.kernels.matern import Matern52
from synetune_lab.gp.kernels.warped import WarpedKernel
from synetune_lab.gp.means import Mean, ScalarMean
from synetune_lab.gp.parameters import ParameterVector
from synetune_lab.gp.priors import Gamma, LogNormal
from synetune_lab.gp.process import KernelProcess

if TYPE_CHECKING:
    import numpy.typing as npt

    from synetune_lab.optimizer.schedulers.searchers.bayesopt.model_space import ModelSpace
    from synetune_lab.optimizer.schedulers.searchers.bayesopt.options import GPOptions

__all__ = ["NOISE_PRIOR", "bandwidth_prior", "base_kernel", "base_mean", "check_own_parts"]

# Most metrics are known to a few hundredths of their spread; with a handful of observations, noise
# would explain them as well as a function does.
NOISE_PRIOR = Gamma(mean=0.2, alpha=1.0)
"""Prior of the noise variance, in units of the variance of the values."""

_LOG_MODE = 0.3
_LOG_STD = 1.2

_NUM_TRIED = 4


def base_kernel(
    options: GPOptions, space: ModelSpace, has_covariance_scale: bool | None = None
) -> Kernel:
    """The kernel of configurations that options ask for.

    Args:
        options: Options.
        space: Encoding of configurations.
        has_covariance_scale: Overrides that of the options.

    Raises:
        SchedulerError: If `gp_kernel` makes something else than a kernel of so many coordinates.
    """
    ranges = space.ranges
    ard = options.gp_base_kernel == "matern52-ard"
    scale = options.has_covariance_scale if has_covariance_scale is None else has_covariance_scale
    size = ranges.ndarray_size
    prior = bandwidth_prior(size)

    def of_coordinates(num: int) -> Kernel:
        if options.gp_kernel is not None:
            return _own_kernel(options.gp_kernel(num), num)
        return Matern52(num, ARD=ard, has_covariance_scale=scale, bandwidth_prior=prior)

    task = options.transfer_learning_task_attr
    if task is not None:
        num_task = ranges.encoded_ranges[task][1]
        rest = of_coordinates(size - num_task)
        kernel: Kernel = RangeKernel(size, rest, num_task)
        if options.transfer_learning_model != "matern52_same":
            of_task = Matern52(num_task, has_covariance_scale=False)
            kernel = ProductKernel(of_task, rest, ("task_", ""))
    else:
        kernel = of_coordinates(size)
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


def base_mean(options: GPOptions, space: ModelSpace) -> Mean:
    """The prior mean of configurations that options ask for.

    Raises:
        SchedulerError: If `gp_mean` makes something else than a mean.
    """
    if options.gp_mean is None:
        return ScalarMean()
    made = options.gp_mean(space.ranges.ndarray_size)
    if not isinstance(made, Mean):
        raise SchedulerError(f"search_options: gp_mean must make a Mean, got {made!r}")
    return made


def check_own_parts(options: GPOptions, space: ModelSpace) -> None:
    """Try a kernel and a mean of the user's on a few points, so that mistakes are told early.

    Raises:
        SchedulerError: If they can't be made, fail, or return what has another shape.
    """
    if options.gp_kernel is None and options.gp_mean is None:
        return
    process = KernelProcess(base_kernel(options, space), base_mean(options, space))
    theta = ParameterVector(process.parameters).initial
    x = np.random.RandomState(0).uniform(size=(_NUM_TRIED, process.dimension))
    try:
        with np.errstate(all="ignore"):
            mean, covariance, pullback = process.moments(theta, process.prepare(x))
            shapes = np.shape(mean), np.shape(covariance)
            if shapes == ((_NUM_TRIED,), (_NUM_TRIED, _NUM_TRIED)):
                gradient = pullback(np.ones(_NUM_TRIED), np.ones((_NUM_TRIED, _NUM_TRIED)))
                process.cross(theta, x, x)
    except Exception as error:
        raise SchedulerError(
            f"search_options: gp_kernel or gp_mean fails: {error!r}; is `forward` written with "
            "autograd.numpy?"
        ) from error
    if shapes != ((_NUM_TRIED,), (_NUM_TRIED, _NUM_TRIED)):
        raise SchedulerError(
            f"search_options: of n={_NUM_TRIED} points, gp_mean must give the shape (n,) and "
            f"gp_kernel (n, n), got {shapes[0]} and {shapes[1]}"
        )
    if not all(np.isfinite(part).all() for part in (mean, covariance, gradient)):
        raise SchedulerError(
            "search_options: gp_kernel or gp_mean, or its derivative, is not finite at its initial "
            "parameters; a square root or a norm has no derivative at 0"
        )
    if not _is_covariance(covariance):
        raise SchedulerError(
            "search_options: gp_kernel is no kernel: its matrix of a few points must be symmetric "
            f"and positive semidefinite, got {np.round(covariance, 3).tolist()}"
        )


def _is_covariance(matrix: npt.NDArray[np.float64]) -> bool:
    tolerance = 1e-6 * float(np.abs(matrix).max())
    is_symmetric = np.allclose(matrix, matrix.T, rtol=0.0, atol=tolerance)
    return is_symmetric and float(np.linalg.eigvalsh(matrix).min()) >= -tolerance


def _own_kernel(made: object, dimension: int) -> Kernel:
    if not isinstance(made, Kernel):
        raise SchedulerError(f"search_options: gp_kernel must make a Kernel, got {made!r}")
    if made.dimension != dimension:
        raise SchedulerError(
            f"search_options: gp_kernel made a kernel of {made.dimension} coordinates, but there "
            f"are {dimension}"
        )
    return made


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
