"""The backend that runs each trial as a SageMaker training job.

Nothing here needs the AWS SDK until a backend is opened.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synetune_lab.backend.sagemaker_backend.custom_framework import CustomFramework
    from synetune_lab.backend.sagemaker_backend.description import JobDescription
    from synetune_lab.backend.sagemaker_backend.sagemaker_backend import SageMakerBackend

_HOME = "synetune_lab.backend.sagemaker_backend"
_HOMES = {
    "CustomFramework": f"{_HOME}.custom_framework",
    "JobDescription": f"{_HOME}.description",
    "SageMakerBackend": f"{_HOME}.sagemaker_backend",
}

__all__ = ["CustomFramework", "JobDescription", "SageMakerBackend"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
