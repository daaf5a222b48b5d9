"""Logs of trials, asked of a job that takes seconds to answer, or minutes while it moves."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

__all__ = ["LogTails"]

Tail = dict[str, list[str]]


class LogTails:
    """Keeps what the job told last of each trial, and has one question a trial on its way.

    Args:
        ask: Asks for so many last lines of a trial's logs.
    """

    def __init__(self, ask: Callable[[int, int], Future[Any]]) -> None:
        self._ask = ask
        self._lock = threading.Lock()
        self._asked: dict[int, tuple[Future[Any], Any]] = {}
        self._known: dict[int, tuple[Tail, Any]] = {}

    def tail(self, trial_id: int, lines: int, final: Any = None) -> Tail | None:
        """What is known of a trial's logs, at once; what is new comes with a later call.

        Args:
            trial_id: The trial.
            lines: How many of the last lines.
            final: Set when the trial writes no more, to something that another run of it
                changes: what is known since then is not asked for again.

        Raises:
            CommandRefused: If the job had no answer; the next call asks again.
        """
        with self._lock:
            asked = self._asked.get(trial_id)
            if asked is not None and asked[0].done():
                del self._asked[trial_id]
                self._known[trial_id] = (asked[0].result(), asked[1])
                asked = None
            known = self._known.get(trial_id)
            if asked is None and (known is None or final is None or known[1] != final):
                self._asked[trial_id] = (self._ask(trial_id, lines), final)
            return None if known is None else known[0]
