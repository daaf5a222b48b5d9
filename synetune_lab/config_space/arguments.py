"""Checks of the arguments and values of domains."""

from __future__ import annotations

import math
import numbers
from typing import TYPE_CHECKING, Any

from synetune_lab.errors import ConfigSpaceError, InvalidConfigError

if TYPE_CHECKING:
    from synetune_lab.config_space.domain import Domain

__all__ = [
    "KEY_BITS",
    "as_integer",
    "as_real",
    "check_order",
    "decimals",
    "is_number",
    "round_to_key",
    "tidy",
    "to_float",
]

# Beyond this a float does not hold every whole number, so that encoding would lose values.
_LARGEST_INTEGER = 2**53
KEY_BITS = 36
"""Reals that agree in this many bits count as equal: more than round-off, less than meaning."""


def as_real(what: str, name: str, value: Any) -> float:
    """The value of an argument as float.

    Raises:
        ConfigSpaceError: If it is not a number, or NaN.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise ConfigSpaceError(f"{what}: {name}={value!r} must be a number")
    result = float(value)
    if math.isnan(result):
        raise ConfigSpaceError(f"{what}: {name} is NaN, must be a number")
    return result


def as_integer(what: str, name: str, value: Any) -> int:
    """The value of an argument as int; a float without a fraction will do.

    Raises:
        ConfigSpaceError: If it is not a whole number, or beyond 2**53.
    """
    real = as_real(what, name, value)
    if not math.isfinite(real) or real != math.floor(real):
        raise ConfigSpaceError(f"{what}: {name}={value!r} must be a whole number")
    if abs(real) > _LARGEST_INTEGER:
        raise ConfigSpaceError(f"{what}: {name}={value!r} must lie within -2**53 and 2**53")
    return int(value)


def round_to_key(value: float) -> float:
    """A real rounded to 36 significant bits, by which configurations are compared."""
    mantissa, exponent = math.frexp(value)
    return math.ldexp(round(mantissa * 2**KEY_BITS), exponent - KEY_BITS)


def check_order(what: str, lower: float, upper: float) -> None:
    """Check that bounds are not crossed.

    Raises:
        ConfigSpaceError: If they are.
    """
    if lower > upper:
        raise ConfigSpaceError(f"{what}: lower={lower} must not be above upper={upper}")


def is_number(value: Any) -> bool:
    """Whether `value` is a finite number, and not a bool."""
    if isinstance(value, bool):
        return False
    return isinstance(value, numbers.Real) and math.isfinite(value)


def to_float(value: Any, domain: Domain) -> float:
    """The value of a hyperparameter as float.

    Raises:
        InvalidConfigError: If it can't be read as a number.
    """
    try:
        return float(value)
    except (TypeError, ValueError):
        raise InvalidConfigError(
            f"{value!r} can't be a value of {domain}: it is not a number"
        ) from None


def decimals(step: float) -> int | None:
    """Digits after the point that multiples of `step` have; None if too many to tell."""
    text = repr(float(step))
    if "e" in text:
        mantissa, exponent = text.split("e")
        digits = max(0, len(mantissa.partition(".")[2].rstrip("0")) - int(exponent))
    else:
        digits = len(text.partition(".")[2].rstrip("0"))
    return digits if digits <= 12 else None


def tidy(x: float) -> float:
    """A short decimal within round-off of `x`, or `x` itself if there is none."""
    text = f"{x:.14g}"
    # 0.30000000000000004 becomes 0.3, but 0.6666666666666666 keeps its digits.
    return float(text) if len(text) < 13 else x
