"""What baselines share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synetune_lab.errors import SchedulerError

__all__ = ["own_arguments"]


def own_arguments(scheduler: object, kwargs: Mapping[str, Any], **own: Any) -> dict[str, Any]:
    """Arguments together with those that a baseline sets itself.

    Raises:
        SchedulerError: If the user gave one of these.
    """
    for name, value in own.items():
        if name in kwargs:
            base = type(scheduler).__mro__[1].__name__
            raise SchedulerError(
                f"{type(scheduler).__name__} sets {name}={value!r} itself, got "
                f"{name}={kwargs[name]!r}; for another one use {base}"
            )
    return {**own, **kwargs}
