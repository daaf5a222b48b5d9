"""Calls of a user's hooks whose errors must not keep others from being told."""

from __future__ import annotations

import logging
from typing import Any

from synetune_lab.errors import TuneError

__all__ = ["HookGuard"]

logger = logging.getLogger(__name__)

_LOGGED = 3


class HookGuard:
    """Calls hooks; notes and logs the errors that they raise, by the user's class and method."""

    def __init__(self) -> None:
        self._first: tuple[str, Exception] | None = None
        self._count = 0

    def call(self, owner: Any, hook: str, *arguments: Any, **named: Any) -> None:
        """Call a hook.

        Args:
            owner: The user's object.
            hook: Name of its method.
            arguments: Its arguments.
            named: Those by name.
        """
        try:
            getattr(owner, hook)(*arguments, **named)
        except Exception as error:
            self.note(f"{type(owner).__name__}.{hook}", error)

    def note(self, who: str, error: Exception) -> None:
        """Note an error; the first few are logged in full."""
        self._count += 1
        self._first = self._first or (who, error)
        if self._count <= _LOGGED:
            logger.error("%s failed; the run goes on", who, exc_info=error)

    def failure(self) -> TuneError | None:
        """What to raise when the run is over; None if no hook failed."""
        if self._first is None:
            return None
        who, error = self._first
        more = f" ({self._count} failures of hooks in all)" if self._count > 1 else ""
        told = error if isinstance(error, TuneError) else f"{type(error).__name__}: {error}"
        failure = TuneError(f"the run is over and saved, but {who} failed: {told}{more}")
        failure.__cause__ = error
        return failure
