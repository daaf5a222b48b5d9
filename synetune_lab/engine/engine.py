"""The tuning engine: a pure transition from events to actions."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from synetune_lab.config_space import config_space_to_json_dict
from synetune_lab.config_space.edit import SpaceDiff
from synetune_lab.engine import command_handlers
from synetune_lab.engine.actions import (
    Action,
    AnswerCommand,
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
    TrialEnded,
    TrialReported,
    TrialStarted,
)
from synetune_lab.engine.transitions import ENDED, WITH_PROCESS, is_lawful
from synetune_lab.engine.trial_table import TrialRecord, TrialTable
from synetune_lab.errors import InvalidReportError
from synetune_lab.optimizer.scheduler import SchedulerDecision, TrialScheduler
from synetune_lab.trial import Status, Trial
from synetune_lab.tuning_status import TuningStatus

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
MAX_LOSSES = 3
REMEMBERED_COMMANDS = 10_000


class TuningEngine:
    """Owns the state of a run and of all its trials.

    Args:
        scheduler: Decides.
        stop_criterion: Ends the run; any callable on the `TuningStatus`.
        n_workers: How many trials may run at once.
        max_failures: The run ends when more trials than this have failed.
        asynchronous_scheduling: False to wait for all trials before the next batch is started.
        start_jobs_without_delay: True to use a worker again as soon as its trial was told to end.
        wait_trial_completion_when_stopping: True to let running trials finish at the end.
        config_space: The configuration space, None for the scheduler's.
    """

    def __init__(
        self,
        scheduler: TrialScheduler,
        stop_criterion: Callable[[TuningStatus], bool],
        n_workers: int,
        *,
        max_failures: int = 1,
        asynchronous_scheduling: bool = True,
        start_jobs_without_delay: bool = True,
        wait_trial_completion_when_stopping: bool = False,
        config_space: Mapping[str, Any] | None = None,
    ) -> None:
        self.scheduler = scheduler
        self.stop_criterion = stop_criterion
        self.n_workers = n_workers
        self.max_failures = max_failures
        self.asynchronous_scheduling = asynchronous_scheduling
        self.start_jobs_without_delay = start_jobs_without_delay
        self.wait_trial_completion_when_stopping = wait_trial_completion_when_stopping
        space = scheduler.config_space if config_space is None else config_space
        self.config_space: dict[str, Any] = dict(space)
        self.spaces: list[dict[str, Any]] = [config_space_to_json_dict(self.config_space)]
        self.trials = TrialTable()
        self.status = TuningStatus(scheduler.metric_names())
        self.run_state = "running"
        self.late_reports = 0
        self._why: str | None = None
        self._now = 0.0
        self._excluded_s = 0.0
        self._occupied: set[int] = set()
        self._alive: set[int] = set()
        self._awaiting_end: dict[int, dict[str, Any]] = {}
        self._resumes: deque[int] = deque()
        self._wishes: dict[int, dict[str, Any] | None] = {}
        self._enqueued: deque[dict[str, Any]] = deque()
        self._exhausted = False
        self._in_batch = False
        self._answers: OrderedDict[str, AnswerCommand] = OrderedDict()

    @property
    def space_version(self) -> int:
        """Version of the configuration space, from 0."""
        return len(self.spaces) - 1

    def tuner_time(self, now: float) -> float:
        """Seconds for which the run was driven and not paused."""
        running = max(now, self._now) if self.run_state != "paused" else self._now
        return running - self._excluded_s

    def next_wakeup(self, now: float) -> float | None:
        """When a `TimePassed` is wished for at the latest, on the clock of `now`."""
        limit = getattr(self.stop_criterion, "max_wallclock_time", None)
        if self.run_state != "running":
            return None
        if isinstance(limit, (int, float)):
            return max(now, limit + self._excluded_s)
        return None if hasattr(self.stop_criterion, "why") else now + 1.0

    def handle(self, event: Event, now: float) -> list[Action]:
        """Take an event in and say what is to be done.

        Args:
            event: What happened.
            now: Seconds since the run began; never goes back.

        Raises:
            Exception: What the scheduler or the stopping criterion raised; the run can't go on.
        """
        if self.run_state == "paused":
            self._excluded_s += max(0.0, now - self._now)
        self._now = max(now, self._now)
        self.status.tuner_time = self._now - self._excluded_s
        out: list[Action] = []
        if isinstance(event, TrialReported):
            self._reported(event, out)
        elif isinstance(event, TrialEnded):
            self._ended(event, out)
        elif isinstance(event, TrialStarted):
            self._started(event)
        elif isinstance(event, CommandReceived):
            self._command(event, out)
        elif isinstance(event, RunOpened):
            self._opened(event, out)
        else:
            assert isinstance(event, TimePassed)
        self._advance(out)
        return out

    # -- events ---------------------------------------------------------------------------------

    def _opened(self, event: RunOpened, out: list[Action]) -> None:
        self._why = None
        self.run_state = "running"
        out.append(ChangeRun("opened", {"resumed": event.resumed}))
        if not event.resumed:
            return
        self._exhausted = False
        self._alive.clear()
        for trial_id, run in event.alive.items():
            if self.trials[int(trial_id)].run == run:
                self._alive.add(int(trial_id))
        for record in self.trials.values():
            if record.status in WITH_PROCESS and record.trial_id not in self._alive:
                self._lost(record, out)
            elif record.status == Status.paused and record.paused_by == "run":
                self._resumes.append(record.trial_id)

    def _started(self, event: TrialStarted) -> None:
        record = self.trials[event.trial_id]
        if event.run == record.run:
            record.handle = dict(event.handle)

    def _reported(self, event: TrialReported, out: list[Action]) -> None:
        record = self.trials[event.trial_id]
        if event.run != record.run or record.status != Status.in_progress:
            self.late_reports += 1
            return
        result = dict(event.result)
        record.last_result = result
        record.n_reports += 1
        self.status.note_result(event.trial_id, result)
        try:
            decision = self.scheduler.on_trial_result(record.trial, result)
        except InvalidReportError as error:
            self._fail(record, str(error), out)
            out.append(StopTrial(record.trial_id, record.run))
            return
        reason = self.scheduler.reason()
        out.append(
            RecordDecision(
                record.trial_id,
                record.run,
                result,
                decision,
                record.status,
                reason,
                self.status.tuner_time,
            )
        )
        if decision == SchedulerDecision.CONTINUE:
            return
        pause = decision == SchedulerDecision.PAUSE
        self._end_soon(record, "scheduler" if pause else None, "scheduler", out, reason)

    def _ended(self, event: TrialEnded, out: list[Action]) -> None:
        record = self.trials[event.trial_id]
        if event.run != record.run or event.trial_id not in self._alive:
            return
        self._alive.discard(event.trial_id)
        if record.status in ENDED:
            self._free(record)
        elif record.status == Status.pausing:
            self._free(record)
            self._change(record, Status.paused, out, cause=record.paused_by or "scheduler")
            if event.trial_id in self._awaiting_end:
                self._resume(record, out, **self._awaiting_end.pop(event.trial_id))
        elif record.status == Status.stopping:
            self._free(record)
            self._change(record, Status.stopped, out, cause="run")
        elif event.cause == "lost":
            self._lost(record, out)
        elif event.cause == "exited":
            self._free(record)
            self._change(record, Status.completed, out)
            last = dict(record.last_result or {})
            self.scheduler.on_trial_complete(record.trial, last)
        else:
            code = event.exit_code
            how = f"exit code {code}" if code is None or code >= 0 else f"killed by signal {-code}"
            self._fail(record, event.error or how, out)

    def _lost(self, record: TrialRecord, out: list[Action]) -> None:
        self._alive.discard(record.trial_id)
        if record.status == Status.pausing:
            self._free(record)
            self._change(record, Status.paused, out, cause="crash")
            return
        if record.status == Status.stopping:
            self._free(record)
            self._change(record, Status.stopped, out, cause="crash")
            return
        record.losses += 1
        if record.losses > MAX_LOSSES:
            self._fail(record, f"its process vanished {record.losses} times", out)
            return
        self._launch(record, record.config, out, {"kind": "restarted", "losses": record.losses})

    # -- changes of a trial ---------------------------------------------------------------------

    def _change(
        self,
        record: TrialRecord,
        status: str,
        out: list[Action],
        *,
        cause: str = "script",
        reason: Mapping[str, Any] | None = None,
    ) -> None:
        assert is_lawful(record.status, status), (record.trial_id, record.status, status)
        record.status = status
        if status not in (Status.paused, Status.pausing):
            record.paused_by = None
        if status in ENDED:
            record.ended = self.status.tuner_time
        self.status.note_status(record.trial, status)
        out.append(
            ChangeStatus(record.trial_id, status, record.paused_by, record.error, cause, reason)
        )

    def _free(self, record: TrialRecord) -> None:
        self._occupied.discard(record.trial_id)

    def _fail(self, record: TrialRecord, error: str, out: list[Action]) -> None:
        record.error = error
        self._free(record)
        self._change(record, Status.failed, out)
        self.scheduler.on_trial_error(record.trial)
        failures = self.status.num_trials_failed
        if failures > self.max_failures and self._why is None:
            self._begin_stop(
                f"{failures} trials failed, more than max_failures = {self.max_failures}; "
                f"the last one, trial {record.trial_id}: {error}",
                out,
            )

    def _end_soon(
        self,
        record: TrialRecord,
        paused_by: str | None,
        cause: str,
        out: list[Action],
        reason: Mapping[str, Any] | None = None,
        tell: bool = True,
    ) -> None:
        """Have a running trial paused (`paused_by` is given) or stopped."""
        record.paused_by = paused_by
        status = Status.stopping if paused_by is None else Status.pausing
        self._change(record, status, out, cause=cause, reason=reason)
        action = StopTrial if paused_by is None else PauseTrial
        out.append(action(record.trial_id, record.run))
        if tell:
            self.scheduler.on_trial_remove(record.trial)
        if self.start_jobs_without_delay:
            self._free(record)

    def _launch(
        self,
        record: TrialRecord,
        config: Mapping[str, Any],
        out: list[Action],
        reason: Mapping[str, Any] | None,
    ) -> None:
        """Start another run of a trial."""
        record.run += 1
        record.trial.config = dict(config)
        self._occupied.add(record.trial_id)
        self._alive.add(record.trial_id)
        out.append(ResumeTrial(record.trial_id, record.run, record.trial.config, reason))

    def _resume(
        self,
        record: TrialRecord,
        out: list[Action],
        config: Mapping[str, Any] | None,
        reason: Mapping[str, Any] | None,
        cause: str,
    ) -> None:
        """Let a paused trial go on, once its last run has ended."""
        self._occupied.add(record.trial_id)
        if record.status == Status.pausing:
            self._awaiting_end[record.trial_id] = {
                "config": config,
                "reason": reason,
                "cause": cause,
            }
            return
        self._change(record, Status.in_progress, out, cause=cause, reason=reason)
        self._launch(record, record.config if config is None else config, out, reason)

    def _create(
        self,
        config: Mapping[str, Any],
        checkpoint_trial_id: int | None,
        reason: Mapping[str, Any] | None,
        origin: str,
        out: list[Action],
    ) -> None:
        trial_id = len(self.trials)
        created = _EPOCH + timedelta(seconds=self._now)
        trial = Trial(trial_id, dict(config), created)
        record = TrialRecord(
            trial,
            space_version=self.space_version,
            created=self.status.tuner_time,
            reason=reason,
            origin=origin,
        )
        self.trials.add(record)
        self.status.note_status(trial, Status.pending)
        self._occupied.add(trial_id)
        self._alive.add(trial_id)
        self._change(record, Status.in_progress, out, cause=origin)
        version = self.space_version
        out.append(StartTrial(trial_id, 0, trial.config, checkpoint_trial_id, version, reason))
        self.scheduler.on_trial_add(trial)

    # -- what follows from the state ------------------------------------------------------------

    def _advance(self, out: list[Action]) -> None:
        if self.run_state == "running" and self.stop_criterion(self.status):
            why = getattr(self.stop_criterion, "why", None)
            told = why(self.status) if callable(why) else None
            self._begin_stop(told or "the stopping criterion holds", out)
        if self.run_state == "running":
            self._fill(out)
        for trial_id in self.scheduler.trials_checkpoints_can_be_removed():
            out.append(DeleteCheckpoint(trial_id))
        self._finish_if_idle(out)

    def _fill(self, out: list[Action]) -> None:
        if not self.asynchronous_scheduling:
            if self._occupied and not self._in_batch:
                return
            self._in_batch = True
        while len(self._occupied) < self.n_workers and self._fill_one(out):
            pass
        self._in_batch = False

    def _fill_one(self, out: list[Action]) -> bool:
        """Give one free worker something to do; False if there is nothing."""
        while self._resumes:
            record = self.trials[self._resumes.popleft()]
            if record.status in (Status.paused, Status.pausing):
                self._resume_for_user(record, out)
                return True
        if self._enqueued:
            self._create(self._enqueued.popleft(), None, {"kind": "enqueued"}, "user", out)
            return True
        if self._exhausted:
            return False
        suggestion = self.scheduler.suggest(len(self.trials))
        if suggestion is None:
            self._exhausted = True
            return False
        reason = self.scheduler.reason()
        if suggestion.spawn_new_trial_id:
            assert suggestion.config is not None
            source = suggestion.checkpoint_trial_id
            self._create(suggestion.config, source, reason, "scheduler", out)
            return True
        assert suggestion.checkpoint_trial_id is not None
        record = self.trials[suggestion.checkpoint_trial_id]
        if record.paused_by != "scheduler":
            self._wishes[record.trial_id] = suggestion.config
            return True
        self._resume(record, out, suggestion.config, reason, "scheduler")
        return True

    def _resume_for_user(self, record: TrialRecord, out: list[Action]) -> None:
        config: dict[str, Any] | None = None
        if record.trial_id in self._wishes:
            config = self._wishes.pop(record.trial_id)
        elif record.paused_by == "scheduler":
            ask = getattr(self.scheduler, "on_trial_resumed_by_user", None)
            config = ask(record.trial) if ask is not None else None
        cause = "run" if record.paused_by == "run" else "user"
        self._resume(record, out, config, {"kind": "resumed", "by": cause}, cause)

    def _begin_stop(self, why: str, out: list[Action], *, keep: bool = False, wait: bool = False) -> None:
        """End the run: nothing new is started, running trials are ended, kept or waited for."""
        self._why = why
        self.run_state = "stopping"
        out.append(ChangeRun("stopping", {"why": why}))
        if wait or (self.wait_trial_completion_when_stopping and not keep):
            return
        for trial_id in sorted(self._alive):
            record = self.trials[trial_id]
            if record.status == Status.in_progress:
                self._end_soon(record, "run" if keep else None, "run", out, tell=not keep)

    def _finish_if_idle(self, out: list[Action]) -> None:
        if self._alive or self.run_state in ("finished", "paused"):
            return
        if self.run_state == "running":
            if self._resumes or self._enqueued or not self._exhausted:
                return
            self._why = "the scheduler has nothing more to suggest"
        self.run_state = "finished"
        why = self._why or "stopped"
        out.append(ChangeRun("finished", {"why": why}))
        out.append(FinishRun(why))

    # -- commands -------------------------------------------------------------------------------

    def _command(self, event: CommandReceived, out: list[Action]) -> None:
        answer = self._answers.get(event.command_id)
        if answer is None:
            answer = command_handlers.answer(self, event, out)
            self._answers[event.command_id] = answer
            if len(self._answers) > REMEMBERED_COMMANDS:
                self._answers.popitem(last=False)
        out.append(answer)

    # -- steering: what the command handlers call -----------------------------------------------

    def pause_for_user(self, record: TrialRecord, out: list[Action]) -> None:
        """Pause a trial so that only the user resumes it; a paused one is merely kept so."""
        if record.trial_id in self._resumes:
            self._resumes.remove(record.trial_id)
        if record.status == Status.in_progress:
            self._end_soon(record, "user", "user", out)
            return
        if record.paused_by != "user":
            self._keep_paused(record, out)

    def _keep_paused(self, record: TrialRecord, out: list[Action]) -> None:
        waiting = self._awaiting_end.pop(record.trial_id, None)
        if waiting is not None:
            self._wishes[record.trial_id] = waiting["config"]
            self._free(record)
        record.paused_by = "user"
        out.append(ChangeStatus(record.trial_id, record.status, "user", None, "user", None))

    def queue_resume(self, record: TrialRecord) -> None:
        """Have a paused trial take the next free worker; nothing if it runs."""
        if record.status == Status.in_progress or record.trial_id in self._resumes:
            return
        if record.trial_id not in self._awaiting_end:
            self._resumes.append(record.trial_id)

    def stop_for_user(self, record: TrialRecord, out: list[Action]) -> None:
        """Stop a trial for good."""
        if record.status in (Status.stopping, Status.stopped):
            return
        self._wishes.pop(record.trial_id, None)
        if self._awaiting_end.pop(record.trial_id, None) is not None:
            self._free(record)
        if record.trial_id in self._resumes:
            self._resumes.remove(record.trial_id)
        if record.status == Status.paused:
            self._change(record, Status.stopped, out, cause="user")
            self.scheduler.on_trial_remove(record.trial)
        else:
            pausing = record.status == Status.pausing
            self._end_soon(record, None, "user", out, tell=not pausing)

    def pause_run(self, running: str, origin: str, out: list[Action]) -> None:
        """Start nothing new; running trials are paused, too, or finish (`running`)."""
        if self.run_state == "paused":
            return
        self.run_state = "paused"
        out.append(ChangeRun("paused", {"running": running}, origin))
        if running == "pause":
            self._keep_running_trials(out)

    def _keep_running_trials(self, out: list[Action]) -> None:
        for trial_id in sorted(self._alive):
            record = self.trials[trial_id]
            if record.status == Status.in_progress:
                self._end_soon(record, "run", "run", out, tell=False)

    def resume_run(self, origin: str, out: list[Action]) -> None:
        """Go on after `pause_run`."""
        if self.run_state != "paused":
            return
        self.run_state = "running"
        out.append(ChangeRun("resumed", {}, origin))
        for record in self._paused_by_run():
            self.queue_resume(record)

    def _paused_by_run(self) -> list[TrialRecord]:
        return [record for record in self.trials.values() if record.paused_by == "run"]

    def stop_run(self, wait: bool, keep: bool, origin: str, out: list[Action]) -> None:
        """End the run; twice ends it without waiting."""
        self._begin_stop(f"stopped by the {origin}", out, keep=keep, wait=wait)

    def enqueue(self, config: Mapping[str, Any]) -> None:
        """Try this configuration next."""
        self._enqueued.append(dict(config))

    def apply_space(
        self,
        diff: SpaceDiff,
        report: Mapping[str, Any],
        running: str,
        origin: str,
        out: list[Action],
    ) -> dict[str, Any]:
        """Take a new version of the space, which the scheduler has accepted."""
        told = command_handlers.consequences(self, diff)
        self.config_space = dict(diff.space)
        self.spaces.append(config_space_to_json_dict(self.config_space))
        self._exhausted = False
        details = {"version": self.space_version, **told, **report}
        out.append(ChangeRun("space", {**details, "space": self.spaces[-1]}, origin))
        if running == "stop":
            for trial_id in told["running_go_on"]:
                self._end_soon(self.trials[trial_id], None, "user", out)
            details["running_go_on"] = []
        return details

    # -- recovery and checks --------------------------------------------------------------------

    def impose(self, actions: list[Action], now: float) -> None:
        """Make the trials what a log says that they became, where replay came out differently."""
        self._now = max(now, self._now)
        for action in actions:
            if isinstance(action, StartTrial) and action.trial_id >= len(self.trials):
                origin = "user" if (action.reason or {}).get("kind") == "enqueued" else "scheduler"
                source = action.checkpoint_trial_id
                self._create(action.config, source, action.reason, origin, [])
            elif isinstance(action, (StartTrial, ResumeTrial)):
                self.trials[action.trial_id].run = action.run
                self._alive.add(action.trial_id)
                self._occupied.add(action.trial_id)
            elif isinstance(action, ChangeStatus):
                self._impose_status(action)

    def _impose_status(self, action: ChangeStatus) -> None:
        record = self.trials[action.trial_id]
        record.status, record.paused_by = action.status, action.paused_by
        record.error = action.error
        self.status.note_status(record.trial, action.status)
        if action.status in WITH_PROCESS:
            self._alive.add(action.trial_id)
        else:
            self._alive.discard(action.trial_id)
            self._free(record)

    def validate(self) -> None:
        """Check every invariant.

        Raises:
            AssertionError: If one is broken.
        """
        counts: dict[str, int] = {}
        for trial_id, record in self.trials.items():
            counts[record.status] = counts.get(record.status, 0) + 1
            assert record.trial_id == trial_id
            assert (record.paused_by is not None) == (
                record.status in (Status.paused, Status.pausing)
            ), (trial_id, record.status, record.paused_by)
            assert record.status != Status.in_progress or trial_id in self._alive, trial_id
            assert record.status != Status.in_progress or trial_id in self._occupied, trial_id
            assert record.status != Status.paused or trial_id not in self._alive, trial_id
            assert (record.status in ENDED) == (record.ended is not None), trial_id
        assert counts == {s: n for s, n in self.status.counts.items() if n}, counts
        for trial_id in self._awaiting_end:
            assert self.trials[trial_id].status == Status.pausing, trial_id
            assert trial_id in self._occupied, trial_id
        assert self.run_state in ("running", "paused", "stopping", "finished")
        assert self.run_state != "finished" or not self._alive
        assert 0 <= self.space_version == len(self.spaces) - 1
