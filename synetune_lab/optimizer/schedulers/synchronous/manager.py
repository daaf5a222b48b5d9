"""The brackets of synchronous Hyperband, and who works on which."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from synetune_lab.optimizer.schedulers.synchronous.bracket import Slot, SynchronousHyperbandBracket

if TYPE_CHECKING:
    from synetune_lab.optimizer.schedulers.synchronous.rung_sizes import Rungs

__all__ = ["SynchronousHyperbandBracketManager"]


class SynchronousHyperbandBracketManager:
    """Opens brackets one after the other, cycling through their kinds.

    Work is given in the first bracket that is not complete, then in later ones; if none has a free
    slot a new one is opened, so that no worker ever waits.

    Args:
        bracket_rungs: Rungs of each kind of bracket.
        mode: `min` or `max`.
    """

    def __init__(self, bracket_rungs: list[Rungs], mode: str) -> None:
        self.bracket_rungs = bracket_rungs
        self.mode = mode
        self.primary = 0
        # Complete brackets are forgotten: a run of any length keeps a few.
        self._brackets: dict[int, SynchronousHyperbandBracket] = {}
        self._opened = 0
        self._levels_before = [
            {level: before for (_, before), (_, level) in itertools.pairwise(rungs)}
            for rungs in bracket_rungs
        ]

    def kind(self, bracket_id: int) -> int:
        """Which of the kinds a bracket is of."""
        return bracket_id % len(self.bracket_rungs)

    def bracket(self, bracket_id: int) -> SynchronousHyperbandBracket:
        """A bracket that is not complete."""
        return self._brackets[bracket_id]

    def active(self) -> list[int]:
        """The brackets that are not complete."""
        return list(self._brackets)

    def level_to_prev_level(self, bracket_id: int, level: int) -> int:
        """The level of the rung below; 0 if there is none."""
        return self._levels_before[self.kind(bracket_id)].get(level, 0)

    def _open(self) -> int:
        bracket_id = self._opened
        self._opened += 1
        rungs = self.bracket_rungs[self.kind(bracket_id)]
        self._brackets[bracket_id] = SynchronousHyperbandBracket(rungs, self.mode)
        return bracket_id

    def next_job(self, *, may_open: bool = True) -> tuple[int, Slot] | None:
        """The next slot to work on, and its bracket.

        Args:
            may_open: Whether a new bracket may be opened.

        Returns:
            None only if none may be opened and no slot is free.
        """
        for bracket_id, bracket in self._brackets.items():
            slot = bracket.next_free_slot()
            if slot is not None:
                return bracket_id, slot
        if not may_open:
            return None
        bracket_id = self._open()
        slot = self._brackets[bracket_id].next_free_slot()
        assert slot is not None
        return bracket_id, slot

    def on_result(
        self, bracket_id: int, slot: Slot, metric_val: float
    ) -> tuple[list[int], list[int]] | None:
        """See `SynchronousHyperbandBracket.on_result`; a bracket that is complete is forgotten."""
        bracket = self._brackets[bracket_id]
        moved = bracket.on_result(slot, metric_val)
        if bracket.is_bracket_complete():
            del self._brackets[bracket_id]
            if bracket_id == self.primary:
                self.primary = next(iter(self._brackets), self._opened)
        return moved

    def discard(self, bracket_id: int) -> None:
        """Forget a bracket that nobody works in."""
        del self._brackets[bracket_id]
