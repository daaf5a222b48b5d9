"""Who is in which rung, folded from the reasons of decisions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synetune_lab.dashboard.plain import finite

Key = tuple[int, int, int]


class RungBoard:
    """The rungs of a run: an entry for each bracket, level and trial.

    The cutoff of a rung is that of its entry that changed last and has one, so that whoever gets
    the changed entries in their order knows the cutoffs as well.
    """

    def __init__(self) -> None:
        self.entries: dict[Key, dict[str, Any]] = {}
        self._cutoffs: dict[tuple[int, int], float] = {}
        self._changed: dict[Key, None] = {}  # a set in the order of the changes

    def judged(self, trial: int, reason: Mapping[str, Any], at: float) -> int | None:
        """A trial has reached a rung (or the maximum resource); the level, if it has."""
        kind = reason.get("kind")
        if kind not in ("rung", "max_resource"):
            return None
        bracket, level = int(reason.get("bracket") or 0), int(reason["level"])
        goes_on = reason.get("goes_on") if kind == "rung" else None
        self.entries[bracket, level, trial] = {
            "bracket": bracket,
            "level": level,
            "trial": trial,
            "value": finite(reason.get("value")),
            "at": at,
            **_standing(reason),
            "goes_on": goes_on,
            "promoted": False,
            "promoted_at": None,
        }
        self._note((bracket, level, trial))
        return level

    def promoted(self, trial: int, reason: Mapping[str, Any], at: float) -> None:
        """A paused trial goes on to the next rung."""
        key = (int(reason.get("bracket") or 0), int(reason["level"]), trial)
        entry = self.entries.get(key)
        if entry is not None:
            # Where it stands now is why it goes on; when it was judged, it stood elsewhere.
            told = {name: value for name, value in _standing(reason).items() if value is not None}
            entry.update(told, promoted=True, promoted_at=at)
            self._note(key)

    def _note(self, key: Key) -> None:
        self._changed.pop(key, None)
        self._changed[key] = None
        cutoff = self.entries[key]["cutoff"]
        if cutoff is not None:
            self._cutoffs[key[:2]] = cutoff

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
                "cutoff": self._cutoffs.get((bracket, level)),
            }
            for (bracket, level), entries in sorted(columns.items())
        ]

    def take_changed(self) -> list[dict[str, Any]]:
        """The entries that have changed since this was asked last, in the order of the changes."""
        changed = [self.entries[key] for key in self._changed]
        self._changed.clear()
        return changed


def _standing(reason: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "cutoff": finite(reason.get("cutoff")),
        "rank": finite(reason.get("rank")),
        "size": finite(reason.get("size")),
    }
