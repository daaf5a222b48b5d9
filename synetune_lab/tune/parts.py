"""The trainable, the scheduler and the search algorithm of a run."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synetune_lab.errors import TuneError
from synetune_lab.optimizer.scheduler import TrialScheduler
from synetune_lab.tune.schedulers.base import Scheduler
from synetune_lab.tune.schedulers.fifo import FIFOScheduler
from synetune_lab.tune.schedulers.registry import create_scheduler
from synetune_lab.tune.search.algorithm import SearchAlgorithm
from synetune_lab.tune.search.basic_variant import BasicVariantGenerator
from synetune_lab.tune.search.registry import create_searcher
from synetune_lab.tune.trainable import Trainable
from synetune_lab.tune.wrappers import name_of, resolve

if TYPE_CHECKING:
    from synetune_lab.tune.request import Request

__all__ = ["Parts"]


@dataclass(frozen=True)
class Parts:
    """What is combined in a run.

    Attributes:
        trainable: The function or class itself.
        is_class: Whether it is a class.
        scheduler: Decides which trials go on.
        search: Chooses configurations.
    """

    trainable: Any
    is_class: bool
    scheduler: Scheduler | TrialScheduler
    search: SearchAlgorithm

    @classmethod
    def of(cls, request: Request) -> Parts:
        """Those that are asked for, by name or as objects.

        Raises:
            TuneError: If one is not possible, or they do not go together.
        """
        scheduler, search = request.scheduler, request.search_alg
        if scheduler is None:
            scheduler = FIFOScheduler()
        elif isinstance(scheduler, str):
            scheduler = create_scheduler(scheduler)
        if not isinstance(scheduler, (Scheduler, TrialScheduler)):
            raise TuneError(
                f"scheduler must be one of synetune_lab.tune.schedulers, its name, or a scheduler "
                f"of synetune_lab, got {scheduler!r:.100}"
            )
        if search is None:
            search = BasicVariantGenerator()
        elif isinstance(search, str):
            search = create_searcher(search)
        if not isinstance(search, SearchAlgorithm):
            raise TuneError(
                "search_alg must be one of synetune_lab.tune.search or its name, got "
                f"{search!r:.100}"
            )
        trainable = resolve(request.run_or_experiment)
        return cls(trainable, _check_trainable(trainable, scheduler), scheduler, search)

    @property
    def scheduler_name(self) -> str:
        """Name in the status table."""
        if isinstance(self.scheduler, Scheduler):
            return self.scheduler.name
        return type(self.scheduler).__name__

    def metric_of(self, request: Request) -> str | None:
        """The metric of the run; None if the user names none."""
        if isinstance(self.scheduler, TrialScheduler):
            return self.scheduler.metric_names()[0]
        return request.metric or self.scheduler.metric or self.search.metric


def _check_trainable(trainable: Any, scheduler: Scheduler | TrialScheduler) -> bool:
    """Whether it is a class."""
    if inspect.isclass(trainable):
        if not issubclass(trainable, Trainable):
            raise TuneError(f"{trainable.__name__} must be a subclass of tune.Trainable")
        methods = ("save_checkpoint", "load_checkpoint")
        missing = [m for m in methods if getattr(trainable, m) is getattr(Trainable, m)]
        if missing and isinstance(scheduler, Scheduler) and scheduler.needs_checkpoints:
            raise TuneError(
                f"{trainable.__name__} must implement {' and '.join(missing)}: "
                f"{scheduler.name} pauses or copies trials, which go on from their checkpoints"
            )
        return True
    if not callable(trainable):
        raise TuneError(
            f"the trainable must be a function or a subclass of tune.Trainable, got "
            f"{trainable!r:.100}"
        )
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = inspect.signature(trainable).parameters.values()
    if not any(p.kind in kinds for p in parameters):
        raise TuneError(f"the function {name_of(trainable)!r} must take the configuration")
    return False
