"""When what is written: the state, the results, the header, the status table."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from synetune_lab.backend.time_keeper import RealTimeKeeper
from synetune_lab.errors import StoreError
from synetune_lab.results_callback import StoreResultsCallback
from synetune_lab.session.header import run_header
from synetune_lab.store.pickling import dumps

if TYPE_CHECKING:
    from synetune_lab.session.loop import RunLoop
    from synetune_lab.session.summary import RunStateName
    from synetune_lab.tuner import Tuner

logger = logging.getLogger(__name__)

_HEADER_INTERVAL_S = 1.0
_SUMMARY_INTERVAL_S = 0.2
_SHARE = 0.05
"""At most this share of the session's time goes into saving: a slow state is saved less often."""


class Saver:
    """Keeps the files of a run up to date, on the session's thread."""

    def __init__(self, loop: RunLoop) -> None:
        self._loop = loop
        self.changed = False
        self._saved_at = self._header_at = self._summary_at = self._table_at = 0.0
        self._interval = 0.0
        self._header_changed = False
        self._soon = False
        self._told: str | None = None

    def due_in(self) -> float | None:
        """Seconds until something is to be written, None if nothing is.

        Also None where time is simulated: it must not be advanced for the sake of a file.
        """
        if not isinstance(self._loop.backend.time_keeper, RealTimeKeeper):
            return None
        now = time.monotonic()
        due = []
        if self.changed:
            due.append(self._saved_at + self._interval)
        if self._header_changed:
            wanted = min(self._header_at + _HEADER_INTERVAL_S, self._summary_at + 1.0)
            # The header waits for a new summary; to be woken before that would be in vain.
            due.append(max(wanted, self._summary_at + _SUMMARY_INTERVAL_S))
        return max(0.0, min(due) - now) if due else None

    def save_soon(self) -> None:
        """Save after this pass: the run was paused, edited, ..."""
        self._soon = True

    def keep_up(self) -> None:
        """After each pass: write what is due."""
        if self._loop.finished:
            return  # all is written in a moment
        now = time.monotonic()
        if self.changed:
            self._header_changed = True
        if self._soon or (self.changed and now >= self._saved_at + self._interval):
            self.save()
        if self._header_changed and now >= self._summary_at + _SUMMARY_INTERVAL_S:
            self.summarise()
            if now >= self._header_at + _HEADER_INTERVAL_S:
                self.write_header()
        self._log_table(now)

    def summarise(self, state: RunStateName | None = None, why: str | None = None) -> None:
        """Renew the summary that everybody may read."""
        self._summary_at = time.monotonic()
        self._loop.session.summary = self._loop.summary(state, why)

    def write_header(self) -> None:
        """Renew `run.json`."""
        self._header_at = time.monotonic()
        self._header_changed = False
        self._loop.store.write_header(run_header(self._loop, self._loop.session.summary))

    def save(self) -> str | None:
        """Save results and state. What goes wrong is told, and does not end the run.

        Returns:
            What went wrong, as far as it is known before the disk has all.
        """
        began = time.monotonic()
        problem = self.save_results()
        self.changed = self._soon = False
        self._loop.state.log_length = self._loop.store.log_length
        tuner = self._loop.tuner
        if tuner.save_tuner:
            try:
                content = dumps(tuner)
            except StoreError as error:
                problem = f"the tuner can't be saved: {culprit(tuner) or error}"
                self._tell(problem)
            else:
                self._loop.store.save_state(content, self._loop.state.seq)
                self._loop.backend.on_tuner_save()
        self._saved_at = time.monotonic()
        cost = self._saved_at - began
        self._interval = max(tuner.results_update_interval, cost / _SHARE)
        return problem

    def save_results(self) -> str | None:
        """Bring the results files of callbacks up to date; what went wrong, if anything did."""
        problem = None
        self._loop.store.flush()
        for callback in self._loop.tuner.callbacks:
            if isinstance(callback, StoreResultsCallback):
                try:
                    callback.store_results()
                except StoreError as error:
                    problem = str(error)
                    self._tell(problem)
        return problem

    def _tell(self, problem: str) -> None:
        if problem != self._told:
            self._told = problem
            logger.error("%s", problem)

    def _log_table(self, now: float) -> None:
        interval = self._loop.tuner.print_update_interval
        if now >= self._table_at + interval and logger.isEnabledFor(logging.INFO):
            if self._table_at:
                logger.info("%s", self._loop.engine.status)
            # A table of thousands of trials takes its time; it is then shown less often.
            self._table_at = now + (time.monotonic() - now) / _SHARE


def culprit(tuner: Tuner) -> str | None:
    """Which part of a tuner can't be pickled, and why."""
    names = ("scheduler", "trial_backend", "stop_criterion", "metadata")
    parts = [(name, getattr(tuner, name)) for name in names]
    for name, part in [*parts, *((f"callback {type(c).__name__}", c) for c in tuner.callbacks)]:
        try:
            dumps(part)
        except StoreError as error:
            return f"its {name}: {error}"
    return None
