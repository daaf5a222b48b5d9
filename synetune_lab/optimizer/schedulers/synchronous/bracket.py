"""One bracket: rungs of fixed size, of which the next is filled when one is full."""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from synetune_lab.optimizer.schedulers.synchronous.rung_sizes import Rungs

__all__ = ["Slot", "SynchronousHyperbandBracket", "get_top_list"]


@dataclass
class Slot:
    """A place in a rung.

    Attributes:
        rung_index: The rung, from 0.
        level: Its level.
        slot_index: The place in it, from 0.
        trial_id: Who has it: None for a new trial.
        metric_val: What that trial reached there; None until it has.
    """

    rung_index: int
    level: int
    slot_index: int
    trial_id: int | None
    metric_val: float | None = None


def get_top_list(
    rung: list[tuple[int | None, float]], new_len: int, mode: str
) -> tuple[list[int], list[int]]:
    """The best trials of a full rung, and the others.

    Args:
        rung: Trial and metric of each slot. Equal metrics rank by slot.
        new_len: How many are best at most; a trial without a metric (NaN) never is.
        mode: `min` or `max`.

    Returns:
        Both best first. Slots that no trial ever had are left out.
    """
    sign = 1.0 if mode == "min" else -1.0
    known = [(sign * metric, i) for i, (_, metric) in enumerate(rung) if metric == metric]
    best = [rung[i][0] for _, i in sorted(known)]
    lost = [trial_id for trial_id, metric in rung if metric != metric]
    top = [trial_id for trial_id in best[:new_len] if trial_id is not None]
    return top, [t for t in [*best[new_len:], *lost] if t is not None]


class SynchronousHyperbandBracket:
    """Slots of the rungs of one bracket. Each goes from free to pending to occupied.

    Args:
        rungs: Size and level of each rung.
        mode: `min` or `max`.

    Attributes:
        current_rung: The rung that is being filled.
    """

    def __init__(self, rungs: Rungs, mode: str) -> None:
        self.rungs = rungs
        self.mode = mode
        self.current_rung = 0
        self._slots: list[Slot] = []
        self._next_free = 0
        self._occupied = 0
        self._sorted: list[float] = []
        self._open([None] * rungs[0][0])

    def _open(self, trial_ids: list[int | None]) -> None:
        """Begin the current rung, with the trials that were promoted into it."""
        level = self.rungs[self.current_rung][1]
        self._slots = [Slot(self.current_rung, level, i, t) for i, t in enumerate(trial_ids)]
        self._next_free = self._occupied = 0
        self._sorted = []

    @property
    def size(self) -> int:
        """Number of slots of the current rung."""
        return len(self._slots)

    @property
    def num_occupied(self) -> int:
        """How many of them have their metric."""
        return self._occupied

    def num_pending_slots(self) -> int:
        """How many are being worked on."""
        return self._next_free - self._occupied

    def is_bracket_complete(self) -> bool:
        """Whether all rungs are full."""
        return self.current_rung >= len(self.rungs)

    def next_free_slot(self) -> Slot | None:
        """A free slot, which is pending from now on; None if there is none."""
        if self._next_free >= len(self._slots):
            return None
        slot = self._slots[self._next_free]
        self._next_free += 1
        return slot

    def take_back(self, slot: Slot) -> None:
        """The slot that was given last is free again."""
        assert slot.slot_index == self._next_free - 1
        self._next_free -= 1

    def on_result(self, slot: Slot, metric_val: float) -> tuple[list[int], list[int]] | None:
        """The trial of a pending slot has reached its level, or never will (NaN).

        Returns:
            When this fills the rung, the trials that are promoted and those that are not, both best
            first; else None. In the last rung nobody is promoted.
        """
        slot.metric_val = metric_val
        self._occupied += 1
        if metric_val == metric_val:
            insort(self._sorted, metric_val if self.mode == "min" else -metric_val)
        if self._occupied < len(self._slots):
            return None
        full = [
            (s.trial_id, math.nan if s.metric_val is None else s.metric_val) for s in self._slots
        ]
        self.current_rung += 1
        if self.is_bracket_complete():
            promoted, others = get_top_list(full, 0, self.mode)
            self._slots = []
        else:
            size = self.rungs[self.current_rung][0]
            promoted, others = get_top_list(full, size, self.mode)
            self._open([*promoted, *[None] * (size - len(promoted))])
        return promoted, others

    def rank(self, metric_val: float) -> int:
        """Rank, from 1, of a metric among those of the current rung."""
        if metric_val != metric_val:
            return self._occupied
        value = metric_val if self.mode == "min" else -metric_val
        return _count_below(self._sorted, value) + 1

    def close_free_slots(self) -> list[Slot]:
        """Take all free slots that nobody has: no new trial is going to come."""
        taken = [slot for slot in self._slots[self._next_free :] if slot.trial_id is None]
        if taken:
            self._next_free = len(self._slots)
        return taken

    def slot_of(self, trial_id: int) -> Slot | None:
        """The slot of the current rung that the trial has."""
        return next((slot for slot in self._slots if slot.trial_id == trial_id), None)

    def is_free(self, slot: Slot) -> bool:
        """Whether nobody works on the slot yet."""
        return slot.rung_index == self.current_rung and slot.slot_index >= self._next_free

    def withdraw(self, slot: Slot) -> None:
        """The trial of a slot is not to go on: it ranks last, with what it has reached or not."""
        if slot.metric_val is not None and slot.metric_val == slot.metric_val:
            value = slot.metric_val if self.mode == "min" else -slot.metric_val
            del self._sorted[_count_below(self._sorted, value)]
            slot.metric_val = math.nan
            slot.trial_id = None
        elif self.is_free(slot):
            slot.trial_id = None


def _count_below(values: list[float], value: float) -> int:
    return bisect_left(values, value)
