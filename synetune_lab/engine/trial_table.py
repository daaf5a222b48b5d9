"""Every trial of a run: what the engine knows of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from synetune_lab.trial import Status, Trial


@dataclass(slots=True)
class TrialRecord:
    """What the engine knows of one trial.

    Attributes:
        trial: The trial as schedulers see it.
        status: Of `Status`.
        paused_by: While it is paused or pausing: `scheduler` (which may let it go on), `user` (only
            the user does), or `run` (it goes on when the run does).
        run: Number of its current run, from 0.
        space_version: Version of the configuration space that its configuration comes from.
        handle: What the backend finds its process by.
        last_result: Its last report that a scheduler has judged.
        n_reports: How many of these there were.
        error: Why it failed.
        created: Tuner time of its creation.
        ended: Tuner time of its end.
        reason: Why it got this configuration.
        origin: `scheduler` or `user`.
        losses: How often its process was lost.
        removed: Whether the scheduler was told that it was paused or stopped, and not yet that it
            goes on.
        is_complete: Whether it has reached the maximum resource: whatever ends it, it is complete.
    """

    trial: Trial
    status: str = Status.pending
    paused_by: str | None = None
    run: int = 0
    space_version: int = 0
    handle: Mapping[str, Any] = field(default_factory=dict)
    last_result: Mapping[str, Any] | None = None
    n_reports: int = 0
    error: str | None = None
    created: float = 0.0
    ended: float | None = None
    reason: Mapping[str, Any] | None = None
    origin: str = "scheduler"
    losses: int = 0
    removed: bool = False
    is_complete: bool = False

    @property
    def trial_id(self) -> int:
        """Its number."""
        return self.trial.trial_id

    @property
    def config(self) -> dict[str, Any]:
        """Its configuration."""
        return self.trial.config


class TrialTable(Mapping[int, TrialRecord]):
    """All trials by number; numbers are counted from 0 without gaps."""

    def __init__(self) -> None:
        self._records: list[TrialRecord] = []

    def add(self, record: TrialRecord) -> None:
        """Add the next trial."""
        if record.trial_id != len(self._records):
            raise ValueError(f"the next trial is {len(self._records)}, got {record.trial_id}")
        self._records.append(record)

    def __getitem__(self, trial_id: int) -> TrialRecord:
        if not 0 <= trial_id < len(self._records):
            raise KeyError(trial_id)
        return self._records[trial_id]

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self._records)))

    def __len__(self) -> int:
        return len(self._records)
