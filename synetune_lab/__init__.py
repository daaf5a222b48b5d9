"""Hyperparameter tuning that lives in a notebook, with a live panel that steers it.

The names below are loaded when they are first used, so that a training script pays only
for `Reporter`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synetune_lab.report import Reporter
    from synetune_lab.stopping_criterion import StoppingCriterion
    from synetune_lab.tuner import Tuner

__version__ = "0.1.0"

_HOMES = {
    "Reporter": "synetune_lab.report",
    "StoppingCriterion": "synetune_lab.stopping_criterion",
    "Tuner": "synetune_lab.tuner",
}

__all__ = ["Reporter", "StoppingCriterion", "Tuner", "__version__"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
