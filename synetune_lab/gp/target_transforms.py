"""Maps of targets whose parameter is learnt together with those of the kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from synetune_lab.errors import SchedulerError
from synetune_lab.gp.parameters import Parameter

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

__all__ = ["BoxCoxTransform"]

# Below it, the power is replaced by the first terms of its series.
_SMALL_LAMBDA = 1e-5
_LEAST_TARGET = 1e-10
_MIN_NUM_DATA = 5


class BoxCoxTransform:
    """The Box-Cox transform of positive targets, ((y / g)^λ - 1) / (λ s).

    Box, Cox: An Analysis of Transformations, Journal of the Royal Statistical Society B 26 (1964).
    With the geometric mean g of the targets as their unit, the Jacobian is the same for all λ; the
    standard deviation s of log y keeps the transformed targets at the size that priors expect.

    Args:
        initial_lambda: λ where a fit begins, and that of fewer than 5 targets.
    """

    def __init__(self, initial_lambda: float = 0.5) -> None:
        self.parameter = Parameter("boxcox_lambda", initial_lambda, -1.0, 2.0, encoding="identity")
        self.initial_lambda = initial_lambda
        self._log_mean = 0.0
        self._log_std = 1.0
        self.learns = False

    def adapt(self, targets: FloatArray) -> None:
        """Take the unit from targets, shape (n,), and see whether there are enough to learn λ.

        Raises:
            SchedulerError: If a target is not positive.
        """
        least = float(targets.min(initial=np.inf))
        if least <= 0:
            raise SchedulerError(
                f"boxcox_transform=True needs positive targets, got {least:g}; leave it out"
            )
        logs = np.log(np.maximum(targets, _LEAST_TARGET))
        self._log_mean = float(logs.mean())
        self._log_std = max(float(logs.std()), 1e-8)
        self.learns = len(targets) >= _MIN_NUM_DATA

    def forward(self, power: float, targets: FloatArray) -> FloatArray:
        """Transformed targets."""
        power = self._power(power)
        u = np.log(np.maximum(targets, _LEAST_TARGET)) - self._log_mean
        if abs(power) < _SMALL_LAMBDA:
            return (u + 0.5 * power * u * u) / self._log_std
        transformed: FloatArray = np.expm1(power * u) / (power * self._log_std)
        return transformed

    def by_lambda(self, power: float, targets: FloatArray) -> FloatArray:
        """Derivatives of the transformed targets by λ, if it is learnt."""
        if not self.learns:
            return np.zeros(len(targets))
        u = np.log(np.maximum(targets, _LEAST_TARGET)) - self._log_mean
        if abs(power) < _SMALL_LAMBDA:
            return (0.5 * u * u + power * u**3 / 3.0) / self._log_std
        growth = np.exp(power * u)
        slope: FloatArray = (u * growth - np.expm1(power * u) / power) / (power * self._log_std)
        return slope

    def inverse(self, power: float, transformed: FloatArray) -> FloatArray:
        """Targets of transformed ones."""
        power = self._power(power)
        z = np.asarray(transformed) * self._log_std
        if abs(power) < _SMALL_LAMBDA:
            u = z * (1.0 - 0.5 * z * power)
        else:
            u = np.log1p(np.maximum(z * power, -1.0 + 1e-12)) / power
        return np.exp(u + self._log_mean)

    def _power(self, power: float) -> float:
        return power if self.learns else self.initial_lambda
