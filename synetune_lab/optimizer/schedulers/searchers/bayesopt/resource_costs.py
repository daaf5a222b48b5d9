"""Costs of trials by the resource that they had spent, and what a cost model makes of them."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from synetune_lab.errors import InvalidReportError, SchedulerError
from synetune_lab.gp.prediction import Prediction
from synetune_lab.optimizer.schedulers.searchers.bayesopt.second_models import (
    ConstantPosterior,
    reported_number,
    tamed_costs,
)
from synetune_lab.surrogates.cost_models.base import CostData, CostModel

if TYPE_CHECKING:
    import numpy.typing as npt

    from synetune_lab.optimizer.schedulers.searchers.base import Config
    from synetune_lab.optimizer.schedulers.searchers.bayesopt.trial_data import (
        Observed,
        TrialData,
    )

    FloatArray = npt.NDArray[np.float64]

__all__ = ["ResourceCosts", "reported_cost"]

logger = logging.getLogger(__name__)

# Up to so many costs the model is updated for each new one, then when they have grown by 15 %.
_ALWAYS_UPDATED = 100
_GROWTH = 1.15
# Squares of larger ones would not be numbers.
_LARGEST_COST = 1e100


def reported_cost(
    owner: object, trial_id: str, result: Mapping[str, Any], name: str
) -> float | None:
    """The cost that a report holds; None, and a warning, if it can't be one.

    Raises:
        InvalidReportError: If it is missing or not a number.
    """
    cost = reported_number(owner, trial_id, result, name)
    if 0.0 <= cost <= _LARGEST_COST:
        return cost
    logger.warning(
        "trial %s reported %s=%s; a cost must be finite and at least 0, this one is passed over",
        trial_id,
        name,
        cost,
    )
    return None


class ResourceCosts:
    """Learns what it costs to run a configuration up to a resource, from every report.

    Args:
        cost_attr: Under which name costs are kept.
        cost_model: The model of them.
        resource_attr: Name of the resource in reports.

    Attributes:
        reported_as: Name of the cost in reports; at first `cost_attr`.

    Raises:
        SchedulerError: If `cost_model` is none.
    """

    def __init__(self, cost_attr: str, cost_model: Any, resource_attr: str) -> None:
        if not isinstance(cost_model, CostModel):
            raise SchedulerError(
                f"search_options: cost_model={cost_model!r} must be a CostModel (see "
                "synetune_lab.surrogates.cost_models)"
            )
        self.cost_attr = self.reported_as = cost_attr
        self.cost_model = cost_model
        self.resource_attr = resource_attr
        self._num_learnt = 0

    def take(
        self,
        owner: object,
        trials: TrialData,
        trial_id: str,
        config: Config,
        result: Mapping[str, Any],
    ) -> None:
        """Keep the cost of a report, whether or not the metric is learnt from it.

        Raises:
            InvalidReportError: If cost or resource is missing or no number; nothing is kept then.
        """
        cost = reported_cost(owner, trial_id, result, self.reported_as)
        level = reported_number(owner, trial_id, result, self.resource_attr)
        if not (level >= 1.0 and level.is_integer()):
            raise InvalidReportError(
                f"trial {trial_id} reported {self.resource_attr}={level!r}, but it must be a "
                "positive integer"
            )
        row = trials.row_of(trial_id, config)
        if cost is not None and row is not None:
            trials.of(self.cost_attr).put(row, int(level), cost)

    def forget(self) -> None:
        """Learn anew, as after an edit of the space."""
        self._num_learnt = 0

    def conditioned(
        self, trials: TrialData, constants: Mapping[str, Any], r_max: int | None, most: int | None
    ) -> Any:
        """Predictions of costs, for `at(level)`.

        Args:
            trials: Configurations, and costs by level.
            constants: Constants of the space, which cost models may use.
            r_max: What level 0 stands for; None for the highest one seen.
            most: About so many costs are learnt from; None for all.
        """
        observed = trials.of(self.cost_attr)
        if _is_same_for_all(observed):
            return ConstantPosterior(1.0)
        count = len(observed)
        if count <= _ALWAYS_UPDATED:
            is_due = count != self._num_learnt
        else:
            is_due = count >= _GROWTH * self._num_learnt
        if is_due or not self._num_learnt:
            costs = _costs_by_trial(observed, most)
            evaluations = [
                ({**constants, **config}, costs[row])
                for row in costs
                if (config := trials.space.complete(trials.configs[row])) is not None
            ]
            if not evaluations:
                return ConstantPosterior(1.0)
            self.cost_model.update(CostData(evaluations))
            self._num_learnt = count
        # One draw of a random model for each suggestion.
        self.cost_model.resample()
        highest = max(observed.levels) if r_max is None else r_max
        return ConditionedCosts(self.cost_model, trials, dict(constants), highest)


def _is_same_for_all(observed: Observed) -> bool:
    """Whether all trials cost the same, up to each level."""
    costs: dict[int, float] = {}
    return all(
        costs.setdefault(level, cost) == cost
        for level, cost in zip(observed.levels, observed.values, strict=True)
    )


def _costs_by_trial(observed: Observed, most: int | None) -> dict[int, dict[int, float]]:
    """Costs by row and level; with too many of them, the ends of each trial's, or of some trials'.

    Costs are linear in the resource, so that the lowest and highest level of a trial tell nearly
    all of it.
    """
    costs: dict[int, dict[int, float]] = {}
    values = tamed_costs(np.array(observed.values)).tolist()
    for row, level, cost in zip(observed.rows, observed.levels, values, strict=True):
        costs.setdefault(row, {})[level] = cost
    if most is None or len(observed) <= most:
        return costs
    ends = {
        row: {level: by_level[level] for level in {min(by_level), max(by_level)}}
        for row, by_level in costs.items()
    }
    num = max(most // 2, 1)
    if len(ends) > num:
        rows = list(ends)
        chosen = np.unique(np.linspace(0, len(rows) - 1, num).astype(int)).tolist()
        ends = {rows[place]: ends[rows[place]] for place in chosen}
    return ends


@dataclass(frozen=True)
class ConditionedCosts:
    """A cost model given data (see `Conditioned`)."""

    model: CostModel
    trials: TrialData
    constants: dict[str, Any]
    r_max: int

    def at(self, level: int) -> CostPosterior:
        """Costs up to a level; 0 for the maximum resource."""
        return CostPosterior(self, level or self.r_max)

    def with_fantasies(self, *_: Any) -> ConditionedCosts:
        """See `Conditioned.with_fantasies`; costs have none."""
        return self


@dataclass(frozen=True)
class CostPosterior:
    """Costs of encoded configurations up to a level. It lets no gradients through."""

    costs: ConditionedCosts
    level: int

    def predict(self, x: FloatArray) -> Prediction:
        """Costs (m, 1) at points (m, d), and zeros."""
        costs = self.costs
        decoded = costs.trials.space.ranges.from_ndarray_matrix(x)
        values = costs.model.sample_joint([{**costs.constants, **config} for config in decoded])
        means = np.array([value.c0 + self.level * value.c1 for value in values], dtype=np.float64)
        return Prediction(means[:, None], np.zeros((len(means), 1)))
