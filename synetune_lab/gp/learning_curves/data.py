"""Data of learning-curve models: values of configurations at consecutive levels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from synetune_lab.errors import SchedulerError

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.int64]

__all__ = ["CurveData"]


class CurveData:
    """Observed parts of the learning curves of n configurations.

    Args:
        x: Encoded configurations, shape (n, d).
        curves: For each of them its values at the levels r_min, r_min + 1, ..., without gaps.
            May be empty for a configuration that has only pending evaluations.

    Attributes:
        x: As given.
        curves: One array of shape (n_i,) a configuration.
        counts: The numbers of values n_i, shape (n,).

    Raises:
        SchedulerError: If the numbers of configurations differ, or a value is not finite.
    """

    def __init__(self, x: FloatArray, curves: Sequence[npt.ArrayLike]) -> None:
        self.x: FloatArray = np.asarray(x, dtype=np.float64)
        self.curves: tuple[FloatArray, ...] = tuple(
            np.array(curve, dtype=np.float64).reshape(-1) for curve in curves
        )
        if self.x.ndim != 2 or len(self.x) != len(self.curves):
            raise SchedulerError(
                f"x has shape {self.x.shape}; it must have one row for each of the "
                f"{len(self.curves)} curves"
            )
        for index, curve in enumerate(self.curves):
            if not np.isfinite(curve).all():
                raise SchedulerError(f"curve {index} has values that are not finite: {curve}")
        self.counts: IntArray = np.array([len(curve) for curve in self.curves], dtype=np.int64)

    @classmethod
    def from_levels(
        cls, x: FloatArray, values: Sequence[Mapping[int, float]], r_min: int
    ) -> CurveData:
        """Data from values by level.

        Args:
            x: Encoded configurations, shape (n, d).
            values: For each configuration its values by level, in any order.
            r_min: Smallest level.

        Raises:
            SchedulerError: If the levels of a configuration do not begin at `r_min` or have gaps.
        """
        curves = []
        for index, entry in enumerate(values):
            levels = sorted(entry)
            wanted = range(r_min, r_min + len(levels))
            if levels != list(wanted):
                missing = sorted(set(range(r_min, max(levels) + 1)) - set(levels))
                problem = f"lacks {missing}" if missing else f"begins below r_min={r_min}"
                raise SchedulerError(
                    f"configuration {index} has values at the levels {levels}, which {problem}: "
                    "models of learning curves need the values of all levels from the smallest on "
                    "(searcher_data='all')"
                )
            curves.append([float(entry[level]) for level in levels])
        return cls(x, curves)

    def __len__(self) -> int:
        return len(self.curves)

    @property
    def depth(self) -> int:
        """Largest number of values of a configuration."""
        return int(self.counts.max(initial=0))

    def padded(self) -> FloatArray:
        """Values by level and configuration, shape (depth, n), zero where there are none."""
        table = np.zeros((self.depth, len(self)))
        for column, curve in enumerate(self.curves):
            table[: len(curve), column] = curve
        return table
