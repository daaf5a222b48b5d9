"""Checks of arguments, with messages that say what would do."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

from synetune_lab.errors import TuneError

__all__ = ["as_seconds", "check_count", "check_flag", "check_mode", "check_number", "is_number"]


def is_number(value: Any) -> bool:
    """Whether a value is a number other than NaN; truth values are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value == value


def check_count(name: str, value: Any, least: int, special: str = "") -> None:
    """Refuse what is not a whole number from `least` on.

    Args:
        name: Name of the argument, as the message is to have it.
        value: Its value.
        least: The smallest number that is possible.
        special: Other values that are possible, in words.

    Raises:
        TuneError: If it is not.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        other = f", or {special}" if special else ""
        raise TuneError(f"{name}={value!r:.100} must be a whole number, at least {least}{other}")


def check_number(name: str, value: Any, *, above: float | None = None, least: float = 0.0) -> None:
    """Refuse what is not a finite number above one or at least another.

    Raises:
        TuneError: If it is not.
    """
    right = is_number(value) and math.isfinite(value)
    if not right or (value <= above if above is not None else value < least):
        bound = f"above {above:g}" if above is not None else f"of at least {least:g}"
        raise TuneError(f"{name}={value!r:.100} must be a number {bound}")


def check_flag(name: str, value: Any) -> None:
    """Refuse what is neither True nor False.

    Raises:
        TuneError: If it is not.
    """
    if not isinstance(value, bool):
        raise TuneError(f"{name}={value!r:.100} must be True or False")


def check_mode(value: Any, who: str = "") -> None:
    """Refuse what is neither `min` nor `max`.

    Raises:
        TuneError: If it is not.
    """
    if value not in ("min", "max"):
        raise TuneError(f"{who}mode={value!r:.100} must be 'min' or 'max'")


def as_seconds(name: str, value: Any) -> float | None:
    """Seconds, of a number of them or a `timedelta`; None stays None.

    Raises:
        TuneError: If it is not above 0.
    """
    if value is None:
        return None
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    check_number(name, seconds, above=0)
    return float(seconds)
