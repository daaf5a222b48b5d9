"""What a backend knows of its trials: their records, the number of their run, their status."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from synetune_lab.errors import BackendError
from synetune_lab.trial import Status, Trial, TrialResult
from synetune_lab.utils.packed_table import PackedTable, pack_date, unpack_date

__all__ = ["BUSY", "LedgerEntry", "TrialLedger"]

BUSY = frozenset({Status.in_progress, Status.pausing, Status.stopping})
"""A trial with such a status holds a worker."""


@dataclass(slots=True)
class LedgerEntry:
    """One trial.

    Attributes:
        trial: Its record.
        run: Number of its latest run, from 0.
        status: One of `Status`.
        ended: When its latest run ended; None while it runs.
        request: What this run was asked for: `pause`, `stop` or nothing.
    """

    trial: Trial
    run: int
    status: str
    ended: datetime | None = None
    request: str | None = None

    def result(self, metrics: list[dict[str, Any]] | None = None) -> TrialResult:
        """The trial as the documented methods return it."""
        return self.trial.add_results(metrics or [], self.status, self.ended)


def _own(config: Mapping[str, Any] | None) -> dict[str, Any]:
    """A dictionary is shared with the engine, which never changes one that it gave away."""
    return config if type(config) is dict else dict(config or {})


class _Entries(PackedTable[LedgerEntry]):
    __getitem__ = PackedTable.wake

    def _pack(self, entry: LedgerEntry) -> tuple[Any, ...]:
        common = self._number_of((entry.run, entry.status, entry.request))
        trial = entry.trial
        config, created = self._split(trial.config), pack_date(trial.creation_time)
        return config, created, common, pack_date(entry.ended)

    def _unpack(self, number: int, packed: tuple[Any, ...]) -> LedgerEntry:
        config, created, common, ended = packed
        run, status, request = self._common[common]
        trial = Trial(number, self._joined(config) or {}, unpack_date(created))  # type: ignore[arg-type]
        return LedgerEntry(trial, run, status, unpack_date(ended), request)


class TrialLedger:
    """The trials of a backend by their number."""

    def __init__(self) -> None:
        self._entries = _Entries()
        self._busy: set[int] = set()

    def __getitem__(self, trial_id: int) -> LedgerEntry:
        """The entry of a trial.

        Raises:
            BackendError: If there is none.
        """
        try:
            return self._entries[trial_id]
        except KeyError:
            raise BackendError(
                f"trial {trial_id} is not known to this backend; it knows {len(self._entries)} "
                "trials"
            ) from None

    def __contains__(self, trial_id: int) -> bool:
        return trial_id in self._entries

    def __len__(self) -> int:
        return len(self._entries)

    def next_id(self) -> int:
        """The first number that no trial has."""
        return max(self._entries, default=-1) + 1

    def begin(
        self, trial_id: int, run: int, config: Mapping[str, Any] | None, now: datetime
    ) -> LedgerEntry:
        """A run of a trial begins; `config` None keeps the trial's."""
        entries = self._entries
        if trial_id in entries:
            trial = entries[trial_id].trial
            if config is not None:
                trial.config = _own(config)
        else:
            trial = Trial(trial_id, _own(config), now)
        entries.rest(self._busy)
        entry = LedgerEntry(trial, run, Status.in_progress)
        entries.put(trial_id, entry)
        self._busy.add(trial_id)
        return entry

    def change(self, trial_id: int, status: str, ended: datetime | None = None) -> None:
        """The status of a trial changes; `ended` is when its process ended, if it has."""
        entry = self[trial_id]
        entry.status = status
        if status in BUSY:
            self._busy.add(trial_id)
        else:
            self._busy.discard(trial_id)
        if ended is not None:
            entry.ended = ended

    def let_go(self, kept: Collection[int], now: datetime) -> None:
        """All trials but those to be kept hold no worker: they ended while nobody noted it."""
        for trial_id in self.busy():
            if trial_id not in kept:
                self.change(trial_id, Status.paused, now)

    def busy(self) -> list[int]:
        """Trials that hold a worker, by number."""
        return sorted(self._busy)

    def ids(self) -> list[int]:
        """All trials, by number."""
        return list(self._entries)

    def require(self, trial_id: int, allowed: frozenset[str], what: str) -> LedgerEntry:
        """The entry of a trial whose status must be one of `allowed`.

        Raises:
            BackendError: If it is not.
        """
        entry = self[trial_id]
        if entry.status not in allowed:
            raise BackendError(
                f"cannot {what} trial {trial_id}: its status is {entry.status}, and it would have "
                f"to be {' or '.join(sorted(allowed))}"
            )
        return entry
