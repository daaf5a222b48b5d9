"""Who is in which rung, folded from the reasons of decisions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synetune_lab.dashboard.plain import finite

Key = tuple[int, int, int]


class RungBoard:
    """The rungs of a run: an entry for each bracket, level and trial."""

    def __init__(self) -> None:
        self.entries: dict[Key, dict[str, Any]] = {}
        self.cutoffs: dict[tuple[int, int], float | None] = {}
        self.changed: set[Key] = set()

    def judged(self, trial: int, reason: Mapping[str, Any], at: float) -> int | None:
        """A trial has reached a rung (or the maximum resource); the level, if it has."""
        kind = reason.get("kind")
        if kind not in ("rung", "max_resource"):
            return None
        bracket, level = int(reason.get("bracket") or 0), int(reason["level"])
        key = (bracket, level, trial)
        cutoff = finite(reason.get("cutoff"))
        goes_on = reason.get("goes_on") if kind == "rung" else None
        self.entries[key] = {
            "bracket": bracket,
            "level": level,
            "trial": trial,
            "value": finite(reason.get("value")),
            "at": at,
            "cutoff": cutoff,
            "rank": reason.get("rank"),
            "size": reason.get("size"),
            "goes_on": goes_on,
            "promoted": False,
            "promoted_at": None,
        }
        self.cutoffs[bracket, level] = cutoff
        self.changed.add(key)
        return level

    def promoted(self, trial: int, reason: Mapping[str, Any], at: float) -> None:
        """A paused trial goes on to the next rung."""
        bracket, level = int(reason.get("bracket") or 0), int(reason["level"])
        if reason.get("cutoff") is not None:
            self.cutoffs[bracket, level] = finite(reason["cutoff"])
        entry = self.entries.get((bracket, level, trial))
        if entry is not None:
            entry.update(promoted=True, promoted_at=at)
            self.changed.add((bracket, level, trial))

    def columns(self) -> list[dict[str, Any]]:
        """All entries by bracket and level."""
        columns: dict[tuple[int, int], list[dict[str, Any]]] = {}
        for (bracket, level, _), entry in self.entries.items():
            columns.setdefault((bracket, level), []).append(entry)
        return [
            {
                "bracket": bracket,
                "level": level,
                "entries": entries,
                "cutoff": self.cutoffs.get((bracket, level)),
            }
            for (bracket, level), entries in sorted(columns.items())
        ]

    def take_changed(self) -> list[dict[str, Any]]:
        """The entries that have changed since this was asked last."""
        changed = [self.entries[key] for key in sorted(self.changed)]
        self.changed.clear()
        return changed
