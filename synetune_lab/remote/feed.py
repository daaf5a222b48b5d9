"""A remote run as the panel sees it: live, and steered through the run's inbox."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from synetune_lab.dashboard.saved_feed import SavedFeed
from synetune_lab.dashboard.view_model import ViewModel
from synetune_lab.errors import CommandRefused
from synetune_lab.store.run_files import read_run_file

if TYPE_CHECKING:
    from synetune_lab.remote.remote_run import RemoteRun
    from synetune_lab.session.steering import Driver

__all__ = ["RemoteFeed"]

_ANSWER_S = 30.0


class RemoteFeed(SavedFeed):
    """Follows a remote run for as long as somebody looks.

    Args:
        run: The run. Its folder must hold `run.json`.
    """

    def __init__(self, run: RemoteRun) -> None:
        super().__init__(run.path)
        self.run = run
        self._generation: int | None = None
        self._told_state = ""
        self._told_at = time.time()

    @property
    def session(self) -> Driver | None:
        """The way to the session in the job; None after its end."""
        return None if self.run.is_over else self.run.session

    def refresh(self) -> None:
        """Take in what has come meanwhile; the network is another thread's."""
        with self.lock:
            self.run.follow()
            status = self.run.status
            if status is not None and status.generation != self._generation:
                if self._generation is not None:
                    self._begin_again()
                self._generation = status.generation
            if not self.view.metric_names:
                self._begin_again()  # the header was not known yet
            super().refresh()

    def _begin_again(self) -> None:
        """Another process drives the run and may know less of it than was shown."""
        self.view = ViewModel(read_run_file(self.path) or self.view.header)
        self._log_size = 0
        self._looked_at = 0.0
        self._sent_seq = -1  # followers find a gap, and ask for all

    def _told_by_files(self) -> dict[str, Any]:
        run = self.run
        saved = read_run_file(self.path) or {}
        told = ("saved_at", "progress", "started_at")
        known: dict[str, Any] = {key: saved[key] for key in told if key in saved}
        if run.is_over:
            known["state"] = "failed" if run.note.state == "failed" else "finished"
            known["why"] = run.note.why
        elif run.status is None:
            known["state"] = "starting"
        return known

    def _amend(self, header: dict[str, Any]) -> None:
        header.update(self._known)
        run = self.run
        header.update(read_only=False, controls=not run.is_over)
        words = run.in_words()
        if run.is_over:
            header["waits_for"] = None
        elif words != "running" and run.status is None:
            header["waits_for"] = words
        header["remote"] = {
            "job": run.job_name,
            "url": run.console_url,
            "heard_at": run.heard_at,
            "trouble": None if run.is_over else run.trouble,
        }

    def log_tail(self, trial_id: int, lines: int) -> dict[str, list[str]]:
        """The last lines of a trial's logs, told by the job; after its end those that were kept."""
        if not self.run.is_over:
            told: dict[str, list[str]] = self.run.session.log_tail(trial_id, lines).result(
                _ANSWER_S
            )
            return told
        kept = super().log_tail(trial_id, lines)
        if not any(kept.values()):
            hint = (
                "run.fetch(trials=True) copies them here"
                if self.run.note.keeps_logs
                else "they were not kept: launch with store_logs_localbackend=True"
            )
            raise CommandRefused(f"the logs of trials are not here; {hint}")
        return kept
