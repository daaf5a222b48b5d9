"""A backend that keeps the files of trials in a place of its own, by names of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from synetune_lab.backend import PythonBackend

__all__ = ["Elsewhere"]


class Elsewhere(PythonBackend):
    """Trials see neither the folder of the run nor their number in a path, as in a container.

    Attributes:
        copies: Checkpoints that were copied: from which trial to which.
        asked: Trials whose checkpoints were asked for.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.copies: list[tuple[int, int]] = []
        self.asked: list[int] = []

    def trial_path(self, trial_id: int) -> Path:
        return self._root().parent / "elsewhere" / f"job-{trial_id}" / "ml"

    def checkpoint_trial_path(self, trial_id: int) -> Path:
        self.asked.append(trial_id)
        return self.trial_path(trial_id) / "checkpoints"

    def copy_checkpoint(self, src_trial_id: int, tgt_trial_id: int) -> None:
        self.copies.append((src_trial_id, tgt_trial_id))
        super().copy_checkpoint(src_trial_id, tgt_trial_id)
