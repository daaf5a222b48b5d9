"""Resources: at which one a model is asked, and which reports it learns from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.intp]

__all__ = ["choose_level", "thinned"]

_FACTOR = 3
_SHARED = 1 / 3
_NEARLY_ALL = 0.8


def choose_level(
    rows: IntArray,
    levels: IntArray,
    groups: IntArray,
    enough: int,
    has_rungs: bool,
    asked: int | str | None,
) -> tuple[int | str, list[str]]:
    """The resource at which a model is asked.

    Args:
        rows: Trial of each report, shape (n,).
        levels: Resource of each report, shape (n,).
        groups: Configuration of each trial, shape (t,).
        enough: Different configurations that a level should have.
        has_rungs: Whether the scheduler ends trials early.
        asked: What the user wants: a resource, `last`, `best`, or None to choose.

    Returns:
        The level, or `last` or `best`; and notes.

    Raises:
        ValueError: If `asked` is not possible.
    """
    if isinstance(asked, str):
        if asked not in ("last", "best"):
            raise ValueError(f"level={asked!r} must be a resource, 'last', 'best' or None")
        return asked, []
    num_at = {
        int(level): len(np.unique(groups[rows[levels == level]])) for level in np.unique(levels)
    }
    if asked is not None:
        return _given(asked, num_at, enough)
    if has_rungs:
        good = [level for level, num in num_at.items() if num >= enough]
        if good:
            return max(good), []
        level = max(num_at, key=lambda one: (num_at[one], one))
        return level, [f"no level has {enough} configurations yet; {level} has the most"]
    # Trials that run to their end: to one that they share, or each to its own.
    last = np.zeros(len(groups), dtype=np.intp)
    np.maximum.at(last, rows, levels)
    ends, counts = np.unique(last, return_counts=True)
    shared = int(ends[np.lexsort((ends, counts))[-1]])
    highest = int(ends[-1])
    if num_at[highest] >= max(enough, _SHARED * len(groups)):
        return highest, []
    if num_at[shared] >= max(min(enough, len(groups)), _SHARED * len(groups)):
        return shared, []
    return "last", ["trials ended at different resources; the last value of each counts"]


def _given(asked: int, num_at: dict[int, int], enough: int) -> tuple[int, list[str]]:
    if isinstance(asked, bool) or asked not in num_at:
        known = sorted(num_at)
        shown = str(known) if len(known) <= 10 else f"{known[:4]} to {known[-1]}"
        raise ValueError(f"level={asked!r} must be a resource with reports, of {shown}")
    notes = []
    if num_at[asked] < enough:
        notes.append(
            f"only {num_at[asked]} configurations have reports at level {asked}; the rest is told "
            "from lower levels"
        )
    return int(asked), notes


def thinned(
    rows: IntArray, levels: IntArray, values: FloatArray, level: int | str, mode: str
) -> tuple[IntArray, bool]:
    """Reports that a model learns from.

    At a level: those of each trial at this level; if more than a few trials lack it, also one of
    each trial in each interval between level / 3, level / 9, ..., its highest. Above the level
    nothing is needed.

    Args:
        rows: Trial of each report, shape (n,).
        levels: Resource of each report, shape (n,).
        values: Reported values, shape (n,).
        level: A level, `last` or `best`.
        mode: `min` or `max`.

    Returns:
        Positions in ascending order, and whether there are several levels among them.
    """
    if isinstance(level, str):
        if level == "last":
            order = np.lexsort((np.arange(len(rows)), levels, rows))
        else:
            goodness = values if mode == "max" else -values
            order = np.lexsort((goodness, rows))
        return _last_of_each(rows, order), False
    inside = np.flatnonzero(levels <= level)
    # Of several reports of a trial at a level, the newest counts.
    order = inside[np.lexsort((inside, levels[inside], rows[inside]))]
    # Of a trial that reached the level, what lies just below it would tell nothing new.
    bucket = np.floor(np.log(level / levels) / np.log(_FACTOR) + 1e-9).astype(np.intp)
    keys = rows * (int(bucket[inside].max()) + 1) + np.maximum(bucket, 0)
    positions = _last_of_each(keys, order)
    at_level = levels[positions] == level
    num_there = len(np.unique(rows[positions[at_level]]))
    if num_there >= _NEARLY_ALL * len(np.unique(rows[positions])):
        # What few others have reported is not worth a model of resources.
        return positions[at_level], False
    return positions, True


def _last_of_each(keys: IntArray, order: IntArray) -> IntArray:
    """The last position of each key in an order."""
    _, first = np.unique(keys[order][::-1], return_index=True)
    return np.sort(order[::-1][first])
