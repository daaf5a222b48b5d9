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
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from synetune_lab.backend.local_backend import LocalBackend
from synetune_lab.backend.sagemaker_backend.aws import Aws, AwsError
from synetune_lab.backend.simulator_backend.simulated_backend import SimulatedBackend
from synetune_lab.constants import ST_CHECKPOINT_DIR, ST_REMOTE_UPLOAD_DIR_NAME
from synetune_lab.errors import ResumeError
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
    from collections.abc import Sequence
    from types import FrameType

__all__ = ["decode_bool", "main"]

logger = logging.getLogger(__name__)

_LAUNCH_FILENAME: Final = "launch.id"
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
    uplink = Uplink(
        link,
        tuner,
        launch=settings.launch,
        goes_on=goes_on,
        interval_s=settings.interval_s,
    )
    return _drive(tuner, uplink)


def _prepare_folder(settings: LaunchSettings, source: Path, path: Path, link: S3Folder) -> bool:
    """Have the run's folder hold what the tuner is loaded from.

    Returns:
        Whether an earlier process of the same launch drove the run, so that it goes on from there.
    """
    path.mkdir(parents=True, exist_ok=True)
    # SageMaker runs one instance of a job at a time: whoever held the lock is gone.
    (path / LOCK_FILENAME).unlink(missing_ok=True)
    sent = source / ST_REMOTE_UPLOAD_DIR_NAME
    note = path / _LAUNCH_FILENAME
    goes_on = note.exists() and note.read_text() == settings.launch
    try:
        status = link.get(STATUS)
        # The folder may have been lost before it was on S3.
        goes_on = goes_on or (
            status is not None and Status.decode(status).launch == settings.launch
        )
    except (AwsError, ValueError) as error:
        logger.warning("what the link tells can't be read: %s", error)
    if not goes_on:
        # Of a former job of this run, brought here by SageMaker; the tuner that was sent is newer.
        for file in [file for file in path.iterdir() if file.is_file()]:
            file.unlink()
    if not SnapshotStore(path).exists():
        shutil.copytree(sent, path, dirs_exist_ok=True)
    note.write_text(settings.launch)
    if goes_on:
        try:
            added = restore_log(link, path)
            logger.info("the run goes on; %d bytes of its log came from the link", added)
        except AwsError as error:
            logger.warning("the event log could not be completed from S3: %s", error)
    return goes_on


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


def _drive(tuner: Tuner, uplink: Uplink) -> int:
    _share_costs(tuner)
    request_uri = os.environ.pop(REQUEST_URI_ENV, None)  # ours, not our trials'
    try:
        tuner.start()
    except Exception as error:
        traceback.print_exc()
        uplink.open()
        uplink.close(f"the run could not begin: {error}")
        return 1
    session = tuner.session
    uplink.open()

    def on_terminate(_signal: int, _frame: FrameType | None) -> None:
        # A spot instance is taken away, or somebody stops the job.
        wants_stop = request_uri is not None and read_request(request_uri) == "stop"
        session.submit("stop_run", {"keep": not wants_stop}, origin="signal")

    signal.signal(signal.SIGTERM, on_terminate)
    session.wait()
    summary = session.summary
    logger.info("%s", summary.line())
    problem: str | None = None
    try:
        session.raise_error()
    except Exception as error:
        traceback.print_exc()
        problem = f"{type(error).__name__}: {error}"
    uplink.close(problem)
    return 0 if problem is None else 1


def _share_costs(tuner: Tuner) -> None:
    """Trials that share the job's instance share its price."""
    price: Any = os.environ.pop(DOLLARS_PER_HOUR_ENV, None)
    if price is not None and not isinstance(tuner.trial_backend, SimulatedBackend):
        os.environ[DOLLARS_PER_HOUR_ENV] = repr(float(price) / tuner.n_workers)
