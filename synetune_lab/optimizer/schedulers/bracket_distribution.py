"""With what probability a new trial gets into each bracket of asynchronous Hyperband."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Any, Protocol

__all__ = ["BracketDistribution", "DefaultHyperbandBracketDistribution", "first_rung_sizes"]


class BracketDistribution(Protocol):
    """What `HyperbandScheduler(bracket_distribution=...)` takes.

    A searcher that has a `bracket_distribution` of this form provides its own.
    """

    def configure(self, scheduler: Any) -> None:
        """Called once with the scheduler, after the searcher was configured with it."""

    def __call__(self) -> Sequence[float]:
        """Probabilities, one a bracket, beginning with the bracket of the lowest rung."""
        ...


class DefaultHyperbandBracketDistribution:
    """Proportional to how many trials synchronous Hyperband starts in each bracket."""

    def __init__(self) -> None:
        self._probabilities: list[float] = []

    def configure(self, scheduler: Any) -> None:
        """Work the probabilities out from rung levels, reduction factor and brackets."""
        sizes = first_rung_sizes(
            scheduler.rung_levels, scheduler.max_resource_level, scheduler.reduction_factor
        )[: scheduler.num_brackets]
        self._probabilities = [size / sum(sizes) for size in sizes]

    def __call__(self) -> list[float]:
        """See `BracketDistribution`."""
        return self._probabilities


def first_rung_sizes(
    rung_levels: Sequence[int], max_t: int, reduction_factor: float | None
) -> list[int]:
    """Sizes of the lowest rungs of synchronous Hyperband, one a bracket.

    With S brackets, bracket s has S - s rungs (the maximum resource is the last of them) and its
    lowest holds ceil(S / (S - s) · eta ** (S - s - 1)) trials. For `max_t` 200 and eta 3 that is
    243, 98, 41, 18, 9, 6.

    Args:
        rung_levels: Levels below `max_t`.
        max_t: Maximum resource.
        reduction_factor: The factor eta. None, for levels that are not geometric: the ratio of
            `max_t` to the bracket's lowest level takes the place of the power.
    """
    n_brackets = len(rung_levels) + 1
    sizes = []
    for bracket, level in enumerate([*rung_levels, max_t]):
        n_rungs = n_brackets - bracket
        growth = max_t / level if reduction_factor is None else reduction_factor ** (n_rungs - 1)
        # The small number keeps the rounding of the division from adding a trial.
        sizes.append(ceil(n_brackets / n_rungs * growth - 1e-9))
    return sizes
