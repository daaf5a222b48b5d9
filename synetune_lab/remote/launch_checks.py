"""What can be said against sending a tuner before anything is sent."""

from __future__ import annotations

import difflib
import logging
import sys
from dataclasses import fields
from typing import Any, Final

from synetune_lab.backend.python_backend.python_backend import PythonBackend
from synetune_lab.backend.sagemaker_backend.description import JobDescription
from synetune_lab.errors import BackendError
from synetune_lab.remote.images import python_of_image
from synetune_lab.tuner import Tuner

__all__ = ["check_python", "check_tuner", "checked_options"]

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
    kind = type(tuner.trial_backend).__name__
    if kind == "RayBackend":
        raise BackendError(
            "a tuner with RayBackend can't be sent to SageMaker: the job would not reach the "
            "cluster. Use LocalBackend or SageMakerBackend, or run the tuner where the cluster is"
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
            options[name] = value
    options["profile"] = None if options.get("profile") == "default" else options.get("profile")
    return options


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
