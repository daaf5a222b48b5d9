"""Expected improvement under a constraint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from synetune_lab.optimizer.schedulers.searchers.bayesopt.acquisition.base import (
    AcquisitionFunction,
    Sensitivity,
)
from synetune_lab.optimizer.schedulers.searchers.bayesopt.acquisition.expected_improvement import (
    check_jitter,
    log_expected_improvement,
)
from synetune_lab.optimizer.schedulers.searchers.bayesopt.acquisition.normal import (
    log_mean_exp,
    log_normal_cdf,
)

if TYPE_CHECKING:
    from synetune_lab.gp.prediction import Prediction
    from synetune_lab.optimizer.schedulers.searchers.bayesopt.acquisition.base import FloatArray

__all__ = ["CEIAcquisitionFunction"]

# As in the expected improvement.
_SMALLEST_STD = 1e-100
_LARGEST_QUANTILE = 1e100


class CEIAcquisitionFunction(AcquisitionFunction):
    """Minus the logarithm of expected improvement times the probability to be feasible.

    The one other model predicts the constraint; a configuration is feasible where it is at most 0.
    The incumbent is the best among configurations that are predicted to be feasible. As long as
    there is none, the probability alone counts. Columns of the two models are averaged each on its
    own.

    Gardner, Kusner, Xu, Weinberger, Cunningham 2014, Bayesian Optimization with Inequality
    Constraints (https://proceedings.mlr.press/v32/gardner14.html).

    Args:
        jitter: See `EIAcquisitionFunction`.

    Raises:
        SchedulerError: If `jitter` is negative or not finite.
    """

    num_others = 1

    def __init__(self, jitter: float = 0.01) -> None:
        self.jitter = check_jitter(jitter)

    def current_best(
        self, known: Prediction, others: Mapping[str, Prediction] | None = None
    ) -> FloatArray:
        """Smallest mean over feasible configurations (see `AcquisitionFunction.current_best`)."""
        (constraint,) = (others or {}).values()
        is_feasible = np.mean(constraint.mean, axis=1) <= 0.0
        best: FloatArray = np.min(known.mean[is_feasible], axis=0, initial=np.inf)
        return best

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
        """See `AcquisitionFunction.value_with_gradient`.

        Args:
            prediction: Prediction of the active metric.
            best: Best feasible value of each column; None or infinite if there is none.
            others: Prediction of the constraint by its name.
        """
        ((name, constraint),) = (others or {}).items()
        log_chance, by_constraint = _log_probability_feasible(constraint)
        if best is None or not np.all(np.isfinite(best)):
            nothing = Sensitivity(np.zeros_like(prediction.mean), np.zeros_like(prediction.std))
            return -log_chance, nothing, {name: by_constraint}
        gain, slope = log_expected_improvement(prediction, best, self.jitter)
        return (
            -gain - log_chance,
            Sensitivity(-slope.mean, -slope.std),
            {name: by_constraint},
        )

    def in_own_units(self, values: FloatArray) -> FloatArray:
        """Values as expected improvements times probabilities."""
        return np.exp(-np.asarray(values))


def _log_probability_feasible(constraint: Prediction) -> tuple[FloatArray, Sensitivity]:
    """Logarithm of P(constraint <= 0), shape (m,), and minus its derivatives."""
    std = np.maximum(constraint.std, _SMALLEST_STD)
    z = np.clip(-constraint.mean / std, -_LARGEST_QUANTILE, _LARGEST_QUANTILE)
    log_cdf, slope = log_normal_cdf(z)
    averages, weights = log_mean_exp(log_cdf)
    by_mean = weights * slope / std
    by_std = by_mean * z
    if std.shape[1] < by_std.shape[1]:
        by_std = np.sum(by_std, axis=1, keepdims=True)
    return averages, Sensitivity(by_mean, by_std)
