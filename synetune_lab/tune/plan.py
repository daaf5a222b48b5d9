"""From the arguments of `tune.run` to a tuner that is ready to run."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING, Any

from synetune_lab.backend.python_backend.stored_function import by_value
from synetune_lab.errors import TuneError
from synetune_lab.optimizer.scheduler import TrialScheduler
from synetune_lab.results_callback import StoreResultsCallback
from synetune_lab.store.event_log import EVENT_LOG_FILENAME
from synetune_lab.tune.analysis import METADATA_KEY
from synetune_lab.tune.backends import Workplace, make_workplace
from synetune_lab.tune.convert import SearchSpace
from synetune_lab.tune.follower import RunFollower
from synetune_lab.tune.identity import introduce_trials
from synetune_lab.tune.parts import Parts
from synetune_lab.tune.places import Places
from synetune_lab.tune.recorded import recorded
from synetune_lab.tune.resources import Needs, Resources
from synetune_lab.tune.schedulers.base import LEVEL, RunPlan, Scheduler
from synetune_lab.tune.schedulers.fifo import FIFOScheduler
from synetune_lab.tune.stopping import RunLimits, StoppingScheduler, read_stop
from synetune_lab.tune.trial_process import make_trial_function
from synetune_lab.tune.trial_settings import TrialSettings
from synetune_lab.tune.wrappers import name_of, resources_of
from synetune_lab.tuner import Tuner
from synetune_lab.util import experiment_path, sanitize_sagemaker_name

if TYPE_CHECKING:
    from synetune_lab.tune.progress_reporter import ProgressReporter
    from synetune_lab.tune.request import Request
    from synetune_lab.tune.stopper import Stopper

__all__ = ["PlannedRun", "folder_of_run", "plan_run", "trial_function"]

_NO_LIMIT = 2**31 - 1


@dataclass
class PlannedRun:
    """A run that is ready.

    Attributes:
        tuner: Its tuner.
        follower: Shows its status.
    """

    tuner: Tuner
    follower: RunFollower


def folder_of_run(name: str, local_dir: str | Path | None) -> Path:
    """The folder of the run with a name."""
    valid = sanitize_sagemaker_name(name)
    if local_dir is None:
        return experiment_path(tuner_name=valid)
    return Path(local_dir).expanduser().absolute() / valid


def plan_run(request: Request, reporter: ProgressReporter) -> PlannedRun:
    """Make everything ready, and check all that can be before a trial starts.

    Raises:
        TuneError: If an argument is not possible, or the run can't be what it is asked to be.
        ConfigSpaceError: If the search space is not possible.
    """
    request.check()
    parts = Parts.of(request)
    plan = _plan(request, parts)
    needs = _needs(request, parts, plan)
    settings, stopper = _settings(request, plan, parts.scheduler, needs)
    engine_scheduler = _engine_scheduler(request, plan, parts.scheduler)
    if stopper is not None:
        engine_scheduler = StoppingScheduler(engine_scheduler, stopper, settings)
    function = trial_function(parts.trainable, settings)
    space = engine_scheduler.config_space
    place = make_workplace(request.backend, function, space, needs, parts.is_class)
    follower = RunFollower(
        settings,
        plan.space.hyperparameters,
        scheduler=parts.scheduler_name,
        metric=parts.metric_of(request),
        mode=plan.mode,
        resources=place.resources,
        total=plan.total,
        num_samples=plan.num_samples,
        verbose=request.verbose,
        callbacks=request.hooks,
        reporter=reporter,
    )
    return PlannedRun(_tuner(request, plan, place, engine_scheduler, follower, stopper), follower)


def _tuner(
    request: Request,
    plan: RunPlan,
    place: Workplace,
    scheduler: TrialScheduler,
    follower: RunFollower,
    stopper: Stopper | None,
) -> Tuner:
    """The tuner, in a folder that is new.

    Raises:
        TuneError: If there is a run of this name.
    """
    settings = follower.settings
    tuner = Tuner(
        place.backend,
        scheduler,
        RunLimits(request.seconds, stopper),
        _workers(request, plan, place.resources),
        tuner_name=sanitize_sagemaker_name(request.name or settings.name),
        suffix_tuner_name=request.name is None,
        max_failures=0 if request.fail_fast else _NO_LIMIT,
        callbacks=[StoreResultsCallback(), follower, *request.tuner_callbacks],
        metadata={
            "entrypoint": settings.name,
            METADATA_KEY: {
                **_metadata(settings, plan, follower),
                "storage": Places.storage_of(place.backend),
                "arguments": recorded(request),
            },
        },
    )
    introduce_trials(place.backend, tuner.name)
    tuner.tuner_path = folder_of_run(tuner.name, request.local_dir)
    if (tuner.tuner_path / EVENT_LOG_FILENAME).exists():
        raise TuneError(
            f"there is a run in {tuner.tuner_path} already: go on with it by resume=True, or "
            "choose another name"
        )
    return tuner


def trial_function(trainable: Any, settings: TrialSettings) -> Callable[..., None]:
    """What a backend runs; functions are sent by value."""
    is_function = isinstance(trainable, FunctionType)
    return make_trial_function(by_value(trainable) if is_function else trainable, settings)


def _needs(request: Request, parts: Parts, plan: RunPlan) -> Needs:
    wanted: Any = request.resources_per_trial
    if wanted is None:
        wanted = resources_of(request.run_or_experiment)
    config = plan.space.template.partly({})
    if wanted is None and parts.is_class:
        wanted = parts.trainable.default_resource_request(config)
    if callable(wanted):
        wanted = _told_by(wanted, config)
    return Needs.of(wanted)


def _told_by(function: Callable[[dict[str, Any]], Any], config: dict[str, Any]) -> Any:
    """The resources that a user's function tells.

    Raises:
        TuneError: If it fails: all trials have the same resources.
    """
    try:
        return function(config)
    except (KeyError, AttributeError) as error:
        raise TuneError(
            f"with_resources: the function uses {error}, which is not the same for all trials, as "
            f"their resources must be; the same are {', '.join(config) or 'none'}"
        ) from error
    except Exception as error:
        raise TuneError(
            f"with_resources: the function failed: {type(error).__name__}: {error}"
        ) from error


def _plan(request: Request, parts: Parts) -> RunPlan:
    scheduler, search = parts.scheduler, parts.search
    num_samples = None if request.num_samples == -1 else request.num_samples
    config = request.config if request.config is not None else search.space
    metric = parts.metric_of(request)
    if isinstance(scheduler, TrialScheduler):
        modes = scheduler.metric_mode()
        own_mode = modes if isinstance(modes, str) else modes[0]
        return RunPlan(SearchSpace.of(config), str(metric), own_mode, search, num_samples)
    mode = request.mode or scheduler.mode or search.mode
    if metric is not None and mode is None:
        raise TuneError(f"metric={metric!r} needs mode='min' or mode='max'")
    judges = not isinstance(scheduler, FIFOScheduler) or search.is_model_based()
    if metric is None and judges:
        who = type(search if search.is_model_based() else scheduler).__name__
        raise TuneError(f"{who} needs a metric and a mode")
    space = SearchSpace.of(scheduler.prepared(config or {}))
    space = search.converted(space)
    # Trials are not compared then; what each reports stands in for a metric.
    stop, _ = read_stop(request.stop)
    name = metric or "training_iteration"
    return RunPlan(space, name, mode or "max", search, num_samples, stop)


def _settings(
    request: Request, plan: RunPlan, scheduler: Scheduler | TrialScheduler, needs: Needs
) -> tuple[TrialSettings, Any]:
    stop, stopper = read_stop(request.stop)
    copies, level = 0, None
    if isinstance(scheduler, Scheduler):
        copies = scheduler.copy_interval
        if scheduler.end is not None:
            name, most = scheduler.end
            stop[name] = min(stop.get(name, most), most)
            level = name, LEVEL
    settings = TrialSettings(
        name=name_of(request.run_or_experiment),
        tag=secrets.token_hex(3)[:5],
        template=plan.space.template,
        stop=stop,
        level=level,
        checkpoint_freq=request.checkpoint_freq,
        checkpoint_at_end=request.checkpoint_at_end,
        hidden_freq=copies,
        keep=request.keep_checkpoints_num,
        score_attr=request.checkpoint_score_attr,
        max_failures=request.max_failures,
        reuse_actors=request.reuse_actors,
        resources=needs.to_json(),
        name_creator=request.trial_name_creator,
        restore=_absolute(request.restore),
    )
    return settings, stopper


def _absolute(path: str | os.PathLike[str] | None) -> str | None:
    return None if path is None else str(Path(path).expanduser().absolute())


def _engine_scheduler(
    request: Request, plan: RunPlan, scheduler: Scheduler | TrialScheduler
) -> TrialScheduler:
    if isinstance(scheduler, Scheduler):
        return scheduler.make(plan)
    if request.search_alg is not None:
        raise TuneError("search_alg: a scheduler of synetune_lab has its own searcher")
    if set(scheduler.config_space) != set(plan.space.config_space):
        raise TuneError(
            f"the scheduler's configuration space has {sorted(scheduler.config_space)}, but config "
            f"has {sorted(plan.space.config_space)}; give both the same names"
        )
    if hasattr(scheduler, "max_new_configs"):
        scheduler.max_new_configs = plan.num_samples
    return scheduler


def _workers(request: Request, plan: RunPlan, resources: Resources) -> int:
    if not (resources.at_once or request.max_concurrent_trials):
        return 1  # nobody knows how many there is room for
    most = request.max_concurrent_trials, plan.search.max_concurrent, plan.total
    return min(limit for limit in (resources.at_once, *most) if limit)


def _metadata(settings: TrialSettings, plan: RunPlan, follower: RunFollower) -> dict[str, Any]:
    """What an analysis needs to know, as JSON."""
    return {
        "name": settings.name,
        "tag": settings.tag,
        "metric": follower.metric,
        "mode": plan.mode,
        "template": settings.template.to_json(),
        "hyperparameters": plan.space.hyperparameters,
        "resources": settings.resources,
    }
