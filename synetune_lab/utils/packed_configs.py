"""Configurations by trial, in few bytes: they are kept for long, and rarely looked at."""

from __future__ import annotations

from typing import Any

from synetune_lab.utils.packed_table import PackedTable

__all__ = ["PackedConfigs"]


class PackedConfigs(PackedTable[dict[str, Any]]):
    """A configuration each trial, to be read only."""

    __getitem__ = PackedTable.peek

    def _pack(self, entry: dict[str, Any]) -> tuple[Any, ...]:
        return self._split(entry) or ()

    def _unpack(self, number: int, packed: tuple[Any, ...]) -> dict[str, Any]:
        del number
        return self._joined(packed) or {}
