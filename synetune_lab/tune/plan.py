"""From the arguments of `tune.run` to a tuner that is ready to run."""

from __future__ import annotations

import inspect
import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType
from typing import Any

from synetune_lab.backend.python_backend import PythonBackend
from synetune_lab.backend.python_backend.stored_function import by_value
from synetune_lab.backend.trial_backend import TrialBackend
from synetune_lab.errors import TuneError
from synetune_lab.optimizer.scheduler import TrialScheduler
from synetune_lab.results_callback import StoreResultsCallback
from synetune_lab.store.event_log import EVENT_LOG_FILENAME
from synetune_lab.tune.analysis import METADATA_KEY
from synetune_lab.tune.callbacks import Callback, ProgressReporter, RunFollower
from synetune_lab.tune.convert import SearchSpace
from synetune_lab.tune.resources import Resources
from synetune_lab.tune.schedulers import LEVEL, FIFOScheduler, RunPlan, Scheduler, create_scheduler
from synetune_lab.tune.search import BasicVariantGenerator, SearchAlgorithm, create_searcher
from synetune_lab.tune.session import TrialSettings
from synetune_lab.tune.stoppers import RunLimits, StoppingScheduler, read_stop
from synetune_lab.tune.trainable import Trainable
from synetune_lab.tune.trial_process import make_trial_function
from synetune_lab.tune.wrappers import name_of, resolve, resources_of
from synetune_lab.tuner import Tuner
from synetune_lab.tuner_callback import TunerCallback
from synetune_lab.util import experiment_path, sanitize_sagemaker_name

__all__ = ["PlannedRun", "Request", "folder_of_run", "plan_run", "trial_function"]

logger = logging.getLogger(__name__)

_NO_LIMIT = 2**31 - 1
_CLASS_GRACE_S = 60.0
_FUNCTION_GRACE_S = 10.0

MakeBackend = Callable[[Callable[..., None], dict[str, Any]], TrialBackend]


@dataclass
class Request:
    """The arguments of `tune.run`; see there."""

    trainable: Any
    name: str | None = None
    metric: str | None = None
    mode: str | None = None
    stop: Any = None
    time_budget_s: float | None = None
    config: Mapping[str, Any] | None = None
    resources_per_trial: Mapping[str, Any] | None = None
    num_samples: int = 1
    local_dir: str | Path | None = None
    search_alg: Any = None
    scheduler: Any = None
    checkpoint_freq: int = 0
    checkpoint_at_end: bool = False
    keep_checkpoints_num: int | None = None
    checkpoint_score_attr: str | None = None
    verbose: int = 2
    progress_reporter: ProgressReporter | None = None
    reuse_actors: bool = False
    callbacks: Sequence[Callback | TunerCallback] = ()
    max_failures: int = 0
    fail_fast: bool = False
    max_concurrent_trials: int | None = None
    backend: MakeBackend | None = None


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
    trainable, scheduler, search = _parts(request)
    is_class = _check_trainable(trainable, scheduler)
    num_samples = _checked_samples(request)
    plan = _plan(request, scheduler, search, num_samples)
    wanted = request.resources_per_trial or resources_of(request.trainable)
    if wanted is None and is_class:
        wanted = trainable.default_resource_request(plan.space.template.partly({}))
    resources = Resources.of(wanted)
    settings, stopper = _settings(request, plan, scheduler, resources)
    engine_scheduler = _engine_scheduler(request, plan, scheduler)
    if stopper is not None:
        engine_scheduler = StoppingScheduler(engine_scheduler, stopper, settings)
    total = None if num_samples is None else num_samples * len(plan.space.grid_points())
    name = request.name or settings.name
    function = trial_function(trainable, settings)
    own = [callback for callback in request.callbacks if isinstance(callback, Callback)]
    follower = RunFollower(
        settings,
        plan.space.hyperparameters,
        scheduler=scheduler.name if isinstance(scheduler, Scheduler) else type(scheduler).__name__,
        metric=_metric_of(request, scheduler, search),
        mode=plan.mode,
        resources=resources,
        total=total,
        verbose=request.verbose,
        callbacks=own,
        reporter=reporter,
    )
    tuner = Tuner(
        _backend(request, function, engine_scheduler.config_space, resources, is_class),
        engine_scheduler,
        RunLimits(request.time_budget_s, stopper),
        _workers(request, search, resources, total),
        tuner_name=sanitize_sagemaker_name(name),
        suffix_tuner_name=request.name is None,
        max_failures=0 if request.fail_fast else _NO_LIMIT,
        callbacks=[
            StoreResultsCallback(),
            follower,
            *(callback for callback in request.callbacks if isinstance(callback, TunerCallback)),
        ],
        metadata={
            "entrypoint": settings.name,
            METADATA_KEY: _metadata(settings, plan, follower),
        },
    )
    tuner.tuner_path = folder_of_run(tuner.name, request.local_dir)
    if (tuner.tuner_path / EVENT_LOG_FILENAME).exists():
        raise TuneError(
            f"there is a run in {tuner.tuner_path} already: go on with it by resume=True, or "
            "choose another name"
        )
    return PlannedRun(tuner, follower)


def trial_function(trainable: Any, settings: TrialSettings) -> Callable[..., None]:
    """What a backend runs; functions are sent by value."""
    is_function = isinstance(trainable, FunctionType)
    return make_trial_function(by_value(trainable) if is_function else trainable, settings)


def _parts(request: Request) -> tuple[Any, Scheduler | TrialScheduler, SearchAlgorithm]:
    scheduler, search = request.scheduler, request.search_alg
    if scheduler is None:
        scheduler = FIFOScheduler()
    elif isinstance(scheduler, str):
        scheduler = create_scheduler(scheduler)
    if not isinstance(scheduler, (Scheduler, TrialScheduler)):
        raise TuneError(
            f"scheduler must be one of synetune_lab.tune.schedulers, its name, or a scheduler of "
            f"synetune_lab, got {scheduler!r:.100}"
        )
    if search is None:
        search = BasicVariantGenerator()
    elif isinstance(search, str):
        search = create_searcher(search)
    if not isinstance(search, SearchAlgorithm):
        raise TuneError(
            f"search_alg must be one of synetune_lab.tune.search or its name, got {search!r:.100}"
        )
    return resolve(request.trainable), scheduler, search


def _check_trainable(trainable: Any, scheduler: Scheduler | TrialScheduler) -> bool:
    """Whether it is a class."""
    if inspect.isclass(trainable):
        if not issubclass(trainable, Trainable):
            raise TuneError(f"{trainable.__name__} must be a subclass of tune.Trainable")
        methods = ("save_checkpoint", "load_checkpoint")
        missing = [m for m in methods if getattr(trainable, m) is getattr(Trainable, m)]
        if missing and isinstance(scheduler, Scheduler) and scheduler.needs_checkpoints:
            raise TuneError(
                f"{trainable.__name__} must implement {' and '.join(missing)}: "
                f"{scheduler.name} pauses or copies trials, which go on from their checkpoints"
            )
        return True
    if not callable(trainable):
        raise TuneError(
            f"the trainable must be a function or a subclass of tune.Trainable, got "
            f"{trainable!r:.100}"
        )
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = inspect.signature(trainable).parameters.values()
    if not any(p.kind in kinds for p in parameters):
        raise TuneError(f"the function {name_of(trainable)!r} must take the configuration")
    return False


def _checked_samples(request: Request) -> int | None:
    number: Any = request.num_samples
    if number == -1:
        return None
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise TuneError(f"num_samples={number!r} must be a whole number above 0, or -1 for no end")
    return number


def _metric_of(
    request: Request, scheduler: Scheduler | TrialScheduler, search: SearchAlgorithm
) -> str | None:
    if isinstance(scheduler, TrialScheduler):
        return scheduler.metric_names()[0]
    return request.metric or scheduler.metric or search.metric


def _plan(
    request: Request,
    scheduler: Scheduler | TrialScheduler,
    search: SearchAlgorithm,
    num_samples: int | None,
) -> RunPlan:
    config = request.config if request.config is not None else search.space
    metric = _metric_of(request, scheduler, search)
    if isinstance(scheduler, TrialScheduler):
        modes = scheduler.metric_mode()
        own_mode = modes if isinstance(modes, str) else modes[0]
        return RunPlan(SearchSpace.of(config), str(metric), own_mode, search, num_samples)
    mode = request.mode or scheduler.mode or search.mode
    if metric is not None and mode not in ("min", "max"):
        raise TuneError(f"metric={metric!r} needs mode='min' or mode='max', got mode={mode!r}")
    judges = not isinstance(scheduler, FIFOScheduler) or search.is_model_based()
    if metric is None and judges:
        who = type(search if search.is_model_based() else scheduler).__name__
        raise TuneError(f"{who} needs a metric and a mode")
    space = SearchSpace.of(scheduler.prepared(config or {}))
    space = search.converted(space)
    # Trials are not compared then; what each reports stands in for a metric.
    return RunPlan(space, metric or "training_iteration", mode or "max", search, num_samples)


def _settings(
    request: Request, plan: RunPlan, scheduler: Scheduler | TrialScheduler, resources: Resources
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
        name=name_of(request.trainable),
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
        resources=resources.to_json(),
    )
    return settings, stopper


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


def _backend(
    request: Request,
    function: Callable[..., None],
    config_space: dict[str, Any],
    resources: Resources,
    is_class: bool,
) -> TrialBackend:
    if request.backend is not None:
        return request.backend(function, config_space)
    return PythonBackend(
        function,
        config_space,
        rotate_gpus=resources.gpu > 0,
        num_gpus_per_trial=max(1, resources.whole_gpus),
        grace_period_s=_CLASS_GRACE_S if is_class else _FUNCTION_GRACE_S,
        env=resources.environment(),
    )


def _workers(
    request: Request, search: SearchAlgorithm, resources: Resources, total: int | None
) -> int:
    limits = [resources.at_once, request.max_concurrent_trials, search.max_concurrent, total]
    return max(1, min(limit for limit in limits if limit))


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
