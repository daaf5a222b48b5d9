"""What the user says on the early removal of checkpoints, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from synetune_lab.errors import SchedulerError
from synetune_lab.optimizer.schedulers.arguments import nearest_name, require_positive_int

__all__ = ["CheckpointRemovalOptions", "parse_checkpoint_removal"]


@dataclass(frozen=True)
class CheckpointRemovalOptions:
    """How many checkpoints may be kept, and how it is estimated which are needed least.

    Attributes:
        max_num_checkpoints: At most so many checkpoints are kept, those of running trials included;
            must exceed the number of workers.
        approx_steps: Steps in which the time left is divided.
        prior_beta_mean: Chance, before any data, that a trial that arrives at a rung beats one that
            waits there; below 1/2.
        prior_beta_size: How many observations that belief is worth.
        min_data_at_rung: With less data, a rung uses what was seen at all rungs.
        max_wallclock_time: Length of the run in seconds; None for that of the stopping criterion.
        baseline: `random` or `by_level` remove by a plain rule instead; for comparisons.

    Raises:
        SchedulerError: If a value is out of range.
    """

    max_num_checkpoints: int
    approx_steps: int = 25
    prior_beta_mean: float = 0.33
    prior_beta_size: float = 2.0
    min_data_at_rung: int = 5
    max_wallclock_time: float | None = None
    baseline: str | None = None

    def __post_init__(self) -> None:
        for name in ("max_num_checkpoints", "approx_steps", "min_data_at_rung"):
            require_positive_int(f"early_checkpoint_removal_kwargs[{name!r}]", getattr(self, name))
        if not 0 < self.prior_beta_mean < 1:
            raise SchedulerError(
                f"early_checkpoint_removal_kwargs: prior_beta_mean={self.prior_beta_mean!r} must "
                "be in (0, 1)"
            )
        if not self.prior_beta_size > 0:
            raise SchedulerError(
                f"early_checkpoint_removal_kwargs: prior_beta_size={self.prior_beta_size!r} must "
                "be above 0"
            )
        limit: Any = self.max_wallclock_time
        if limit is not None and (
            isinstance(limit, bool) or not isinstance(limit, (int, float)) or not limit > 0
        ):
            raise SchedulerError(
                f"early_checkpoint_removal_kwargs: max_wallclock_time={limit!r} must be a number "
                "of seconds above 0"
            )
        if self.baseline not in (None, "random", "by_level"):
            raise SchedulerError(
                f"early_checkpoint_removal_kwargs: baseline={self.baseline!r} must be 'random', "
                "'by_level' or None"
            )


def parse_checkpoint_removal(
    given: Mapping[str, Any] | None, pauses_trials: bool, type_name: str
) -> CheckpointRemovalOptions | None:
    """The options that the user gave; None for none.

    Raises:
        SchedulerError: If an entry is unknown or out of range, or the type does not pause trials.
    """
    if given is None:
        return None
    if not pauses_trials:
        raise SchedulerError(
            f"early_checkpoint_removal_kwargs is for types that pause trials; type={type_name!r} "
            "stops them"
        )
    known = [field.name for field in fields(CheckpointRemovalOptions)]
    for name in given:
        if name not in known:
            raise SchedulerError(
                f"early_checkpoint_removal_kwargs has no entry {name!r}; "
                f"{nearest_name(str(name), known)}"
            )
    if "max_num_checkpoints" not in given:
        raise SchedulerError("early_checkpoint_removal_kwargs needs 'max_num_checkpoints'")
    return CheckpointRemovalOptions(**given)
