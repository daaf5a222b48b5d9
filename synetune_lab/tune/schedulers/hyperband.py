"""ASHA and HyperBand: trials are compared at rungs, and the best go on to the next."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from synetune_lab.errors import TuneError
from synetune_lab.optimizer.schedulers import hyperband
from synetune_lab.optimizer.schedulers.synchronous import SynchronousGeometricHyperbandScheduler
from synetune_lab.tune.checks import check_count, is_number
from synetune_lab.tune.schedulers.base import ITERATION, RunPlan, Scheduler, check_time_attr

if TYPE_CHECKING:
    from synetune_lab.optimizer.scheduler import TrialScheduler

__all__ = ["ASHAScheduler", "AsyncHyperBandScheduler", "HyperBandForBOHB", "HyperBandScheduler"]

logger = logging.getLogger(__name__)


class RungScheduler(Scheduler):
    """Trials are compared at rungs, and are done at `max_t`.

    Args:
        time_attr: Metric that counts what was spent, a positive integer.
        metric: See `Scheduler`.
        mode: See `Scheduler`.
        max_t: A trial is done at this.
        reduction_factor: One of so many goes on from a rung.
        stop_last_trials: Of no meaning, with a warning for False: trials are done at `max_t`.
    """

    def __init__(
        self,
        time_attr: str,
        metric: str | None,
        mode: str | None,
        max_t: int,
        reduction_factor: float,
        stop_last_trials: bool,
    ) -> None:
        super().__init__(metric, mode)
        who = type(self).__name__
        check_time_attr(who, time_attr)
        check_count(f"{who}: max_t", max_t, least=1)
        if not is_number(reduction_factor) or reduction_factor <= 1:
            raise TuneError(f"{who}: reduction_factor={reduction_factor!r} must be above 1")
        if not stop_last_trials:
            logger.warning(
                "%s: trials are done at max_t=%d, also with stop_last_trials=False", who, max_t
            )
        self.time_attr = time_attr
        self.max_t = max_t
        self.reduction_factor = reduction_factor
        self.end = (time_attr, max_t)


class AsyncHyperBandScheduler(RungScheduler):
    """ASHA: a trial that is not among the best at a rung is stopped there, at once.

    Args:
        time_attr: See `RungScheduler`.
        metric: See `RungScheduler`.
        mode: See `RungScheduler`.
        max_t: See `RungScheduler`.
        grace_period: No trial is stopped before.
        reduction_factor: See `RungScheduler`.
        brackets: Number of brackets.
        stop_last_trials: See `RungScheduler`.
    """

    def __init__(
        self,
        time_attr: str = ITERATION,
        metric: str | None = None,
        mode: str | None = None,
        max_t: int = 100,
        grace_period: int = 1,
        reduction_factor: float = 4,
        brackets: int = 1,
        stop_last_trials: bool = True,
    ) -> None:
        super().__init__(time_attr, metric, mode, max_t, reduction_factor, stop_last_trials)
        who = type(self).__name__
        check_count(f"{who}: grace_period", grace_period, least=1)
        check_count(f"{who}: brackets", brackets, least=1)
        if grace_period > max_t:
            raise TuneError(
                f"{who}: grace_period={grace_period} must be at most max_t={max_t}, where trials "
                "are done"
            )
        self.grace_period = grace_period
        self.brackets = brackets

    def make(self, plan: RunPlan) -> TrialScheduler:
        """See `Scheduler`."""
        return plan.limited(
            hyperband.HyperbandScheduler(
                **plan.up_to(self.max_t),
                type="stopping",
                resource_attr=self.time_attr,
                grace_period=self.grace_period,
                reduction_factor=self.reduction_factor,
                brackets=self.brackets,
            )
        )


ASHAScheduler = AsyncHyperBandScheduler


class HyperBandScheduler(RungScheduler):
    """HyperBand: trials pause at each rung of their bracket, and its best go on when it is full.

    Trainables must save checkpoints, to go on from.

    Args:
        time_attr: See `RungScheduler`.
        metric: See `RungScheduler`.
        mode: See `RungScheduler`.
        max_t: See `RungScheduler`.
        reduction_factor: See `RungScheduler`.
        stop_last_trials: See `RungScheduler`.
    """

    needs_checkpoints = True

    def __init__(
        self,
        time_attr: str = ITERATION,
        metric: str | None = None,
        mode: str | None = None,
        max_t: int = 81,
        reduction_factor: float = 3,
        stop_last_trials: bool = True,
    ) -> None:
        super().__init__(time_attr, metric, mode, max_t, reduction_factor, stop_last_trials)

    def make(self, plan: RunPlan) -> TrialScheduler:
        """See `Scheduler`."""
        return plan.limited(
            SynchronousGeometricHyperbandScheduler(
                **plan.up_to(self.max_t),
                resource_attr=self.time_attr,
                reduction_factor=self.reduction_factor,
            )
        )


class HyperBandForBOHB(HyperBandScheduler):
    """`HyperBandScheduler`, to go with `TuneBOHB`."""
