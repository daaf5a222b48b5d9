"""A remote run as the panel sees it: live, and steered through the run's inbox."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from synetune_lab.dashboard.saved_feed import SavedFeed
from synetune_lab.errors import CommandRefused
from synetune_lab.remote.log_tails import LogTails
from synetune_lab.remote.mirror import generation_in
from synetune_lab.store.run_files import read_run_file
from synetune_lab.store.run_files import to_json as plain
from synetune_lab.trial import Status as TrialStatus

if TYPE_CHECKING:
    from concurrent.futures import Future

    from synetune_lab.remote.remote_run import RemoteRun
    from synetune_lab.session.steering import Driver

__all__ = ["RemoteFeed"]

_ENDED: Final = (TrialStatus.stopped, TrialStatus.completed, TrialStatus.failed)
_OVER: Final = ("finished", "failed")
_LOST: Final = ("Interrupted", "Restarting")
_LATE_S: Final = 900.0
# What SageMaker says of a job that has not come to its training, for the first time or again.
_ON_THE_WAY: Final = (
    *_LOST,
    "Starting",
    "LaunchingMLInstances",
    "PreparingTrainingStack",
    "Pending",
    "Downloading",
    "DownloadingTrainingImage",
)


class RemoteFeed(SavedFeed):
    """Follows a remote run for as long as somebody looks.

    Args:
        run: The run.
    """

    def __init__(self, run: RemoteRun) -> None:
        # A run that was launched elsewhere has no files here before it was heard of.
        super().__init__(run.path, {"name": run.name})
        self.run = run
        self._is_over = False
        self._generation: int | None = None
        self._moved_after: int | None = None
        self._clock = _Clock()
        self._logs = LogTails(self._ask_for_log)

    @property
    def session(self) -> Driver | None:
        """The way to the session in the job; None after its end."""
        return None if self.run.is_over else self.run.session

    def watched(self) -> None:
        """Have the run followed: the network is another thread's."""
        self.run.follow()

    def refresh(self) -> None:
        """Take in what has come meanwhile."""
        with self.lock:
            if self.run.is_over != self._is_over:
                self._looked_at = 0.0  # all that will ever come is there
            super().refresh()

    def _look(self) -> None:
        # Asked before the files: when it is over, they are complete.
        self._is_over = self.run.is_over
        generation = generation_in(self.path)
        if generation != self._generation:
            # SageMaker started the job again elsewhere, and that one may know less than was shown.
            if self._generation is not None:
                self._begin_again()
            self._generation = generation
        if not self.view.metric_names and (read_run_file(self.path) or {}).get("metric_names"):
            self._begin_again()
        super()._look()

    def _may_lack_log(self) -> bool:
        return self._is_over  # before, it just has not come yet

    def _begin_again(self) -> None:
        super()._begin_again()
        self._clock = _Clock()

    def _told_by_files(self) -> dict[str, Any]:
        saved = read_run_file(self.path) or {}
        told = ("saved_at", "progress", "started_at", "tuner_time")
        known = {key: plain(saved[key]) for key in told if saved.get(key) is not None}
        if self._is_over:
            note = self.run.note
            known["state"] = "failed" if note.state == "failed" else "finished"
            known["why"] = note.why
        return known

    def _amend(self, header: dict[str, Any]) -> None:
        run, folded = self.run, header["tuner_time"]
        header.update(self._known)
        header.update(read_only=False, controls=not self._is_over)
        trouble = None if self._is_over else self._trouble()
        if self._is_over:
            header["waits_for"] = None
        else:
            self._tell_what_job_does(header)
        ticks = header["state"] == "running" and trouble is None
        told = max(folded, self._known.get("tuner_time") or 0.0)
        header["tuner_time"] = told if self._is_over else self._clock.time(told, ticks)
        header["remote"] = {
            "job": run.job_name,
            "url": run.console_url,
            "heard_at": run.heard_at,
            "trouble": trouble,
        }

    def _tell_what_job_does(self, header: dict[str, Any]) -> None:
        """Before the tuner begins, and after it has ended, only SageMaker knows."""
        status, job = self.run.status, self.run.job_state
        if status is not None and not status.is_over:
            return
        if status is None and self.view.seq and header["state"] not in _OVER:
            return  # known from an earlier look of this machine, and not heard of yet
        words = "asks SageMaker what the job does" if job is None else f"SageMaker {job.in_words()}"
        is_new = status is None and not self.view.seq
        if is_new and job is not None and job.secondary == "Training" and self._is_late():
            words += ", and is long about it: run.log() shows what it writes"
        if is_new or self._goes_on_elsewhere():
            state = "starting"
        else:
            state = "stopping"
            if job is not None and (job.is_over or job.secondary == "Training"):
                words = "fetches the last results" if job.is_over else "waits for the job to end"
        header.update(state=state, why=None, waits_for=words)

    def _is_late(self) -> bool:
        """Whether the tuner should have been heard of, if it could reach S3."""
        return time.time() - self.run.note.launched_at > _LATE_S

    def _goes_on_elsewhere(self) -> bool:
        """Whether the process that was heard of last is over, but not the run."""
        status, job = self.run.status, self.run.job_state
        if status is None:
            return False
        if job is not None and job.secondary in _ON_THE_WAY:
            self._moved_after = status.generation
        is_of_former_job = status.at < self.run.note.launched_at
        return is_of_former_job or self._moved_after == status.generation

    def _trouble(self) -> str | None:
        """Why what is shown may be old, and what goes on regardless; None if all is well."""
        run, job = self.run, self.run.job_state
        trouble = run.trouble
        if trouble is None:
            return None
        if run.problem is not None:
            trouble = "AWS can't be reached from here" if run.is_offline else trouble
            rest = "The job goes on; what it does is shown as soon as AWS answers"
        elif job is not None and job.secondary in _LOST:
            rest = "The run goes on there: what was reported is kept"
        else:
            rest = "Its instance may be replaced or out of reach; commands are kept for it"
        return f"{trouble[0].upper()}{trouble[1:].rstrip('.')}. {rest}."

    def _ask_for_log(self, trial_id: int, lines: int) -> Future[Any]:
        return self.run.session.log_tail(trial_id, lines)

    def log_tail(self, trial_id: int, lines: int) -> dict[str, list[str]] | None:
        """The last lines of a trial's logs as the job told them; after its end what was kept."""
        if not self.run.is_over:
            with self.lock:
                row = self.view.trials.get(trial_id) or {}
            has_ended = row.get("status") in _ENDED
            return self._logs.tail(trial_id, lines, row.get("run") if has_ended else None)
        kept = super().log_tail(trial_id, lines)
        if not kept or not any(kept.values()):
            hint = (
                "run.fetch(trials=True) copies them here"
                if self.run.note.keeps_logs
                else "they were not kept: launch with store_logs_localbackend=True"
            )
            raise CommandRefused(f"the logs of trials are not here; {hint}")
        return kept


class _Clock:
    """The time of a run between two news of it, by the clock of this machine."""

    def __init__(self) -> None:
        self._time = 0.0
        self._at = time.monotonic()
        self._ticks = False

    def time(self, told: float, ticks: bool) -> float:
        """Seconds by now; never before what was told.

        Args:
            told: What the run told last.
            ticks: Whether the time goes on from now.
        """
        now = time.monotonic()
        passed = now - self._at if self._ticks else 0.0
        self._time, self._at, self._ticks = max(told, self._time + passed), now, ticks
        return self._time
