"""Finds the row of a configuration in a table, in constant time."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from synetune_lab.errors import BlackboxError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["TableIndex"]

logger = logging.getLogger(__name__)

_DIGITS = 9
"""Values that agree in so many significant digits are the same: float32, CSV files."""


class TableIndex:
    """Rows of a table by the values of its hyperparameters.

    Args:
        table: One row a configuration.
        names: The columns to find it by.
    """

    def __init__(self, table: pd.DataFrame, names: Sequence[str]) -> None:
        self.names = list(names)
        columns = [table[name].tolist() for name in self.names]
        self._rows: dict[tuple[Any, ...], int] = {}
        self._rounded: dict[tuple[Any, ...], int] | None = None
        for row, key in enumerate(zip(*columns, strict=True)):
            self._rows.setdefault(key, row)
        self.size = len(table)
        if len(self._rows) < self.size:
            logger.info(
                "%d of %d rows repeat a configuration; the first of each is used",
                self.size - len(self._rows),
                self.size,
            )

    def row(self, configuration: Mapping[str, Any]) -> int:
        """The row of a configuration.

        Raises:
            BlackboxError: If the table has none.
        """
        key = tuple([configuration[name] for name in self.names])
        row = self._rows.get(key)
        if row is None:
            key = tuple(map(_plain, key))
            if self._rounded is None:
                self._rounded = {}
                for known, number in self._rows.items():
                    self._rounded.setdefault(tuple(map(_round, known)), number)
            row = self._rounded.get(tuple(map(_round, key)))
        if row is None:
            shown = {name: configuration[name] for name in self.names}
            raise BlackboxError(
                f"the configuration {shown} is not among the {self.size} of the table; draw from "
                "them (restrict_configurations=blackbox.all_configurations()), or use a surrogate "
                "(add_surrogate)"
            )
        return row


def _plain(value: Any) -> Any:
    item = getattr(value, "item", None)
    return item() if callable(item) else value


def _round(value: Any) -> Any:
    return float(f"{value:.{_DIGITS}g}") if isinstance(value, float) else value
