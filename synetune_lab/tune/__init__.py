"""Tuning for those who know Ray Tune: its concepts, on the tuner of this package.

What a trial needs (`report`, `Trainable`) is light to import; the rest is loaded when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from synetune_lab.errors import TuneError
from synetune_lab.tune.checkpoint import Checkpoint
from synetune_lab.tune.foreign import refuse_name
from synetune_lab.tune.session import (
    checkpoint_dir,
    get_checkpoint,
    get_context,
    get_trial_dir,
    get_trial_id,
    get_trial_name,
    get_trial_resources,
    is_session_enabled,
    report,
)
from synetune_lab.tune.trainable import Trainable
from synetune_lab.tune.wrappers import register_trainable, with_parameters, with_resources

if TYPE_CHECKING:
    from synetune_lab.tune.analysis import ExperimentAnalysis
    from synetune_lab.tune.callbacks import Callback
    from synetune_lab.tune.execution import run
    from synetune_lab.tune.progress_reporter import (
        CLIReporter,
        JupyterNotebookReporter,
        PanelReporter,
        ProgressReporter,
    )
    from synetune_lab.tune.resources import PlacementGroupFactory
    from synetune_lab.tune.result_grid import Result, ResultGrid
    from synetune_lab.tune.resume import ResumeConfig
    from synetune_lab.tune.run_config import (
        CheckpointConfig,
        FailureConfig,
        RunConfig,
        TuneConfig,
    )
    from synetune_lab.tune.schedulers.registry import create_scheduler
    from synetune_lab.tune.script import as_script
    from synetune_lab.tune.search.registry import create_searcher
    from synetune_lab.tune.search_space import (
        choice,
        grid_search,
        lograndint,
        loguniform,
        qlograndint,
        qloguniform,
        qrandint,
        qrandn,
        quniform,
        randint,
        randn,
        sample_from,
        uniform,
    )
    from synetune_lab.tune.stopper import Stopper
    from synetune_lab.tune.trials import Trial
    from synetune_lab.tune.tuner_api import Tuner

_HERE = "synetune_lab.tune"
_HOMES = {
    "analysis": ["ExperimentAnalysis"],
    "callbacks": ["Callback"],
    "execution": ["run"],
    "progress_reporter": [
        "CLIReporter",
        "JupyterNotebookReporter",
        "PanelReporter",
        "ProgressReporter",
    ],
    "resources": ["PlacementGroupFactory"],
    "result_grid": ["Result", "ResultGrid"],
    "resume": ["ResumeConfig"],
    "run_config": ["CheckpointConfig", "FailureConfig", "RunConfig", "TuneConfig"],
    "schedulers.registry": ["create_scheduler"],
    "script": ["as_script"],
    "search.registry": ["create_searcher"],
    "search_space": [
        "choice",
        "grid_search",
        "lograndint",
        "loguniform",
        "qlograndint",
        "qloguniform",
        "qrandint",
        "qrandn",
        "quniform",
        "randint",
        "randn",
        "sample_from",
        "uniform",
    ],
    "stopper": ["Stopper"],
    "trials": ["Trial"],
    "tuner_api": ["Tuner"],
}
_MODULES = {"logger", "registry", "schedulers", "search", "stopper", "suggest", "train"}
"""Modules that are attributes without being imported: `tune.schedulers.ASHAScheduler`."""
_HINTS = {
    "Experiment": "give its arguments to tune.run",
    "run_experiments": "call tune.run for each",
    "SyncConfig": "files are where the run is; see local_dir of tune.run",
    "TuneReporter": "see tune.CLIReporter",
    "integration": "call tune.report in a callback of the library",
    "syncer": "files are where the run is; see local_dir of tune.run",
    "trial": "tune.Trial is the class",
    "utils": "it has nothing that tuning needs",
}
"""What there is instead of names that scripts for Ray Tune import."""
_LAZY = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "CLIReporter",
    "Callback",
    "Checkpoint",
    "CheckpointConfig",
    "ExperimentAnalysis",
    "FailureConfig",
    "JupyterNotebookReporter",
    "PanelReporter",
    "PlacementGroupFactory",
    "ProgressReporter",
    "Result",
    "ResultGrid",
    "ResumeConfig",
    "RunConfig",
    "Stopper",
    "Trainable",
    "Trial",
    "TuneConfig",
    "TuneError",
    "Tuner",
    "as_script",
    "checkpoint_dir",
    "choice",
    "create_scheduler",
    "create_searcher",
    "get_checkpoint",
    "get_context",
    "get_trial_dir",
    "get_trial_id",
    "get_trial_name",
    "get_trial_resources",
    "grid_search",
    "is_session_enabled",
    "lograndint",
    "loguniform",
    "qlograndint",
    "qloguniform",
    "qrandint",
    "qrandn",
    "quniform",
    "randint",
    "randn",
    "register_trainable",
    "report",
    "run",
    "sample_from",
    "uniform",
    "with_parameters",
    "with_resources",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"{_HERE}.{name}")
    if name not in _LAZY:
        raise refuse_name(__name__, name, _HINTS)
    value = getattr(import_module(f"{_HERE}.{_LAZY[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
