"""Runs in the job: loads the tuner that was sent, drives it, and informs those who follow it.

A job that SageMaker starts again (its spot instance was taken away, say) goes on where the former
one was.
"""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from synetune_lab.backend.local_backend import LocalBackend
from synetune_lab.backend.sagemaker_backend.aws import Aws, AwsError
from synetune_lab.backend.simulator_backend.simulated_backend import SimulatedBackend
from synetune_lab.constants import ST_CHECKPOINT_DIR, ST_REMOTE_UPLOAD_DIR_NAME
from synetune_lab.errors import ResumeError
from synetune_lab.remote.fetch import LAUNCH_FILENAME
from synetune_lab.remote.job import JOB_NAME_ENV, OwnJob
from synetune_lab.remote.link import STATUS, Status
from synetune_lab.remote.log_pieces import restore_log
from synetune_lab.remote.s3_folder import S3Folder
from synetune_lab.remote.settings import LaunchSettings
from synetune_lab.remote.uplink import Uplink
from synetune_lab.report import DOLLARS_PER_HOUR_ENV
from synetune_lab.store.lock import LOCK_FILENAME
from synetune_lab.store.snapshots import SnapshotStore
from synetune_lab.tuner import Tuner
from synetune_lab.utils.remote_request import REQUEST_URI_ENV, read_request

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import FrameType

__all__ = ["decode_bool", "main"]

logger = logging.getLogger(__name__)

T = TypeVar("T")

_S3_PATIENCE_S: Final = 300.0
_TRUE: Final = ("true", "1", "yes")
_FALSE: Final = ("false", "0", "no")


def decode_bool(hp: str) -> bool:
    """A hyperparameter that is a truth value.

    Args:
        hp: As SageMaker passes it.

    Raises:
        ValueError: If it is none.
    """
    text = str(hp).strip().strip('"').lower()
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    raise ValueError(f"{hp!r} is neither true nor false")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the tuner that was sent with the job's source, which is the current folder.

    Args:
        argv: Arguments; None takes those of the process.

    Returns:
        The exit code: 0 unless the run could not go on.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(f"--{ST_CHECKPOINT_DIR}", required=True, help="folder of the run")
    options, _ = parser.parse_known_args(argv)
    source = Path.cwd()
    settings = LaunchSettings.read(source)
    logging.basicConfig(
        level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    logging.getLogger("botocore").setLevel(logging.WARNING)
    if settings.quiet:
        logging.getLogger("synetune_lab.tuner").setLevel(logging.ERROR)
        logging.getLogger("synetune_lab.session").setLevel(logging.ERROR)
    # Trials import what was sent, wherever in it their script is.
    os.environ["PYTHONPATH"] = os.pathsep.join(
        [str(source), *filter(None, [os.environ.get("PYTHONPATH")])]
    )
    path = Path(getattr(options, ST_CHECKPOINT_DIR))
    link = S3Folder(Aws(), settings.link_uri)
    try:
        goes_on = _prepare_folder(settings, source, path, link)
        tuner = _brought_here(settings, source, path)
        if not goes_on:
            tuner._first_commands.extend(settings.first_commands)
    except Exception as error:
        traceback.print_exc()
        print(f"The tuner could not be loaded: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return _Drive(tuner, settings, link, goes_on=goes_on).run()


def _prepare_folder(settings: LaunchSettings, source: Path, path: Path, link: S3Folder) -> bool:
    """Have the run's folder hold what the tuner is loaded from.

    Returns:
        Whether an earlier process of the same launch drove the run, so that it goes on from there.
    """
    path.mkdir(parents=True, exist_ok=True)
    # SageMaker runs one instance of a job at a time: whoever held the lock is gone.
    (path / LOCK_FILENAME).unlink(missing_ok=True)
    sent = source / ST_REMOTE_UPLOAD_DIR_NAME
    note = path / LAUNCH_FILENAME
    status = _persistently(lambda: link.get(STATUS))
    is_noted = note.exists() and note.read_text() == settings.launch
    # The folder may have been lost before it was on S3.
    goes_on = is_noted or (status is not None and _launch_of(status) == settings.launch)
    if not goes_on:
        # Of a former job of this run, brought here by SageMaker; the tuner that was sent is newer.
        for file in [file for file in path.iterdir() if file.is_file()]:
            file.unlink()
    if not SnapshotStore(path).exists():
        shutil.copytree(sent, path, dirs_exist_ok=True)
    note.write_text(settings.launch)
    if goes_on:
        added = _persistently(lambda: restore_log(link, path))
        logger.info("the run goes on; %d bytes of its log came from the link", added)
    return goes_on


def _launch_of(status: bytes) -> str | None:
    try:
        return Status.decode(status).launch
    except ValueError:
        return None


def _persistently(ask: Callable[[], T]) -> T:
    """What S3 tells, asked for some minutes: a run must not begin anew for want of an answer.

    Raises:
        AwsError: If there is no answer.
    """
    deadline = time.monotonic() + _S3_PATIENCE_S
    pause = 1.0
    while True:
        try:
            return ask()
        except AwsError as error:
            if time.monotonic() + pause > deadline:
                raise
            logger.warning("S3 does not answer; it is asked again: %s", error)
            time.sleep(pause)
            pause = min(2 * pause, 30.0)


def _brought_here(settings: LaunchSettings, source: Path, path: Path) -> Tuner:
    """The tuner that is saved in a folder, with what it needs of this machine."""
    here = sys.version_info[:2]
    try:
        tuner = Tuner.load(path, trust=True)
    except ResumeError:
        raise
    except Exception as error:
        if here != settings.python:
            raise ResumeError(
                f"the tuner was saved by Python {_dotted(settings.python)}, and this image has "
                f"{_dotted(here)}, which can't load it ({error}); pass image_uri=... of an image "
                f"with Python {_dotted(settings.python)}"
            ) from error
        raise
    if settings.entry_point is not None:
        tuner.trial_backend.set_entrypoint(str(source / settings.entry_point))
    if isinstance(tuner.trial_backend, LocalBackend) and not settings.store_logs:
        # Below the folders of input channels, which SageMaker does not copy to S3.
        tuner.trial_backend_path = str(path.parent / "input" / "data" / "trials")
    else:
        tuner.trial_backend_path = None
    return tuner


def _dotted(python: tuple[int, ...]) -> str:
    return ".".join(map(str, python))


class _Drive:
    """Drives the tuner, and ends it in time when the job is to end."""

    def __init__(
        self, tuner: Tuner, settings: LaunchSettings, link: S3Folder, *, goes_on: bool
    ) -> None:
        self._tuner = tuner
        self._settings = settings
        # Ours, not our trials'.
        self._request_uri = os.environ.pop(REQUEST_URI_ENV, None)
        self._own_job = OwnJob(Aws(), os.environ.pop(JOB_NAME_ENV, None))
        self._keep: bool | None = None
        self._uplink = Uplink(
            link,
            tuner,
            launch=settings.launch,
            goes_on=goes_on,
            interval_s=settings.interval_s,
            on_cycle=self._look_after_job,
        )

    def run(self) -> int:
        """Run until the end; returns the exit code."""
        _share_costs(self._tuner)
        signal.signal(signal.SIGTERM, self._on_terminate)
        try:
            self._tuner.start()
        except Exception as error:
            traceback.print_exc()
            self._uplink.open()
            self._uplink.close(f"the run could not begin: {error}")
            return 1
        if self._keep is not None:
            self._stop(keep=self._keep)
        self._uplink.open()
        # In time to save, before SageMaker ends the job.
        seconds = self._settings.seconds_to_tune()
        limit = threading.Timer(seconds, self._stop, kwargs={"keep": True})
        limit.daemon = True
        limit.start()
        session = self._tuner.session
        session.wait()
        limit.cancel()
        logger.info("%s", session.summary.line())
        problem: str | None = None
        try:
            session.raise_error()
        except Exception as error:
            traceback.print_exc()
            problem = f"{type(error).__name__}: {error}"
        self._uplink.close(problem)
        return 0 if problem is None else 1

    def _stop(self, *, keep: bool) -> None:
        self._keep = keep
        session = self._tuner.current_session
        if session is not None and session.is_alive:
            session.submit("stop_run", {"keep": keep}, origin="signal")

    def _on_terminate(self, _signal: int, _frame: FrameType | None) -> None:
        # A spot instance is taken away, or somebody stops the job.
        uri = self._request_uri
        self._stop(keep=uri is None or read_request(uri) != "stop")

    def _look_after_job(self) -> None:
        if self._keep is None and self._own_job.is_being_stopped():
            self._on_terminate(0, None)


def _share_costs(tuner: Tuner) -> None:
    """Trials that share the job's instance share its price."""
    price: Any = os.environ.pop(DOLLARS_PER_HOUR_ENV, None)
    if price is not None and not isinstance(tuner.trial_backend, SimulatedBackend):
        os.environ[DOLLARS_PER_HOUR_ENV] = repr(float(price) / tuner.n_workers)
