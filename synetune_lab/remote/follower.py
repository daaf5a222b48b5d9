"""Looks after a remote run: at its link all the time, at SageMaker where the link can't tell.

The folder of a run belongs to one launch at a time. Before anything is written there, the note in
it is read again: another follower may have taken leave of the job, and the run may have gone on
here, or as another job, since.
"""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from synetune_lab.backend.sagemaker_backend.aws import Aws, AwsError
from synetune_lab.errors import CommandRefused, StoreError, SynetuneLabError
from synetune_lab.remote.driver import RemoteDriver
from synetune_lab.remote.fetch import LAUNCH_FILENAME, fetch_files, is_result
from synetune_lab.remote.job import JobState, Rarely, TuningJob
from synetune_lab.remote.mirror import Mirror
from synetune_lab.remote.note import RemoteNote
from synetune_lab.remote.s3_folder import S3Folder
from synetune_lab.store.event_log import EVENT_LOG_FILENAME
from synetune_lab.store.run_files import read_run_file, write_run_file

if TYPE_CHECKING:
    from synetune_lab.remote.link import Status
    from synetune_lab.session.inbox import CommandFuture

__all__ = ["Follower"]

logger = logging.getLogger(__name__)

_LOOK_EVERY_S: Final = 2.0
_ASK_SAGEMAKER_EVERY_S: Final = 10.0
_SILENT_S: Final = 60.0
_FOLLOW_S: Final = 15.0
_VISIBLE_AFTER_S: Final = 120.0
_LONGEST_PAUSE_S: Final = 30.0


class Follower:
    """Keeps what is known of a remote run, and brings commands to it.

    Args:
        note: Where the run is.
        path: Its folder on this machine.
        aws: The account; None makes it from the note.
        is_new: Whether its job was made just now.

    Attributes:
        note: Where the run is, and how it ended.
        look_every_s: Seconds between two looks while somebody follows the run.
        job: The job.
        job_state: What SageMaker told of it when it was asked last; None before.
        status: What the run told of itself last; None before it began.
        problem: Why the last look failed, None if it did not.
        is_offline: Whether it failed because AWS was out of reach.
        heard_at: Unix time when the run was heard of last; None if it was not yet.
        driver: The way to the session in the job.
    """

    def __init__(
        self, note: RemoteNote, path: Path, aws: Aws | None = None, *, is_new: bool = False
    ) -> None:
        self.note = note
        self.look_every_s = _LOOK_EVERY_S
        self.job_state: JobState | None = None
        self.status: Status | None = None
        self.problem: str | None = None
        self.is_offline = False
        self.heard_at: float | None = None
        self._path = path
        self._aws = aws or Aws(note.region, note.profile)
        self._results = S3Folder(self._aws, note.result_uri)
        link = S3Folder(self._aws, note.link_uri)
        self._mirror = Mirror(link, path, note.launch)
        self.job = TuningJob(self._aws, note)
        self.driver = RemoteDriver(link, note.launch, self._on_ask, self._instead)
        self._asks_sagemaker = Rarely(_ASK_SAGEMAKER_EVERY_S)
        self._knows_status = is_new
        self._heard: float | None = None
        self._looking = threading.Lock()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._followed_until = 0.0
        self._wake = threading.Event()
        if note.is_over:
            self._close()

    @property
    def results(self) -> S3Folder:
        """The folder on S3 with the run's results."""
        return self._results

    @property
    def silent_s(self) -> float | None:
        """Seconds since the run was heard of last; None if it was not yet."""
        return None if self._heard is None else time.monotonic() - self._heard

    @property
    def trouble(self) -> str | None:
        """Why nothing is heard of a run that has begun; None if all is well."""
        job = self.job_state
        if self.problem is not None:
            return f"AWS can't be asked: {self.problem}"
        if self.status is None or self.status.is_over:
            return None
        if job is not None and job.secondary in ("Interrupted", "Restarting"):
            return f"SageMaker {job.in_words()}"
        silent = self.silent_s or 0.0
        return f"not heard of for {silent // 60:.0f} min" if silent > _SILENT_S else None

    # -- looking --------------------------------------------------------------------------------

    def look(self) -> None:
        """Look at S3 (and now and then at SageMaker) once; waits for the network.

        Raises:
            AwsError: If AWS can't be reached.
            StoreError: If the run's folder can't be read or written.
        """
        with self._looking:
            if not self._is_ours():
                return
            status = self._mirror.update()
            if status is not None and (self.status is None or status.at != self.status.at):
                self.status, self._heard, self.heard_at = status, time.monotonic(), time.time()
            self._knows_status = True
            if self._needs_sagemaker() and self._asks_sagemaker():
                self.job_state = self._look_at_job()
                if self.job_state.is_over:
                    self._take_leave()
                    return
            self.driver.exchange()
            self.problem, self.is_offline = None, False

    def _is_ours(self) -> bool:
        """Whether the run's folder is still that of this job, which is not known to be over."""
        if self.note.is_over:
            return False
        there = RemoteNote.read(self._path)
        if there is None:
            self.note.write(self._path)  # the folder was removed; the run goes on
            return True
        if not there.is_of_same_job(self.note):
            why = f"the job {there.job_name} drives the run now; attach to it"
            self.note = self.note.over("interrupted", why)
        elif there.is_over:
            self.note = there
        else:
            return True
        self._close()
        return False

    def _look_at_job(self) -> JobState:
        try:
            return self.job.look()
        except AwsError as error:
            is_young = time.time() < self.note.launched_at + _VISIBLE_AFTER_S
            if error.trouble != "missing" or is_young:
                raise
            return JobState("Failed", "", "SageMaker does not know this job (any more)")

    def _needs_sagemaker(self) -> bool:
        """The run speaks for itself; SageMaker is asked before, after, and if it is silent."""
        if self.status is None or self.status.is_over:
            self._asks_sagemaker.every_s = min(_ASK_SAGEMAKER_EVERY_S, 2 * self.look_every_s)
            return True
        self._asks_sagemaker.every_s = _ASK_SAGEMAKER_EVERY_S
        beat = max(20.0, 10 * self.status.interval_s)
        return (self.silent_s or 0.0) > beat

    # -- the end --------------------------------------------------------------------------------

    def _take_leave(self) -> None:
        """The job has ended: bring all that it left here, once."""
        with self._mirror.alone(wait=True):
            if not self._is_ours():
                return
            self.status = self._mirror.update_alone() or self.status
            stopped = self._stop_trials()
            if self.status is not None or self._has_left_results():
                log = self._path / EVENT_LOG_FILENAME
                have = log.stat().st_size if log.exists() else 0
                # Of a job that was killed the link may know more than SageMaker has kept.
                fetch_files(
                    self._results,
                    self._path,
                    lambda f: is_result(f.name) and (f.name != EVENT_LOG_FILENAME or f.size > have),
                )
            state, why = self._end()
            if stopped:
                why += f"; {stopped} jobs of its trials still ran and were stopped"
            header = {**(read_run_file(self._path) or {}), "state": state, "why": why}
            write_run_file(self._path, header)
            self.note = self.note.over(state, why)
            self.note.write(self._path)
        self.problem = None
        self._close()

    def _has_left_results(self) -> bool:
        """Whether what is on S3 is of this launch, not of one before."""
        told = self._results.get(LAUNCH_FILENAME)
        return told is not None and told.decode(errors="replace") == self.note.launch

    def _stop_trials(self) -> int:
        """Stop jobs of trials that outlived the tuner's; returns how many there were."""
        prefix = None if self.status is None else self.status.trial_jobs
        return 0 if prefix is None else self.job.stop_others(prefix)

    def _end(self) -> tuple[str, str]:
        """State and reason of the run's end, from what the run and SageMaker tell."""
        job, status = self.job_state, self.status
        assert job is not None
        if status is not None and status.is_over and status.problem:
            return "failed", status.problem
        if job.status == "Stopped":
            return "interrupted", job.why_stopped()
        if status is not None and status.is_over:
            told = status.header.get("state")
            if told in ("finished", "failed", "interrupted"):
                return str(told), str(status.header.get("why") or "the run has ended")
        if job.status == "Completed":
            return "finished", "the job has completed"
        return "failed", f"the job has failed: {job.reason or 'SageMaker does not say why'}"

    def _close(self) -> None:
        self.driver.close(f"the run is over: {self.note.why or self.note.state}")

    # -- following ------------------------------------------------------------------------------

    def follow(self) -> None:
        """Have a thread look for a while; whoever goes on watching calls it again and again."""
        self._followed_until = time.monotonic() + _FOLLOW_S
        with self._starting:
            if self.note.is_over or self._thread is not None:
                return
            self._thread = threading.Thread(
                target=self._main, name=f"synetune-lab follows {self.note.name}", daemon=True
            )
            self._thread.start()

    def _main(self) -> None:
        pause = 0.0
        while True:
            self._wake.wait(pause)
            self._wake.clear()
            try:
                self.look()
                pause = self.look_every_s
            except (AwsError, StoreError, OSError) as error:
                if self.problem is None:
                    # The panel and `wait` tell it; a warning would stay in the notebook for good.
                    logger.info("run %s can't be looked at: %s", self.note.name, error)
                self.problem = str(error)
                self.is_offline = isinstance(error, AwsError) and error.trouble == "network"
                pause = min(2 * max(pause, 1.0), _LONGEST_PAUSE_S)
            except Exception as error:
                logger.exception("run %s can't be looked at; it is tried again", self.note.name)
                self.problem = f"{type(error).__name__}: {error}"
                pause = _LONGEST_PAUSE_S
            with self._starting:
                wanted = time.monotonic() < self._followed_until or self.driver.is_waiting
                if self.note.is_over or not wanted:
                    self._thread = None
                    return

    def _on_ask(self) -> None:
        self._wake.set()
        self.follow()

    def _instead(self, future: CommandFuture) -> bool:
        """A job that has not begun to tune looks at no inbox: SageMaker stops it."""
        if future.name != "stop_run" or self.status is not None or not self._knows_status:
            return False

        def stop() -> None:
            try:
                self.stop_job()
                future.set_result({"job": self.note.job_name})
            except SynetuneLabError as error:
                future.set_exception(CommandRefused(str(error)))

        threading.Thread(target=stop, name="synetune-lab stops a job", daemon=True).start()
        return True

    def stop_job(self) -> None:
        """Have SageMaker end the job.

        Raises:
            AwsError: If it can't be stopped.
        """
        if self.status is not None and not self.status.is_over:
            # Not every image hands SageMaker's signal on to the tuner, which looks here as well.
            self.driver.submit("stop_run", {}, origin="cell")
        self.job.stop()
        self._asks_sagemaker = Rarely(_ASK_SAGEMAKER_EVERY_S)
