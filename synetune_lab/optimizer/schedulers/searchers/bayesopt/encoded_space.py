"""The configuration space as a part of the unit cube that can be searched in bulk.

Everything is done on matrices of encoded configurations, without a loop over their rows. Shapes: m
rows of d coordinates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from synetune_lab.config_space.columns import Column, make_column

if TYPE_CHECKING:
    import numpy.typing as npt

    from synetune_lab.config_space.ranges import HyperparameterRanges

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.int64]

__all__ = ["EncodedSpace", "Levels"]

# Finite hyperparameters up to this size are listed; larger ones are encoded value by value.
_MOST_LEVELS = 4096
# Of ordered hyperparameters up to this size all other values are neighbours, and gradients leave
# them alone. Of larger ones it is those 1, 2, 4, 8, ... positions off.
_FEW_LEVELS = 16
_BISECTIONS = 48


@dataclass(frozen=True)
class Levels:
    """A hyperparameter with finitely many values.

    Attributes:
        begin: Its first coordinate.
        end: The one after its last.
        encoded: Its values, encoded, shape (K, end - begin).
        boundaries: Where decoding goes over from one value to the next, shape (K - 1,), if the
            values are ordered; None if they have a coordinate each.
    """

    begin: int
    end: int
    encoded: FloatArray
    boundaries: FloatArray | None

    def __len__(self) -> int:
        return len(self.encoded)

    @property
    def is_relaxed(self) -> bool:
        """Whether gradients treat it as continuous."""
        return self.boundaries is not None and len(self) > _FEW_LEVELS

    def positions(self, x: FloatArray) -> IntArray:
        """Position among the values of what each row decodes to, shape (m,)."""
        block = x[:, self.begin : self.end]
        positions: IntArray
        if self.boundaries is not None:
            positions = np.searchsorted(self.boundaries, block[:, 0], side="right")
        else:
            positions = np.argmax(block @ self.encoded.T, axis=1)
        return positions

    def put(self, x: FloatArray, positions: IntArray) -> None:
        """Write values into rows, by their positions."""
        x[:, self.begin : self.end] = self.encoded[positions]

    def other_positions(self, positions: IntArray) -> tuple[IntArray, IntArray]:
        """Neighbours of values.

        Args:
            positions: Position of a value for each of m rows.

        Returns:
            Rows and positions of their neighbours, in order of rows.
        """
        size = len(self)
        if self.is_relaxed:
            steps = 2 ** np.arange(int(size - 1).bit_length())
            offered = positions[:, None] + np.concatenate([-steps, steps])
            allowed = (offered >= 0) & (offered < size)
        else:
            offered = np.broadcast_to(np.arange(size), (len(positions), size))
            allowed = offered != positions[:, None]
        rows, columns = np.nonzero(allowed)
        return rows, offered[rows, columns]


class EncodedSpace:
    """Draws, rounds and enumerates encoded configurations.

    Args:
        hp_ranges: The encoding. Active ranges and a fixed last coordinate are kept to.

    Attributes:
        hp_ranges: The encoding.
        lower: Lower bounds, shape (d,).
        upper: Upper bounds, shape (d,).
        levels: Hyperparameters that have finitely many values, but more than one.
        is_continuous: Which coordinates have infinitely many values, shape (d,).
        is_relaxed: These, and those of finite hyperparameters with so many values that gradients
            may treat them as continuous, shape (d,).

    Raises:
        ConfigSpaceError: If a hyperparameter can't be encoded.
    """

    def __init__(self, hp_ranges: HyperparameterRanges) -> None:
        self.hp_ranges = hp_ranges
        bounds = np.array(hp_ranges.get_ndarray_bounds(), dtype=np.float64).reshape(-1, 2)
        self.lower, self.upper = bounds[:, 0].copy(), bounds[:, 1].copy()
        self.is_relaxed = self.upper > self.lower
        self.is_continuous = self.is_relaxed.copy()
        self.levels: list[Levels] = []
        # Hyperparameters whose values are a grid of too many points to list.
        self._rounded: list[tuple[int, Column]] = []
        self._is_finite = True
        for key, (begin, end) in hp_ranges.encoded_ranges.items():
            column = make_column(
                hp_ranges.config_space[key], hp_ranges.active_config_space.get(key)
            )
            if hp_ranges.is_attribute_fixed() and key == hp_ranges.name_last_pos:
                self.is_relaxed[begin:end] = self.is_continuous[begin:end] = False
            else:
                self._take(column, begin, end)

    def _take(self, column: Column, begin: int, end: int) -> None:
        size = column.drawn.num_values()
        if size is None and getattr(column.drawn, "step", None) is None:
            self._is_finite &= not self.is_continuous[begin]
            return
        self.is_continuous[begin:end] = False
        if size is None or (size > _MOST_LEVELS and column.size == 1):
            self._is_finite = False
            self._rounded.append((begin, column))
            return
        encoded = column.encode(list(column.drawn.members() or ()))
        boundaries = None
        if column.size == 1:
            encoded = np.sort(encoded, axis=0)
            boundaries = _boundaries(column, encoded[:, 0])
        levels = Levels(begin, end, encoded, boundaries)
        self.is_relaxed[begin:end] = levels.is_relaxed
        if len(levels) > 1:
            self.levels.append(levels)
        else:
            self.lower[begin:end] = self.upper[begin:end] = encoded[0]

    @property
    def dimension(self) -> int:
        """Number of coordinates d."""
        return len(self.lower)

    @property
    def has_finite(self) -> bool:
        """Whether a hyperparameter has finitely many values, but more than one."""
        return bool(self.levels) or bool(self._rounded)

    def num_configurations(self) -> float:
        """Number of configurations, infinite if a hyperparameter is continuous or very large."""
        if not self._is_finite:
            return np.inf
        return float(np.prod([float(len(levels)) for levels in self.levels]))

    def enumerate(self) -> FloatArray:
        """All configurations of a finite space, encoded, shape (m, d)."""
        sizes = [len(levels) for levels in self.levels]
        num = int(np.prod(sizes, dtype=np.int64))
        positions = np.unravel_index(np.arange(num), sizes) if sizes else ()
        x = np.tile(self.lower, (num, 1))
        for levels, chosen in zip(self.levels, positions, strict=True):
            levels.put(x, chosen)
        return x

    def draw(self, num: int, random_state: np.random.RandomState) -> FloatArray:
        """Draw configurations from the prior, encoded, shape (num, d)."""
        x = random_state.random_sample((num, self.dimension))
        x *= self.upper - self.lower
        x += self.lower
        return self.round(x)

    def round(self, x: FloatArray) -> FloatArray:
        """Encoded configurations that rows decode to: what decoding and encoding again gives."""
        rounded = np.clip(x, self.lower, self.upper)
        for levels in self.levels:
            levels.put(rounded, levels.positions(x))
        for begin, column in self._rounded:
            rounded[:, begin] = column.encode(column.decode(rounded[:, begin : begin + 1]))[:, 0]
        return rounded

    def decode(self, x: FloatArray) -> list[dict[str, Any]]:
        """Configurations of rows."""
        return self.hp_ranges.from_ndarray_matrix(x)

    def neighbours(self, x: FloatArray) -> tuple[FloatArray, IntArray]:
        """All configurations that differ from given ones in one finite hyperparameter.

        Args:
            x: Encoded configurations, shape (m, d).

        Returns:
            Neighbours, shape (r, d), and the row of x that each belongs to, shape (r,).
        """
        found, owners = [x[:0]], [np.zeros(0, dtype=np.int64)]
        for levels in self.levels:
            rows, positions = levels.other_positions(levels.positions(x))
            changed = x[rows]
            levels.put(changed, positions)
            found.append(changed)
            owners.append(rows)
        for begin, column in self._rounded:
            steps = 0.5 ** np.arange(1, 24)
            offered = x[:, begin, None] + np.concatenate([-steps, steps])
            rows, columns = np.nonzero(
                (offered >= self.lower[begin]) & (offered <= self.upper[begin])
            )
            changed = x[rows]
            units = offered[rows, columns][:, None]
            changed[:, begin] = column.encode(column.decode(units))[:, 0]
            differs = changed[:, begin] != x[rows, begin]
            found.append(changed[differs])
            owners.append(rows[differs])
        return np.concatenate(found), np.concatenate(owners)


def _boundaries(column: Column, levels: FloatArray) -> FloatArray:
    """Where decoding goes over from each level to the next, by bisection."""
    low: FloatArray = levels[:-1].copy()
    high: FloatArray = levels[1:].copy()
    positions = np.arange(len(low))
    for _ in range(_BISECTIONS if len(low) else 0):
        middle = 0.5 * (low + high)
        decoded = column.encode(column.decode(middle[:, None]))[:, 0]
        is_above = np.abs(decoded - levels[positions]) > np.abs(decoded - levels[positions + 1])
        high = np.where(is_above, middle, high)
        low = np.where(is_above, low, middle)
    return high
