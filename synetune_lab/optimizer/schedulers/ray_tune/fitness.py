"""Which of Ray Tune's parts work without its controller, and what to use for the others."""

from __future__ import annotations

from typing import Any

from synetune_lab.errors import SchedulerError

__all__ = ["refuse_unfit"]

# They pause, copy and restart trials through Ray's controller, which is not there.
_INSTEAD_OF_SCHEDULER = {
    "PopulationBasedTraining": "schedulers.PopulationBasedTraining",
    "PopulationBasedTrainingReplay": "schedulers.PopulationBasedTraining",
    "PB2": "schedulers.PopulationBasedTraining",
    "HyperBandScheduler": "baselines.SyncHyperband",
    "HyperBandForBOHB": "baselines.SyncBOHB",
    "ResourceChangingScheduler": "schedulers.FIFOScheduler",
}
# The first learns from HyperBandForBOHB alone; the others make trials of Ray's.
_INSTEAD_OF_SEARCHER = {
    "TuneBOHB": "use baselines.SyncBOHB of synetune_lab.optimizer",
    "BasicVariantGenerator": "leave ray_searcher out for random search, or use "
    "baselines.GridSearch of synetune_lab.optimizer for a grid",
    "SearchGenerator": "pass the Searcher that is in it",
}


def refuse_unfit(scheduler: Any, searcher: Any, searcher_class: type) -> None:
    """Check that a scheduler and a search algorithm of Ray Tune can work without its controller.

    Args:
        scheduler: The scheduler.
        searcher: The search algorithm; None for none.
        searcher_class: Ray's base class of search algorithms.

    Raises:
        SchedulerError: If one can't; the message says what to use.
    """
    instead = _found(scheduler, _INSTEAD_OF_SCHEDULER)
    if instead is not None:
        raise SchedulerError(
            f"ray_scheduler is a {type(scheduler).__name__}, which needs Ray Tune's own "
            f"controller; use {instead} of synetune_lab.optimizer instead"
        )
    if not hasattr(scheduler, "on_trial_result"):
        raise SchedulerError(
            f"ray_scheduler is {scheduler!r:.100}, no scheduler of Ray Tune; give an object of "
            "ray.tune.schedulers, such as AsyncHyperBandScheduler(...)"
        )
    wrapped = searcher
    while wrapped is not None:
        instead = _found(wrapped, _INSTEAD_OF_SEARCHER)
        if instead is not None:
            raise SchedulerError(
                f"ray_searcher is a {type(wrapped).__name__}, which needs Ray Tune's own "
                f"controller; {instead}"
            )
        if not isinstance(wrapped, searcher_class):
            raise SchedulerError(
                f"ray_searcher is {wrapped!r:.100}, no Searcher of Ray Tune; give an object of "
                "ray.tune.search, such as OptunaSearch(...)"
            )
        wrapped = getattr(wrapped, "searcher", None)  # that of a ConcurrencyLimiter or Repeater
        if not isinstance(wrapped, searcher_class):
            return


def _found(part: Any, table: dict[str, str]) -> str | None:
    names = [base.__name__ for base in type(part).__mro__ if base.__module__.startswith("ray.")]
    return next((table[name] for name in names if name in table), None)
