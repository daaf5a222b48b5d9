"""Bayesian optimisation under a constraint."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from scipy.special import ndtr

from synetune_lab.errors import SchedulerError
from synetune_lab.optimizer.schedulers.searchers.bayesopt.acquisition.constrained import (
    CEIAcquisitionFunction,
)
from synetune_lab.optimizer.schedulers.searchers.bayesopt.gp_fifo_searcher import (
    GPFIFOSearcher,
    gp_metric_model,
)
from synetune_lab.optimizer.schedulers.searchers.bayesopt.options import ConstrainedOptions
from synetune_lab.optimizer.schedulers.searchers.bayesopt.second_models import (
    ConstraintModel,
    check_second_name,
    data_of_same_trials,
    made_acquisition,
    reported_number,
)

if TYPE_CHECKING:
    from synetune_lab.optimizer.schedulers.searchers.base import Config
    from synetune_lab.optimizer.schedulers.searchers.bayesopt.acquisition.base import (
        AcquisitionFunction,
        BoundAcquisition,
    )
    from synetune_lab.optimizer.schedulers.searchers.bayesopt.metric_model import (
        MetricModel,
        ModelData,
    )
    from synetune_lab.optimizer.schedulers.searchers.bayesopt.proposal import Proposal

__all__ = ["ConstrainedGPFIFOSearcher"]

logger = logging.getLogger(__name__)


class ConstrainedGPFIFOSearcher(GPFIFOSearcher):
    """Optimises a metric where another reported value, the constraint, is at most 0.

    A second Gaussian process learns the constraint, and expected improvement is multiplied by the
    probability that a configuration is feasible. Until one is predicted to be, that probability
    alone counts. The scale of the constraint does not matter.

    Each report must hold the constraint; a trial that sends one without it fails. What is not
    finite counts as infeasible, which is logged; minus infinity is feasible.

    Gardner, Kusner, Xu, Weinberger, Cunningham: Bayesian Optimization with Inequality Constraints,
    https://proceedings.mlr.press/v32/gardner14.html.

    Args:
        config_space: See `GPFIFOSearcher`.
        metric: See `GPFIFOSearcher`.
        kwargs: Further arguments of `GPFIFOSearcher`. Options are fields of `ConstrainedOptions`;
            `constraint_attr` is mandatory.

    Raises:
        SchedulerError: If an option is missing, unknown or out of range.
    """

    options_class: ClassVar[type[ConstrainedOptions]] = ConstrainedOptions
    options: ConstrainedOptions

    def __init__(self, config_space: Any, metric: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(config_space, metric, *args, **kwargs)
        self._constraint_name = check_second_name(
            "constraint_attr", self.options.constraint_attr, self._metric_name
        )

    def configure_scheduler(self, scheduler: Any) -> None:
        """Refuse schedulers with rungs.

        Raises:
            SchedulerError: If it is one.
        """
        super().configure_scheduler(scheduler)
        if getattr(scheduler, "rung_levels", None) is not None:
            raise SchedulerError(
                f"{type(self).__name__} goes with schedulers that run trials to their end, not "
                f"with {type(scheduler).__name__}"
            )

    def _make_acquisition(self) -> AcquisitionFunction:
        made: AcquisitionFunction = made_acquisition(
            CEIAcquisitionFunction, self.options.acq_function_kwargs
        )
        return made

    def _make_models(self) -> dict[str, MetricModel]:
        constraint = gp_metric_model(self.options, self._data.space, boxcox=False)
        return {**super()._make_models(), self._constraint_name: ConstraintModel(constraint)}

    def _data_of(self, name: str, data: ModelData) -> ModelData:
        if name == self._metric_name:
            return data
        return data_of_same_trials(self._data, name, data)

    # What the scheduler tells

    def on_trial_result(
        self, trial_id: str, config: Config, result: dict[str, Any], update: bool
    ) -> None:
        """A trial reported (see `BaseSearcher.on_trial_result`).

        Raises:
            InvalidReportError: If the constraint is missing or not a number; the report has no
                effect then.
        """
        reported_number(self, trial_id, result, self._constraint_name)
        super().on_trial_result(trial_id, config, result, update)

    def _update(self, trial_id: str, config: Config, result: dict[str, Any]) -> None:
        super()._update(trial_id, config, result)
        value = float(result[self._constraint_name])
        if np.isnan(value) or value == np.inf:
            logger.warning(
                "trial %s reported %s=%s, which counts as infeasible",
                trial_id,
                self._constraint_name,
                value,
            )
        row = self._data.row_of(trial_id, config)
        assert row is not None
        self._data.of(self._constraint_name).put(row, 0, value)

    def remove_case(self, trial_id: str, **kwargs: Any) -> None:
        """Take a result out of both models again."""
        super().remove_case(trial_id, **kwargs)
        row = self._data.row_of(trial_id)
        if row is not None:
            self._data.of(self._constraint_name).remove(row, 0)

    def _explain(
        self, proposal: Proposal, bound: BoundAcquisition, data: ModelData, level: int
    ) -> dict[str, Any]:
        """Beside the rest: the predicted constraint, and the probability that it is feasible."""
        reason = super()._explain(proposal, bound, data, level)
        predicted = bound.others[self._constraint_name].predict(proposal.encoded[None, :])
        chances = ndtr(-predicted.mean / np.maximum(predicted.std, 1e-100))
        return {
            **reason,
            "constraint": float(predicted.mean.mean()),
            "probability_feasible": float(chances.mean()),
        }
