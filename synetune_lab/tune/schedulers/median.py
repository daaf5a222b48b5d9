"""The median rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synetune_lab.errors import TuneError
from synetune_lab.optimizer.schedulers import fifo, median_stopping_rule
from synetune_lab.tune.checks import check_count
from synetune_lab.tune.schedulers.base import ITERATION, RunPlan, Scheduler, check_time_attr

if TYPE_CHECKING:
    from synetune_lab.optimizer.scheduler import TrialScheduler

__all__ = ["MedianStoppingRule"]


class MedianStoppingRule(Scheduler):
    """Stops a trial that does worse than the median of the others after as many steps.

    Args:
        time_attr: Metric that counts what was spent, a positive integer.
        metric: See `Scheduler`.
        mode: See `Scheduler`.
        grace_period: No trial is stopped up to this.
        min_samples_required: No trial is stopped as long as fewer trials have come as far.
        hard_stop: Must be True: trials are stopped, not paused.
    """

    def __init__(
        self,
        time_attr: str = ITERATION,
        metric: str | None = None,
        mode: str | None = None,
        grace_period: int = 1,
        min_samples_required: int = 3,
        hard_stop: bool = True,
    ) -> None:
        super().__init__(metric, mode)
        check_time_attr(type(self).__name__, time_attr)
        check_count("MedianStoppingRule: grace_period", grace_period, least=0)
        check_count("MedianStoppingRule: min_samples_required", min_samples_required, least=1)
        if not hard_stop:
            raise TuneError("MedianStoppingRule: hard_stop must be True, trials are stopped")
        self.time_attr = time_attr
        self.grace_period = grace_period
        self.min_samples_required = min_samples_required

    def make(self, plan: RunPlan) -> TrialScheduler:
        """See `Scheduler`."""
        return median_stopping_rule.MedianStoppingRule(
            plan.limited(fifo.FIFOScheduler(**plan.arguments())),
            self.time_attr,
            grace_time=self.grace_period,
            grace_population=self.min_samples_required,
        )
