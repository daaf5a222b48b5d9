"""The arguments of `tune.run` in groups, as `tune.Tuner` takes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synetune_lab.errors import TuneError
from synetune_lab.tune.foreign import without_foreign

if TYPE_CHECKING:
    from synetune_lab.tune.progress_reporter import ProgressReporter
    from synetune_lab.tune.trial_settings import TrialInfo

__all__ = ["CheckpointConfig", "FailureConfig", "RunConfig", "TuneConfig", "check_group"]


@without_foreign
@dataclass
class TuneConfig:
    """How to search; the arguments of `tune.run` of these names."""

    mode: str | None = None
    metric: str | None = None
    search_alg: Any = None
    scheduler: Any = None
    num_samples: int = 1
    max_concurrent_trials: int | None = None
    time_budget_s: float | timedelta | None = None
    reuse_actors: bool = False
    trial_name_creator: Callable[[TrialInfo], str] | None = None


@without_foreign
@dataclass
class CheckpointConfig:
    """Which checkpoints are made and kept.

    Attributes:
        num_to_keep: `keep_checkpoints_num` of `tune.run`.
        checkpoint_score_attribute: Metric by which the ones to keep are chosen.
        checkpoint_score_order: `max` or `min`.
        checkpoint_frequency: `checkpoint_freq` of `tune.run`.
        checkpoint_at_end: As of `tune.run`.
    """

    num_to_keep: int | None = None
    checkpoint_score_attribute: str | None = None
    checkpoint_score_order: str = "max"
    checkpoint_frequency: int = 0
    checkpoint_at_end: bool | None = None

    def __post_init__(self) -> None:
        if self.checkpoint_score_order not in ("min", "max"):
            raise TuneError(
                f"CheckpointConfig: checkpoint_score_order={self.checkpoint_score_order!r:.100} "
                "must be 'min' or 'max'"
            )

    def arguments(self) -> dict[str, Any]:
        """The same as arguments of `tune.run`."""
        name = self.checkpoint_score_attribute
        least = self.checkpoint_score_order == "min"
        return {
            "checkpoint_freq": self.checkpoint_frequency,
            "checkpoint_at_end": bool(self.checkpoint_at_end),
            "keep_checkpoints_num": self.num_to_keep,
            "checkpoint_score_attr": f"min-{name}" if name and least else name,
        }


@without_foreign
@dataclass
class FailureConfig:
    """What happens when trials fail; the arguments of `tune.run` of these names."""

    max_failures: int = 0
    fail_fast: bool | str = False


@without_foreign
@dataclass
class RunConfig:
    """Name, place, end and output of a run.

    Attributes:
        name: Name of the run.
        storage_path: Folder of all runs.
        failure_config: What happens when trials fail.
        checkpoint_config: Which checkpoints are made and kept.
        verbose: How much is shown.
        stop: When a trial is done.
        callbacks: Hooks.
        progress_reporter: Shows the status table.
        local_dir: Another name of `storage_path`.
    """

    name: str | None = None
    storage_path: str | Path | None = None
    failure_config: FailureConfig | None = field(default_factory=FailureConfig)
    checkpoint_config: CheckpointConfig | None = field(default_factory=CheckpointConfig)
    verbose: int = 2
    stop: Any = None
    callbacks: Sequence[Any] | None = None
    progress_reporter: ProgressReporter | None = None
    local_dir: str | Path | None = None

    def __post_init__(self) -> None:
        check_group("failure_config", self.failure_config, FailureConfig)
        check_group("checkpoint_config", self.checkpoint_config, CheckpointConfig)


def check_group(name: str, given: Any, kind: type) -> None:
    """Refuse what is not a group of arguments; None will do.

    Raises:
        TuneError: If it is not.
    """
    if given is not None and not isinstance(given, kind):
        raise TuneError(f"{name}={given!r:.100} must be a tune.{kind.__name__}")
