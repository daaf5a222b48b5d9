"""Optional dependencies: one way to import them, one message when they are missing."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from synetune_lab.errors import MissingDependencyError

__all__ = ["EXTRAS", "require"]

EXTRAS: dict[str, str] = {
    "aws": "trials as SageMaker training jobs, and experiments on S3",
    "sagemaker": "running trials or whole experiments as SageMaker jobs",
    "ray": "Ray Tune's schedulers, searchers and backend",
    "blackbox": "the simulator's tabulated and surrogate benchmarks",
    "botorch": "searchers built on BoTorch",
    "tensorboard": "writing results for TensorBoard",
    "dev": "developing and testing synetune_lab",
}
"""The extras that ``pip install`` knows, and what each is for."""


def require(module: str, *, extra: str, purpose: str | None = None) -> ModuleType:
    """Import a module of an optional dependency.

    Args:
        module: Dotted name, for example ``"boto3"``.
        extra: The extra of this package that installs it, one of `EXTRAS`.
        purpose: What it is needed for, to complete "... is needed for"; None takes the purpose of
            the extra.

    Returns:
        The module.

    Raises:
        MissingDependencyError: It is not installed; the message says how to install it. A module
            that is installed and fails for a reason of its own keeps its own error.
    """
    if extra not in EXTRAS:
        raise ValueError(f"extra must be one of {sorted(EXTRAS)}, got {extra!r}")
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        top = module.split(".")[0]
        if error.name is None or error.name.split(".")[0] != top:
            raise
        raise MissingDependencyError(
            f"{top} is needed for {purpose or EXTRAS[extra]}, and it is not installed. "
            f'Install it with: pip install "synetune_lab[{extra}]"',
            name=error.name,
        ) from error
