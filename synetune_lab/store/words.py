"""A long column of few different texts, at one byte a row."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from typing import overload

__all__ = ["Words"]

_MOST = 255


class Words:
    """A list of texts of which only so many differ that a byte tells them apart.

    Raises:
        ValueError: On what does not fit: more different texts, or anything else than a text. It
            changes nothing.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._codes = array("B")
        self._words: list[str] = []
        self._code_of: dict[str, int] = {}
        self.extend(list(texts))

    def extend(self, texts: list[str]) -> None:
        """Add texts."""
        if not self.takes(texts):
            raise ValueError(f"only texts fit, and only {_MOST} different ones")
        for text in texts:
            if text not in self._code_of:
                self._code_of[text] = len(self._words)
                self._words.append(text)
        self._codes.extend(map(self._code_of.__getitem__, texts))

    def takes(self, texts: list[str]) -> bool:
        """Whether all of them fit."""
        if set(map(type, texts)) - {str}:
            return False
        return len(set(texts).difference(self._code_of)) + len(self._words) <= _MOST

    def append(self, text: str) -> None:
        """Add a text."""
        self.extend([text])

    def __len__(self) -> int:
        return len(self._codes)

    def __iter__(self) -> Iterator[str]:
        return map(self._words.__getitem__, self._codes)

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> list[str]: ...
    def __getitem__(self, at: int | slice) -> str | list[str]:
        if isinstance(at, slice):
            return list(map(self._words.__getitem__, self._codes[at]))
        return self._words[self._codes[at]]

    def truncate(self, length: int) -> None:
        """Keep the first texts only."""
        del self._codes[length:]
