"""The brackets of DEHB: slots that trials compete for with those of earlier brackets."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from synetune_lab.optimizer.schedulers.synchronous.bracket import Slot, get_top_list

if TYPE_CHECKING:
    from synetune_lab.optimizer.schedulers.synchronous.rung_sizes import Rungs

__all__ = ["DifferentialEvolutionHyperbandBracket", "Population"]

_POOL = 16
"""Latest trials of a level that may complete a set of parents; three are ever needed."""


@dataclass
class Population:
    """Who owns the slots of each level, over all brackets so far.

    Attributes:
        owners: For each level, the trial that owns each slot; None for nobody yet.
        pool: For each level, the latest trials that have reached it.
        metrics: What trials have reached, by trial and level.
    """

    owners: dict[int, list[int | None]] = field(default_factory=dict)
    pool: dict[int, deque[int]] = field(default_factory=dict)
    metrics: dict[tuple[int, int], float] = field(default_factory=dict)

    def add_level(self, level: int, size: int) -> None:
        """Make room for a level."""
        self.owners[level] = [None] * size
        self.pool[level] = deque(maxlen=_POOL)

    def take(self, trial_id: int, level: int, slot_index: int, value: float, mode: str) -> bool:
        """A trial has reached a level: whether it gets the slot, for it is not worse."""
        self.pool[level].append(trial_id)
        self.metrics[trial_id, level] = value
        target = self.owners[level][slot_index]
        if target is not None:
            known = self.metrics.get((target, level), math.nan)
            if known == known and (known < value if mode == "min" else known > value):
                return False
        self.owners[level][slot_index] = trial_id
        return True

    def drop(self, trial_ids: set[int]) -> None:
        """Forget trials."""
        for level, owners in self.owners.items():
            self.owners[level] = [None if owner in trial_ids else owner for owner in owners]
            self.pool[level] = deque(
                (one for one in self.pool[level] if one not in trial_ids), maxlen=_POOL
            )


class DifferentialEvolutionHyperbandBracket:
    """One bracket: a rung after the other, each begun when the one below is full.

    Args:
        rungs: Size and level of each rung.
        population: Shared by all brackets.
        mode: `min` or `max`.
        is_first: In the first bracket nobody competes for slots: it is successive halving.

    Attributes:
        current_rung: The rung that is being filled.
        top: The best of the rung below, best first; empty in the first rung.
    """

    def __init__(
        self, rungs: Rungs, population: Population, mode: str, is_first: bool = False
    ) -> None:
        self.rungs = rungs
        self.mode = mode
        self.is_first = is_first
        self.current_rung = 0
        self.top: list[int] = []
        self._population = population
        self._begin()

    def _begin(self) -> None:
        size, level = self.rungs[self.current_rung]
        self.results: list[tuple[int | None, float]] = [(None, math.nan)] * size
        self.level = level
        self._next_free = self._occupied = 0

    @property
    def size(self) -> int:
        """Number of slots of the current rung."""
        return len(self.results)

    @property
    def num_occupied(self) -> int:
        """How many of them are done."""
        return self._occupied

    def is_bracket_complete(self) -> bool:
        """Whether all rungs are full."""
        return self.current_rung >= len(self.rungs)

    def next_free_slot(self) -> Slot | None:
        """A free slot, which is pending from now on; None if there is none."""
        if self.is_bracket_complete() or self._next_free >= self.size:
            return None
        slot = Slot(self.current_rung, self.level, self._next_free, None)
        self._next_free += 1
        return slot

    def take_back(self) -> None:
        """The slot that was given last is free again."""
        self._next_free -= 1

    def drop(self, trial_ids: set[int]) -> None:
        """Forget trials."""
        self.top = [one for one in self.top if one not in trial_ids]
        self.results = [
            (None, math.nan) if owner in trial_ids else (owner, value)
            for owner, value in self.results
        ]

    def on_result(self, slot: Slot, value: float) -> None:
        """The trial of a slot has reached its level, or never will (NaN).

        The better of it and who owned the slot before is what the slot has.
        """
        level, mode = slot.level, self.mode
        if slot.trial_id is not None and value == value:
            self._population.take(slot.trial_id, level, slot.slot_index, value, mode)
        if self.is_first:
            self.results[slot.slot_index] = (slot.trial_id, value)
        else:
            owner = self._population.owners[level][slot.slot_index]
            known = math.nan if owner is None else self._population.metrics[owner, level]
            self.results[slot.slot_index] = (owner, known)
        self._occupied += 1
        if self._occupied < self.size:
            return
        self.current_rung += 1
        if not self.is_bracket_complete():
            self.top = get_top_list(self.results, self.rungs[self.current_rung][0], mode)[0]
            self._begin()
