"""What a simulated trial is going to report, and when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["TableCourse", "TrialCourse"]

_FIRST_BLOCK = 8


class TrialCourse:
    """The reports of one run of a trial, known beforehand.

    Args:
        names: Names of the entries of a report.
        rows: One sequence of values a report.
        elapsed: For each report, simulated seconds since the run started; never decreasing.
        resources: For each report, the resource reached, where that is known: what a checkpoint
            made after it goes on from. It is reported as `resource_name`.
        error: Why the trial fails after its last report; None if it completes.
        resource_name: Name of the resource; empty if it is not to be added to reports.

    Attributes:
        total: Number of reports.
        position: How many of them were told.
        times: When reports are told, as far as that was computed.
    """

    __slots__ = (
        "dead",
        "elapsed",
        "end_cause",
        "end_count",
        "end_time",
        "error",
        "first_count",
        "names",
        "position",
        "resource_name",
        "resources",
        "rows",
        "run",
        "times",
        "total",
        "trial_id",
    )

    def __init__(
        self,
        names: Sequence[str],
        rows: list[Any],
        elapsed: Any,
        resources: Sequence[int] | None = None,
        error: str | None = None,
        resource_name: str = "",
    ) -> None:
        self.names = names
        self.rows = rows
        self.elapsed = elapsed
        self.resources = resources
        self.error = error
        self.resource_name = resource_name
        self.total = len(elapsed)
        self.position = 0
        self.dead = False
        # Set by the backend when the run starts.
        self.trial_id = -1
        self.run = -1
        self.times: list[float] = []
        self.end_time = 0.0
        self.end_cause = "exited"
        self.first_count = self.end_count = 0

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.all_slots()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            setattr(self, name, value)

    @classmethod
    def all_slots(cls) -> list[str]:
        """Names of all members."""
        return [name for base in cls.__mro__ for name in getattr(base, "__slots__", ())]

    def begin(self, shift: float) -> float:
        """The run starts; a report is told `shift` after its `elapsed`.

        Returns:
            When the last report is told; `shift` if there is none.
        """
        self.times = [shift + seconds for seconds in self.elapsed]
        return self.times[-1] if self.times else shift

    def time_at(self, position: int) -> float:
        """When that report is told."""
        return self.times[position]

    def reached(self) -> int:
        """The resource of the last report that was told; 0 before the first one."""
        if self.position == 0 or self.resources is None:
            return 0
        return int(self.resources[self.position - 1])


class TableCourse(TrialCourse):
    """A course out of a table, of which only as much is turned into rows as is told.

    Args:
        names: Names of the columns.
        values: Shape (reports, columns).
        time_column: The column of seconds since the start of training.
        offset: Seconds that were spent before this run.
        resources: See `TrialCourse`.
        error: See `TrialCourse`.
        resource_name: See `TrialCourse`.
    """

    __slots__ = ("offset", "shift", "time_column", "values")

    def __init__(
        self,
        names: Sequence[str],
        values: np.ndarray,
        time_column: int,
        offset: float,
        resources: Sequence[int] | None,
        error: str | None,
        resource_name: str,
    ) -> None:
        super().__init__(names, [], values, resources, error, resource_name)
        self.elapsed = ()  # it is a column of the values
        self.values = values
        self.time_column = time_column
        self.offset = offset
        self.shift = 0.0

    def begin(self, shift: float) -> float:
        """See `TrialCourse.begin`."""
        self.shift = shift
        if not self.total:
            return shift
        self._extend()
        return shift + float(self.values[-1, self.time_column]) - self.offset

    def time_at(self, position: int) -> float:
        """See `TrialCourse.time_at`."""
        if position >= len(self.times):
            self._extend()
        return self.times[position]

    def _extend(self) -> None:
        """Turn the next block into rows, twice as long as the last."""
        first = len(self.rows)
        block = np.array(self.values[first : first + max(_FIRST_BLOCK, first)], np.float64)
        times = block[:, self.time_column]
        if self.offset:
            times -= self.offset  # a view: this changes the block
        self.rows += block.tolist()
        self.times += (times + self.shift).tolist()
