"""What asynchronous Hyperband remembers of each trial, as columns."""

from __future__ import annotations

from array import array

from synetune_lab.errors import SchedulerError

__all__ = ["ENDED", "PAUSING", "RUNNING", "UNKNOWN", "WAITING", "TrialTable"]

UNKNOWN, RUNNING, PAUSING, WAITING, ENDED = range(5)
"""A trial runs; was told to pause at a rung; waits there; is stopped, complete or failed."""

# A trial's number is its row. Numbers count up from 0, so one far ahead is a mistake that
# must not allocate the memory for all rows before it.
_LARGEST_GAP = 1_000_000


class TrialTable:
    """One row a trial, one array a column: a few bytes a trial, saved in one piece.

    Attributes:
        state: One of the constants of this module.
        bracket: The trial's bracket.
        milestone: Level at which it is judged next; while it waits, the level where it waits.
        seen: Largest resource that it reported.
        cost: What it has spent so far, where costs are reported.
        cost_offset: What it had spent when it was resumed last.
    """

    def __init__(self) -> None:
        self.state = array("b")
        self.bracket = array("h")
        self.milestone = array("q")
        self.seen = array("q")
        self.cost = array("d")
        self.cost_offset = array("d")

    def state_of(self, trial_id: int) -> int:
        """The state of a trial, `UNKNOWN` for one that was never heard of."""
        return self.state[trial_id] if 0 <= trial_id < len(self.state) else UNKNOWN

    def start(self, trial_id: int, bracket: int, milestone: int) -> None:
        """A trial begins to run.

        Raises:
            SchedulerError: If its number does not count up from 0.
        """
        missing = trial_id + 1 - len(self.state)
        if trial_id < 0 or missing > _LARGEST_GAP:
            raise SchedulerError(f"trial_id must count up from 0, got {trial_id}")
        if missing > 0:
            zeros = bytes(missing)
            self.state.frombytes(zeros)
            self.bracket.frombytes(zeros * 2)
            for column in (self.milestone, self.seen, self.cost, self.cost_offset):
                column.frombytes(zeros * 8)
        self.state[trial_id] = RUNNING
        self.bracket[trial_id] = bracket
        self.milestone[trial_id] = milestone
        self.seen[trial_id] = 0
        self.cost[trial_id] = self.cost_offset[trial_id] = 0.0

    def resume(self, trial_id: int, milestone: int) -> None:
        """A paused trial goes on, up to another milestone."""
        self.state[trial_id] = RUNNING
        self.milestone[trial_id] = milestone
        self.close_cost(trial_id)

    def close_cost(self, trial_id: int) -> None:
        """The trial stops running, so that its reported cost begins at 0 when it goes on."""
        self.cost_offset[trial_id] = self.cost[trial_id]

    def running(self) -> list[int]:
        """Trials that run."""
        return [trial_id for trial_id, state in enumerate(self.state) if state == RUNNING]
