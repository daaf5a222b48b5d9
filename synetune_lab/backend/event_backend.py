"""A backend that is told by its platform what happens, and still answers who asks it."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from synetune_lab.backend.documented_backend import TrialStatusDict, time_stamp_of
from synetune_lab.backend.trial_backend import TrialBackend
from synetune_lab.engine.events import TrialReported

if TYPE_CHECKING:
    from synetune_lab.engine.actions import BackendAction

__all__ = ["EventBackend"]


class EventBackend(TrialBackend):
    """Base class of backends whose `wait_events` is told of reports, instead of asking for them.

    Its documented methods hand out what `wait_events` brings, unless a tuner takes that itself.
    """

    def __init__(self, delete_checkpoints: bool = False, pass_args_as_json: bool = False) -> None:
        super().__init__(delete_checkpoints, pass_args_as_json)
        self._driven = False
        self._given: dict[int, tuple[int, int]] = {}
        self._unfetched: list[TrialReported] = []

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_driven": False, "_unfetched": [], "_queue": deque()}

    def execute(self, action: BackendAction) -> None:
        """Carry out what the engine asks for; returns at once. See `TrialBackend`."""
        self._driven = True
        super().execute(action)

    def set_delivered(self, trial_id: int, run: int, offset: int) -> None:
        """Tell before `adopt` what `delivered` was when run `run` was the latest."""
        super().set_delivered(trial_id, run, offset)
        self._given[trial_id] = (run, offset)

    def fetch_status_results(
        self, trial_ids: list[int]
    ) -> tuple[TrialStatusDict, list[tuple[int, dict[str, Any]]]]:
        """How the trials are, and what they reported since the last call.

        While a tuner drives this backend (through `execute`), reports go to it alone.
        """
        if not self._driven:
            while events := self.wait_events(0.0):
                self._unfetched += [e for e in events if isinstance(e, TrialReported)]
        entries = {trial_id: self._ledger[trial_id] for trial_id in trial_ids}
        news = [(e.trial_id, dict(e.result)) for e in self._unfetched if e.trial_id in entries]
        self._unfetched = [e for e in self._unfetched if e.trial_id not in entries]
        statuses = {trial_id: (entry.trial, entry.status) for trial_id, entry in entries.items()}
        return statuses, sorted(news, key=lambda item: time_stamp_of(item[1]))
