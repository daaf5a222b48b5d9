"""Runs one trial in its process: a function or a class, from its checkpoint if there is one."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Iterable, Mapping
from numbers import Real
from typing import TYPE_CHECKING, Any

from synetune_lab.constants import ST_CHECKPOINT_DIR
from synetune_lab.errors import TuneError
from synetune_lab.report import stop_requested
from synetune_lab.tune.checkpoint import Checkpoint, CheckpointFolder
from synetune_lab.tune.identity import Identity
from synetune_lab.tune.session import (
    DEFAULT_METRIC,
    TrialDone,
    TrialSession,
    report,
    set_session,
)
from synetune_lab.tune.trainable import Trainable

if TYPE_CHECKING:
    from synetune_lab.tune.trial_settings import TrialSettings

__all__ = ["make_trial_function", "run_trial"]

_OF_THE_CLASS = {"training_iteration", "time_this_iter_s", "time_total_s"}


def make_trial_function(trainable: Any, settings: TrialSettings) -> Callable[..., None]:
    """The function that a backend runs for each trial.

    Args:
        trainable: A function, or a subclass of `Trainable`, that can be serialized.
        settings: What trials are to know.
    """

    def trial(st_checkpoint_dir: str, **config: Any) -> None:
        run_trial(trainable, settings, config, st_checkpoint_dir)

    kind = inspect.Parameter
    parameters = [
        kind(ST_CHECKPOINT_DIR, kind.POSITIONAL_OR_KEYWORD),
        kind("config", kind.VAR_KEYWORD),
    ]
    # For tracebacks the text of the user's own code is wanted, but not its arguments.
    trial.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    trial.__wrapped__ = trainable.step if inspect.isclass(trainable) else trainable  # type: ignore[attr-defined]
    trial.__name__ = settings.name
    return trial


def run_trial(
    trainable: Any, settings: TrialSettings, config: Mapping[str, Any], checkpoint_dir: str
) -> None:
    """Run a trial to its end, or until it is asked to pause or stop.

    Args:
        trainable: A function or a subclass of `Trainable`.
        settings: What the trial is to know.
        config: Its flat configuration, and who it is: see `Identity`.
        checkpoint_dir: Folder of its checkpoints, in the folder of the trial.
    """
    known = Identity.of(config, checkpoint_dir)
    folder = CheckpointFolder(checkpoint_dir, settings.kept)
    folder.remove_drafts()
    session = TrialSession(settings, known.number, known.config, folder, run=known.run)
    session.of_class = inspect.isclass(trainable)
    run = _run_class if session.of_class else _run_function
    set_session(session)
    failures = 0
    try:
        while True:
            try:
                run(trainable, session)
            except TrialDone:
                pass
            except Exception:
                failures += 1
                if failures > settings.max_failures >= 0:
                    raise
                traceback.print_exc()
                continue
            return
    finally:
        set_session(None)


# Functions


def _run_function(function: Callable[..., Any], session: TrialSession) -> None:
    latest = session.latest()
    session.begin(None if latest is None else latest[1])
    arguments: dict[str, Any] = {}
    parameters = inspect.signature(function).parameters
    if "checkpoint_dir" in parameters:
        arguments["checkpoint_dir"] = None if latest is None else str(latest[0])
    if "reporter" in parameters:
        arguments["reporter"] = report
    outcome = function(session.settings.template.nest(session.config), **arguments)
    if inspect.isgenerator(outcome):
        _report_all(outcome, session)
    elif outcome is not None:
        session.report(_as_metrics(outcome, "return"), None)


def _report_all(outcomes: Iterable[Any], session: TrialSession) -> None:
    for outcome in outcomes:
        session.report(_as_metrics(outcome, "yield"), None)


def _as_metrics(outcome: Any, what: str) -> Mapping[str, Any]:
    if isinstance(outcome, Mapping):
        return outcome
    value = outcome.item() if hasattr(outcome, "item") else outcome
    if isinstance(value, Real):
        return {DEFAULT_METRIC: value}
    raise TuneError(
        f"the function must {what} a dictionary of metrics or a number, got {outcome!r:.100}"
    )


# Classes


def _run_class(cls: type[Trainable], session: TrialSession) -> None:
    stop_requested()  # from here on a step is not torn apart when the trial is to end
    trainable = _make(cls, session)
    try:
        while stop_requested() is None and _iterate(trainable, session):
            pass
        can_save = type(trainable).save_checkpoint is not Trainable.save_checkpoint
        if can_save and stop_requested() == "pause":
            _save(trainable, session, {})
    finally:
        trainable.stop()


def _make(cls: type[Trainable], session: TrialSession) -> Trainable:
    """The object, restored from the newest checkpoint if there is one."""
    settings, latest = session.settings, session.latest()
    config = settings.template.nest(session.config)
    known: dict[str, Any] = {
        "trial_id": settings.trial_id(session.number),
        "trial_name": session.trial_name,
        "logdir": str(session.folder.root.parent),
        "trial_resources": settings.resources,
    }
    trainable = None
    before = None if latest is None else latest[1].config
    differs = before is not None and before != settings.own_config(session.config)
    if settings.reuse_actors and before is not None and differs:
        trainable = cls(settings.template.nest(before), **known)
        if not trainable.reset(config):
            trainable.stop()
            trainable = None
    if trainable is None:
        trainable = cls(config, **known)
    session.begin(None if latest is None else latest[1])
    if latest is not None:
        trainable.restore(Checkpoint(latest[0]))
    return trainable


def _iterate(trainable: Trainable, session: TrialSession) -> bool:
    """Do, save and report one iteration; returns whether there is to be another one."""
    metrics = trainable.train()
    own = {name: value for name, value in metrics.items() if name not in _OF_THE_CLASS}
    wish = bool(own.pop("should_checkpoint", False))
    result = session.complete(own)
    done = session.is_done(result)
    for_now = not done and session.is_at_level(result)
    settings, iteration = session.settings, session.iteration
    due = any(
        freq and iteration % freq == 0 for freq in (settings.checkpoint_freq, settings.hidden_freq)
    )
    can_save = type(trainable).save_checkpoint is not Trainable.save_checkpoint
    if wish or due or (done and settings.checkpoint_at_end) or (for_now and can_save):
        # Before the report: what it leads to may need the checkpoint.
        _save(trainable, session, result)
    session.send(result)
    return not (done or for_now)


def _save(trainable: Trainable, session: TrialSession, result: Mapping[str, Any]) -> None:
    latest = session.folder.latest()
    if session.iteration == 0 or (latest and latest[1].iteration == session.iteration):
        return
    note = session.note(f"checkpoint_{session.iteration:06d}", session.iteration, result)
    with session.folder.writing(note) as path:
        trainable.save_to(path, note)
