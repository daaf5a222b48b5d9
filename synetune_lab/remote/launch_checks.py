"""What can be said against sending a tuner before anything is sent."""

from __future__ import annotations

import difflib
import logging
import sys
from dataclasses import fields
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final

from synetune_lab.backend.python_backend.python_backend import PythonBackend
from synetune_lab.backend.sagemaker_backend.description import JobDescription
from synetune_lab.errors import BackendError
from synetune_lab.remote.images import python_of_image
from synetune_lab.tuner import Tuner
from synetune_lab.util import check_valid_sagemaker_name

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["check_arguments", "check_modules", "check_python", "check_tuner", "checked_options"]

logger = logging.getLogger(__name__)

# Of estimators, without a meaning here.
_IGNORED: Final = (
    "debugger_hook_config",
    "disable_profiler",
    "disable_output_compression",
    "framework_version",
    "py_version",
    "wait",
    "logs",
)
_OURS: Final = ("entry_point", "dependencies", "instance_count", "hyperparameters")


def check_tuner(tuner: Any) -> None:
    """Check that a tuner can be sent.

    Raises:
        ValueError: If it is none.
        BackendError: If its backend would not work in a job.
    """
    if not isinstance(tuner, Tuner):
        raise ValueError(f"tuner is {tuner!r:.80}; give a Tuner")
    check_valid_sagemaker_name(tuner.name)
    kind = type(tuner.trial_backend).__name__
    if kind == "RayBackend":
        raise BackendError(
            "a tuner with RayBackend can't be sent to SageMaker: the job would not reach the "
            "cluster. Use LocalBackend or SageMakerBackend, or run the tuner where the cluster is"
        )


def check_arguments(
    instance_type: Any, dependencies: Any, store_logs_localbackend: Any, log_level: Any
) -> None:
    """Check the documented arguments of a launcher.

    Raises:
        ValueError: If one is not possible.
    """
    if not isinstance(instance_type, str):
        raise ValueError(f"instance_type is {instance_type!r}; give one such as 'ml.c5.4xlarge'")
    if isinstance(dependencies, (str, Path)):
        raise ValueError(f"dependencies is {dependencies!r}; give a list of folders")
    if not isinstance(store_logs_localbackend, bool):
        raise ValueError(
            f"store_logs_localbackend is {store_logs_localbackend!r}; use True or False"
        )
    if log_level is not None and (not isinstance(log_level, int) or isinstance(log_level, bool)):
        raise ValueError(f"log_level is {log_level!r}; use a number such as logging.INFO")


def check_modules(tuner: Tuner, sent: Sequence[str | Path]) -> None:
    """Check that the job can import what the parts of a tuner are made of.

    Args:
        tuner: The tuner.
        sent: Folders that are sent, or whose content is.

    Raises:
        BackendError: If a part comes from a module that is neither installed nor sent.
    """
    parts = [tuner.scheduler, tuner.trial_backend, tuner.stop_criterion, *tuner.callbacks]
    folders = [Path(folder).expanduser().resolve() for folder in sent]
    for part in parts:
        kind = part if isinstance(part, FunctionType) else type(part)
        name = kind.__module__.partition(".")[0]
        file = getattr(sys.modules.get(name), "__file__", None)
        if name in ("synetune_lab", "__main__", "builtins") or file is None:
            continue
        path = Path(file).resolve()
        if "site-packages" in path.parts or name in sys.stdlib_module_names:
            continue
        if not any(path.is_relative_to(folder) for folder in folders):
            raise BackendError(
                f"{kind.__qualname__} comes from the module {name!r} ({path}), which would not be "
                "sent. Name its folder: dependencies=[...] for a package, source_dir=... for "
                "modules"
            )


def checked_options(given: dict[str, Any]) -> dict[str, Any]:
    """Fields of a `JobDescription`, from the further arguments of a launcher.

    Raises:
        ValueError: If there is an argument that it can't have; with the nearest right name.
    """
    known = {field.name for field in fields(JobDescription)} - set(_OURS)
    options: dict[str, Any] = {}
    for name, value in given.items():
        if name == "sagemaker_session":
            session = getattr(value, "boto_session", None)
            options.setdefault("region", getattr(session, "region_name", None))
            options.setdefault("profile", getattr(session, "profile_name", None))
        elif name in _IGNORED:
            logger.info("%s has no meaning for a job that tunes, and is left out", name)
        elif name in _OURS:
            raise ValueError(f"{name} is for the launcher to choose; leave it out")
        elif name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ValueError(f"there is no argument {name!r}{hint}")
        else:
            options[name] = _tags(value) if name == "tags" else value
    if dict(options.get("extra") or {}).get("EnableNetworkIsolation"):
        raise ValueError("extra: with EnableNetworkIsolation the job could not reach S3")
    options["profile"] = None if options.get("profile") == "default" else options.get("profile")
    return options


def _tags(given: Any) -> Any:
    """Tags as a dictionary, also those that are given as estimators have them."""
    if isinstance(given, (list, tuple)):
        try:
            return {str(tag["Key"]): str(tag["Value"]) for tag in given}
        except (KeyError, TypeError):
            raise ValueError(f"tags is {given!r}; give a dictionary of names and values") from None
    return given


def check_python(image: str, tuner: Tuner) -> None:
    """Functions that were saved by one Python can't be run by another.

    Raises:
        BackendError: If the trials of the tuner need that.
    """
    there, here = python_of_image(image), sys.version_info[:2]
    if there is None or there == here:
        return
    told = f"image_uri {image!r} has Python {there[0]}.{there[1]}, and this is {here[0]}.{here[1]}"
    if isinstance(tuner.trial_backend, PythonBackend):
        raise BackendError(
            f"{told}: a function can't be sent from one to the other. Leave image_uri out, name an "
            "image with the same Python, or write the function into a script for LocalBackend"
        )
    logger.warning("%s: functions and classes that were made in a notebook may not load", told)
