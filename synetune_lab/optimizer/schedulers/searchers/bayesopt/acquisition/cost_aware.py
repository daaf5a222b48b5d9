"""Expected improvement per unit of cost."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from synetune_lab.optimizer.schedulers.searchers.bayesopt.acquisition.base import (
    SMALLEST,
    AcquisitionFunction,
    Sensitivity,
    checked_number,
)
from synetune_lab.optimizer.schedulers.searchers.bayesopt.acquisition.expected_improvement import (
    check_jitter,
    log_expected_improvement,
)

if TYPE_CHECKING:
    from typing_extensions import Self

    from synetune_lab.gp.prediction import Prediction
    from synetune_lab.optimizer.schedulers.searchers.bayesopt.acquisition.base import FloatArray

__all__ = ["EIpuAcquisitionFunction"]

# Nothing is taken to be cheaper than this share of the cheapest configuration known.
_SHARE_OF_CHEAPEST = 0.1
_SMALLEST_COST = 1e-12


class EIpuAcquisitionFunction(AcquisitionFunction):
    """Minus the logarithm of expected improvement over a power of the predicted cost.

    The cost is the mean prediction of the one other model, averaged over columns; standard
    deviations of that model are not used. A model can predict costs that are not positive. They
    count as `cost_floor`.

    Snoek, Larochelle, Adams 2012, https://arxiv.org/abs/1206.2944.

    Args:
        exponent_cost: Power of the cost, in (0, 1].
        jitter: See `EIAcquisitionFunction`.

    Attributes:
        cost_floor: Smallest cost, in units of the predicted cost. `adapted_to` sets it to a tenth
            of the smallest positive cost that is predicted where configurations were suggested.

    Raises:
        SchedulerError: If an argument is out of range.
    """

    num_others = 1

    def __init__(self, exponent_cost: float = 1.0, jitter: float = 0.01) -> None:
        self.exponent_cost = checked_number(
            "exponent_cost", exponent_cost, SMALLEST, 1.0, "a number in (0, 1]"
        )
        self.jitter = check_jitter(jitter)
        self.cost_floor = _SMALLEST_COST

    def adapted_to(self, others: Mapping[str, Prediction]) -> Self:
        """This function with a floor for the costs (see `AcquisitionFunction.adapted_to`)."""
        (cost,) = others.values()
        costs = np.mean(cost.mean, axis=1)
        cheapest = np.min(costs, where=costs > 0.0, initial=np.inf)
        adapted = copy.copy(self)
        if np.isfinite(cheapest):
            adapted.cost_floor = max(_SHARE_OF_CHEAPEST * float(cheapest), _SMALLEST_COST)
        return adapted

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
        ((name, cost),) = (others or {}).items()
        gain, slope = log_expected_improvement(prediction, best, self.jitter)
        costs = np.mean(cost.mean, axis=1, keepdims=True)
        floored = np.maximum(costs, self.cost_floor)
        share = np.where(costs > self.cost_floor, self.exponent_cost / floored, 0.0)
        by_cost = Sensitivity(
            np.broadcast_to(share / cost.mean.shape[1], cost.mean.shape),
            np.zeros_like(cost.std),
        )
        values = self.exponent_cost * np.log(floored[:, 0]) - gain
        return values, Sensitivity(-slope.mean, -slope.std), {name: by_cost}

    def in_own_units(self, values: FloatArray) -> FloatArray:
        """Values as expected improvements per unit of cost."""
        return np.exp(-np.asarray(values))
