"""How far apart trials may be in a ranking and yet count as equal, learnt from their curves."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt

from synetune_lab.optimizer.schedulers.rungs.ordered import OrderedValues

__all__ = ["RankingNoise"]

_PERCENTILE = 0.9

Pair = tuple[int, int]
Curve = Mapping[int, float]


class RankingNoise:
    """Finds pairs of trials whose order turns over and back again, and how far apart they are.

    A pair counts once, at the largest resource above `above` and up to `up_to` that both have
    reported. It is noisy if, going back from there, its order turns over and later turns back. A
    report is looked at when the percentile is asked for, against all trials at once.

    Args:
        above: Only what was reported at larger resources counts.
        up_to: And up to this one.
    """

    def __init__(self, above: int, up_to: int) -> None:
        self.above = above
        self.up_to = up_to
        self._row_of: dict[int, int] = {}
        self._resources: list[int] = []  # in ascending order
        self._column_of: dict[int, int] = {}
        self._values: npt.NDArray[np.float64] = np.full((8, 8), np.nan)
        self._noisy: dict[Pair, float] = {}
        self._distances = OrderedValues(_PERCENTILE)
        self._last: float | None = None  # the percentile, when there were noisy pairs last
        self._pending: list[tuple[int, int, Curve]] = []

    def percentile(self) -> float | None:
        """The 90th percentile of the distances of noisy pairs.

        Its last value if there are none any more; None if there never were.
        """
        pending, self._pending = self._pending, []
        for trial_id, resource, curve in pending:
            self._take_in(trial_id, resource, curve)
        if self._noisy:
            self._last = self._quantile()
        return self._last

    def _quantile(self) -> float | None:
        if len(self._distances) == 1:
            return next(iter(self._distances))
        return self._distances.quantile()

    def report(self, trial_id: int, resource: int, curve: Curve) -> None:
        """A trial has reported at a resource above `above`.

        Args:
            trial_id: The trial.
            resource: The resource.
            curve: All that it has reported, this included, by resource in ascending order. It may
                be added to later.
        """
        self._pending.append((trial_id, resource, curve))

    def _take_in(self, trial_id: int, resource: int, curve: Curve) -> None:
        row = self._row_of.get(trial_id)
        if row is None:
            row = self._row_of[trial_id] = len(self._row_of)
            self._grow()
            for earlier, value in curve.items():
                if earlier < resource:
                    self._put(row, earlier, value)
        self._put(row, resource, curve[resource])
        if resource <= self.up_to:
            self._look_at(trial_id, row, resource)

    def add(self, curves: Mapping[int, Curve]) -> None:
        """Take trials in that have reported before."""
        for trial_id, curve in curves.items():
            for resource in sorted(r for r in curve if r > self.above):
                self.report(trial_id, resource, curve)

    def forget(self, trial_id: int) -> None:
        """A trial does not count any more."""
        self.percentile()
        row = self._row_of.get(trial_id)
        if row is None:
            return
        self._values[row, :] = np.nan
        for pair in [pair for pair in self._noisy if trial_id in pair]:
            self._distances.remove(self._noisy.pop(pair))

    def _put(self, row: int, resource: int, value: float) -> None:
        column = self._column_of.get(resource)
        if column is None:
            column = self._column_of[resource] = len(self._column_of)
            insort(self._resources, resource)
            self._grow()
        self._values[row, column] = value

    def _grow(self) -> None:
        """Have room for all rows and columns."""
        rows, columns = self._values.shape
        wanted = len(self._row_of), len(self._column_of)
        if wanted[0] <= rows and wanted[1] <= columns:
            return
        larger = np.full((max(rows, 2 * wanted[0]), max(columns, 2 * wanted[1])), np.nan)
        larger[:rows, :columns] = self._values
        self._values = larger

    def _look_at(self, trial_id: int, row: int, resource: int) -> None:
        """Renew the pairs of a trial that count at this resource from now on."""
        upto = bisect_left(self._resources, resource) + 1
        columns = [self._column_of[r] for r in self._resources[:upto]]
        n = len(self._row_of)
        values = self._values[:n][:, columns]
        with np.errstate(invalid="ignore"):  # infinities that are equal
            differences = values - values[row]
        order = np.sign(differences)
        now = order[:, -1:]
        both = ~np.isnan(now[:, 0])
        both[row] = False
        if not both.any():
            return
        before = order[:, :-1]
        same, other = before == now, before == -now
        length = before.shape[1]
        noisy = np.zeros(n, dtype=bool)
        if length:
            first_same = np.where(same.any(axis=1), same.argmax(axis=1), length)
            last_other = np.where(other.any(axis=1), length - 1 - other[:, ::-1].argmax(axis=1), -1)
            noisy = (first_same < last_other) & (now[:, 0] != 0)
        distances = np.abs(differences[:, -1])
        self._renew(trial_id, both, noisy & np.isfinite(distances), distances)

    def _renew(
        self,
        trial_id: int,
        both: npt.NDArray[np.bool_],
        noisy: npt.NDArray[np.bool_],
        distances: npt.NDArray[np.float64],
    ) -> None:
        if not self._noisy and not noisy.any():
            return
        if self._noisy:
            self._last = self._quantile()
        for other, row in self._row_of.items():
            if not both[row]:
                continue
            pair = (min(trial_id, other), max(trial_id, other))
            old = self._noisy.pop(pair, None)
            if old is not None:
                self._distances.remove(old)
            if noisy[row]:
                self._noisy[pair] = float(distances[row])
                self._distances.add(float(distances[row]))


def largest_shift(order: Iterable[int], other: Iterable[int], values: Mapping[int, float]) -> float:
    """How far apart, at most, the trials are that stand at the same place of two rankings.

    Args:
        order: Trials in one order.
        other: The same trials in another order.
        values: Their values. Infinities are as far from themselves as 0.
    """
    shifts = [0.0]
    for one, two in zip(order, other, strict=True):
        if one != two and values[one] != values[two]:
            shifts.append(abs(values[one] - values[two]))
    return max(shifts)
