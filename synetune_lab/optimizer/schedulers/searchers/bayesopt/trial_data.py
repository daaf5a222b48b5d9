"""What model-based searchers know of trials: their vectors, what they reported, what is pending.

Everything is in arrays that grow, so that a suggestion costs no loop over trials.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from synetune_lab.optimizer.schedulers.searchers.bayesopt.model_space import ModelSpace

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.intp]

__all__ = ["Observed", "TrialData"]

Config = dict[str, Any]


@dataclass
class Observed:
    """Values of one metric: at most one for each trial and level, in the order of arrival."""

    rows: list[int] = field(default_factory=list)
    levels: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    _position: dict[tuple[int, int], int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.values)

    def put(self, row: int, level: int, value: float) -> None:
        """Take a value in; the newest of a trial at a level counts."""
        position = self._position.get((row, level))
        if position is not None:
            self.values[position] = value
            return
        self._position[row, level] = len(self.values)
        self.rows.append(row)
        self.levels.append(level)
        self.values.append(value)

    def remove(self, row: int, level: int) -> None:
        """Take a value out, if there is one."""
        position = self._position.pop((row, level), None)
        if position is None:
            return
        for column in (self.rows, self.levels, self.values):
            del column[position]
        for at in range(position, len(self.values)):
            self._position[self.rows[at], self.levels[at]] = at

    def contains(self, row: int, level: int) -> bool:
        """Whether there is a value of a trial at a level."""
        return (row, level) in self._position

    def counts(self) -> Counter[int]:
        """Number of values by level."""
        return Counter(self.levels)

    def num_at(self, level: int) -> int:
        """Number of values at a level."""
        return self.levels.count(level)


class TrialData:
    """Configurations, observations and pending evaluations of all trials.

    Rows are numbered in the order in which trials become known. Searchers without levels use
    level 0.

    Args:
        space: Encodes configurations.
    """

    def __init__(self, space: ModelSpace) -> None:
        self.space = space
        self.configs: list[Config] = []
        self.observed: dict[str, Observed] = {}
        # Levels at which a result of a running trial is expected.
        self.pending: dict[int, dict[int, None]] = {}
        self._row_of: dict[str, int] = {}
        self._trial_ids: list[str] = []
        self._vectors: FloatArray = np.empty((0, space.ranges.ndarray_size))
        self._num_encoded = 0
        self._usable: list[bool] = []
        self._searched: list[bool] = []

    def row_of(self, trial_id: str, config: Mapping[str, Any] | None = None) -> int | None:
        """Row of a trial; None if it is not known and can't be told from `config`."""
        row = self._row_of.get(trial_id)
        if row is None and config is not None:
            row = self._row_of[trial_id] = len(self.configs)
            self.configs.append(dict(config))
            self._trial_ids.append(trial_id)
            self._usable.append(True)
            self._searched.append(True)
        return row

    def trial_id(self, row: int) -> str:
        """The trial of a row."""
        return self._trial_ids[row]

    def of(self, metric: str) -> Observed:
        """Values of a metric."""
        found = self.observed.get(metric)
        if found is None:
            found = self.observed[metric] = Observed()
        return found

    # Pending

    def expect(self, row: int, level: int) -> None:
        """A result is expected."""
        self.pending.setdefault(row, {})[level] = None

    def arrived(self, row: int, level: int) -> None:
        """The results of a trial up to a level are not expected any more."""
        levels = self.pending.get(row)
        if levels is None:
            return
        for other in [entry for entry in levels if entry <= level]:
            del levels[other]
        if not levels:
            del self.pending[row]

    def forget_pending(self, trial_id: str) -> None:
        """Nothing of a trial is expected any more."""
        row = self._row_of.get(trial_id)
        if row is not None:
            self.pending.pop(row, None)

    def pending_cases(self, metric: str) -> list[tuple[int, int]]:
        """Rows and levels that are expected and have no value yet, in order."""
        seen = self.of(metric)
        return [
            (row, level)
            for row, levels in self.pending.items()
            for level in levels
            if self._usable_row(row) and not seen.contains(row, level)
        ]

    # Vectors

    def vectors(self, rows: Iterable[int] | IntArray) -> FloatArray:
        """Encoded configurations of rows, shape (n, d)."""
        self._encode()
        return self._vectors[np.asarray(list(rows), dtype=np.intp)]

    def usable(self, rows: IntArray) -> npt.NDArray[np.bool_]:
        """Which rows can be encoded in the space as it is now."""
        self._encode()
        return np.array(self._usable, dtype=bool)[rows]

    def is_searched(self, rows: IntArray) -> npt.NDArray[np.bool_]:
        """Which rows are in the part of the space that is searched now."""
        self._encode()
        return np.array(self._searched, dtype=bool)[rows]

    def _usable_row(self, row: int) -> bool:
        self._encode()
        return self._usable[row]

    def _encode(self) -> None:
        begin, end = self._num_encoded, len(self.configs)
        if begin == end:
            return
        size = self.space.ranges.ndarray_size
        if end > len(self._vectors):
            grown = np.zeros((2 * end, size))
            grown[:begin] = self._vectors[:begin]
            self._vectors = grown
        fresh = [self.space.complete(config) for config in self.configs[begin:end]]
        places = [begin + i for i, config in enumerate(fresh) if config is not None]
        for i, config in enumerate(fresh):
            self._usable[begin + i] = config is not None
            self._searched[begin + i] = config is not None and self.space.is_searched(config)
        if places:
            encoded = self.space.ranges.to_ndarray_matrix([c for c in fresh if c is not None])
            self._vectors[places] = encoded
        self._num_encoded = end

    def change_space(self, space: ModelSpace) -> None:
        """Encode everything anew."""
        self.space = space
        self._vectors = np.empty((0, space.ranges.ndarray_size))
        self._num_encoded = 0

    def __getstate__(self) -> dict[str, Any]:
        # Vectors are made again from configurations.
        state = dict(vars(self))
        state.update(_vectors=np.empty((0, 0)), _num_encoded=0)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._vectors = np.empty((0, self.space.ranges.ndarray_size))

    def count_outside(self, metric: str) -> tuple[int, int, int]:
        """Number of values inside the searched space, outside of it, and those without use."""
        self._encode()
        rows = self.of(metric).rows
        inside = sum(self._searched[row] for row in rows)
        usable = sum(self._usable[row] for row in rows)
        return inside, usable - inside, len(rows) - usable
