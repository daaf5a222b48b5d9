"""Bayesian optimisation that weighs improvements against what they cost."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from synetune_lab.config_space import Domain
from synetune_lab.errors import SchedulerError
from synetune_lab.optimizer.schedulers.searchers.bayesopt.acquisition.cost_aware import (
    EIpuAcquisitionFunction,
)
from synetune_lab.optimizer.schedulers.searchers.bayesopt.gp_fifo_searcher import (
    GPFIFOSearcher,
    gp_metric_model,
)
from synetune_lab.optimizer.schedulers.searchers.bayesopt.gp_multifidelity_searcher import (
    GPMultiFidelitySearcher,
)
from synetune_lab.optimizer.schedulers.searchers.bayesopt.model_searcher import ModelBasedSearcher
from synetune_lab.optimizer.schedulers.searchers.bayesopt.options import (
    CostAwareMultiFidelityOptions,
    CostAwareOptions,
)
from synetune_lab.optimizer.schedulers.searchers.bayesopt.resource_costs import (
    ResourceCosts,
    reported_cost,
)
from synetune_lab.optimizer.schedulers.searchers.bayesopt.second_models import (
    ConstantPosterior,
    LogCostModel,
    check_second_name,
    data_of_same_trials,
    made_acquisition,
)

if TYPE_CHECKING:
    from synetune_lab.optimizer.schedulers.searchers.base import Config, SpaceEditReport
    from synetune_lab.optimizer.schedulers.searchers.bayesopt.acquisition.base import (
        AcquisitionFunction,
        BoundAcquisition,
    )
    from synetune_lab.optimizer.schedulers.searchers.bayesopt.metric_model import (
        Conditioned,
        MetricModel,
        ModelData,
    )
    from synetune_lab.optimizer.schedulers.searchers.bayesopt.proposal import Proposal

__all__ = ["CostAwareGPFIFOSearcher", "CostAwareGPMultiFidelitySearcher"]

logger = logging.getLogger(__name__)


class CostAwareSearcher(ModelBasedSearcher):
    """What cost-aware searchers share.

    Subclasses set `_cost_name`, and `_costs` if costs are read from every report.
    """

    _STATE: ClassVar[tuple[str, ...]] = (*ModelBasedSearcher._STATE, "_costs")

    _cost_name: str
    _costs: ResourceCosts | None
    _r_max: int

    def _make_acquisition(self) -> AcquisitionFunction:
        made: AcquisitionFunction = made_acquisition(
            EIpuAcquisitionFunction, self.options.acq_function_kwargs, self._ei_jitter
        )
        return made

    def on_trial_result(
        self, trial_id: str, config: Config, result: dict[str, Any], update: bool
    ) -> None:
        """A trial reported (see `BaseSearcher.on_trial_result`).

        Raises:
            InvalidReportError: If the cost (or the resource, where it is needed) is missing or not
                a number; the report has no effect then.
        """
        if self._costs is not None:
            self._costs.take(self, self._data, trial_id, config, result)
        else:
            cost = reported_cost(self, trial_id, result, self._cost_name)
            row = self._data.row_of(trial_id, config)
            if update and cost is not None and row is not None:
                self._data.of(self._cost_name).put(row, 0, cost)
        super().on_trial_result(trial_id, config, result, update)

    def _condition_models(self, data: ModelData) -> dict[str, Conditioned]:
        conditioned = super()._condition_models(data)
        if self._costs is not None:
            constants = {k: v for k, v in self.config_space.items() if not isinstance(v, Domain)}
            conditioned[self._cost_name] = self._costs.conditioned(
                self._data, constants, self._r_max or None, self.options.max_size_data_for_model
            )
        return conditioned

    def edit_space(
        self, config_space: Mapping[str, Any], defaults: Mapping[str, Any] | None = None
    ) -> SpaceEditReport:
        """See `ModelBasedSearcher.edit_space`."""
        report = super().edit_space(config_space, defaults)
        if self._costs is not None:
            self._costs.forget()
        return report

    def _explain(
        self, proposal: Proposal, bound: BoundAcquisition, data: ModelData, level: int
    ) -> dict[str, Any]:
        """Beside the rest: the predicted cost, in its own units; none if none is known."""
        reason = super()._explain(proposal, bound, data, level)
        cost = self._expected_cost(proposal, bound.others[self._cost_name], level)
        return reason if cost is None else {**reason, "cost": cost}

    def _expected_cost(self, proposal: Proposal, posterior: Any, level: int) -> float | None:
        if not isinstance(posterior, ConstantPosterior):
            return float(posterior.predict(proposal.encoded[None, :]).mean.mean())
        # All trials cost the same, up to each level.
        seen = self._data.of(self._cost_name)
        wanted = 0 if self._costs is None else level or self._r_max
        same = (cost for at, cost in zip(seen.levels, seen.values, strict=True) if at == wanted)
        return next(same, None)


class CostAwareGPFIFOSearcher(CostAwareSearcher, GPFIFOSearcher):
    """Chooses by the expected improvement per unit of cost.

    There are two variants. Without `resource_attr`, a second Gaussian process learns the logarithm
    of the cost in the last report of each trial. With it, costs are read from every report, and
    `cost_model` learns what it costs to run a configuration up to a resource; the cost up to the
    maximum resource counts.

    Each report must hold the cost, counted from the start of the trial; a trial that sends one
    without it fails. Costs that are negative or not finite are passed over, which is logged. If all
    trials cost the same, choices are those of `GPFIFOSearcher`.

    Snoek, Larochelle, Adams: Practical Bayesian Optimization of Machine Learning Algorithms,
    https://arxiv.org/abs/1206.2944, section 3.2.

    Args:
        config_space: See `GPFIFOSearcher`.
        metric: See `GPFIFOSearcher`.
        kwargs: Further arguments of `GPFIFOSearcher`. Options are fields of `CostAwareOptions`;
            `cost_attr` is mandatory, `cost_model` is if there is a `resource_attr`.

    Raises:
        SchedulerError: If an option is missing, unknown or out of range.
    """

    options_class: ClassVar[type[CostAwareOptions]] = CostAwareOptions
    options: CostAwareOptions

    def __init__(self, config_space: Any, metric: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(config_space, metric, *args, **kwargs)
        options = self.options
        self._cost_name = check_second_name("cost_attr", options.cost_attr, self._metric_name)
        self._r_max = 0
        self._costs = None
        if self._resource_attr is not None:
            self._costs = ResourceCosts(self._cost_name, options.cost_model, self._resource_attr)
        elif options.cost_model is not None:
            logger.warning("cost_model is not used, since there is no resource_attr")

    def configure_scheduler(self, scheduler: Any) -> None:
        """Take the maximum resource; refuse schedulers with rungs.

        Raises:
            SchedulerError: If it is one.
        """
        super().configure_scheduler(scheduler)
        if getattr(scheduler, "rung_levels", None) is not None:
            raise SchedulerError(
                f"{type(self).__name__} goes with schedulers that run trials to their end; for "
                f"{type(scheduler).__name__} there is CostAwareGPMultiFidelitySearcher"
            )
        self._r_max = int(getattr(scheduler, "max_resource_level", None) or 0)

    def _make_models(self) -> dict[str, MetricModel]:
        models = super()._make_models()
        if self._costs is None:
            cost = gp_metric_model(self.options, self._data.space, boxcox=False)
            models[self._cost_name] = LogCostModel(cost)
        return models

    def _data_of(self, name: str, data: ModelData) -> ModelData:
        if name == self._metric_name:
            return data
        return data_of_same_trials(self._data, name, data)


class CostAwareGPMultiFidelitySearcher(CostAwareSearcher, GPMultiFidelitySearcher):
    """Chooses by the expected improvement at a level per unit of the cost of getting there.

    The metric is modelled as in `GPMultiFidelitySearcher`. Costs are read from every report, and
    `cost_model` learns what it costs to run a configuration up to a level. If the scheduler has the
    same `cost_attr`, costs in reports count from the last start or resumption of the trial, and the
    totals that the scheduler makes of them are used; else they must be totals themselves. As to
    costs that are missing or out of range, see `CostAwareGPFIFOSearcher`.

    Args:
        config_space: See `GPMultiFidelitySearcher`.
        metric: See `GPMultiFidelitySearcher`.
        kwargs: Further arguments of `GPMultiFidelitySearcher`. Options are fields of
            `CostAwareMultiFidelityOptions`; `cost_attr` is mandatory.

    Raises:
        SchedulerError: If an option is missing, unknown or out of range.
    """

    options_class: ClassVar[type[CostAwareMultiFidelityOptions]] = CostAwareMultiFidelityOptions
    options: CostAwareMultiFidelityOptions
    _costs: ResourceCosts

    def __init__(self, config_space: Any, metric: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(config_space, metric, *args, **kwargs)
        options, model = self.options, self.options.cost_model
        self._cost_name = check_second_name("cost_attr", options.cost_attr, self._metric_name)
        if model is None:
            from synetune_lab.surrogates.cost_models.scikit_learn import ScikitLearnCostModel

            model = ScikitLearnCostModel()
        self._costs = ResourceCosts(self._cost_name, model, self._resource_attr or "")

    def configure_scheduler(self, scheduler: Any) -> None:
        """See `GPMultiFidelitySearcher.configure_scheduler`."""
        super().configure_scheduler(scheduler)
        self._costs.resource_attr = scheduler.resource_attr
        if getattr(scheduler, "cost_attr", None) == self._cost_name:
            self._costs.reported_as = f"total_{self._cost_name}"
