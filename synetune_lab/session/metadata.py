"""Name and metadata of a run, as documented."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synetune_lab.config_space import config_space_to_json_dict
from synetune_lab.constants import ST_TUNER_CREATION_TIMESTAMP
from synetune_lab.util import check_valid_sagemaker_name, name_from_base, sanitize_sagemaker_name

if TYPE_CHECKING:
    from synetune_lab.backend.trial_backend import TrialBackend
    from synetune_lab.optimizer.scheduler import TrialScheduler


def entrypoint_of(backend: TrialBackend) -> Path | None:
    """What the backend runs, None if it has no such thing."""
    try:
        return Path(backend.entrypoint_path())
    except (NotImplementedError, TypeError):
        return None


def tuner_name_of(name: str | None, backend: TrialBackend, suffix: bool) -> str:
    """The name of a run.

    Args:
        name: As the user gave it; None takes that of the entry point.
        backend: The backend.
        suffix: Whether to add date and time.

    Raises:
        ValueError: If it has anything but letters, digits and hyphens.
    """
    if name is None:
        entrypoint = entrypoint_of(backend)
        name = sanitize_sagemaker_name(entrypoint.stem if entrypoint else "tuner") or "tuner"
    else:
        check_valid_sagemaker_name(name)
    return name_from_base(name, default="tuner") if suffix else name


def tuner_metadata(
    metadata: dict[str, Any] | None, backend: TrialBackend, scheduler: TrialScheduler
) -> dict[str, Any]:
    """What `metadata.json` says of a run: documented entries, and the user's over them."""
    entrypoint = entrypoint_of(backend)
    try:
        space = json.dumps(config_space_to_json_dict(scheduler.config_space))
    except (TypeError, ValueError):  # a constant that JSON can't hold: no reason not to tune
        space = None
    documented = {
        ST_TUNER_CREATION_TIMESTAMP: time.time(),
        **scheduler.metadata(),
        "entrypoint": entrypoint.stem if entrypoint else None,
        "backend": type(backend).__name__,
        "config_space": space,
    }
    return {**documented, **(metadata or {})}
