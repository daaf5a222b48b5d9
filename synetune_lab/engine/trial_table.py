"""Every trial of a run: what the engine knows of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from synetune_lab.trial import Status, Trial
from synetune_lab.utils.packed_table import PackedTable, pack_date, unpack_date


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


_COMMON = (
    "status",
    "paused_by",
    "run",
    "space_version",
    "origin",
    "losses",
    "removed",
    "is_complete",
)
"""Attributes of which few combinations occur."""


class TrialTable(PackedTable[TrialRecord]):
    """All trials by number; numbers are counted from 0 without gaps.

    `table[trial_id]` gives a record that may be changed while an event is handled.
    """

    __getitem__ = PackedTable.wake

    def add(self, record: TrialRecord) -> None:
        """Add the next trial."""
        if record.trial_id != len(self):
            raise ValueError(f"the next trial is {len(self)}, got {record.trial_id}")
        self.put(record.trial_id, record)

    def _pack(self, entry: TrialRecord) -> tuple[Any, ...]:
        trial = entry.trial
        common = self._number_of(tuple(getattr(entry, name) for name in _COMMON))
        return (
            self._split(trial.config),
            pack_date(trial.creation_time),
            common,
            entry.created,
            entry.ended,
            self._split(entry.reason),
            entry.error,
            dict(entry.handle) or None,
        )

    def _unpack(self, number: int, packed: tuple[Any, ...]) -> TrialRecord:
        config, creation_time, common, created, ended, reason, error, handle = packed
        return TrialRecord(
            Trial(number, self._joined(config) or {}, unpack_date(creation_time)),  # type: ignore[arg-type]
            created=created,
            ended=ended,
            reason=self._joined(reason),
            error=error,
            handle=handle or {},
            **dict(zip(_COMMON, self._common[common], strict=True)),
        )


class TrialsOfTable(Mapping[int, Trial]):
    """The trials of a table as schedulers see them, to be read only.

    Args:
        table: The table.
        count: How many of them; None for all, also those that come.
    """

    def __init__(self, table: TrialTable, count: int | None = None) -> None:
        self._table = table
        self._count = count

    def __getitem__(self, trial_id: int) -> Trial:
        if not 0 <= trial_id < len(self):
            raise KeyError(trial_id)
        return self._table.peek(trial_id).trial

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self)))

    def __len__(self) -> int:
        return len(self._table) if self._count is None else self._count

    def look(self) -> TrialsOfTable:
        """The trials that there are now."""
        return TrialsOfTable(self._table.look(), len(self))
