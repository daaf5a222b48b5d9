"""The reports of a run as growing typed columns."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from typing import Any

DTYPES = {"i": "int32", "d": "float64"}
NAN = math.nan


def as_float(value: Any) -> float:
    """A metric as a number; NaN for what is none."""
    if type(value) is float:
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return NAN
    return float(value)


class ReportColumns:
    """Columns `trial`, `run`, `time`, `resource` and one a metric, a row a report.

    Args:
        metric_names: The metrics that are kept.
    """

    def __init__(self, metric_names: Sequence[str]) -> None:
        self.metric_names = list(metric_names)
        self.trial = array("i")
        self.run = array("i")
        self.time = array("d")
        self.resource = array("d")
        self.metrics = [array("d") for _ in self.metric_names]

    def __len__(self) -> int:
        return len(self.trial)

    def append(
        self, trial: int, run: int, time: float, resource: float, values: Sequence[float]
    ) -> None:
        """Add a report."""
        self.trial.append(trial)
        self.run.append(run)
        self.time.append(time)
        self.resource.append(resource)
        for column, value in zip(self.metrics, values, strict=True):
            column.append(value)

    def named(self) -> list[tuple[str, array[Any]]]:
        """The columns with their names, in the order of the protocol."""
        fixed: list[tuple[str, array[Any]]] = [
            ("trial", self.trial),
            ("run", self.run),
            ("time", self.time),
            ("resource", self.resource),
        ]
        return [*fixed, *zip(self.metric_names, self.metrics, strict=True)]

    def rows(self, start: int = 0, indices: Sequence[int] | None = None) -> ReportColumns:
        """A copy of the rows from `start` on, or of those at `indices`."""
        part = ReportColumns(self.metric_names)
        for (_, target), (_, source) in zip(part.named(), self.named(), strict=True):
            if indices is None:
                target.extend(source[start:])
            else:
                target.extend(source[i] for i in indices)
        return part

    def describe(self) -> list[dict[str, str]]:
        """Name and type of each column, as the protocol says them."""
        return [{"name": name, "dtype": DTYPES[c.typecode]} for name, c in self.named()]

    def buffers(self) -> list[bytes]:
        """The columns as bytes, little-endian as every browser's machine is."""
        return [column.tobytes() for _, column in self.named()]

    def lists(self) -> dict[str, list[float | int | None]]:
        """The columns as JSON lists; null for what is not a finite number."""
        return {
            name: [None if isinstance(v, float) and not math.isfinite(v) else v for v in column]
            for name, column in self.named()
        }


def thin(columns: ReportColumns, most: int) -> list[int]:
    """Indices of at most about `most` rows that keep the shape of every trial's curve.

    Each curve keeps its first and last report and, of each stretch between, the reports with the
    smallest and the largest value of the main metric.
    """
    by_trial: dict[int, list[int]] = {}
    for index, trial in enumerate(columns.trial):
        by_trial.setdefault(trial, []).append(index)
    share = max(2, most // max(1, len(by_trial)))
    values = columns.metrics[0] if columns.metrics else columns.time
    kept: list[int] = []
    for rows in by_trial.values():
        kept.extend(rows if len(rows) <= share else _extremes(rows, values, share))
    kept.sort()
    return kept


def _extremes(rows: list[int], values: array[Any], share: int) -> list[int]:
    stretches = max(1, (share - 2) // 2)
    inner = rows[1:-1]
    chosen = {rows[0], rows[-1]}
    for k in range(stretches):
        stretch = inner[k * len(inner) // stretches : (k + 1) * len(inner) // stretches]
        if stretch and share > 2:
            chosen.add(min(stretch, key=lambda i: (values[i] != values[i], values[i])))
            chosen.add(max(stretch, key=lambda i: (values[i] == values[i], values[i])))
    return sorted(chosen)
