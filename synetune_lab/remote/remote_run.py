"""A run on SageMaker as seen from here: followed, steered, stopped, fetched."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from synetune_lab.backend.sagemaker_backend.aws import Aws, AwsError
from synetune_lab.errors import CommandRefused, StoreError, SynetuneLabError
from synetune_lab.remote.driver import RemoteDriver
from synetune_lab.remote.fetch import fetch_files, is_result, is_trial_file
from synetune_lab.remote.job import JobState, Rarely, TuningJob
from synetune_lab.remote.log_pieces import restore_log
from synetune_lab.remote.mirror import Mirror
from synetune_lab.remote.note import RemoteNote
from synetune_lab.remote.s3_folder import S3Folder
from synetune_lab.session.progress import make_progress
from synetune_lab.session.steering import SteeredRun
from synetune_lab.session.summary import RunSummary
from synetune_lab.store.event_log import EVENT_LOG_FILENAME
from synetune_lab.store.run_files import RUN_FILENAME, read_run_file, write_run_file
from synetune_lab.tuner import Tuner
from synetune_lab.util import experiment_path

if TYPE_CHECKING:
    from synetune_lab.experiments.experiment_result import ExperimentResult
    from synetune_lab.remote.link import Status
    from synetune_lab.session.inbox import CommandFuture

__all__ = ["RemoteRun"]

logger = logging.getLogger(__name__)

_LOOK_EVERY_S: Final = 2.0
_ASK_SAGEMAKER_EVERY_S: Final = 10.0
_SILENT_S: Final = 60.0
_FOLLOW_S: Final = 15.0


class RemoteRun(SteeredRun):
    """A run that a SageMaker job drives.

    What `RemoteLauncher.run` returns; `RemoteRun.attach` finds it again, after the kernel was
    restarted, say. As the last line of a cell it shows the panel. Its methods `pause`,
    `stop_trial`, `edit_space` and so on are those of a `Tuner`: they go through a folder on S3 that
    the job looks at every two seconds, and so do their answers.

    Args:
        note: Where the run is.
        path: Its folder on this machine, which is kept in step with the job.
        aws: The account; None makes it from the note.
        is_new: Whether its job was made just now.

    Attributes:
        note: Where the run is.
        path: Its folder on this machine.
        look_every_s: Seconds between two looks while somebody follows the run.
        job_state: What SageMaker told of the job when it was asked last; None before.
        status: What the run told of itself last; None before it began.
        problem: Why the last look failed, None if it did not.
        is_offline: Whether it failed because AWS was out of reach.
        heard_at: Unix time when the run was heard of last; None if it was not yet.
    """

    def __init__(
        self, note: RemoteNote, path: Path, aws: Aws | None = None, *, is_new: bool = False
    ) -> None:
        self.note = note
        self.path = path
        self.look_every_s = _LOOK_EVERY_S
        self.job_state: JobState | None = None
        self.status: Status | None = None
        self.problem: str | None = None
        self.is_offline = False
        self._aws = aws or Aws(note.region, note.profile)
        self._link = S3Folder(self._aws, note.link_uri)
        self._mirror = Mirror(self._link, path, note.launch)
        self._job = TuningJob(self._aws, note)
        self._asks_sagemaker = Rarely(_ASK_SAGEMAKER_EVERY_S)
        self._looking = threading.Lock()
        self._knows_status = is_new
        self.heard_at: float | None = None
        self._heard: float | None = None
        self._starting = threading.Lock()
        self._follower: threading.Thread | None = None
        self._followed_until = 0.0
        self._wake = threading.Event()
        self._driver = RemoteDriver(self._link, self._on_ask, self._instead)
        if note.is_over:
            self._driver.close(f"the run is over: {note.why or note.state}")

    @classmethod
    def attach(
        cls, name: str | Path, s3_path: str | None = None, *, profile: str | None = None
    ) -> RemoteRun:
        """Find a run again.

        Args:
            name: Name of the tuner, or the run's folder on this machine.
            s3_path: Where experiments are kept on S3, for a run that was launched elsewhere.
            profile: Profile of the credentials, for a run that was launched elsewhere.

        Raises:
            StoreError: If nothing is known of such a run.
        """
        path = Path(name).expanduser()
        if not path.is_dir():
            path = experiment_path(tuner_name=str(name))
        note = RemoteNote.read(path)
        if note is not None:
            return cls(note, path)
        if s3_path is None:
            raise StoreError(
                f"{path} does not tell of a remote run {str(name)!r}; if it was launched on "
                "another machine, say where experiments are kept: "
                f"RemoteRun.attach({str(name)!r}, s3_path='s3://bucket/syne-tune')"
            )
        return cls._found_on_s3(str(name), s3_path, path, profile)

    @classmethod
    def _found_on_s3(cls, name: str, s3_path: str, path: Path, profile: str | None) -> RemoteRun:
        from synetune_lab.remote.link import link_uri
        from synetune_lab.remote.note import REMOTE_NOTE

        uri = link_uri(s3_path, name)
        body = S3Folder(Aws(profile=profile), uri).get(REMOTE_NOTE)
        if body is None:
            raise StoreError(f"there is no remote run {name!r}: {uri} has no {REMOTE_NOTE}")
        note = replace(RemoteNote.parse(body, uri), profile=profile)
        note.write(path)
        return cls(note, path)

    # -- what is known --------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """Name of the tuner."""
        return self.note.name

    @property
    def job_name(self) -> str:
        """Name of the training job."""
        return self.note.job_name

    @property
    def is_over(self) -> bool:
        """Whether the job has ended and its results were fetched, as of the last look."""
        return self.note.is_over

    @property
    def session(self) -> RemoteDriver:
        """The way to the session in the job.

        Raises:
            CommandRefused: If the run is over.
        """
        if self.note.is_over:
            raise CommandRefused(f"run {self.name!r} is over: {self.note.why or self.note.state}")
        return self._driver

    @property
    def silent_s(self) -> float | None:
        """Seconds since the run was heard of last; None if it was not yet."""
        return None if self._heard is None else time.monotonic() - self._heard

    @property
    def console_url(self) -> str:
        """Where a browser shows the job."""
        return self._job.console_url()

    def in_words(self) -> str:
        """What the run does, in one sentence."""
        if self.note.is_over:
            return self.note.why or f"the run is {self.note.state}"
        job = self.job_state
        if self.trouble is not None:
            return self.trouble
        if self.status is not None and self.status.is_over:
            return "the run has ended; SageMaker is ending its job"
        if self.status is None:
            return "SageMaker " + ("was not asked yet" if job is None else job.in_words())
        return str(self.status.header.get("state", "running"))

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

    def summary(self) -> RunSummary:
        """The run at a glance, as of the last look."""
        header = (self.status.header if self.status else None) or read_run_file(self.path) or {}
        best = header.get("best")
        found = (int(best["trial_id"]), float(best["value"])) if best else None
        state: Any = self.note.state or (header.get("state") if self.status else None) or "starting"
        return RunSummary(
            name=self.name,
            state=state,
            why=self.note.why or header.get("why") or (None if self.status else self.in_words()),
            counts=header.get("counts") or {},
            n_workers=int(header.get("n_workers") or 1),
            num_reports=int(header.get("num_reports") or 0),
            metric=(header.get("metric_names") or [None])[0],
            mode=(header.get("metric_modes") or ["min"])[0],
            best=found,
            tuner_time=float(header.get("tuner_time") or 0.0),
            progress=header.get("progress"),
        )

    # -- looking --------------------------------------------------------------------------------

    def refresh(self) -> RemoteRun:
        """Look at S3 (and now and then at SageMaker) once; waits for the network.

        Raises:
            AwsError: If AWS can't be reached.
        """
        with self._looking:
            if self.note.is_over:
                return self
            self._driver.exchange()
            status = self._mirror.update()
            if status is not None and (self.status is None or status.at != self.status.at):
                self.status, self._heard, self.heard_at = status, time.monotonic(), time.time()
            self._knows_status = True
            if self._needs_sagemaker() and self._asks_sagemaker():
                self.job_state = self._job.look()
                if self.job_state.is_over:
                    self._take_leave()
            self.problem = None
        return self

    def _needs_sagemaker(self) -> bool:
        """The run speaks for itself; SageMaker is asked before, after, and if it is silent."""
        if self.status is None or self.status.is_over:
            self._asks_sagemaker.every_s = min(_ASK_SAGEMAKER_EVERY_S, 2 * self.look_every_s)
            return True
        self._asks_sagemaker.every_s = _ASK_SAGEMAKER_EVERY_S
        beat = max(20.0, 10 * self.status.interval_s)
        return (self.silent_s or 0.0) > beat

    def _take_leave(self) -> None:
        """The job has ended: all that it left is here now."""
        status = self._mirror.update()
        if status is not None:
            self.status = status
        fetch_files(
            S3Folder(self._aws, self.note.result_uri), self.path, lambda f: is_result(f.name)
        )
        # Of a job that was killed the link may know more than SageMaker has kept.
        restore_log(self._link, self.path)
        state, why = self._end()
        header = {**(read_run_file(self.path) or {}), "state": state, "why": why}
        write_run_file(self.path, header)
        self.note = self.note.over(state, why)
        self.note.write(self.path)
        self._driver.close(f"the run is over: {why}")

    def _end(self) -> tuple[str, str]:
        """State and reason of the run's end, from what the run and SageMaker tell."""
        job, status = self.job_state, self.status
        assert job is not None
        if status is not None and status.is_over:
            told = status.header.get("state")
            if status.problem:
                return "failed", status.problem
            if told in ("finished", "failed", "interrupted"):
                return str(told), str(status.header.get("why") or "the run has ended")
        if job.status == "Completed":
            return "finished", "the job has completed"
        if job.status == "Stopped":
            return "interrupted", "the job was stopped; the run can be resumed"
        return "failed", f"the job has failed: {job.reason or 'SageMaker does not say why'}"

    def follow(self) -> None:
        """Have a thread look for a while; whoever goes on watching calls it again and again."""
        self._followed_until = time.monotonic() + _FOLLOW_S
        with self._starting:
            if self.note.is_over or self._follower is not None:
                return
            self._follower = threading.Thread(
                target=self._follow, name=f"synetune-lab follows {self.name}", daemon=True
            )
            self._follower.start()

    def _follow(self) -> None:
        pause = 0.0
        while True:
            self._wake.wait(pause)
            self._wake.clear()
            try:
                self.refresh()
                pause = self.look_every_s
            except (AwsError, StoreError, OSError) as error:
                if self.problem is None:
                    # The panel and `wait` tell it; a warning would stay in the notebook for good.
                    logger.info("run %s can't be looked at: %s", self.name, error)
                self.problem = str(error)
                self.is_offline = isinstance(error, AwsError) and error.trouble == "network"
                pause = min(2 * max(pause, 1.0), 30.0)
            except Exception as error:
                logger.exception("run %s can't be looked at; it is tried again", self.name)
                self.problem = f"{type(error).__name__}: {error}"
                pause = 30.0
            with self._starting:
                wanted = time.monotonic() < self._followed_until or self._driver.is_waiting
                if self.note.is_over or not wanted:
                    self._follower = None
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
                future.set_result({"job": self.job_name})
            except SynetuneLabError as error:
                future.set_exception(CommandRefused(str(error)))

        threading.Thread(target=stop, name="synetune-lab stops a job", daemon=True).start()
        return True

    def wait(self, timeout: float | None = None, progress: bool | None = None) -> bool:
        """Wait until the job has ended and its results are here.

        An interrupt ends the waiting, not the run.

        Args:
            timeout: Seconds to wait at most; None for ever.
            progress: As for `Tuner.run`.

        Returns:
            Whether it has ended.

        Raises:
            KeyboardInterrupt: After an interrupt.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        shown = make_progress(progress)
        try:
            while not self.note.is_over:
                if deadline is not None and time.monotonic() >= deadline:
                    break
                self.follow()
                time.sleep(min(self.look_every_s, 0.5))
                shown.update(self.summary())
        except KeyboardInterrupt:
            shown.message(
                f"The run goes on on SageMaker. RemoteRun.attach({self.name!r}) finds it again; "
                "its stop() ends it."
            )
            raise
        shown.close(self.summary())
        return self.note.is_over

    # -- ending and fetching --------------------------------------------------------------------

    def stop_job(self) -> None:
        """Have SageMaker end the job: it has two minutes to stop its trials and to save.

        Raises:
            AwsError: If it can't be stopped.
        """
        self._job.stop()
        self._asks_sagemaker = Rarely(_ASK_SAGEMAKER_EVERY_S)

    def log(self, lines: int | None = 100) -> list[str]:
        """Lines of the job's log: what the tuner wrote.

        Args:
            lines: So many of the last ones; None for all.

        Raises:
            AwsError: If it can't be read.
        """
        return self._job.log(lines)

    def fetch(self, *, trials: bool = False) -> Path:
        """Copy the results here as they are on S3 now; a finished run has them already.

        Args:
            trials: Also logs and checkpoints of trials, which are there if the run was launched
                with `store_logs_localbackend=True`.

        Returns:
            The run's folder.

        Raises:
            AwsError: If S3 can't be reached.
        """
        folder = S3Folder(self._aws, self.note.result_uri)
        # Log and header come through the link.
        live = (EVENT_LOG_FILENAME, RUN_FILENAME)
        fetch_files(
            folder,
            self.path,
            lambda f: (
                (is_result(f.name) and f.name not in live) or (trials and is_trial_file(f.name))
            ),
        )
        return self.path

    def load_experiment(self) -> ExperimentResult:
        """The results as they are on S3 now; see `synetune_lab.experiments.load_experiment`.

        Raises:
            AwsError: If S3 can't be reached.
            StoreError: If there are none yet.
        """
        from synetune_lab.experiments.load import load_experiment

        if not self.note.is_over:
            self.fetch()
        return load_experiment(
            self.path.name, download_if_not_found=False, local_path=self.path.parent
        )

    def load_tuner(self, *, trust: bool = False) -> Tuner:
        """The tuner as the job left it, to go on with on this machine: `.run()` does.

        Args:
            trust: As for `Tuner.load`: what the job saved was not written on this machine.

        Raises:
            UntrustedFileError: If `trust` is False.
            CommandRefused: If the run is not over.
            ResumeError: If nothing sound was saved.
        """
        if not self.note.is_over:
            raise CommandRefused(f"run {self.name!r} is not over: stop() it and wait() first")
        tuner = Tuner.load(self.path, trust=trust)
        tuner.trial_backend_path = None
        if self.note.entry_point is not None:
            tuner.trial_backend.set_entrypoint(self.note.entry_point)
        return tuner

    # -- panel ----------------------------------------------------------------------------------

    def dashboard(self) -> Any:
        """The panel, live as if the run were here; to be the last line of a cell."""
        from synetune_lab.remote.panel import show

        return show(self)

    def _ipython_display_(self) -> None:
        self.dashboard()._ipython_display_()

    def __repr__(self) -> str:
        return f"<RemoteRun {self.name}: {self.in_words()}; job {self.job_name}, {self.path}>"
