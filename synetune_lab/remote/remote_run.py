"""A run on SageMaker as seen from here: followed, steered, stopped, fetched."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from synetune_lab.backend.sagemaker_backend.aws import Aws
from synetune_lab.backend.sagemaker_backend.names import parse_s3_uri
from synetune_lab.errors import CommandRefused, StoreError
from synetune_lab.remote.fetch import fetch_files, is_result, is_trial_file
from synetune_lab.remote.follower import Follower
from synetune_lab.remote.link import link_uri
from synetune_lab.remote.note import REMOTE_NOTE, RemoteNote
from synetune_lab.remote.s3_folder import S3Folder
from synetune_lab.session.progress import make_progress
from synetune_lab.session.steering import SteeredRun
from synetune_lab.session.summary import RunSummary
from synetune_lab.store.event_log import EVENT_LOG_FILENAME
from synetune_lab.store.run_files import RUN_FILENAME, read_run_file
from synetune_lab.tuner import Tuner
from synetune_lab.util import experiment_path

if TYPE_CHECKING:
    from synetune_lab.experiments.experiment_result import ExperimentResult
    from synetune_lab.remote.driver import RemoteDriver
    from synetune_lab.remote.job import JobState
    from synetune_lab.remote.link import Status

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
        path: Its folder on this machine.
    """

    def __init__(
        self, note: RemoteNote, path: Path, aws: Aws | None = None, *, is_new: bool = False
    ) -> None:
        self.path = path
        self._follower = Follower(note, path, aws, is_new=is_new)

    @classmethod
    def attach(
        cls,
        name: str | Path,
        s3_path: str | None = None,
        *,
        region: str | None = None,
        profile: str | None = None,
    ) -> RemoteRun:
        """Find a run again.

        Args:
            name: Name of the tuner, or the run's folder on this machine.
            s3_path: Where experiments are kept on S3, for a run that was launched elsewhere.
            region: Region of the bucket, for a run that was launched elsewhere.
            profile: Profile of the credentials, for a run that was launched elsewhere.

        Raises:
            BackendError: If `s3_path` is no address on S3.
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
        parse_s3_uri(s3_path, "s3_path")
        return cls._found_on_s3(str(name), s3_path, path, Aws(region, profile), profile)

    @classmethod
    def _found_on_s3(
        cls, name: str, s3_path: str, path: Path, aws: Aws, profile: str | None
    ) -> RemoteRun:
        uri = link_uri(s3_path, name)
        body = S3Folder(aws, uri).get(REMOTE_NOTE)
        if body is None:
            raise StoreError(f"there is no remote run {name!r}: {uri} has no {REMOTE_NOTE}")
        note = replace(RemoteNote.parse(body, uri), profile=profile)
        note.write(path)
        return cls(note, path)

    # -- what is known --------------------------------------------------------------------------

    @property
    def note(self) -> RemoteNote:
        """Where the run is, and how it ended."""
        return self._follower.note

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
    def status(self) -> Status | None:
        """What the run told of itself when it was looked at last; None before it began."""
        return self._follower.status

    @property
    def job_state(self) -> JobState | None:
        """What SageMaker told of the job when it was asked last; None before."""
        return self._follower.job_state

    @property
    def heard_at(self) -> float | None:
        """Unix time when the run was heard of last; None if it was not yet."""
        return self._follower.heard_at

    @property
    def trouble(self) -> str | None:
        """Why nothing is heard of a run that has begun; None if all is well."""
        return self._follower.trouble

    @property
    def problem(self) -> str | None:
        """Why the last look failed, None if it did not."""
        return self._follower.problem

    @property
    def is_offline(self) -> bool:
        """Whether the last look failed because AWS was out of reach."""
        return self._follower.is_offline

    @property
    def look_every_s(self) -> float:
        """Seconds between two looks while somebody follows the run; may be set."""
        return self._follower.look_every_s

    @look_every_s.setter
    def look_every_s(self, seconds: float) -> None:
        self._follower.look_every_s = seconds

    @property
    def session(self) -> RemoteDriver:
        """The way to the session in the job.

        Raises:
            CommandRefused: If the run is over.
        """
        if self.note.is_over:
            raise CommandRefused(f"run {self.name!r} is over: {self.note.why or self.note.state}")
        return self._follower.driver

    @property
    def console_url(self) -> str:
        """Where a browser shows the job."""
        return self._follower.job.console_url()

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
            StoreError: If the run's folder can't be read or written.
        """
        self._follower.look()
        return self

    def follow(self) -> None:
        """Have a thread look for a while; whoever goes on watching calls it again and again."""
        self._follower.follow()

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
        told: str | None = None
        try:
            while not self.note.is_over:
                if deadline is not None and time.monotonic() >= deadline:
                    break
                self.follow()
                time.sleep(min(self.look_every_s, 0.5))
                shown.update(self.summary())
                if self.trouble != told:
                    told = self.trouble
                    if told is not None:
                        shown.message(told)
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
        self._follower.stop_job()

    def log(self, lines: int | None = 100) -> list[str]:
        """Lines of the job's log: what the tuner wrote.

        Args:
            lines: So many of the last ones; None for all.

        Raises:
            AwsError: If it can't be read.
        """
        return self._follower.job.log(lines)

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
        # Log and header come through the link.
        live = (EVENT_LOG_FILENAME, RUN_FILENAME)
        fetch_files(
            self._follower.results,
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
        if self.note.entry_point is not None and Path(self.note.entry_point).is_file():
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
