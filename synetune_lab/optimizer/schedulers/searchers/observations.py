"""What a model-based searcher has seen: values of configurations, at one level or at several."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from math import inf
from typing import Any

__all__ = ["LevelData", "Observations"]

Config = dict[str, Any]


@dataclass
class LevelData:
    """Observations at one level; the newest of a trial counts.

    Attributes:
        order: Pairs of value and row, best first; smaller is better.
        configs: Configuration of each row. A row that was taken out stays, and is not in `order`.
    """

    order: list[tuple[float, int]] = field(default_factory=list)
    configs: list[Config] = field(default_factory=list)
    _values: list[float] = field(default_factory=list)
    _rows: dict[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.order)

    def put(self, trial_id: str, config: Config, value: float) -> None:
        """Take a value in; `inf` is as bad as can be."""
        row = self._rows.get(trial_id)
        if row is not None:
            self._take_out(row)
            self._values[row] = value
        else:
            row = self._rows[trial_id] = len(self.configs)
            self.configs.append(config)
            self._values.append(value)
        insort(self.order, (value, row))

    def remove(self, trial_id: str) -> None:
        """Take the value of a trial out, if there is one."""
        row = self._rows.pop(trial_id, None)
        if row is not None:
            self._take_out(row)

    def _take_out(self, row: int) -> None:
        entry = (self._values[row], row)
        position = bisect_left(self.order, entry)
        if position < len(self.order) and self.order[position] == entry:
            del self.order[position]

    def items(self) -> Iterable[tuple[str, Config, float]]:
        """Trial, configuration and value of all that count."""
        for trial_id, row in self._rows.items():
            yield trial_id, self.configs[row], self._values[row]


class Observations:
    """Values of trials by level; a searcher without levels uses level 0.

    Args:
        mode: `min` or `max`; values are kept so that smaller is better.
    """

    def __init__(self, mode: str) -> None:
        self._sign = 1.0 if mode == "min" else -1.0
        self.levels: dict[int, LevelData] = {}

    def __len__(self) -> int:
        return sum(map(len, self.levels.values()))

    def put(self, trial_id: str, config: Config, value: float, level: int = 0) -> None:
        """Take a value in; one that is not a number counts as the worst."""
        data = self.levels.get(level)
        if data is None:
            data = self.levels[level] = LevelData()
        data.put(trial_id, config, self._sign * value if value == value else inf)

    def remove(self, trial_id: str, level: int = 0) -> None:
        """Take the value of a trial at a level out."""
        if level in self.levels:
            self.levels[level].remove(trial_id)

    def highest(self, at_least: int) -> tuple[int, LevelData] | None:
        """The highest level with so many observations; None if there is none."""
        full = [level for level, data in self.levels.items() if len(data) >= at_least]
        return (max(full), self.levels[max(full)]) if full else None

    def translate(self, move: Callable[[Config], Config | None]) -> tuple[int, int]:
        """Go over to another space.

        Args:
            move: The configuration in the new space; None if it is outside.

        Returns:
            How many observations were kept and dropped.
        """
        kept = dropped = 0
        for level, data in list(self.levels.items()):
            fresh = LevelData()
            for trial_id, config, value in data.items():
                moved = move(config)
                if moved is None:
                    dropped += 1
                else:
                    kept += 1
                    fresh.put(trial_id, moved, value)
            self.levels[level] = fresh
        return kept, dropped
