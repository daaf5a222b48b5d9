"""Backends whose trials make their reports up, for measurements that need no processes."""

from __future__ import annotations

import random
import threading
import time
from pathlib import Path
from typing import Any

from synetune_lab.backend import TrialBackend
from synetune_lab.engine.actions import StartTrial
from synetune_lab.engine.events import TrialEnded, TrialReported

REPORTS_A_TRIAL = 100


class MadeUpBackend(TrialBackend):
    """Trials of 100 reports of five metrics each, all there as soon as the trial starts."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[Any] = []
        self.random = random.Random(1)

    def open(self, results_root: Path, tuner_name: str) -> None:
        """Nothing to open."""

    def execute(self, action: Any) -> None:
        """A trial is over as soon as it starts."""
        if not isinstance(action, StartTrial):
            return
        draw = self.random.random
        for epoch in range(1, REPORTS_A_TRIAL + 1):
            result: dict[str, Any] = {f"metric_{k}": draw() for k in range(4)}
            result.update(loss=draw() / epoch, epoch=epoch)
            result.update(st_worker_timestamp=time.time(), st_worker_time=epoch * 1.0)
            result.update(st_worker_iter=epoch - 1)
            self.waiting.append(TrialReported(action.trial_id, action.run, result))
        self.waiting.append(TrialEnded(action.trial_id, action.run, "exited", 0))

    def wait_events(self, timeout: float | None) -> list[Any]:  # noqa: ARG002
        """Everything at once."""
        waiting, self.waiting = self.waiting, []
        return waiting

    def wake(self) -> None:
        """It never sleeps."""

    def close(self, *, leave_running: bool = False) -> None:
        """Nothing to close."""

    def entrypoint_path(self) -> Path:
        """Only a name."""
        return Path("made_up.py")


class SteadyBackend(MadeUpBackend):
    """Trials that go on for ever and take turns in reporting the time as their metric.

    Args:
        rate: Reports a second, of all trials together.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate
        self.running: dict[int, int] = {}
        self.epochs: dict[int, int] = {}
        self.turn = 0
        self.next_at = time.monotonic()
        self.woken = threading.Event()

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "woken": None}

    def execute(self, action: Any) -> None:
        """Remember who runs."""
        if isinstance(action, StartTrial):
            self.running[action.trial_id] = action.run
        elif action.trial_id in self.running:
            run = self.running.pop(action.trial_id)
            self.waiting.append(TrialEnded(action.trial_id, run, "stopped", -15))

    def wait_events(self, timeout: float | None) -> list[Any]:
        """The next report, when its time has come."""
        while not self.waiting and self.running:
            left = self.next_at - time.monotonic()
            if left <= 0:
                self.report()
                break
            wait = left if timeout is None else min(left, timeout)
            if self.woken.wait(wait) or wait < left:
                break
        self.woken.clear()
        return super().wait_events(timeout)

    def report(self) -> None:
        """The next trial in turn reports."""
        self.next_at += 1.0 / self.rate
        self.turn += 1
        trial_id = sorted(self.running)[self.turn % len(self.running)]
        epoch = self.epochs[trial_id] = self.epochs.get(trial_id, 0) + 1
        result = {"epoch": epoch, "loss": time.time(), "st_worker_iter": epoch - 1}
        self.waiting.append(TrialReported(trial_id, self.running[trial_id], result))

    def wake(self) -> None:
        """Let `wait_events` return."""
        self.woken.set()
