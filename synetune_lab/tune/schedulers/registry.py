"""Schedulers by their short names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from synetune_lab.errors import TuneError
from synetune_lab.tune.schedulers.fifo import FIFOScheduler
from synetune_lab.tune.schedulers.hyperband import (
    AsyncHyperBandScheduler,
    HyperBandForBOHB,
    HyperBandScheduler,
)
from synetune_lab.tune.schedulers.median import MedianStoppingRule
from synetune_lab.tune.schedulers.pbt import PopulationBasedTraining

if TYPE_CHECKING:
    from synetune_lab.tune.schedulers.base import Scheduler

__all__ = ["create_scheduler"]


def create_scheduler(scheduler: str, **kwargs: Any) -> Scheduler:
    """A scheduler by its short name.

    Args:
        scheduler: `fifo`, `asha` (or `async_hyperband`), `hyperband`, `bohb`, `median` (or
            `median_stopping_rule`), `pbt`.
        kwargs: Its arguments.

    Raises:
        TuneError: If there is none of this name.
    """
    cls = _SCHEDULERS.get(scheduler)
    if cls is None:
        known = ", ".join(sorted(_SCHEDULERS))
        raise TuneError(f"scheduler={scheduler!r} is not known here; known are {known}")
    return cls(**kwargs)


_SCHEDULERS: dict[str, type[Scheduler]] = {
    "fifo": FIFOScheduler,
    "asha": AsyncHyperBandScheduler,
    "async_hyperband": AsyncHyperBandScheduler,
    "asynchyperband": AsyncHyperBandScheduler,
    "hyperband": HyperBandScheduler,
    "bohb": HyperBandForBOHB,
    "hb_bohb": HyperBandForBOHB,
    "median": MedianStoppingRule,
    "median_stopping_rule": MedianStoppingRule,
    "medianstopping": MedianStoppingRule,
    "pbt": PopulationBasedTraining,
}
