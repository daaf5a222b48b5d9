"""Tuning for those who know Ray Tune: its concepts, on the tuner of this package.

What a trial needs (`report`, `Trainable`) is light to import; the rest is loaded when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from synetune_lab.errors import TuneError
from synetune_lab.tune.checkpoint import Checkpoint
from synetune_lab.tune.session import (
    checkpoint_dir,
    get_checkpoint,
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
    from synetune_lab.tune.callbacks import (
        Callback,
        CLIReporter,
        JupyterNotebookReporter,
        ProgressReporter,
    )
    from synetune_lab.tune.execution import run
    from synetune_lab.tune.result_grid import Result, ResultGrid
    from synetune_lab.tune.schedulers import create_scheduler
    from synetune_lab.tune.search import create_searcher
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
    from synetune_lab.tune.stoppers import Stopper
    from synetune_lab.tune.trials import Trial
    from synetune_lab.tune.tuner_api import (
        CheckpointConfig,
        FailureConfig,
        RunConfig,
        TuneConfig,
        Tuner,
    )

_HERE = "synetune_lab.tune"
_HOMES = {
    "analysis": ["ExperimentAnalysis"],
    "callbacks": ["CLIReporter", "Callback", "JupyterNotebookReporter", "ProgressReporter"],
    "result_grid": ["Result", "ResultGrid"],
    "execution": ["run"],
    "schedulers": ["create_scheduler"],
    "search": ["create_searcher"],
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
    "stoppers": ["Stopper"],
    "trials": ["Trial"],
    "tuner_api": ["CheckpointConfig", "FailureConfig", "RunConfig", "TuneConfig", "Tuner"],
}
_LAZY = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "CLIReporter",
    "Callback",
    "Checkpoint",
    "CheckpointConfig",
    "ExperimentAnalysis",
    "FailureConfig",
    "JupyterNotebookReporter",
    "ProgressReporter",
    "Result",
    "ResultGrid",
    "RunConfig",
    "Stopper",
    "Trainable",
    "Trial",
    "TuneConfig",
    "TuneError",
    "Tuner",
    "checkpoint_dir",
    "choice",
    "create_scheduler",
    "create_searcher",
    "get_checkpoint",
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
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{_HERE}.{_LAZY[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
