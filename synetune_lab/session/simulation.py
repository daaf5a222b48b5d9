"""Drives a run on simulated time: as fast as it can be computed, or at a pace to be watched.

Unless somebody watches, no record of the log is made: a simulation that is cut short goes on from
its last save and comes out the same. Who begins to watch has the log written up to then, from what
the engine and the results know (see `begin_log`).
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, TypeGuard

from synetune_lab.backend.simulator_backend.simulated_backend import SimulatedBackend
from synetune_lab.engine.commands import parse_command
from synetune_lab.engine.events import CommandReceived, TimePassed, TrialEnded, TrialReported
from synetune_lab.errors import CommandRefused
from synetune_lab.results_callback import StoreResultsCallback
from synetune_lab.session.history import history_of

if TYPE_CHECKING:
    from synetune_lab.session.loop import RunLoop

__all__ = ["Simulation", "begin_log", "is_simulated"]

_PASS_S = 0.05
_PACED_PASS_S = 0.1
_IDLE_S = 0.5
_LOOK_EVERY = 64
"""Events between two looks at the real clock."""


def is_simulated(backend: object) -> TypeGuard[SimulatedBackend]:
    """Whether a backend is on simulated time."""
    return isinstance(backend, SimulatedBackend)


class Simulation:
    """The passes of a loop over a backend on simulated time."""

    def __init__(self, loop: RunLoop) -> None:
        assert is_simulated(loop.backend)
        self._loop = loop
        self._backend = loop.backend
        self._backend.pace.begin(self._backend.clock.now)

    def run_pass(self) -> None:
        """Take commands in, let things happen for a while, keep and tell what has happened."""
        loop = self._loop
        loop.hooks.call("on_loop_start")
        for command in loop.inbox.commands():
            self._take_command(command)
        if not loop.finished and loop.abort_why is None:
            self._go_on()
        loop.publish()
        loop.inbox.run_reads()
        loop.hooks.call("on_loop_end")
        loop.saver.keep_up()

    # -- time -----------------------------------------------------------------------------------

    def _go_on(self) -> None:
        """Let happen what is due, until a moment of real time is over."""
        loop, backend = self._loop, self._backend
        pace = backend.pace
        end = time.monotonic() + _PASS_S
        while not loop.finished and time.monotonic() < end:
            queued = backend.queued_event()
            if queued is not None:
                loop.step(queued)
                continue
            wakeup = self._wakeup()
            # A run that is ending ends, also one whose time stands still.
            at_once = pace.steps or loop.engine.run_state == "stopping"
            limit = min(wakeup, math.inf if at_once else pace.reached())
            if loop.is_logged or pace.steps:
                happened = backend.take_next(limit)
            else:
                happened = self._report_quietly(limit, end)
            if happened is None:
                if backend.next_time() > limit and not self._wait(wakeup):
                    return
                continue
            loop.saver.changed = True
            if pace.steps:
                pace.steps -= 1
                pace.begin(backend.clock.now)
            loop.step(happened if isinstance(happened, TrialEnded) else TrialReported(*happened))

    def _report_quietly(self, limit: float, end: float) -> TrialEnded | None:
        """Take in reports that nobody watches, up to something else than a plain report.

        Args:
            limit: Simulated time to stop at.
            end: Real time to stop at.

        Returns:
            The end of a trial, which is for the caller to take in; None if nothing is due, time is
            over, or something followed from a report.
        """
        loop = self._loop
        engine, state, records = loop.engine, loop.state, loop.engine.trials
        take_next, clock, base = self._backend.take_next, self._backend.clock, loop.clock_base
        report, note_value, hooks = engine.report, state.note_value, loop.hooks
        loop.saver.changed = True
        count = 0
        while True:
            happened = take_next(limit)
            if happened is None or isinstance(happened, TrialEnded):
                return happened
            trial_id, run, result = happened
            now = max(state.clock, base + clock.now)
            state.clock = now
            judged = report(trial_id, run, result, now)
            if judged is not None:
                note_value(trial_id, result)
                hooks.report(records[trial_id].trial, judged[0], result, judged[1])
            actions = engine.take_actions()
            if actions:
                state.note_actions(actions)
                loop.carry_out(actions)
                return None
            count += 1
            if count % _LOOK_EVERY == 0 and time.monotonic() > end:
                return None

    def _wakeup(self) -> float:
        """The simulated time at which the engine wishes to be asked, infinity if it does not."""
        engine = self._loop.engine
        if getattr(engine.stop_criterion, "max_wallclock_time", None) is None:
            return math.inf  # a criterion of the user's own is asked with each event
        wakeup = engine.next_wakeup(self._loop.now())
        return math.inf if wakeup is None else wakeup

    def _wait(self, wakeup: float) -> bool:
        """Nothing is due: wait in real time, or pass on to `wakeup`. Whether to go on at once."""
        loop, backend = self._loop, self._backend
        due, clock = min(backend.next_time(), wakeup), backend.clock
        reached = backend.pace.reached()
        if wakeup <= due and wakeup <= reached and wakeup < math.inf:
            clock.advance_to(wakeup)
            loop.step(TimePassed())
            return not loop.finished
        if due == math.inf:
            if loop.engine.run_state == "running":
                loop.step(TimePassed())  # perhaps a criterion of the user's own, or nothing is left
                if loop.finished:
                    return False
            backend.wait_in_real_time(_IDLE_S)
            return False
        if reached < math.inf:
            clock.advance_to(min(reached, due))
        seconds = backend.pace.real_seconds_until(due)
        longest = _IDLE_S if seconds is None else min(seconds, _PACED_PASS_S)
        backend.wait_in_real_time(longest)
        return False

    # -- commands -------------------------------------------------------------------------------

    def _take_command(self, command: CommandReceived) -> None:
        loop = self._loop
        if command.name not in ("set_speed", "step"):
            loop.step(command)
            loop.saver.save_soon()  # no log has it
            return
        try:
            args = parse_command(command.name, command.args)
            if command.name == "set_speed":
                self._backend.set_speed(args["speed"])
            else:
                self._backend.pace.step(args["count"])
        except CommandRefused as error:
            loop.inbox.answer(command.command_id, False, None, str(error))
        else:
            loop.inbox.answer(command.command_id, True, {"speed": self._backend.pace.speed}, None)
            loop.saver.summarise()


def begin_log(loop: RunLoop) -> None:
    """Somebody watches from now on: write the log up to here, and go on with it.

    A run that is over gets its log, too, for who looks at it afterwards.
    """
    if loop.is_logged:
        return
    loop.is_logged = True
    is_over = not loop.store.is_open
    if is_over:
        loop.store.open()
    results = next((c for c in loop.tuner.callbacks if isinstance(c, StoreResultsCallback)), None)
    for event, actions, now in history_of(loop.engine, results):
        record = loop.store.append(event, actions, now)
        loop.state.seq = record["n"]
        if not is_over:
            loop.batch.append(record)
    if is_over:
        loop.store.close()
    else:
        loop.saver.save_soon()
        loop.publish()
