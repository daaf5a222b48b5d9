"""A backend whose trials report at once, for measurements that need no processes."""

from __future__ import annotations

import random
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
