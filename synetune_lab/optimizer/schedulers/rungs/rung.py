"""One rung: who reached its level, with what value, and who waits there to go on."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping
from heapq import heapify, heappop, heappush
from math import inf
from typing import Any, NamedTuple

from synetune_lab.optimizer.schedulers.rungs.ordered import OrderedValues

__all__ = ["Rung", "Standing"]


class Standing(NamedTuple):
    """Where a trial stands in a rung.

    Attributes:
        trial_id: The trial.
        value: Its metric value at the rung.
        cutoff: What the value has to reach; None while the rung has fewer than two entries.
        rank: 1 for the best; equal values share the better rank.
        size: Entries in the rung, this one included.
    """

    trial_id: int
    value: float
    cutoff: float | None
    rank: int
    size: int


class Rung:
    """The entries of one rung level, in order, and those of them that wait to be promoted.

    An addition or a look for the best waiting trial takes microseconds at any size. A value that
    is not a number counts as worse than any other.

    Args:
        level: Resource at which the rung sits.
        promote_quantile: Fraction of the entries that may go on, in (0, 1).
        mode: `min` or `max`.
    """

    def __init__(self, level: int, promote_quantile: float, mode: str) -> None:
        self.level = level
        self.promote_quantile = promote_quantile
        self.mode = mode
        self._sign = 1.0 if mode == "min" else -1.0
        self._ordered = OrderedValues(promote_quantile)
        self._values: dict[int, float] = {}
        self._arrivals = 0
        # Who waits. Of equal values the one that came first goes first: the heap holds
        # (key, arrival, trial), and leftovers of those that wait no more.
        self._waiting = bytearray()  # 1 for each trial that does, by its number
        self._heap: list[tuple[float, int, int]] = []

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, trial_id: int) -> bool:
        return trial_id in self._values

    def __iter__(self) -> Iterator[tuple[int, float]]:
        """Trials with their values, in order of arrival."""
        return iter(self._values.items())

    def values(self) -> Mapping[int, float]:
        """The value of each trial, in order of arrival."""
        return self._values

    def _key(self, value: float) -> float:
        if value == value:
            return value if self._sign > 0 else -value
        return inf

    def add(self, trial_id: int, value: float, *, waits: bool = False) -> Standing:
        """Enter a trial, once.

        Args:
            trial_id: The trial.
            value: Its metric value.
            waits: Whether it pauses here until it is promoted.

        Raises:
            ValueError: If the trial is in the rung already.
        """
        if trial_id in self._values:
            raise ValueError(f"trial {trial_id} is in the rung at {self.level} already")
        key = self._key(value)
        self._values[trial_id] = value
        smaller = self._ordered.add(key)
        if waits and value == value:
            self._arrivals += 1
            self._set_waiting(trial_id, True)
            heappush(self._heap, (key, self._arrivals, trial_id))
        return Standing(trial_id, value, self.cutoff(), smaller + 1, len(self._values))

    def cutoff(self) -> float | None:
        """What a value must reach to be among the best (`quantile` in the documents).

        The linearly interpolated quantile, at the place (n - 1) · `promote_quantile` counted from
        the best of n entries; None while there are fewer than two.
        """
        quantile = self._ordered.quantile()
        return None if quantile is None else self._sign * quantile

    def passes(self, standing: Standing) -> bool:
        """Whether the value reaches the cutoff; True as well while there is no cutoff.

        A value that is not a number never does.
        """
        if standing.value != standing.value:
            return False
        if standing.cutoff is None:
            return True
        return self._sign * standing.value <= self._sign * standing.cutoff

    def standing(self, trial_id: int) -> Standing:
        """Where the trial stands now.

        Raises:
            KeyError: If it is not in the rung.
        """
        value = self._values[trial_id]
        rank = self._ordered.count_smaller(self._key(value)) + 1
        return Standing(trial_id, value, self.cutoff(), rank, len(self._values))

    def is_tied(self, trial_id: int) -> bool:
        """Whether another entry has the same value.

        Raises:
            KeyError: If the trial is not in the rung.
        """
        key = self._key(self._values[trial_id])
        return self._ordered.count_equal(key) > 1

    def waits(self, trial_id: int) -> bool:
        """Whether the trial waits here to be promoted."""
        return trial_id < len(self._waiting) and self._waiting[trial_id] == 1

    def best_waiting(self) -> Standing | None:
        """The best trial that waits here, whether it passes or not."""
        heap = self._heap
        while heap:
            trial_id = heap[0][2]
            if self.waits(trial_id):
                return self.standing(trial_id)
            heappop(heap)
        return None

    def promotable(self) -> Standing | None:
        """The best waiting trial, if it reaches the cutoff over all entries."""
        if len(self._values) < 2:
            return None
        best = self.best_waiting()
        return best if best is not None and self.passes(best) else None

    def release(self, trial_id: int) -> None:
        """The trial waits no more: it goes on, or never will. Its value stays."""
        self._set_waiting(trial_id, False)

    def _set_waiting(self, trial_id: int, waits: bool) -> None:
        missing = trial_id + 1 - len(self._waiting)
        if missing > 0:
            self._waiting.extend(bytes(missing))
        self._waiting[trial_id] = waits

    def remove(self, trial_id: int) -> None:
        """Forget the trial and its value; nothing happens if it is not here."""
        if trial_id in self._values:
            self._ordered.remove(self._key(self._values.pop(trial_id)))
            if self.waits(trial_id):  # it may come again, with another value
                self.release(trial_id)
                self._heap = [entry for entry in self._heap if entry[2] != trial_id]
                heapify(self._heap)

    def sorted_entries(self) -> list[tuple[int, float]]:
        """Trials with their values, best first, in order of arrival where they are equal."""
        return sorted(self._values.items(), key=lambda entry: self._key(entry[1]))

    def paused(self) -> list[tuple[int, int, float]]:
        """Waiting trials with their position (0 is the best of all entries) and value."""
        return [
            (trial_id, position, value)
            for position, (trial_id, value) in enumerate(self.sorted_entries())
            if self.waits(trial_id)
        ]

    def __getstate__(self) -> bytes:
        # As bytes, since saving the scheduler must not visit each entry from Python.
        state: dict[str, Any] = dict(self.__dict__)
        del state["_waiting"]
        state["_heap"] = [(a, trial_id) for _, a, trial_id in self._heap if self.waits(trial_id)]
        return pickle.dumps(state, protocol=pickle.HIGHEST_PROTOCOL)

    def __setstate__(self, state: bytes) -> None:
        self.__dict__.update(pickle.loads(state))
        waiting: Any = self._heap
        self._heap = [(self._key(self._values[i]), arrival, i) for arrival, i in waiting]
        heapify(self._heap)
        self._waiting = bytearray()
        for _, trial_id in waiting:
            self._set_waiting(trial_id, True)
