"""The session's loop: wait for events, let the engine decide, keep it, do it, tell it."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

from synetune_lab.engine.actions import (
    Action,
    AnswerCommand,
    BackendAction,
    ChangeRun,
    ChangeStatus,
    DeleteCheckpoint,
    FinishRun,
    PauseTrial,
    RecordDecision,
    ResumeTrial,
    StartTrial,
    StopTrial,
)
from synetune_lab.engine.events import (
    CommandReceived,
    Event,
    RunOpened,
    TimePassed,
    TrialReported,
)
from synetune_lab.errors import CommandRefused, StoreError
from synetune_lab.session.changes import changes_at_rest, criterion_rules
from synetune_lab.session.failures import tell_failure
from synetune_lab.session.garbage import fewer_collections
from synetune_lab.session.hooks import Hooks
from synetune_lab.session.opening import adopt_trials, end_again, end_at_once, open_run
from synetune_lab.session.replay import RESUMING, at_rest
from synetune_lab.session.saving import Saver
from synetune_lab.session.simulation import Simulation, is_simulated
from synetune_lab.session.summary import RunStateName, RunSummary, progress_of
from synetune_lab.trial import Status

if TYPE_CHECKING:
    from synetune_lab.session.inbox import Inbox
    from synetune_lab.session.session import Session
    from synetune_lab.store.event_log import Record
    from synetune_lab.tuner import Tuner

logger = logging.getLogger(__name__)

_WAKEUP_INTERVAL_S = 0.05
_HOOKS_OF_STARTS: dict[type, str] = {
    StartTrial: "on_start_trial",
    ResumeTrial: "on_resume_trial",
}
_BACKEND_ACTIONS = (StartTrial, ResumeTrial, PauseTrial, StopTrial, DeleteCheckpoint)


class RunLoop:
    """Drives the engine of a tuner; all of it runs on the session's thread, except `abort`."""

    def __init__(
        self,
        session: Session,
        tuner: Tuner,
        inbox: Inbox,
        first_commands: list[tuple[str, dict[str, Any]]],
    ) -> None:
        self.session = session
        self.tuner = tuner
        self.engine = tuner.engine
        self.backend = tuner.trial_backend
        self.store = session.store
        self.state = tuner.run_state
        self.hooks = Hooks(tuner.callbacks)
        self.saver = Saver(self)
        self.opened = False
        self.inbox = inbox
        self._first_commands = first_commands
        self.batch: list[Record] = []
        self._skip: dict[int, int] = {}
        self.finished = False
        # Nobody watches a simulation unless he asks to: `Simulation` says more.
        self.is_logged = not is_simulated(self.backend) or self.state.seq > 0
        self._told_end = True  # as long as the start was not told
        self.abort_why: str | None = None
        self._wakeup: float | None = None
        self._woken_at = -_WAKEUP_INTERVAL_S
        self.clock_base = 0.0

    # -- from start to end ----------------------------------------------------------------------

    def run(self) -> None:
        """Drive the run to its end.

        Raises:
            Exception: What ended it from within; all trials are ended and the run is saved then.
        """
        try:
            open_run(self)
        except BaseException as error:
            self.inbox.close(f"the run could not be opened: {error}")
            self.saver.summarise("failed", str(error))
            self.backend.close()
            self.store.close()
            raise
        try:
            self._drive()
        except BaseException as error:
            self._end("failed", f"{type(error).__name__}: {error}", consistent=False)
            raise

    def _drive(self) -> None:
        self._enter()
        simulation = Simulation(self) if is_simulated(self.backend) else None
        while not self.finished:
            if simulation is None:
                self._pass()
            else:
                with fewer_collections():
                    simulation.run_pass()
            if self.abort_why is not None and not self.finished:
                end_at_once(self.engine)
                self._end("interrupted", self.abort_why)
                return
        self._end("finished", self.state.why)

    def _enter(self) -> None:
        resumed = self.state.opened
        alive = adopt_trials(self) if resumed else {}
        self.hooks.start(self.tuner)
        self._told_end = False
        if resumed:
            changes = changes_at_rest(self.engine, self.tuner.scheduler, self.state.rules)
            for name, args in [*changes, *self._first_commands]:
                self._command_at_rest(name, args)
        self.state.opened, self.state.why = True, None
        self.opened = True
        self.state.rules = criterion_rules(self.engine.stop_criterion)
        self.step(RunOpened(resumed, alive, time.time()))
        end_again(self)
        self.publish()
        self.saver.summarise()
        self.saver.save()
        self.session._opened.set()

    def _command_at_rest(self, name: str, args: dict[str, Any]) -> None:
        """A command that comes with a resume; refused, it keeps the run from being opened."""
        command = CommandReceived(uuid4().hex, name, args, RESUMING)
        answers = [a for a in self.step(command) if isinstance(a, AnswerCommand)]
        if answers and not answers[0].ok:
            self.publish()
            raise CommandRefused(f"{name} was refused: {answers[0].error}")

    def _end(self, state: RunStateName, why: str | None, *, consistent: bool = True) -> None:
        """Leave the run saved and free, whatever happened.

        Args:
            state: What the lists show.
            why: Why it ended.
            consistent: Whether the engine's state can be saved. After an error in the middle of a
                transition it can't; the last state and the log stand for it.
        """
        self.inbox.close("the run is not being driven any more" + (f" ({why})" if why else ""))
        try:
            self._tell_end()
            self.publish()
            # Trials that were adopted by a session that could not begin are none of its business.
            try:
                self.backend.close(leave_running=not self.opened)
            except Exception:
                logger.exception("the backend of run %s could not be closed", self.tuner.name)
            self.saver.summarise(state, why)
            if consistent:
                self.saver.save()
            else:
                self.saver.save_results()
            self.saver.write_header()
        finally:
            self.store.close()

    def abort(self, why: str) -> None:
        """End the run and its trials at once. From any thread."""
        self.abort_why = why
        self.backend.wake()

    # -- one pass -------------------------------------------------------------------------------

    def _pass(self) -> None:
        self.hooks.call("on_loop_start")
        before = time.monotonic()
        events = self.backend.wait_events(self._timeout())
        if self.hooks.wants("on_tuning_sleep") and self._is_full():
            self.hooks.call("on_tuning_sleep", time.monotonic() - before)
        self._take_in([*events, *self.inbox.commands()])
        self._wake_up()
        self.publish()
        self.inbox.run_reads()
        self.hooks.call("on_loop_end")
        self.saver.keep_up()

    def now(self) -> float:
        """Seconds since the start, without the time that nobody drove the run."""
        passed = self.clock_base + self.backend.time_keeper.time()
        return max(self.state.clock, passed)

    def start_clock(self) -> None:
        """Go on with the clock where the run was left."""
        if is_simulated(self.backend) and self.state.opened:
            return  # simulated time was saved with what is to come
        self.clock_base = self.state.clock
        self.backend.time_keeper.start_of_time()

    def _timeout(self) -> float | None:
        """How long to wait for events at most, in seconds of the time keeper."""
        if self.abort_why is not None:
            return 0.0
        due = self.saver.due_in()
        now = self.now()
        wakeup = self.engine.next_wakeup(now)
        if wakeup is None:
            self._wakeup = None
        else:
            # An engine that wishes to be asked at once, over and over, must not keep a core busy.
            wakeup = max(wakeup, self._woken_at + _WAKEUP_INTERVAL_S)
            self._wakeup = wakeup if self._wakeup is None else min(self._wakeup, wakeup)
            left = max(0.0, self._wakeup - now)
            due = left if due is None else min(due, left)
        return due

    def _wake_up(self) -> None:
        """Tell the engine that a time has come that it wished to be asked at."""
        now = self.now()
        if self._wakeup is not None and self._wakeup <= now and not self.finished:
            self._wakeup, self._woken_at = None, now
            self.step(TimePassed())

    def _is_full(self) -> bool:
        return self.engine.status.num_trials_running >= self.engine.n_workers

    def _take_in(self, events: list[Event]) -> None:
        offsets = self._offsets(events)
        if self._skip:
            events = [event for event in events if not self._was_taken_in(event)]
        if self.hooks.wants("on_fetch_status_results"):
            self._tell_fetched(events)
        for event in events:
            if self.finished:
                break
            self.step(event, offsets.get(id(event)))

    def _offsets(self, events: list[Event]) -> dict[int, int]:
        """The offset that goes with the last report of each trial, by the event's identity."""
        last = {event.trial_id: event for event in events if isinstance(event, TrialReported)}
        return {id(event): self.backend.delivered(trial) for trial, event in last.items()}

    def skip_reports(self, trial_id: int, count: int) -> None:
        """The backend will deliver so many reports that were taken in before a crash."""
        self._skip[trial_id] = count

    def _was_taken_in(self, event: Event) -> bool:
        if not isinstance(event, TrialReported) or not self._skip.get(event.trial_id):
            return False
        self._skip[event.trial_id] -= 1
        if not self._skip[event.trial_id]:
            del self._skip[event.trial_id]
        return True

    # -- one event ------------------------------------------------------------------------------

    def step(self, event: Event, offset: int | None = None) -> list[Action]:
        """Let the engine handle an event, keep what came of it, and carry it out."""
        now = self.now()
        self.state.clock = now
        at_rest(self.engine, event)
        actions = self.engine.handle(event, now)
        if isinstance(event, TimePassed) and not actions:
            return actions  # nothing came of it: not worth a record each second
        self.state.note_actions(actions)
        if isinstance(event, TrialReported):
            self.state.note_report(event.trial_id, event.run, offset)
        self.saver.changed = True
        if self.is_logged:
            record = self.store.append(event, actions, now, offset)
            self.state.seq = record["n"]
            self.batch.append(record)
            if any(isinstance(action, _BACKEND_ACTIONS) for action in actions):
                # What is done must be in the log before it is done, or a crash forgets a process.
                self.store.flush()
        self.carry_out(actions)
        return actions

    def carry_out(self, actions: list[Action]) -> None:
        """Do what the engine asks for, and tell callbacks."""
        kinds = {type(action) for action in actions}
        may_end = ChangeRun in kinds and not kinds.isdisjoint((StopTrial, PauseTrial))
        if may_end and any(isinstance(a, ChangeRun) and a.what == "stopping" for a in actions):
            self._tell_end()  # documented: before running trials are ended
        for action in actions:
            if isinstance(action, ChangeStatus):
                self._note_status(action)
            elif isinstance(action, _BACKEND_ACTIONS):
                self._have_done(action)
            elif isinstance(action, RecordDecision):
                trial = self.engine.trials[action.trial_id].trial
                self.hooks.report(trial, action.status, dict(action.result), action.decision)
            elif isinstance(action, AnswerCommand):
                self.inbox.answer(action.command_id, action.ok, action.result, action.error)
            elif isinstance(action, ChangeRun):
                self.state.rules = criterion_rules(self.engine.stop_criterion)
                self.saver.save_soon()
            elif isinstance(action, FinishRun):
                self.state.why = action.why
                self.finished = True

    def _have_done(self, action: BackendAction) -> None:
        """Have the backend do what concerns it."""
        if isinstance(action, DeleteCheckpoint) and not self.backend.delete_checkpoints:
            return  # they are the user's to keep
        self.backend.execute(action)
        hook = _HOOKS_OF_STARTS.get(type(action))
        if hook is not None and self.hooks.wants(hook):
            self.hooks.call(hook, self.engine.trials[action.trial_id].trial)

    def _note_status(self, action: ChangeStatus) -> None:
        if action.status == Status.completed:
            record = self.engine.trials[action.trial_id]
            last = self.engine.status.last_metrics(action.trial_id)
            self.hooks.call("on_trial_complete", record.trial, last)
        elif action.status == Status.failed:
            tell_failure(action.trial_id, action.error, self.engine.status.num_trials_failed)

    def _tell_end(self) -> None:
        if not self._told_end:
            self._told_end = True
            self.hooks.call("on_tuning_end")

    def _tell_fetched(self, events: list[Event]) -> None:
        reports = [(e.trial_id, dict(e.result)) for e in events if isinstance(e, TrialReported)]
        ids = {e.trial_id for e in events if hasattr(e, "trial_id")}
        trials = self.engine.trials
        status = {
            i: (record.trial, record.status)
            for i, record in ((i, trials[i]) for i in sorted(ids | self.engine.alive))
            if record.status == Status.in_progress or i in ids
        }
        self.hooks.call("on_fetch_status_results", status, reports)

    def publish(self) -> None:
        """Hand what was logged to the operating system, and tell it to who listens."""
        self.store.flush()
        if self.batch:
            batch, self.batch = self.batch, []
            self.session._publish(batch)

    def summary(self, state: RunStateName | None = None, why: str | None = None) -> RunSummary:
        """The run at a glance."""
        engine, status = self.engine, self.engine.status
        best = self.state.best
        tuner_time = engine.tuner_time(self.now())
        return RunSummary(
            name=self.tuner.name,
            state=state or cast("RunStateName", engine.run_state),
            why=why,
            counts={s: n for s, n in status.counts.items() if n},
            n_workers=engine.n_workers,
            num_reports=self.state.n_reports,
            metric=self.state.metric,
            mode="max" if self.state.maximise else "min",
            best=(best.trial_id, best.value) if best else None,
            tuner_time=tuner_time,
            progress=progress_of(engine.stop_criterion, status, tuner_time),
        )

    def save_now(self) -> bool:
        """Save and wait for the disk.

        Raises:
            StoreError: If something could not be saved.
        """
        problem = self.saver.save()
        self.store.drain()
        if problem or self.store.problem:
            raise StoreError(problem or str(self.store.problem))
        return True
