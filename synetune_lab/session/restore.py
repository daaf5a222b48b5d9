"""Saves a tuner by hand, and brings it back with what was logged after it was saved."""

from __future__ import annotations

import shutil
from contextlib import suppress
from typing import TYPE_CHECKING

from synetune_lab.constants import ST_RESULTS_DATAFRAME_FILENAME
from synetune_lab.errors import ResumeError, StoreError
from synetune_lab.results_callback import StoreResultsCallback
from synetune_lab.session.hooks import Hooks
from synetune_lab.session.replay import ResumeReport, replay
from synetune_lab.session.simulation import is_simulated
from synetune_lab.store.event_log import EVENT_LOG_FILENAME, read_log
from synetune_lab.store.lock import RunLock
from synetune_lab.store.pickling import dumps
from synetune_lab.store.snapshots import SnapshotStore

if TYPE_CHECKING:
    from pathlib import Path

    from synetune_lab.tuner import Tuner


def load_tuner(folder: Path, *, trust: bool = False) -> Tuner:
    """The tuner that was saved in `folder`, as of the end of its log.

    Raises:
        UntrustedFileError: If the file is not known to be this user's, and `trust` is False.
        ResumeError: If there is nothing sound to load.
    """
    if not folder.is_dir():
        raise ResumeError(f"there is no folder {folder}; name the folder of a run")
    loaded = SnapshotStore(folder).load(trust=trust)
    tuner: Tuner = loaded.value
    if not hasattr(tuner, "run_state"):
        raise ResumeError(f"{loaded.file} holds a {type(tuner).__name__}, not a tuner")
    number = loaded.generation.generation if loaded.generation is not None else None
    report = ResumeReport(loaded.file.name, number, loaded.notes)
    _move(tuner, folder)
    hooks = Hooks(tuner.callbacks)
    state = tuner.run_state
    if not is_simulated(tuner.trial_backend):  # a simulation goes on from where it was saved
        records = read_log(tuner.tuner_path, after=state.seq, position=state.log_length)
        report.replayed, report.disagreement = replay(tuner.engine, state, records, hooks)
    tuner.resume_report = report
    return tuner


def _move(tuner: Tuner, folder: Path) -> None:
    """A run's folder may have been moved or copied as a whole: it lives where it was found."""
    has_log = (folder / EVENT_LOG_FILENAME).exists()
    if has_log or not (tuner.tuner_path / EVENT_LOG_FILENAME).exists():
        tuner.tuner_path = folder
        for callback in tuner.callbacks:
            if isinstance(callback, StoreResultsCallback):
                callback.moved_to(folder)


def resume_tuner(folder: Path, *, trust: bool = False) -> Tuner:
    """`load_tuner` for a run that nobody else drives.

    Raises:
        ResumeError: Also if another process drives it.
    """
    if folder.is_dir():
        RunLock(folder).refuse_if_driven()
    return load_tuner(folder, trust=trust)


def save_tuner_to(tuner: Tuner, folder: Path) -> None:
    """Save a tuner now, on the session's thread if its run is being driven.

    Args:
        tuner: The tuner.
        folder: Where to; a folder other than the run's gets the results, too.

    Raises:
        StoreError: If it can't be saved.
    """
    session = tuner.current_session
    driven = session is not None and session.is_alive
    if driven and session is not None and folder == tuner.tuner_path:
        session.save().result()
        return
    if session is not None and driven:
        session.read(lambda _: _save_to(tuner, folder)).result()
    else:
        _save_to(tuner, folder)
    tuner.trial_backend.on_tuner_save()


def _save_to(tuner: Tuner, folder: Path) -> None:
    """State and results together: neither has what the other lacks."""
    for callback in tuner.callbacks:
        if isinstance(callback, StoreResultsCallback):
            with suppress(StoreError):  # what the file lacks goes into the state
                callback.store_results()
    content = dumps(tuner)
    folder.mkdir(parents=True, exist_ok=True)
    results = tuner.tuner_path / ST_RESULTS_DATAFRAME_FILENAME
    if folder != tuner.tuner_path and results.exists():
        shutil.copy2(results, folder)
    SnapshotStore(folder).save(content, tuner.run_state.seq)
