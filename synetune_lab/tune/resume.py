"""Saved runs that go on."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synetune_lab.errors import BackendError, TuneError
from synetune_lab.session.progress import in_kernel
from synetune_lab.store.event_log import EVENT_LOG_FILENAME
from synetune_lab.trial import Status
from synetune_lab.tune.analysis import METADATA_KEY
from synetune_lab.tune.follower import RunFollower
from synetune_lab.tune.plan import PlannedRun, folder_of_run, trial_function
from synetune_lab.tune.progress_reporter import make_reporter
from synetune_lab.tune.recorded import differences
from synetune_lab.tune.wrappers import resolve
from synetune_lab.tuner import Tuner

if TYPE_CHECKING:
    from synetune_lab.engine.trial_table import TrialRecord
    from synetune_lab.tune.request import Request

__all__ = ["ResumeConfig", "read_resume", "resumed_run"]

logger = logging.getLogger(__name__)

SKIP, RESUME, RESTART = "SKIP", "RESUME", "RESTART"
_WAYS = (SKIP, RESUME, RESTART)


@dataclass
class ResumeConfig:
    """Which trials of a saved run go on.

    Attributes:
        unfinished: Those that had not ended: `RESUME` from their checkpoints, or `SKIP`.
        errored: Those that failed: `SKIP`, `RESUME` from their checkpoints, or `RESTART` from
            scratch.
        begin_if_new: Whether a new run begins if there is none of the name.
    """

    unfinished: str = RESUME
    errored: str = SKIP
    begin_if_new: bool = False

    def __post_init__(self) -> None:
        for name, ways in (("unfinished", (SKIP, RESUME)), ("errored", _WAYS)):
            value = str(getattr(self, name)).rsplit(".", maxsplit=1)[-1].upper()
            if value not in ways:
                raise TuneError(
                    f"ResumeConfig: {name}={getattr(self, name)!r:.100} must be one of "
                    f"{', '.join(ways)}"
                )
            setattr(self, name, value)


_WORDS = {
    "": {},
    "ERRORED": {"errored": RESUME},
    "RESTART_ERRORED": {"errored": RESTART},
    "ERRORED_ONLY": {"errored": RESUME, "unfinished": SKIP},
    "RESTART_ERRORED_ONLY": {"errored": RESTART, "unfinished": SKIP},
}


def read_resume(resume: Any) -> ResumeConfig | None:
    """Read the argument `resume`; None for a new run.

    Raises:
        TuneError: If it is not possible.
    """
    if resume is None or resume is False:
        return None
    if resume is True:
        return ResumeConfig()
    word = str(resume).upper()
    head, _, tail = word.partition("+")
    if head not in ("AUTO", "LOCAL"):
        head, tail = "LOCAL", word
    if not isinstance(resume, str) or tail not in _WORDS or not word:
        known = ", ".join(repr(name) for name in _WORDS if name)
        raise TuneError(
            f"resume={resume!r:.100} must be True, False, 'AUTO' or one of {known}, which may "
            "stand behind 'AUTO+'"
        )
    return ResumeConfig(**_WORDS[tail], begin_if_new=head == "AUTO")


def resumed_run(request: Request, wish: ResumeConfig) -> PlannedRun | None:
    """The run to go on with, with the trainable as it is now; None if a new one is to begin.

    Raises:
        TuneError: If there is none, or it is no run of `synetune_lab.tune`.
        ResumeError: If nothing sound was saved, or another process drives it.
    """
    if request.name is None:
        raise TuneError("resume needs the name of the run: give name=...")
    folder = folder_of_run(request.name, request.local_dir)
    if not (folder / EVENT_LOG_FILENAME).exists():
        if wish.begin_if_new:
            return None
        raise TuneError(f"there is no run to go on with in {folder}")
    tuner = Tuner.resume(folder)
    follower = next((c for c in tuner.callbacks if isinstance(c, RunFollower)), None)
    if follower is None:
        raise TuneError(f"{folder} is not the folder of a run of synetune_lab.tune")
    follower.verbose = request.verbose
    follower.reporter = request.progress_reporter or make_reporter(in_kernel())
    follower.user_callbacks = request.hooks or follower.user_callbacks
    if request.run_or_experiment is not None:
        _replace_function(request, tuner, follower)
    _warn_of_differences(request, tuner)
    if wish.unfinished == SKIP:
        _stop_unfinished(tuner)
    if wish.errored != SKIP:
        follower.retry = wish.errored == RESUME
    return PlannedRun(tuner, follower)


def _replace_function(request: Request, tuner: Tuner, follower: RunFollower) -> None:
    """Have the backend run the trainable as it is now, or warn that it can't.

    Raises:
        BackendError: If the trainable can't be sent.
    """
    function = trial_function(resolve(request.run_or_experiment), follower.settings)
    backend = tuner.trial_backend
    save: Any = getattr(backend, "save_tune_function", None)
    if save is not None:
        try:
            save(function)
            return
        except BackendError:
            if not callable(request.backend):
                raise  # else it may be one that runs a script, here and now
    if callable(request.backend):
        with suppress(NotImplementedError):
            # What makes a backend that runs scripts writes the script anew.
            made = request.backend(function, dict(tuner.scheduler.config_space))
            path = made.entrypoint_path()
            if path != backend.entrypoint_path():
                backend.set_entrypoint(str(path))
            return
    logger.warning(
        "resume: trials go on with the trainable as it was when the run began, for a %s can't be "
        "given another one; give the same backend=... as then, if it made a script of it",
        type(backend).__name__,
    )


def _warn_of_differences(request: Request, tuner: Tuner) -> None:
    """Name what is not taken over: as in Ray Tune, a run goes on as it was begun."""
    before = tuner.metadata.get(METADATA_KEY, {}).get("arguments", {})
    for name, now, then in differences(request, before):
        logger.warning(
            "resume: %s=%s is not taken over: the run goes on with %s, as it was begun "
            "(for another one, begin a new run)",
            name,
            now,
            then,
        )


def _records(tuner: Tuner) -> list[TrialRecord]:
    trials = tuner.engine.trials
    return [trials[number] for number in range(len(trials))]


def _stop_unfinished(tuner: Tuner) -> None:
    waiting = (Status.paused, Status.pausing, Status.in_progress)
    trials = [record.trial_id for record in _records(tuner) if record.status in waiting]
    if trials:
        tuner._first_commands.append(("stop_trial", {"trial_ids": trials}))
