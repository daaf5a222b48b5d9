"""Drives a backend as a session does, and remembers what it told."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from synetune_lab.engine.actions import PauseTrial, ResumeTrial, StartTrial, StopTrial
from synetune_lab.engine.events import Event, TrialEnded, TrialReported, TrialStarted

if TYPE_CHECKING:
    from synetune_lab.backend.trial_backend import TrialBackend

__all__ = ["BackendDriver"]

PATIENCE_S = 40.0
"""Only reached where something is broken, however busy the machine is."""


class BackendDriver:
    """A backend, and all events that it told.

    Use it in a `with` statement: it closes the backend.

    Args:
        backend: The backend.
        folder: Where its experiment is kept.
    """

    def __init__(self, backend: TrialBackend, folder: Path) -> None:
        self.backend = backend
        self.folder = folder
        self.batches: list[list[Event]] = []
        backend.open(folder, folder.name)

    def __enter__(self) -> BackendDriver:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.backend.close()

    @property
    def events(self) -> list[Event]:
        """All events so far, in order."""
        return [event for batch in self.batches for event in batch]

    def start(
        self, trial_id: int, config: Mapping[str, Any], checkpoint_trial_id: int | None = None
    ) -> None:
        """Start a trial."""
        self.backend.execute(StartTrial(trial_id, 0, config, checkpoint_trial_id))

    def resume(self, trial_id: int, run: int, config: Mapping[str, Any]) -> None:
        """Start another run of a trial."""
        self.backend.execute(ResumeTrial(trial_id, run, config))

    def pause(self, trial_id: int, run: int = 0) -> None:
        """Pause a trial."""
        self.backend.execute(PauseTrial(trial_id, run))

    def stop(self, trial_id: int, run: int = 0) -> None:
        """Stop a trial."""
        self.backend.execute(StopTrial(trial_id, run))

    def pump(self, done: Callable[[], object], patience: float = PATIENCE_S) -> None:
        """Take in events until something is the case.

        Raises:
            AssertionError: If it never is; the message holds the events.
        """
        deadline = time.monotonic() + patience
        while not done():
            left = deadline - time.monotonic()
            assert left > 0, f"still waiting after {patience} s; so far: {self.events}"
            batch = self.backend.wait_events(left)
            if batch:
                self.batches.append(batch)

    def until_ended(self, *trial_ids: int, run: int = 0) -> list[TrialEnded]:
        """Wait for the ends of trials; returns them in the order of the arguments."""
        self.pump(lambda: all(self._end_of(trial_id, run) for trial_id in trial_ids))
        ends = [self._end_of(trial_id, run) for trial_id in trial_ids]
        return [end for end in ends if end is not None]

    def until_ended_one(self, trial_id: int, run: int = 0) -> TrialEnded:
        """Wait for the end of a trial."""
        return self.until_ended(trial_id, run=run)[0]

    def until_reported(self, trial_id: int, number: int = 1, run: int = 0) -> list[dict[str, Any]]:
        """Wait for so many reports of a trial's run; returns all of them."""
        self.pump(lambda: len(self.reports(trial_id, run)) >= number)
        return self.reports(trial_id, run)

    def reports(self, trial_id: int, run: int | None = None) -> list[dict[str, Any]]:
        """What a trial reported so far."""
        return [
            dict(event.result)
            for event in self.events
            if isinstance(event, TrialReported)
            and event.trial_id == trial_id
            and run in (None, event.run)
        ]

    def handle(self, trial_id: int, run: int = 0) -> dict[str, Any]:
        """The handle of a run, waiting for it."""
        self.pump(lambda: self._start_of(trial_id, run))
        started = self._start_of(trial_id, run)
        assert started is not None
        return dict(started.handle)

    def _start_of(self, trial_id: int, run: int) -> TrialStarted | None:
        for event in self.events:
            if isinstance(event, TrialStarted) and (event.trial_id, event.run) == (trial_id, run):
                return event
        return None

    def _end_of(self, trial_id: int, run: int) -> TrialEnded | None:
        for event in self.events:
            if isinstance(event, TrialEnded) and (event.trial_id, event.run) == (trial_id, run):
                return event
        return None
