"""Expected improvement, on a logarithmic scale."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from synetune_lab.errors import SchedulerError
from synetune_lab.optimizer.schedulers.searchers.bayesopt.acquisition.base import (
    LARGEST,
    AcquisitionFunction,
    Sensitivity,
    as_row,
    checked_number,
)
from synetune_lab.optimizer.schedulers.searchers.bayesopt.acquisition.normal import (
    log_improvement,
    log_mean_exp,
)

if TYPE_CHECKING:
    from synetune_lab.gp.prediction import Prediction
    from synetune_lab.optimizer.schedulers.searchers.bayesopt.acquisition.base import FloatArray

__all__ = ["EIAcquisitionFunction", "log_expected_improvement"]

# A model that is certain is as good as one this sure, and nothing overflows.
_SMALLEST_STD = 1e-100
_LARGEST_QUANTILE = 1e100


class EIAcquisitionFunction(AcquisitionFunction):
    """Minus the logarithm of the expected improvement on the incumbent.

    The expectation is averaged over columns before the logarithm is taken. So the minimum is where
    expected improvement is largest, and the value still tells inputs apart where the improvement
    itself is too small for a floating-point number.

    Mockus, Tiesis, Zilinskas 1978; Ament et al. 2023, https://arxiv.org/abs/2310.20708.

    Args:
        jitter: An improvement counts from this much below the incumbent. At least 0, in units of
            the predicted metric.

    Raises:
        SchedulerError: If `jitter` is negative or not finite.
    """

    def __init__(self, jitter: float = 0.01) -> None:
        self.jitter = check_jitter(jitter)

    def value(
        self,
        prediction: Prediction,
        best: FloatArray | None = None,
        others: Mapping[str, Prediction] | None = None,
    ) -> FloatArray:
        """See `AcquisitionFunction.value`."""
        return self.value_with_gradient(prediction, best, others)[0]

    def value_with_gradient(
        self,
        prediction: Prediction,
        best: FloatArray | None = None,
        others: Mapping[str, Prediction] | None = None,
    ) -> tuple[FloatArray, Sensitivity, dict[str, Sensitivity]]:
        """See `AcquisitionFunction.value_with_gradient`."""
        del others
        log_improvement, slope = log_expected_improvement(prediction, best, self.jitter)
        return -log_improvement, Sensitivity(-slope.mean, -slope.std), {}

    def in_own_units(self, values: FloatArray) -> FloatArray:
        """Values as expected improvements; those below 1e-300 or so become 0."""
        return np.exp(-np.asarray(values))


def check_jitter(jitter: Any) -> float:
    """The jitter of an expected improvement.

    Raises:
        SchedulerError: If it is negative or not finite.
    """
    return checked_number("jitter", jitter, 0.0, LARGEST, "finite and at least 0")


def log_expected_improvement(
    prediction: Prediction, best: FloatArray | None, jitter: float
) -> tuple[FloatArray, Sensitivity]:
    """Logarithm of the expected improvement, averaged over columns before the logarithm.

    Args:
        prediction: Prediction of the metric.
        best: Incumbent of each column, shape (k,) or (1, k).
        jitter: An improvement counts from this much below the incumbent.

    Returns:
        Shape (m,), and the derivatives.

    Raises:
        SchedulerError: If there is no incumbent.
    """
    incumbent = as_row(best)
    if incumbent is None:
        raise SchedulerError("best=None: an expected improvement needs an incumbent")
    std = np.maximum(prediction.std, _SMALLEST_STD)
    u = ((incumbent - jitter) - prediction.mean) / std
    u = np.clip(u, -_LARGEST_QUANTILE, _LARGEST_QUANTILE)
    values, slope, complement = log_improvement(u)
    averages, weights = log_mean_exp(values + np.log(std))
    weights = weights / std
    by_std = weights * complement
    if std.shape[1] < by_std.shape[1]:
        by_std = np.sum(by_std, axis=1, keepdims=True)
    return averages, Sensitivity(-weights * slope, by_std)
