"""Backends: they carry out what the engine asks for and tell it what happens."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synetune_lab.backend.local_backend import LocalBackend
    from synetune_lab.backend.python_backend import PythonBackend
    from synetune_lab.backend.ray_backend import RayBackend
    from synetune_lab.backend.sagemaker_backend.sagemaker_backend import SageMakerBackend
    from synetune_lab.backend.trial_backend import TrialBackend

_HOMES = {
    "LocalBackend": "synetune_lab.backend.local_backend",
    "PythonBackend": "synetune_lab.backend.python_backend",
    "SageMakerBackend": "synetune_lab.backend.sagemaker_backend.sagemaker_backend",
    "RayBackend": "synetune_lab.backend.ray_backend",
    "TrialBackend": "synetune_lab.backend.trial_backend",
}

__all__ = ["LocalBackend", "PythonBackend", "RayBackend", "SageMakerBackend", "TrialBackend"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
