"""The documented models of configurations and resources, by name."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from synetune_lab.errors import SchedulerError
from synetune_lab.gp.kernels.cross_validation import CrossValidationProcess
from synetune_lab.gp.kernels.exponential_decay import ExponentialDecayProcess
from synetune_lab.gp.kernels.freeze_thaw import FreezeThawProcess
from synetune_lab.gp.kernels.matern import Matern52
from synetune_lab.gp.kernels.warped import WarpedKernel
from synetune_lab.gp.means import Mean
from synetune_lab.gp.process import KernelProcess, Process

if TYPE_CHECKING:
    import numpy.typing as npt

    from synetune_lab.gp.kernels.base import Kernel
    from synetune_lab.gp.means import Pullback

    FloatArray = npt.NDArray[np.float64]

__all__ = ["RESOURCE_PROCESSES", "resource_process"]


def resource_process(name: str, kernel_x: Kernel, mean_x: Mean, r_max: int) -> Process:
    """A process over (x, r) from a kernel and a mean over x.

    Args:
        name: One of `RESOURCE_PROCESSES`.
        kernel_x: Kernel of configurations. For `matern52` and `matern52-res-warp`, whether it has a
            covariance scale and which coordinates it warps carries over to one Matern kernel of
            (x, r), with an inverse bandwidth for each coordinate.
        mean_x: Mean of configurations.
        r_max: Largest resource.

    Returns:
        A process whose last coordinate is the resource, encoded to [0, 1].

    Raises:
        SchedulerError: If the name is unknown, or `kernel_x` can't be carried over.
    """
    if name not in _BUILDERS:
        near = difflib.get_close_matches(str(name), RESOURCE_PROCESSES, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(RESOURCE_PROCESSES)}"
        raise SchedulerError(f"gp_resource_kernel={name!r} is unknown; {hint}")
    return _BUILDERS[name](kernel_x, mean_x, r_max)


def _exponential_decay(
    delta_fixed_value: float | None,
) -> Callable[[Kernel, Mean, int], Process]:
    return lambda kernel_x, mean_x, _: ExponentialDecayProcess(
        kernel_x, mean_x, delta_fixed_value=delta_fixed_value
    )


def _matern(warp_resource: bool) -> Callable[[Kernel, Mean, int], Process]:
    def build(kernel_x: Kernel, mean_x: Mean, r_max: int) -> Process:  # noqa: ARG001
        warped: list[int] = []
        inner = kernel_x
        while isinstance(inner, WarpedKernel):
            warped.extend(inner.coordinates.tolist())
            inner = inner.kernel
        if not isinstance(inner, Matern52):
            raise SchedulerError(
                f"kernel_x is a {type(inner).__name__}; with a Matern kernel of configuration and "
                "resource it must be a Matern52, warped or not"
            )
        if warp_resource:
            warped.append(kernel_x.dimension)
        kernel: Kernel = Matern52(
            kernel_x.dimension + 1,
            ARD=True,
            has_covariance_scale=inner.has_covariance_scale,
            bandwidth_prior=inner.parameters[0].prior,
        )
        if warped:
            kernel = WarpedKernel(kernel, warped)
        return KernelProcess(kernel, _ConfigurationMean(mean_x))

    return build


_BUILDERS: dict[str, Callable[[Kernel, Mean, int], Process]] = {
    "exp-decay-sum": _exponential_decay(0.0),
    "exp-decay-combined": _exponential_decay(None),
    "exp-decay-delta1": _exponential_decay(1.0),
    "freeze-thaw": lambda kernel_x, mean_x, _: FreezeThawProcess(kernel_x, mean_x),
    "matern52": _matern(warp_resource=False),
    "matern52-res-warp": _matern(warp_resource=True),
    "cross-validation": lambda kernel_x, mean_x, r_max: CrossValidationProcess(
        kernel_x, kernel_x, mean_x, num_folds=r_max
    ),
}

RESOURCE_PROCESSES: tuple[str, ...] = tuple(_BUILDERS)
"""Names that `resource_process` knows; the first is the default of MOBSTER."""


class _ConfigurationMean(Mean):
    """A mean of configurations as one of (x, r)."""

    def __init__(self, mean_x: Mean) -> None:
        super().__init__(mean_x.parameters)
        self.mean_x = mean_x

    def forward(self, theta: FloatArray, x: FloatArray) -> FloatArray:
        return self.mean_x.forward(theta, x[:, :-1])

    def with_pullback_to_theta(
        self, theta: FloatArray, x: FloatArray
    ) -> tuple[FloatArray, Pullback]:
        return self.mean_x.with_pullback_to_theta(theta, x[:, :-1])

    def with_pullback_to_inputs(
        self, theta: FloatArray, x: FloatArray
    ) -> tuple[FloatArray, Pullback]:
        values, pullback = self.mean_x.with_pullback_to_inputs(theta, x[:, :-1])
        return values, lambda by: np.pad(pullback(by), ((0, 0), (0, 1)))
