"""Watches over the running trials: takes in what they report, ends them, and sees them end."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

from synetune_lab.backend.local.best_watcher import make_watcher
from synetune_lab.backend.local.folder import exit_code_of_shell
from synetune_lab.backend.local.log_tail import last_lines
from synetune_lab.backend.local.process import reap
from synetune_lab.backend.local.stragglers import Stragglers, kill_session
from synetune_lab.engine.events import EndCause, Event, TrialEnded, TrialReported

if TYPE_CHECKING:
    from synetune_lab.backend.local.folder import Request
    from synetune_lab.backend.local.identity import ProcessHandle
    from synetune_lab.backend.local.trial_run import TrialRun
    from synetune_lab.backend.local.watcher import Changes, Watcher

__all__ = ["Supervisor"]

LOOK_INTERVAL_S = 1.0
"""Every log is looked at so often, in case that the system forgot to tell of a write."""
BREATH_S = 0.001
"""Writes that come faster than this are taken in together."""
PAUSE_NOTICE_S = 0.1
"""From a pause's being asked for to its signal. Decisions come within a millisecond of the report:
without it a script would never get to write a checkpoint after its report, or to ask
`stop_requested` for the first time."""
KILL_AGAIN_S = 1.0
"""A process that can't die (it waits for a disk) is killed again after this."""
ERROR_LINES = 20


class Supervisor:
    """Looks after runs of trials, each from `add` until its end was told.

    All but `wake` belongs to one thread, and happens in `wait`.

    Args:
        grace_period_s: Seconds between asking a process to end and killing it.
        offsets: Where the offset up to which a trial's log was delivered is noted at its end.
        watcher: Who tells of changes; by default the best of this platform.
    """

    def __init__(
        self, grace_period_s: float, offsets: dict[int, int], watcher: Watcher | None = None
    ) -> None:
        self._grace = grace_period_s
        self._offsets = offsets
        self._watcher = make_watcher() if watcher is None else watcher
        self._runs: dict[int, TrialRun] = {}
        # Keys of runs to be looked at, in the order in which they became due.
        self._due: dict[int, None] = {}
        self._key_of_trial: dict[int, int] = {}
        self._next_key = 0
        self._stragglers = Stragglers()
        self._last_look = self._last_writes = time.monotonic()

    def __len__(self) -> int:
        return len(self._runs)

    def runs(self) -> list[TrialRun]:
        """All runs that are looked after."""
        return list(self._runs.values())

    def get(self, trial_id: int) -> TrialRun | None:
        """The run of a trial that is looked after; None if there is none."""
        key = self._key_of_trial.get(trial_id)
        return None if key is None else self._runs[key]

    def add(self, run: TrialRun) -> None:
        """Look after a run. One whose process is gone is told to have ended, after its reports."""
        key = self._next_key
        self._next_key += 1
        self._runs[key] = run
        self._key_of_trial[run.trial_id] = key
        self._due[key] = None
        if run.process is None:
            run.has_ended = True
        else:
            self._watcher.watch(key, run.folder.stdout, run.process)

    def ask(self, run: TrialRun, request: Request, *, found: bool = False) -> None:
        """Ask a run to pause or stop; it is killed when its grace is over.

        Args:
            run: The run.
            request: What for.
            found: The request was found in the trial's folder: whoever is told of the end may not
                know of it, so the end is told as `lost`.
        """
        now = time.monotonic()
        if run.request is None:
            run.kill_at = now + self._grace
        run.request = request
        run.found_request = found
        run.folder.ask(request)
        run.signal_at = now + (PAUSE_NOTICE_S if request == "pause" else 0.0)
        self._signal_due(run, now)

    def _signal_due(self, run: TrialRun, now: float) -> None:
        """Send the signal that asks a run to end, if its time has come."""
        if run.signal_at is None or now < run.signal_at:
            return
        run.signal_at = None
        if run.process is not None and not run.has_ended:
            run.process.send_to_group(signal.SIGTERM)

    def end_session(self, leader: ProcessHandle) -> None:
        """End a session that belongs to no run that is looked after, with the same grace."""
        self._stragglers.add(leader, time.monotonic() + self._grace)

    def wake(self) -> None:
        """Let `wait` return; from any thread."""
        self._watcher.wake()

    def wait(self, timeout: float | None) -> list[Event]:
        """Wait for reports and ends.

        Args:
            timeout: Seconds at most; None waits for ever.

        Returns:
            At most one event a trial; none if the time is over or `wake` was called.
        """
        deadline = float("inf") if timeout is None else time.monotonic() + timeout
        while True:
            now = time.monotonic()
            events = self._collect(now)
            if events:
                return events
            changes = self._watcher.wait(self._patience(now, deadline))
            self._take_note(changes)
            if changes.woken or time.monotonic() >= deadline:
                return self._collect(time.monotonic())

    def close(self) -> None:
        """Let go of everything. Trials go on, what is left of ended ones is killed."""
        self._stragglers.kill_all()
        for run in self._runs.values():
            self._offsets[run.trial_id] = run.tail.delivered
            run.close()
        self._runs.clear()
        self._due.clear()
        self._key_of_trial.clear()
        self._watcher.close()

    def _patience(self, now: float, deadline: float) -> float:
        """How long nothing needs to be done unless something changes, in seconds."""
        until = min(deadline, self._stragglers.next_deadline())
        if self._runs:
            until = min(until, self._last_look + LOOK_INTERVAL_S)
        for run in self._runs.values():
            if run.kill_at is not None and not run.has_ended:
                until = min(until, run.kill_at)
            if run.signal_at is not None and not run.has_ended:
                until = min(until, run.signal_at)
        for key in self._due:
            until = min(until, self._runs[key].read_after)
        # A day, for the system takes no infinity.
        return min(max(0.0, until - now), 86400.0)

    def _take_note(self, changes: Changes) -> None:
        for key in changes.ended:
            self._runs[key].has_ended = True
            self._due[key] = None
        if changes.grown:
            self._due.update(dict.fromkeys(changes.grown & self._runs.keys()))
            now = time.monotonic()
            if now - self._last_writes < BREATH_S and not changes.ended:
                time.sleep(BREATH_S)
            self._last_writes = now

    def _collect(self, now: float) -> list[Event]:
        self._stragglers.kill_due(now)
        if now - self._last_look >= LOOK_INTERVAL_S:
            self._last_look = now
            self._due.update(dict.fromkeys(self._runs))
            for run in self._runs.values():
                run.limit_logs()
        self._remind(now)
        events: list[Event] = []
        for key in list(self._due):
            run = self._runs[key]
            report = run.next_report(now)
            if report is not None:
                events.append(TrialReported(run.trial_id, run.run, report))
            elif run.is_over:
                events.append(self._conclude(key, run, now))
                continue
            if run.is_settled and not run.has_ended:
                del self._due[key]
        return events

    def _remind(self, now: float) -> None:
        """Signal runs that were asked to end, and kill those whose grace is over."""
        for run in self._runs.values():
            self._signal_due(run, now)
            if run.kill_at is None or run.has_ended or run.kill_at > now:
                continue
            run.kill_at = now + KILL_AGAIN_S
            if run.process is not None:
                kill_session(run.process)

    def _conclude(self, key: int, run: TrialRun, now: float) -> TrialEnded:
        """Say how a run has ended, and forget it. Its children get the rest of the grace."""
        self._watcher.unwatch(key)
        del self._runs[key], self._due[key], self._key_of_trial[run.trial_id]
        self._offsets[run.trial_id] = run.tail.delivered
        run.close()
        witnessed = None
        if run.process is not None:
            kill_at = now + self._grace if run.kill_at is None else run.kill_at
            self._stragglers.add(run.process, kill_at)
            witnessed = reap(run.process.pid)
        code = run.folder.exit_code(run.run)
        if code is None and witnessed is not None:
            # Its witness could not write (no folder, a full disk), but is our child.
            code = exit_code_of_shell(witnessed)
        cause: EndCause
        if run.found_request:
            cause = "lost"
        elif run.request is not None:
            cause = "paused" if run.request == "pause" else "stopped"
        elif code is None:
            cause = "lost"
        else:
            cause = "exited" if code == 0 else "failed"
        error = None
        if cause == "failed":
            error = "\n".join(last_lines(run.folder.stderr, ERROR_LINES)) or f"exit code {code}"
        return TrialEnded(run.trial_id, run.run, cause, code, error)
