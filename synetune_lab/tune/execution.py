"""`tune.run`."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from synetune_lab.errors import TuneError
from synetune_lab.session.progress import in_kernel
from synetune_lab.tune.analysis import ExperimentAnalysis
from synetune_lab.tune.foreign import refuse_foreign
from synetune_lab.tune.plan import plan_run
from synetune_lab.tune.progress_reporter import ProgressReporter, make_reporter
from synetune_lab.tune.request import Request
from synetune_lab.tune.resume import ResumeConfig, read_resume, resumed_run

if TYPE_CHECKING:
    from synetune_lab.optimizer.scheduler import TrialScheduler
    from synetune_lab.tune.backends import MakeBackend
    from synetune_lab.tune.callbacks import Callback
    from synetune_lab.tune.follower import RunFollower
    from synetune_lab.tune.resources import PlacementGroupFactory
    from synetune_lab.tune.run_config import CheckpointConfig
    from synetune_lab.tune.schedulers.base import Scheduler
    from synetune_lab.tune.search.algorithm import SearchAlgorithm
    from synetune_lab.tune.stopper import Stopper
    from synetune_lab.tune.trial_settings import TrialInfo
    from synetune_lab.tuner import Tuner
    from synetune_lab.tuner_callback import TunerCallback

__all__ = ["execute", "run"]

_OF_A_REQUEST = frozenset(field.name for field in fields(Request))


def run(
    run_or_experiment: Any,
    *,
    name: str | None = None,
    metric: str | None = None,
    mode: str | None = None,
    stop: Mapping[str, Any]
    | Callable[[str, dict[str, Any]], bool]
    | Stopper
    | Sequence[Stopper]
    | None = None,
    time_budget_s: float | timedelta | None = None,
    config: Mapping[str, Any] | None = None,
    resources_per_trial: Mapping[str, Any] | PlacementGroupFactory | None = None,
    num_samples: int = 1,
    local_dir: str | Path | None = None,
    storage_path: str | Path | None = None,
    search_alg: SearchAlgorithm | str | None = None,
    scheduler: Scheduler | TrialScheduler | str | None = None,
    checkpoint_config: CheckpointConfig | None = None,
    checkpoint_freq: int = 0,
    checkpoint_at_end: bool = False,
    keep_checkpoints_num: int | None = None,
    checkpoint_score_attr: str | None = None,
    verbose: int = 2,
    progress_reporter: ProgressReporter | None = None,
    resume: bool | str | None = False,
    resume_config: ResumeConfig | None = None,
    reuse_actors: bool = False,
    callbacks: Sequence[Callback | TunerCallback] | None = None,
    max_failures: int = 0,
    fail_fast: bool | str = False,
    raise_on_failed_trial: bool = True,
    max_concurrent_trials: int | None = None,
    trial_name_creator: Callable[[TrialInfo], str] | None = None,
    restore: str | os.PathLike[str] | None = None,
    backend: str | MakeBackend | None = None,
    **unknown: NoReturn,
) -> ExperimentAnalysis:
    """Run trials of a trainable until all have ended.

    Args:
        run_or_experiment: A function of the configuration, a subclass of `Trainable`, or the name
            that one was registered by.
        name: Name of the run, which must be new; other characters than letters, digits and
            hyphens become hyphens. None takes that of the trainable, with date and time.
        metric: Metric to optimise. Without one, trials are not compared.
        mode: `min` or `max`.
        stop: When a trial is done: metrics with values to be reached, a function of the trial's id
            and its result, or one or several `Stopper`.
        time_budget_s: The run ends after so many seconds.
        config: The search space: nested dictionaries of values and of what is to be chosen.
        resources_per_trial: CPUs (`cpu`) and GPUs (`gpu`) of a trial; how many trials run at once
            follows. One CPU by default.
        num_samples: How often the space is sampled; with `grid_search`, how often the whole grid
            is tried. -1 for no end but the time budget's.
        local_dir: Folder of all runs; None for that of all runs of this package.
        storage_path: Another name of `local_dir`.
        search_alg: Chooses configurations: see `synetune_lab.tune.search`. None draws at random
            and goes through grids.
        scheduler: Decides which trials go on: see `synetune_lab.tune.schedulers`, or one of
            `synetune_lab.optimizer`. None lets all run to their end.
        checkpoint_config: The four arguments about checkpoints as one object.
        checkpoint_freq: Class trainables are saved every so many iterations; 0 for never.
        checkpoint_at_end: Whether they are saved at their end.
        keep_checkpoints_num: So many checkpoints of a trial are kept; None for all.
        checkpoint_score_attr: Metric by which the ones to keep are chosen, `min-` before it if
            less is better. None keeps the newest.
        verbose: 0 shows nothing, 1 the status table, 2 also a line for each trial that ends, 3
            also a line for each result.
        progress_reporter: Shows the table.
        resume: True goes on with the run of this name; `AUTO` does if there is one. With
            `+ERRORED` behind it, trials that failed begin again from their checkpoints, with
            `+RESTART_ERRORED` from scratch; `ERRORED_ONLY` does that with nothing else.
        resume_config: The same as an object.
        reuse_actors: Whether a trial that goes on from another one's checkpoint is made by
            `reset_config`, if it can be.
        callbacks: Hooks: `tune.Callback` or `TunerCallback`.
        max_failures: So often a trial that failed begins again from its checkpoint; -1 for ever.
        fail_fast: Whether the run ends when a trial fails; `raise` makes it an error in any case.
        raise_on_failed_trial: Whether trials that failed are an error in the end.
        max_concurrent_trials: At most so many trials run at once.
        trial_name_creator: Makes the name of a trial of what is known of it.
        restore: Folder of a checkpoint that all trials begin with.
        backend: Where trials run: `python` for processes of this machine, the default; `ray` for a
            Ray cluster, or `ray://host:port`; `RayBackend`, or anything else that makes a backend
            of the function that it is to run and the flat configuration space.
        unknown: Arguments of Ray Tune that change nothing here, such as `log_to_file=True`. Any
            other is refused by name.

    Returns:
        What came of it.

    Raises:
        TuneError: If an argument is not possible; or in the end, if trials failed, or `stop` or a
            callback did.
        ConfigSpaceError: If the search space is not possible.
        Exception: What else ended the run from within. This and a `TuneError` in the end have the
            attribute `analysis`, the `ExperimentAnalysis`: the run is saved then.
    """
    given = dict(locals())  # before there are other variables; a request has the same names
    refuse_foreign("tune.run", "run", unknown)
    arguments = {key: value for key, value in given.items() if key in _OF_A_REQUEST}
    if storage_path is not None:
        arguments["local_dir"] = storage_path
    if checkpoint_config is not None:
        arguments.update(checkpoint_config.arguments())
    wish = resume_config if resume_config is not None else read_resume(resume)
    return execute(Request(**arguments), wish, raise_on_failed_trial=raise_on_failed_trial)


def execute(
    request: Request, resume: ResumeConfig | None = None, *, raise_on_failed_trial: bool = True
) -> ExperimentAnalysis:
    """Run what is asked for; see `run`."""
    request.check()
    planned = None if resume is None else resumed_run(request, resume)
    if planned is None:
        planned = plan_run(request, request.progress_reporter or make_reporter(in_kernel()))
    tuner, follower = planned.tuner, planned.follower
    if follower.verbose:
        follower.guard.call(follower.reporter, "begin", tuner)
    try:
        tuner.run(progress=False)
    except KeyboardInterrupt:
        if follower.verbose:
            follower.reporter.write(
                f"With tune.run: the same call with name={tuner.name!r}, resume=True\n"
            )
        raise
    except Exception as error:
        if follower.has_begun:
            with suppress(Exception):  # this error counts, whatever else fails because of it
                follower.finish()
                vars(error)["analysis"] = _analysis_of(tuner, follower)
        raise
    follower.finish()
    analysis = _analysis_of(tuner, follower)
    failure = None
    if raise_on_failed_trial or request.fail_fast == "raise":
        failure = _of_trials(analysis)
    failure = failure or follower.guard.failure()
    if failure is not None:
        failure.analysis = analysis
        raise failure
    return analysis


def _analysis_of(tuner: Tuner, follower: RunFollower) -> ExperimentAnalysis:
    return ExperimentAnalysis(
        tuner.tuner_path,
        follower.metric,
        follower.mode,
        settings=follower.settings,
        tuner=tuner,
    )


def _of_trials(analysis: ExperimentAnalysis) -> TuneError | None:
    """What to raise for trials that failed."""
    failed = analysis.errored_trials
    if not failed:
        return None
    names = ", ".join(trial.trial_name for trial in failed[:5])
    more = f" and {len(failed) - 5} more" if len(failed) > 5 else ""
    return TuneError(f"trials failed: {names}{more}. The first said:\n{failed[0].error}")
