"""Pictures of runs in the outputs of cells, renewed in place: at the end, at a pause, now and then.

A notebook that is opened without a kernel shows the last one.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synetune_lab.dashboard.feed import RunFeed

UPDATE_EVERY_S = 30.0
_RESTING = ("finished", "failed", "paused")
_OUTPUTS_OF_A_RUN = 4
"""Renewed are the last few; whoever shows a run over and over has the old ones out of sight."""

Phase = tuple[str, bool]


@dataclass
class Shown:
    """The outputs that show one run, and what they show of it."""

    outputs: deque[str] = field(default_factory=lambda: deque(maxlen=_OUTPUTS_OF_A_RUN))
    at: float = 0.0
    phase: Phase = ("", False)


def phase_of(header: Mapping[str, Any]) -> Phase:
    """What a picture has to be renewed for: the state, and whether anybody drives the run."""
    return header["state"], header["controls"]


class Pictures:
    """Remembers which outputs show which run.

    Args:
        feeds: The runs by their keys.
        update: Called with a run and the display ids of outputs that are to show it as it is now.
    """

    def __init__(
        self, feeds: Mapping[str, RunFeed], update: Callable[[RunFeed, list[str]], None]
    ) -> None:
        self._feeds = feeds
        self._update = update
        self._shown: dict[str, Shown] = {}
        self._lock = threading.Lock()

    def note(self, run: str, output: str, phase: Phase) -> None:
        """An output shows the run, in this phase of it."""
        with self._lock:
            shown = self._shown.setdefault(run, Shown())
            shown.outputs.append(output)
            shown.at, shown.phase = time.monotonic(), phase

    def renew(self) -> None:
        """Renew what is due."""
        with self._lock:
            for run in list(self._shown):
                feed = self._feeds.get(run)
                if feed is None:
                    del self._shown[run]
                else:
                    self._renew_one(feed, self._shown[run])

    def _renew_one(self, feed: RunFeed, shown: Shown) -> None:
        feed.refresh()
        phase = phase_of(feed.header())
        rests = phase[0] in _RESTING
        late = time.monotonic() - shown.at > UPDATE_EVERY_S
        if not (phase != shown.phase if rests else late):
            return
        shown.at, shown.phase = time.monotonic(), phase
        self._update(feed, list(shown.outputs))
