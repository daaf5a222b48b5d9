"""The functions that search spaces are written with, with the meaning that they have in Ray Tune.

They return the domains of `synetune_lab.config_space`, which may be mixed with them. Other than
there, `randint` and `lograndint` do not include their upper end.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synetune_lab import config_space as domains
from synetune_lab.errors import ConfigSpaceError

if TYPE_CHECKING:
    from synetune_lab.config_space import Categorical, Float, Function, Integer

__all__ = [
    "AnyChoice",
    "choice",
    "grid_search",
    "lograndint",
    "loguniform",
    "qlograndint",
    "qloguniform",
    "qrandint",
    "qrandn",
    "quniform",
    "randint",
    "randn",
    "sample_from",
    "uniform",
]

GRID_KEY = "grid_search"


@dataclass(frozen=True)
class AnyChoice:
    """A choice among values of any type: lists, dictionaries, functions, None, mixed ones.

    Attributes:
        categories: The values.
    """

    categories: tuple[Any, ...]

    def sample(self) -> Any:
        """One of the values."""
        return random.choice(self.categories)


def uniform(lower: float, upper: float) -> Float:
    """Real numbers between two bounds, all equally likely."""
    return domains.uniform(lower, upper)


def quniform(lower: float, upper: float, q: float) -> Float:
    """As `uniform`, rounded to multiples of q, which the bounds must be."""
    return domains.quniform(lower, upper, q)


def loguniform(lower: float, upper: float, base: float = 10) -> Float:
    """Real numbers between two bounds, their logarithms equally likely.

    Args:
        lower: Lower bound, above 0.
        upper: Upper bound.
        base: Of the logarithm; the distribution is the same for any.
    """
    del base
    return domains.loguniform(lower, upper)


def qloguniform(lower: float, upper: float, q: float, base: float = 10) -> Float:
    """As `loguniform`, rounded to multiples of q, which the bounds must be."""
    del base
    return domains.qloguniform(lower, upper, q)


def randn(mean: float = 0.0, sd: float = 1.0) -> Float:
    """Real numbers from a normal distribution."""
    return domains.randn(mean, sd)


def qrandn(mean: float, sd: float, q: float) -> Float:
    """As `randn`, rounded to multiples of q."""
    return domains.qrandn(mean, sd, q)


def randint(lower: int, upper: int) -> Integer:
    """Whole numbers from `lower` to `upper - 1`, all equally likely."""
    return domains.randint(lower, _below("randint", lower, upper))


def qrandint(lower: int, upper: int, q: int = 1) -> Integer:
    """Multiples of q from `lower` to `upper`, both included, all equally likely."""
    return domains.qrandint(lower, upper, q)


def lograndint(lower: int, upper: int, base: float = 10) -> Integer:
    """Whole numbers from `lower` to `upper - 1`, drawn on a log scale."""
    del base
    return domains.lograndint(lower, _below("lograndint", lower, upper))


def qlograndint(lower: int, upper: int, q: int, base: float = 10) -> Integer:
    """Multiples of q from `lower` to `upper`, both included, drawn on a log scale."""
    del base
    return domains.qlograndint(lower, upper, q)


def choice(categories: Iterable[Any]) -> Categorical | AnyChoice:
    """One of the given values, of any type, all equally likely."""
    values = list(categories)
    try:
        return domains.choice(values)
    except ConfigSpaceError:
        if not values:
            raise
        return AnyChoice(tuple(values))


def grid_search(values: Iterable[Any]) -> dict[str, list[Any]]:
    """Values that are all tried; `num_samples` says how often the whole grid is."""
    return {GRID_KEY: list(values)}


def sample_from(func: Callable[..., Any]) -> Function:
    """A value that a function makes up.

    Args:
        func: Gets an object whose `config` holds the values drawn so far (`spec.config.lr`), or
            takes no arguments. If it has an argument `random_state`, it gets the searcher's.
    """
    return domains.sample_from(func)


def _below(what: str, lower: int, upper: int) -> int:
    if upper <= lower:
        raise ConfigSpaceError(
            f"{what}({lower}, {upper}): upper must be above lower, for it is not included"
        )
    return upper - 1
