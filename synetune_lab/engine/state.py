"""The state of a run, as the engine keeps it: everything that a saved run must know again."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, NamedTuple

from synetune_lab.config_space import config_space_to_json_dict
from synetune_lab.engine.trial_table import TrialsOfTable, TrialTable
from synetune_lab.tuning_status import TuningStatus

if TYPE_CHECKING:
    from synetune_lab.engine.actions import Action, AnswerCommand
    from synetune_lab.optimizer.scheduler import TrialScheduler

Config = dict[str, Any]
StopCriterion = Callable[[TuningStatus], bool]


class Resumption(NamedTuple):
    """How a paused trial goes on.

    Attributes:
        config: Its configuration from now on, None for the one that it has.
        reason: Why it goes on, as JSON.
        cause: `scheduler`, `user` or `run`.
    """

    config: Config | None
    reason: Mapping[str, Any] | None
    cause: str


@dataclass
class WorkQueue:
    """What waits for a free worker.

    Attributes:
        resumes: Paused trials that are to go on, first come, first served.
        wishes: Trials that the scheduler let go on while the user kept them paused, with the
            configuration that it gave them.
        enqueued: Configurations that the user wants tried next.
        exhausted: The scheduler was asked and had nothing; it is asked again when something has
            happened that may change its mind.
    """

    resumes: deque[int] = field(default_factory=deque)
    wishes: dict[int, Config | None] = field(default_factory=dict)
    enqueued: deque[Config] = field(default_factory=deque)
    exhausted: bool = False

    def add_resume(self, trial_id: int) -> None:
        """Let the trial wait for a worker; it waits once."""
        if trial_id not in self.resumes:
            self.resumes.append(trial_id)

    def drop_resume(self, trial_id: int) -> None:
        """The trial does not wait any more, if it did."""
        if trial_id in self.resumes:
            self.resumes.remove(trial_id)


class EngineState:
    """What the parts of the engine work on.

    Attributes:
        trials: Every trial of the run.
        status: Counts and extremes.
        run_state: `running`, `paused`, `stopping` (nothing new is started) or `finished`.
        spaces: All versions of the configuration space, as JSON.
        occupied: Trials that hold a worker.
        alive: Trials that have a process, as far as is known.
        awaiting_end: Trials that go on as soon as the process that was told to pause has ended.
        queue: What waits for a free worker.
        answers: Answers to the latest commands by their id, so that each is carried out once.
        late_reports: Reports that came when nobody could judge them any more.
        why: Why the run ends, None while it does not.
        too_many_failures: That it must end because of failed trials, and of which; else None.
        out: The actions of the event that is being handled.
    """

    def __init__(
        self,
        scheduler: TrialScheduler,
        stop_criterion: StopCriterion,
        n_workers: int,
        *,
        max_failures: int,
        asynchronous_scheduling: bool,
        start_jobs_without_delay: bool,
        wait_trial_completion_when_stopping: bool,
        config_space: Mapping[str, Any] | None,
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
        self.status = TuningStatus(scheduler.metric_names(), TrialsOfTable(self.trials))
        self.run_state = "running"
        self.why: str | None = None
        self.too_many_failures: str | None = None
        self.occupied: set[int] = set()
        self.alive: set[int] = set()
        self.awaiting_end: dict[int, Resumption] = {}
        self.queue = WorkQueue()
        self.answers: OrderedDict[str, AnswerCommand] = OrderedDict()
        self.late_reports = 0
        self.out: list[Action] = []
        self._now = 0.0
        self._paused_s = 0.0
        self._unix_time_at_0 = 0.0

    @property
    def space_version(self) -> int:
        """Version of the configuration space, from 0."""
        return len(self.spaces) - 1

    def emit(self, action: Action) -> None:
        """Ask for an action."""
        self.out.append(action)

    # Time

    def set_clock(self, now: float) -> None:
        """It is `now`, in seconds since the run began; it never goes back."""
        if self.run_state == "paused":
            self._paused_s += max(0.0, now - self._now)
        self._now = max(now, self._now)
        self.status.tuner_time = self._now - self._paused_s

    def set_unix_time(self, unix_time: float | None) -> None:
        """The date and time now, for the creation times of trials."""
        if unix_time is not None:
            self._unix_time_at_0 = unix_time - self._now

    def date(self) -> datetime:
        """Date and time now (UTC); counted from 1970 if no `RunOpened` told them."""
        return datetime.fromtimestamp(self._unix_time_at_0 + self._now, tz=timezone.utc)

    def tuner_time(self, now: float) -> float:
        """Seconds for which the run was driven and not paused."""
        running = max(now, self._now) if self.run_state != "paused" else self._now
        return running - self._paused_s

    def next_wakeup(self, now: float) -> float | None:
        """When a `TimePassed` is wished for at the latest, on the clock of `now`."""
        if self.run_state != "running":
            return None
        limit = getattr(self.stop_criterion, "max_wallclock_time", None)
        if isinstance(limit, (int, float)):
            return max(now, limit + self._paused_s)
        # A criterion of the user's own may look at the time, however it likes.
        return None if hasattr(self.stop_criterion, "why") else now + 1.0
