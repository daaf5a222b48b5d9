"""Estimators of the SageMaker SDK (release 2) with their newest framework versions filled in.

A `JobDescription` does the same without the SDK.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

from synetune_lab.backend.sagemaker_backend.sagemaker_utils import get_execution_role
from synetune_lab.errors import MissingDependencyError
from synetune_lab.extras import require
from synetune_lab.remote import constants

__all__ = [
    "basic_cpu_instance_sagemaker_estimator",
    "huggingface_estimator",
    "instance_sagemaker_estimator",
    "mxnet_estimator",
    "pytorch_estimator",
    "sklearn_estimator",
]

_PYTORCH: Final = {
    "framework_version": constants.PYTORCH_LATEST_FRAMEWORK,
    "py_version": constants.PYTORCH_LATEST_PY_VERSION,
}
_HUGGINGFACE: Final = {
    "pytorch_version": constants.HUGGINGFACE_LATEST_PYTORCH_VERSION,
    "transformers_version": constants.HUGGINGFACE_LATEST_TRANSFORMERS_VERSION,
    "py_version": constants.HUGGINGFACE_LATEST_PY_VERSION,
}
_SKLEARN: Final = {
    "framework_version": constants.SKLEARN_LATEST_FRAMEWORK_VERSION,
    "py_version": constants.SKLEARN_LATEST_PY_VERSION,
}
_MXNET: Final = {
    "framework_version": constants.MXNET_LATEST_VERSION,
    "py_version": constants.MXNET_LATEST_PY_VERSION,
}


def pytorch_estimator(**estimator_kwargs: Any) -> Any:
    """A `PyTorch` estimator.

    Args:
        **estimator_kwargs: Its arguments; they come before what is filled in here: versions, one
            instance, and the role of `get_execution_role()`.

    Raises:
        MissingDependencyError: If the SDK is missing, or has no estimators any more.
        BackendError: If no role was given, and none is found.
    """
    return _estimator("sagemaker.pytorch", "PyTorch", _PYTORCH, estimator_kwargs)


def huggingface_estimator(**estimator_kwargs: Any) -> Any:
    """A `HuggingFace` estimator; see `pytorch_estimator`."""
    return _estimator("sagemaker.huggingface", "HuggingFace", _HUGGINGFACE, estimator_kwargs)


def sklearn_estimator(**estimator_kwargs: Any) -> Any:
    """An `SKLearn` estimator; see `pytorch_estimator`."""
    return _estimator("sagemaker.sklearn", "SKLearn", _SKLEARN, estimator_kwargs)


def mxnet_estimator(**estimator_kwargs: Any) -> Any:
    """An `MXNet` estimator; see `pytorch_estimator`."""
    return _estimator("sagemaker.mxnet", "MXNet", _MXNET, estimator_kwargs)


def instance_sagemaker_estimator(**kwargs: Any) -> Any:
    """The estimator of a job that tunes; its image has a recent Python and PyTorch.

    Args:
        **kwargs: As for `pytorch_estimator`.
    """
    return pytorch_estimator(**kwargs)


def basic_cpu_instance_sagemaker_estimator(**kwargs: Any) -> Any:
    """`instance_sagemaker_estimator` on an instance without GPUs.

    Args:
        **kwargs: As for `pytorch_estimator`.
    """
    return instance_sagemaker_estimator(
        **{"instance_type": constants.DEFAULT_CPU_INSTANCE, **kwargs}
    )


def _estimator(module: str, name: str, versions: dict[str, str], given: dict[str, Any]) -> Any:
    require("sagemaker", extra="sagemaker")
    try:
        kind = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise MissingDependencyError(
            f"the SageMaker SDK that is installed has no {module}.{name}: release 3 left "
            "estimators out. Describe the job with JobDescription(...), which needs no SDK, pass a "
            'ModelTrainer, or install release 2: pip install "sagemaker<3"',
            name=module,
        ) from error
    # An image of one's own needs no versions.
    defaults: dict[str, Any] = {"instance_count": 1, **({} if "image_uri" in given else versions)}
    if given.get("role") is None:
        defaults["role"] = get_execution_role()
        given = {key: value for key, value in given.items() if key != "role"}
    return kind(**{**defaults, **given})
