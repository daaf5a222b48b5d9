"""The key of each trial's configuration, in as few bytes as a key has."""

from __future__ import annotations

__all__ = ["TrialKeys"]

_MOST_MISSING = 4096
"""Numbers that may be left out between two trials; a name further off is kept as a text."""


class TrialKeys:
    """Keys of equal length by the names of trials, which are numbers from 0 as a rule."""

    def __init__(self) -> None:
        self._width = 0
        self._keys = bytearray()
        self._has = bytearray()  # 1 where there is a key
        self._others: dict[str, bytes] = {}

    def __len__(self) -> int:
        return sum(self._has) + len(self._others)

    def put(self, trial_id: str, key: bytes) -> None:
        """Enter or replace the key of a trial."""
        if not self._width and not self._others:
            self._width = len(key)
        at = self._place(trial_id)
        if at is None or len(key) != self._width or at > len(self._has) + _MOST_MISSING:
            if at is not None and at < len(self._has):
                self._has[at] = 0
            self._others[trial_id] = key
            return
        self._others.pop(trial_id, None)
        missing = at + 1 - len(self._has)
        if missing > 0:
            self._has.extend(bytes(missing))
            self._keys.extend(bytes(missing * self._width))
        self._has[at] = 1
        self._keys[at * self._width : (at + 1) * self._width] = key

    def pop(self, trial_id: str) -> bytes | None:
        """Forget the key of a trial; None if there is none."""
        at = self._place(trial_id)
        if at is None or at >= len(self._has) or not self._has[at]:
            return self._others.pop(trial_id, None)
        self._has[at] = 0
        return bytes(self._keys[at * self._width : (at + 1) * self._width])

    def append_to_all(self, suffix: bytes) -> None:
        """Make each key longer."""
        keys, width = self._keys, self._width
        count = len(self._has)
        self._keys = bytearray().join(
            keys[at * width : (at + 1) * width] + suffix for at in range(count)
        )
        if self._width or self._others:
            self._width += len(suffix)
        self._others = {trial_id: key + suffix for trial_id, key in self._others.items()}

    @staticmethod
    def _place(trial_id: str) -> int | None:
        """The number that a name is; None if it is something else, such as `007`."""
        if trial_id.isdecimal() and trial_id.isascii() and len(trial_id) < 19:
            at = int(trial_id)
            if trial_id[0] != "0" or trial_id == "0":
                return at
        return None
