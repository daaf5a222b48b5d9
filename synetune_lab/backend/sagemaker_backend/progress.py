"""Which reports of a job were delivered, also where some of them never came, as one number."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

__all__ = ["Progress"]

# Numbers below are plain counts; above, the bytes of a text follow it.
_MARK: Final = b"\x01\0\0\0\0\0"
_PLAIN: Final = 1 << (8 * (len(_MARK) - 1))
_MOST_MISSING: Final = 50
_MOST_TEXT: Final = 1000  # as a decimal number, far less than the 4300 digits that Python reads


@dataclass(slots=True)
class _Attempt:
    """What is known of the reports of one start of a job.

    Attributes:
        length: How many places there are, those of reports that are missing included.
        missing: Places of reports that never came.
        last: Highest number of the reporter that reports now; None before its first one.
        gaps: Of that reporter, the number of each report that is missing, and its place.
    """

    length: int = 0
    missing: set[int] = field(default_factory=set)
    last: int | None = None
    gaps: dict[int, int] = field(default_factory=dict)


class Progress:
    """How far the reports of a job were taken in.

    Each report has a place among those of its attempt (start of the job): the first one has place
    0, and one that never came has one, too. So whoever reads the log again, with what came late,
    knows exactly which reports were delivered.

    Args:
        delivered: What `encode` of an earlier process gave; 0 if nothing was delivered.
    """

    def __init__(self, delivered: int = 0) -> None:
        self._attempts: dict[int, _Attempt] = {}
        # Key None: the first attempt, whichever it is.
        self._before: dict[int | None, tuple[int, frozenset[int]]] = _decoded(delivered)

    def is_next(self, attempt: int, number: int | None) -> bool:
        """Whether no report is missing before this one.

        Args:
            attempt: The start of the job.
            number: Number of the report; None if it has none.
        """
        if number is None or number <= 0:
            return True
        known = self._attempts.get(attempt)
        return known is not None and known.last is not None and number <= known.last + 1

    def is_late(self, attempt: int, number: int | None) -> bool:
        """Whether the report was given up before, since it did not come in time."""
        known = self._attempts.get(attempt)
        return known is not None and number is not None and number in known.gaps

    def take(self, attempt: int, number: int | None) -> bool:
        """Take note of a report; returns whether an earlier process delivered it."""
        if not self._attempts and None in self._before:
            self._before[attempt] = self._before.pop(None)
        place = self._place_of(attempt, number)
        length, missing = self._before.get(attempt, (0, frozenset()))
        return place < length and place not in missing

    def _place_of(self, attempt: int, number: int | None) -> int:
        known = self._attempts.setdefault(attempt, _Attempt())
        if number is not None:
            place = known.gaps.pop(number, None)
            if place is not None:
                known.missing.discard(place)
                return place
            self._make_room(known, number)
            known.last = number
        place = known.length
        known.length += 1
        return place

    @staticmethod
    def _make_room(known: _Attempt, number: int) -> None:
        """Give places to the reports that are missing before one."""
        if known.last is None:
            first = 0 if known.length == 0 else number
        else:
            first = known.last + 1
        if number < first:  # another reporter begins
            known.gaps.clear()
        elif number - first <= _MOST_MISSING:  # else it is not our reporter who counts
            for missing in range(first, number):
                known.gaps[missing] = known.length
                known.missing.add(known.length)
                known.length += 1

    def encode(self) -> int:
        """All that was delivered, by this process and the ones before, as a number.

        It is the count of reports, unless some are missing or the job was started again.
        """
        starts = sorted({*self._attempts, *(key for key in self._before if key is not None)})
        if not starts:
            return self._before.get(None, (0, frozenset()))[0]
        found = {start: self._delivered_of(start) for start in starts}
        if len(starts) == 1 and not found[starts[0]][1]:
            return found[starts[0]][0]
        parts = []
        for start, (length, missing) in found.items():
            newest = sorted(missing)[-_MOST_MISSING:]
            parts.append(f"{start}:{length}:{','.join(map(str, newest))}")
        while len(text := " ".join(parts)) > _MOST_TEXT and len(parts) > 1:
            del parts[0]
        return int.from_bytes(_MARK + text.encode(), "big")

    def _delivered_of(self, attempt: int) -> tuple[int, set[int]]:
        now = self._attempts.get(attempt) or _Attempt()
        length, missing = self._before.get(attempt, (0, frozenset()))
        left = {place for place in now.missing if place >= length or place in missing}
        return max(length, now.length), left | {p for p in missing if p >= now.length}


def _decoded(number: int) -> dict[int | None, tuple[int, frozenset[int]]]:
    if number < _PLAIN:
        return {None: (number, frozenset())} if number > 0 else {}
    body = number.to_bytes((number.bit_length() + 7) // 8, "big").removeprefix(_MARK)
    found: dict[int | None, tuple[int, frozenset[int]]] = {}
    for part in body.decode().split():
        start, length, missing = part.split(":")
        places = frozenset(map(int, missing.split(","))) if missing else frozenset()
        found[int(start)] = int(length), places
    return found
