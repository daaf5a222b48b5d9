"""The functions that users write configuration spaces with."""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from synetune_lab.config_space.arguments import as_integer, as_real, check_order
from synetune_lab.config_space.discrete import Categorical, Ordinal
from synetune_lab.config_space.finite_range import FiniteRange
from synetune_lab.config_space.nearest import OrdinalNearestNeighbor
from synetune_lab.config_space.numeric import Float, Integer
from synetune_lab.errors import ConfigSpaceError

__all__ = [
    "choice",
    "finrange",
    "grid_search",
    "logfinrange",
    "logordinal",
    "lograndint",
    "loguniform",
    "ordinal",
    "qlograndint",
    "qloguniform",
    "qrandint",
    "qrandn",
    "quniform",
    "randint",
    "randn",
    "reverseloguniform",
    "uniform",
]


def uniform(lower: float, upper: float) -> Float:
    """Real numbers of [lower, upper], all equally likely."""
    return _real("uniform", lower, upper).uniform()  # type: ignore[no-any-return]


def loguniform(lower: float, upper: float) -> Float:
    """Real numbers of [lower, upper], their logarithms equally likely; needs lower > 0."""
    domain = _real("loguniform", lower, upper)
    _check_positive("loguniform", domain.lower)
    return domain.loguniform()  # type: ignore[no-any-return]


def reverseloguniform(lower: float, upper: float) -> Float:
    """Real numbers, uniform in -log(1 - x); needs 0 <= lower <= upper < 1."""
    return _real("reverseloguniform", lower, upper).reverseloguniform()


def quniform(lower: float, upper: float, q: float) -> Float:
    """As `uniform`, rounded to multiples of q, which the bounds must be."""
    return uniform(lower, upper).quantized(q)


def qloguniform(lower: float, upper: float, q: float) -> Float:
    """As `loguniform`, rounded to multiples of q, which the bounds must be."""
    return loguniform(lower, upper).quantized(q)


def randn(mean: float = 0.0, sd: float = 1.0) -> Float:
    """Real numbers without bounds, from a normal distribution."""
    return Float(None, None).normal(mean, sd)


def qrandn(mean: float, sd: float, q: float) -> Float:
    """As `randn`, rounded to multiples of q."""
    return randn(mean, sd).quantized(q)


def randint(lower: int, upper: int) -> Integer:
    """Whole numbers lower, ..., upper, both included, all equally likely."""
    return _whole("randint", lower, upper).uniform()  # type: ignore[no-any-return]


def lograndint(lower: int, upper: int) -> Integer:
    """Whole numbers lower, ..., upper, drawn on a log scale; needs lower >= 1.

    The value is round(exp(x)), x uniform between log(lower - 0.5) and log(upper + 0.5).
    """
    domain = _whole("lograndint", lower, upper)
    _check_positive("lograndint", domain.lower)
    return domain.loguniform()  # type: ignore[no-any-return]


def qrandint(lower: int, upper: int, q: int = 1) -> Integer:
    """Multiples of q between lower and upper, both included, all equally likely."""
    return randint(lower, upper).quantized(q)


def qlograndint(lower: int, upper: int, q: int) -> Integer:
    """Multiples of q between lower and upper, both included, drawn on a log scale."""
    return lograndint(lower, upper).quantized(q)


def choice(categories: Sequence[Any]) -> Categorical:
    """Any of the given values, all equally likely, without an order.

    Args:
        categories: Values of one type (str, int, float or bool). For numbers `finrange`,
            `logfinrange` or `ordinal` serve model-based methods better.
    """
    return Categorical(categories).uniform()  # type: ignore[no-any-return]


def grid_search(values: Sequence[Any]) -> Categorical:
    """Values that grid search is to try, each of them; other searchers refuse the mark."""
    return Categorical(values).grid()  # type: ignore[no-any-return]


def ordinal(categories: Sequence[Any], kind: str | None = None) -> Ordinal:
    """Any of the given values, which have an order.

    Args:
        categories: The values in their order.
        kind: `equal`: all equally likely. `nn`: a real number is drawn and the nearest value taken,
            for strictly increasing numbers. `nn-log`: the same with logarithms. None: `nn` for
            strictly increasing numbers, else `equal`.
    """
    if kind is None:
        kind = "nn" if _increasing_numbers(categories) else "equal"
    if kind == "equal":
        return Ordinal(categories)
    if kind in ("nn", "nn-log"):
        return OrdinalNearestNeighbor(categories, log_scale=kind == "nn-log")
    raise ConfigSpaceError(f"ordinal: kind={kind!r} must be 'equal', 'nn' or 'nn-log'")


def logordinal(categories: Sequence[Any]) -> OrdinalNearestNeighbor:
    """Short for `ordinal(categories, kind="nn-log")`."""
    return OrdinalNearestNeighbor(categories, log_scale=True)


def finrange(lower: float, upper: float, size: int, cast_int: bool = False) -> FiniteRange:
    """`size` evenly spaced numbers from lower to upper, both included.

    Args:
        lower: First value.
        upper: Last value.
        size: Number of values, at least 2.
        cast_int: Whether values are rounded to int; else they are float.
    """
    return FiniteRange(lower, upper, size, cast_int=cast_int)


def logfinrange(lower: float, upper: float, size: int, cast_int: bool = False) -> FiniteRange:
    """`size` numbers from lower to upper whose logarithms are evenly spaced (see `finrange`)."""
    return FiniteRange(lower, upper, size, log_scale=True, cast_int=cast_int)


def _real(what: str, lower: float, upper: float) -> Float:
    low, high = as_real(what, "lower", lower), as_real(what, "upper", upper)
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ConfigSpaceError(f"{what}: bounds must be finite, got lower={low}, upper={high}")
    check_order(what, low, high)
    return Float(low, high)


def _whole(what: str, lower: int, upper: int) -> Integer:
    low, high = as_integer(what, "lower", lower), as_integer(what, "upper", upper)
    check_order(what, low, high)
    return Integer(low, high)


def _check_positive(what: str, lower: float) -> None:
    if lower <= 0:
        raise ConfigSpaceError(
            f"{what}: lower={lower} must be above 0. Give the bounds themselves, not their "
            "logarithms"
        )


def _increasing_numbers(categories: Sequence[Any]) -> bool:
    values = list(categories)
    numeric = all(isinstance(x, numbers.Real) and not isinstance(x, bool) for x in values)
    return bool(values) and numeric and all(a < b for a, b in pairwise(values))
