"""`tune.run`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synetune_lab.errors import TuneError
from synetune_lab.session.progress import in_kernel
from synetune_lab.store.event_log import EVENT_LOG_FILENAME
from synetune_lab.tune.analysis import ExperimentAnalysis
from synetune_lab.tune.callbacks import Callback, ProgressReporter, RunFollower, make_reporter
from synetune_lab.tune.plan import (
    PlannedRun,
    Request,
    folder_of_run,
    plan_run,
    trial_function,
)
from synetune_lab.tune.wrappers import resolve
from synetune_lab.tuner import Tuner

if TYPE_CHECKING:
    from synetune_lab.backend.python_backend import PythonBackend
    from synetune_lab.backend.trial_backend import TrialBackend
    from synetune_lab.optimizer.scheduler import TrialScheduler
    from synetune_lab.tune.schedulers import Scheduler
    from synetune_lab.tune.search import SearchAlgorithm
    from synetune_lab.tune.stoppers import Stopper
    from synetune_lab.tuner_callback import TunerCallback

__all__ = ["execute", "run"]


def run(
    run_or_experiment: Any,
    *,
    name: str | None = None,
    metric: str | None = None,
    mode: str | None = None,
    stop: Mapping[str, Any] | Callable[[str, dict[str, Any]], bool] | Stopper | None = None,
    time_budget_s: float | None = None,
    config: Mapping[str, Any] | None = None,
    resources_per_trial: Mapping[str, Any] | None = None,
    num_samples: int = 1,
    local_dir: str | Path | None = None,
    search_alg: SearchAlgorithm | str | None = None,
    scheduler: Scheduler | TrialScheduler | str | None = None,
    checkpoint_freq: int = 0,
    checkpoint_at_end: bool = False,
    keep_checkpoints_num: int | None = None,
    checkpoint_score_attr: str | None = None,
    verbose: int = 2,
    progress_reporter: ProgressReporter | None = None,
    resume: bool | str = False,
    reuse_actors: bool = False,
    callbacks: Sequence[Callback | TunerCallback] | None = None,
    max_failures: int = 0,
    fail_fast: bool = False,
    raise_on_failed_trial: bool = True,
    max_concurrent_trials: int | None = None,
    backend: Callable[[Callable[..., None], dict[str, Any]], TrialBackend] | None = None,
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
            and its result, or a `Stopper`.
        time_budget_s: The run ends after so many seconds.
        config: The search space: nested dictionaries of values and of what is to be chosen.
        resources_per_trial: CPUs (`cpu`) and GPUs (`gpu`) of a trial; how many trials run at once
            follows. One CPU by default.
        num_samples: How often the space is sampled; with `grid_search`, how often the whole grid
            is tried. -1 for no end but the time budget's.
        local_dir: Folder of all runs; None for that of all runs of this package.
        search_alg: Chooses configurations: see `synetune_lab.tune.search`. None draws at random
            and goes through grids.
        scheduler: Decides which trials go on: see `synetune_lab.tune.schedulers`, or one of
            `synetune_lab.optimizer`. None lets all run to their end.
        checkpoint_freq: Class trainables are saved every so many iterations; 0 for never.
        checkpoint_at_end: Whether they are saved at their end.
        keep_checkpoints_num: So many checkpoints of a trial are kept; None for all.
        checkpoint_score_attr: Metric by which the ones to keep are chosen, `min-` before it if
            less is better. None keeps the newest.
        verbose: 0 shows nothing, 1 the status table, 2 also a line for each trial that ends, 3
            also a line for each result.
        progress_reporter: Shows the table.
        resume: True goes on with the run of this name; `AUTO` does if there is one.
        reuse_actors: Whether a trial that goes on from another one's checkpoint is made by
            `reset_config`, if it can be.
        callbacks: Hooks: `tune.Callback` or `TunerCallback`.
        max_failures: So often a trial that failed begins again from its checkpoint; -1 for ever.
        fail_fast: Whether the run ends when a trial fails.
        raise_on_failed_trial: Whether trials that failed are an error in the end.
        max_concurrent_trials: At most so many trials run at once.
        backend: Makes another backend from the function that it is to run and the flat
            configuration space. Then `resources_per_trial` only says how many run at once.

    Returns:
        What came of it.

    Raises:
        TuneError: If an argument is not possible; or in the end, if trials failed. The run is
            saved then, and its `ExperimentAnalysis` is the attribute `analysis` of the error.
        ConfigSpaceError: If the search space is not possible.
    """
    request = Request(
        run_or_experiment,
        name=name,
        metric=metric,
        mode=mode,
        stop=stop,
        time_budget_s=time_budget_s,
        config=config,
        resources_per_trial=resources_per_trial,
        num_samples=num_samples,
        local_dir=local_dir,
        search_alg=search_alg,
        scheduler=scheduler,
        checkpoint_freq=checkpoint_freq,
        checkpoint_at_end=checkpoint_at_end,
        keep_checkpoints_num=keep_checkpoints_num,
        checkpoint_score_attr=checkpoint_score_attr,
        verbose=verbose,
        progress_reporter=progress_reporter,
        reuse_actors=reuse_actors,
        callbacks=list(callbacks or []),
        max_failures=max_failures,
        fail_fast=fail_fast,
        max_concurrent_trials=max_concurrent_trials,
        backend=backend,
    )
    return execute(request, resume=resume, raise_on_failed_trial=raise_on_failed_trial)


def execute(
    request: Request, *, resume: bool | str = False, raise_on_failed_trial: bool = True
) -> ExperimentAnalysis:
    """Run what is asked for; see `run`."""
    planned = _resumed(request, resume)
    if planned is None:
        reporter = request.progress_reporter or make_reporter(in_kernel())
        planned = plan_run(request, reporter)
    tuner, follower = planned.tuner, planned.follower
    tuner.run(progress=False)
    follower.finish()
    analysis = ExperimentAnalysis(
        tuner.tuner_path,
        follower.metric,
        follower.mode,
        template=follower.settings.template,
        tuner=tuner,
    )
    failed = analysis.errored_trials
    if failed and raise_on_failed_trial:
        names = ", ".join(trial.trial_name for trial in failed[:5])
        more = f" and {len(failed) - 5} more" if len(failed) > 5 else ""
        error = TuneError(f"trials failed: {names}{more}. The first said: {failed[0].error}")
        error.analysis = analysis
        raise error
    return analysis


def _resumed(request: Request, resume: bool | str) -> PlannedRun | None:
    """The run to go on with; None if a new one is to begin.

    Raises:
        TuneError: If there is none.
    """
    wish = str(resume).upper() if isinstance(resume, str) else bool(resume)
    if wish is False:
        return None
    if wish not in (True, "AUTO", "LOCAL"):
        raise TuneError(f"resume={resume!r} must be True, False, 'AUTO' or 'LOCAL'")
    if request.name is None:
        raise TuneError(f"resume={resume!r} needs the name of the run")
    folder = folder_of_run(request.name, request.local_dir)
    if not (folder / EVENT_LOG_FILENAME).exists():
        if wish == "AUTO":
            return None
        raise TuneError(f"there is no run to go on with in {folder}")
    return resume_run(folder, request)


def resume_run(folder: Path, request: Request) -> PlannedRun:
    """A saved run, with the trainable as it is now and the output as it is asked for.

    Raises:
        TuneError: If it is no run of `synetune_lab.tune`.
        ResumeError: If nothing sound was saved, or another process drives it.
    """
    tuner = Tuner.resume(folder)
    follower = next((c for c in tuner.callbacks if isinstance(c, RunFollower)), None)
    if follower is None:
        raise TuneError(f"{folder} is not the folder of a run of synetune_lab.tune")
    follower.verbose = request.verbose
    follower.reporter = request.progress_reporter or make_reporter(in_kernel())
    own = [callback for callback in request.callbacks if isinstance(callback, Callback)]
    follower.user_callbacks = own or follower.user_callbacks
    backend: TrialBackend | PythonBackend = tuner.trial_backend
    save = getattr(backend, "save_tune_function", None)
    if request.trainable is not None and save is not None:
        save(trial_function(resolve(request.trainable), follower.settings))
    return PlannedRun(tuner, follower)
