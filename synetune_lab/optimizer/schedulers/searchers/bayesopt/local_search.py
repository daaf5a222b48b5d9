"""Finds the configurations where an acquisition function is smallest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from synetune_lab.optimizer.schedulers.searchers.bayesopt.candidates import (
    choose_starts,
    local_candidates,
)
from synetune_lab.optimizer.schedulers.searchers.bayesopt.quasi_newton import minimise_in_box

if TYPE_CHECKING:
    import numpy.typing as npt

    from synetune_lab.optimizer.schedulers.searchers.bayesopt.encoded_space import EncodedSpace

    BoolArray = npt.NDArray[np.bool_]
    FloatArray = npt.NDArray[np.float64]

__all__ = [
    "LocalSearch",
    "Objective",
    "Ranking",
    "Suggestion",
    "first_allowed",
]

# Spaces up to this size are searched by trying everything.
_SMALL_SPACE = 2048
# No more neighbours than this are evaluated in one sweep.
_LARGEST_SWEEP = 4096
_MAX_SWEEPS = 20
_MAX_ROUNDS = 5
# A change of a finite hyperparameter has to gain this share of the spread of values.
_LEAST_GAIN = 1e-9
_TOLERANCE = 1e-4
# Without gradients: rounds of draws near the best, of so many each.
_DRAW_ROUNDS = 5
_DRAWS = 100
_CENTRES = 5
# Configurations are decoded by so many.
_BLOCK = 16


class Objective(Protocol):
    """A function of encoded configurations that is to be small, as a `BoundAcquisition`."""

    @property
    def has_gradient(self) -> bool:
        """Whether `values_with_gradient` may be called."""

    def values(self, x: FloatArray, /) -> FloatArray:
        """Values of rows, shape (m, d) to (m,)."""

    def values_with_gradient(self, x: FloatArray, /) -> tuple[FloatArray, FloatArray]:
        """Values, shape (m,), and gradients, shape (m, d)."""


@dataclass(frozen=True)
class Suggestion:
    """A configuration that was found.

    Attributes:
        encoded: Its encoding, shape (d,).
        config: The configuration.
        value: Value of the objective there.
    """

    encoded: FloatArray
    config: dict[str, Any]
    value: float


@dataclass(frozen=True)
class Ranking:
    """Encoded configurations in order of their values, the smallest first.

    Attributes:
        x: Encoded configurations that are decodable, shape (r, d). Rows may repeat.
        values: Shape (r,).
    """

    x: FloatArray
    values: FloatArray

    @classmethod
    def of(cls, x: FloatArray, values: FloatArray) -> Ranking:
        """Put rows in order."""
        order = np.argsort(values, kind="stable")
        return cls(x[order], values[order])


class LocalSearch:
    """Minimises an acquisition function from good candidates on.

    Coordinates of ranges are moved by a quasi-Newton method, from all starts at once. Finite
    hyperparameters are moved by sweeps: all neighbours of all searches are evaluated in one call,
    and each search goes to its best one until none is better. The two alternate. Integers of many
    values take part in both, rounded in between. Small finite spaces are tried out entirely.

    Args:
        space: The space.
        num_starts: Number of local searches, at least 1.
        max_evaluations: Number of evaluations of each continuous search, at least 1.
    """

    def __init__(
        self, space: EncodedSpace, num_starts: int = 20, max_evaluations: int = 40
    ) -> None:
        self.space = space
        self.num_starts = num_starts
        self.max_evaluations = max_evaluations

    def run(
        self,
        objective: Objective,
        groups: Sequence[FloatArray],
        random_state: np.random.RandomState,
        scores: Sequence[FloatArray] | None = None,
    ) -> Ranking:
        """Search.

        Args:
            objective: What is to be small.
            groups: Groups of candidates, shapes (m_i, d); see `choose_starts`.
            random_state: Source of random starts.
            scores: By which starts are chosen, shapes (m_i,); None for values of the objective.

        Returns:
            Everything decodable that was evaluated, candidates included.
        """
        if self.space.num_configurations() <= _SMALL_SPACE:
            everything = self.space.enumerate()
            return Ranking.of(everything, _values(objective, everything))
        values = _values(objective, np.concatenate(groups))
        if scores is None:
            ends = np.cumsum([len(group) for group in groups])[:-1]
            scores = np.split(values, ends)
        evaluated = [(np.concatenate(groups), values)]
        starts = choose_starts(groups, scores, self.num_starts, random_state)
        scale = _spread(values)
        if len(starts):
            evaluated += self._improve(objective, starts, scale)
        if not objective.has_gradient:
            x, values = (np.concatenate(parts) for parts in zip(*evaluated, strict=True))
            evaluated += self._draw_near(objective, x, values, random_state)
        return Ranking.of(
            np.concatenate([x for x, _ in evaluated]), np.concatenate([v for _, v in evaluated])
        )

    def _improve(
        self, objective: Objective, x: FloatArray, scale: float
    ) -> list[tuple[FloatArray, FloatArray]]:
        """Local searches from rows of x, for values of the given spread."""
        space = self.space
        evaluated = []
        moved, evaluations = space.is_relaxed, self.max_evaluations
        if space.has_finite:
            evaluations = max(evaluations // 2, 1)  # there will be more rounds
        for _ in range(_MAX_ROUNDS):
            is_moved = objective.has_gradient and bool(moved.any())
            if is_moved:
                x, values = minimise_in_box(
                    objective.values_with_gradient,
                    x,
                    np.where(moved, space.lower, x),
                    np.where(moved, space.upper, x),
                    evaluations,
                    _TOLERANCE * min(1.0, scale),
                )
            if not is_moved or space.has_finite:
                x = space.round(x)
                values = _values(objective, x)
            evaluated.append((x, np.where(np.isnan(values), np.inf, values)))
            x, values, is_changed, tried = self._sweep(objective, x, values, scale)
            evaluated += tried
            if not (space.has_finite and objective.has_gradient and space.is_continuous.any()):
                break
            if np.array_equal(moved, space.is_continuous):
                x, values = x[is_changed], values[is_changed]
            if not len(x):
                break
            # The best half goes on. What was rounded stays so; the others adjust to it.
            x = _best_half(x, values)
            moved = space.is_continuous
        return evaluated

    def _sweep(
        self, objective: Objective, x: FloatArray, values: FloatArray, scale: float
    ) -> tuple[FloatArray, FloatArray, BoolArray, list[tuple[FloatArray, FloatArray]]]:
        """Go to the best neighbour until none is better.

        Returns:
            Where each search got to, its value, whether it moved, and all that was evaluated.
        """
        x, values = x.copy(), values.copy()
        going = np.argsort(values, kind="stable")
        # About as many has each: those of all searches, in a choice of 1,000s, fill the memory.
        num_neighbours = len(self.space.neighbours(x[going[:1]])[0])
        going = going[: 2 * max(_LARGEST_SWEEP // max(num_neighbours, 1), 1)]
        is_changed = np.zeros(len(x), dtype=bool)
        tried = []
        for _ in range(_MAX_SWEEPS):
            neighbours, owners = self.space.neighbours(x[going])
            if len(neighbours) > _LARGEST_SWEEP:
                # The best searches go first, the others end here.
                most = max(_LARGEST_SWEEP * len(going) // len(neighbours), 1)
                neighbours, owners = neighbours[owners < most], owners[owners < most]
            if not len(neighbours):
                break
            found = _values(objective, neighbours)
            tried.append((neighbours, found))
            order = np.lexsort((found, owners))
            searches, firsts = np.unique(owners[order], return_index=True)
            best = order[firsts]
            rows = going[searches]
            is_better = found[best] < values[rows] - _LEAST_GAIN * scale
            rows, best = rows[is_better], best[is_better]
            x[rows], values[rows] = neighbours[best], found[best]
            is_changed[rows] = True
            going = rows
            if not len(going):
                break
        return x, values, is_changed, tried

    def _draw_near(
        self,
        objective: Objective,
        x: FloatArray,
        values: FloatArray,
        random_state: np.random.RandomState,
    ) -> list[tuple[FloatArray, FloatArray]]:
        """Draw around the best for some rounds, where there is no gradient to follow."""
        evaluated = []
        for _ in range(_DRAW_ROUNDS):
            centres = Ranking.of(x, values).x[:_CENTRES]
            drawn = local_candidates(self.space, centres, _DRAWS, random_state)
            found = _values(objective, drawn)
            evaluated.append((drawn, found))
            x, values = np.concatenate([x, drawn]), np.concatenate([values, found])
        return evaluated


def first_allowed(
    space: EncodedSpace,
    ranking: Ranking,
    num: int,
    is_excluded: Callable[[dict[str, Any]], bool] | None = None,
) -> list[Suggestion]:
    """The first configurations of a ranking that may be suggested, each once.

    Args:
        space: The space.
        ranking: Configurations in order of preference.
        num: How many are wanted.
        is_excluded: Whether a configuration may not be suggested.

    Returns:
        At most `num`, in order.
    """
    found: list[Suggestion] = []
    seen: set[str] = set()
    for begin in range(0, len(ranking.x), _BLOCK):
        x = ranking.x[begin : begin + _BLOCK]
        for row, config in enumerate(space.decode(x)):
            key = space.hp_ranges.config_to_match_string(config)
            if key in seen or (is_excluded is not None and is_excluded(config)):
                continue
            seen.add(key)
            found.append(Suggestion(x[row], config, float(ranking.values[begin + row])))
            if len(found) == num:
                return found
    return found


def _best_half(x: FloatArray, values: FloatArray) -> FloatArray:
    """The better half of the rows, each once."""
    distinct, firsts = np.unique(x, axis=0, return_index=True)
    order = np.argsort(values[firsts], kind="stable")
    best: FloatArray = distinct[order[: max((len(x) + 1) // 2, 1)]]
    return best


def _values(objective: Objective, x: FloatArray) -> FloatArray:
    """Values; what is not a number comes last."""
    values = objective.values(x)
    return np.where(np.isnan(values), np.inf, values)


def _spread(values: FloatArray) -> float:
    """Difference of the largest and smallest finite value; 1 if there is none."""
    finite = values[np.isfinite(values)]
    spread = float(np.ptp(finite)) if len(finite) else 0.0
    return spread or 1.0
