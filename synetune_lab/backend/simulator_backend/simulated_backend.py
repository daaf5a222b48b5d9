"""Base of the backends on simulated time."""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from synetune_lab.backend.ledger import BUSY
from synetune_lab.backend.simulator_backend.config import SimulatorConfig, check_seconds
from synetune_lab.backend.simulator_backend.levels import Levels
from synetune_lab.backend.simulator_backend.pace import Pace
from synetune_lab.backend.simulator_backend.time_keeper import SimulatedTimeKeeper
from synetune_lab.backend.trial_backend import TrialBackend
from synetune_lab.constants import ST_TUNER_TIME
from synetune_lab.engine.actions import (
    BackendAction,
    DeleteCheckpoint,
    PauseTrial,
    ResumeTrial,
    StartTrial,
)
from synetune_lab.engine.events import EndCause, Event, TrialEnded, TrialReported
from synetune_lab.errors import BackendError
from synetune_lab.trial import Status, Trial, TrialResult

if TYPE_CHECKING:
    from synetune_lab.backend.simulator_backend.course import TrialCourse

__all__ = ["SimulatedBackend"]

_STATUS: dict[str, str] = {
    "exited": Status.completed,
    "paused": Status.paused,
    "stopped": Status.stopped,
    "failed": Status.failed,
}


class SimulatedBackend(TrialBackend):
    """Trials whose reports are known when they start, told in the order of their simulated times.

    What is told of a trial at the same time as of another comes in the order in which they were
    started. A subclass implements `_course_of`.

    Args:
        elapsed_time_attr: Name of the reported seconds since the start of a trial (since it was
            resumed, for one that was paused).
        simulator_config: Delays.
        tuner_sleep_time: A tuner that looks at its trials every so many simulated seconds only; 0
            for one that is told at once, as this package's tuner is.
        speed: Simulated seconds a real second; None for as fast as possible. The panel, or
            `set_speed`, changes it during a run.
        delete_checkpoints: See `TrialBackend`; a trial whose checkpoint is deleted starts from
            scratch if it is resumed.

    Raises:
        ValueError: If an argument is not possible.
    """

    is_simulated = True

    def __init__(
        self,
        elapsed_time_attr: str,
        simulator_config: SimulatorConfig | None = None,
        tuner_sleep_time: float = 0.0,
        *,
        speed: float | None = None,
        delete_checkpoints: bool = False,
    ) -> None:
        super().__init__(delete_checkpoints=delete_checkpoints)
        if not elapsed_time_attr:
            raise ValueError(
                f"elapsed_time_attr must name a reported value, got {elapsed_time_attr!r}"
            )
        self.elapsed_time_attr = elapsed_time_attr
        self.simulator_config = simulator_config or SimulatorConfig()
        self.tuner_sleep_time = check_seconds("tuner_sleep_time", tuner_sleep_time)
        self.pace = Pace(speed)
        self.clock = SimulatedTimeKeeper()
        self.time_keeper = self.clock
        self._heap: list[tuple[float, int, TrialCourse]] = []
        self._count = 0
        self._courses: dict[int, TrialCourse] = {}
        self._levels = Levels()

    # What a subclass implements

    def _course_of(self, trial_id: int, config: Mapping[str, Any], level: int) -> TrialCourse:
        """What a trial is going to report.

        Args:
            trial_id: The trial.
            config: Its configuration.
            level: The resource that its checkpoint has, 0 without one: reports go on above it.

        Raises:
            BackendError: If that is not known; the trial has failed then.
        """
        raise NotImplementedError

    # The engine's side

    def execute(self, action: BackendAction) -> None:
        """Carry out what the engine asks for, at the simulated time that it is."""
        self._pass_real_time()
        kind = type(action)
        if kind is StartTrial or kind is ResumeTrial:
            self._execute_start(action)  # type: ignore[arg-type]
        elif kind is DeleteCheckpoint:
            self.delete_checkpoint(action.trial_id)
        else:
            self._execute_end(action.trial_id, action.run, isinstance(action, PauseTrial))  # type: ignore[union-attr]
        self.clock.mark_exit()

    def next_time(self) -> float:
        """When the next thing happens, in simulated seconds; infinity if nothing will."""
        heap = self._heap
        while heap:
            time, count, course = heap[0]
            if not course.dead or count == course.end_count:
                return self._looked_at(time)
            heapq.heappop(heap)
        return math.inf

    def take_next(
        self, until: float = math.inf
    ) -> tuple[int, int, dict[str, Any]] | TrialEnded | None:
        """Let the next thing happen, and advance the clock to its time.

        Args:
            until: Simulated time after which nothing is to happen.

        Returns:
            Trial, run and report; or the end of a trial; or None if nothing happens until then.
        """
        heap, sleep = self._heap, self.tuner_sleep_time
        while heap:
            time, count, course = heap[0]
            if sleep:
                time = self._looked_at(time)
            if time > until and (not course.dead or count == course.end_count):
                return None
            if count == course.end_count:
                heapq.heappop(heap)
                return self._end_now(course)
            if course.dead:
                heapq.heappop(
                    heap
                )  # it was told to end: of what was to come, its end alone is left
                continue
            position = course.position
            after = position + 1
            course.position = after
            due = course.time_at(after) if after < course.total else course.end_time
            heapq.heapreplace(heap, (due, course.first_count + after, course))
            clock = self.clock
            if time > clock.now:
                clock.now = time
            result = dict(zip(course.names, course.rows[position], strict=True))
            if course.resource_name:
                result[course.resource_name] = course.resources[position]  # type: ignore[index]
            result[ST_TUNER_TIME] = time
            if self.simulator_config.count_decision_time:
                clock.mark_exit()
            return course.trial_id, course.run, result
        return None

    def wait_events(self, timeout: float | None) -> list[Event]:
        """The next thing that happens, if it does within `timeout` simulated seconds."""
        self._pass_real_time()
        if self._queue:
            return [self._queue.popleft()]
        due = self.next_time()
        limit = math.inf if timeout is None else self.clock.now + timeout
        if due > limit:
            self.clock.advance_to(limit if limit < math.inf else self.clock.now)
            return []
        happened = self.take_next()
        self.clock.mark_exit()
        if happened is None:
            return []
        if isinstance(happened, TrialEnded):
            return [happened]
        return [TrialReported(*happened)]

    def queued_event(self) -> Event | None:
        """An event that is not on the simulated calendar: a trial that could not be started."""
        return self._queue.popleft() if self._queue else None

    def wait_in_real_time(self, seconds: float) -> None:
        """Wait so long, or until `wake` is called."""
        self._woken.wait(seconds)
        self._woken.clear()

    def set_speed(self, speed: float | None) -> None:
        """Simulated seconds a real second from now on; None for as fast as possible."""
        self.pace.set_speed(speed, self.clock.now)

    def adopt(self, handles: Mapping[int, tuple[int, Mapping[str, Any]]]) -> dict[int, int]:
        """Go on with what was saved: a simulation is saved as a whole, with what is to come."""
        return {trial_id: run for trial_id, (run, _) in handles.items() if trial_id in self._ledger}

    def close(self, *, leave_running: bool = False) -> None:
        """Nothing is left running in a simulation."""

    def delivered(self, trial_id: int) -> int:
        """Not needed: see `adopt`."""
        del trial_id
        return 0

    def delete_checkpoint(self, trial_id: int) -> None:
        """The trial starts from scratch if it is resumed."""
        self._levels[trial_id] = 0

    def copy_checkpoint(self, src_trial_id: int, tgt_trial_id: int) -> None:
        """The new trial goes on from the resource that the other one has reached."""
        level = self._levels[src_trial_id]
        course = self._courses.get(src_trial_id)
        if course is not None:
            level = max(level, course.reached())
        if level:
            self._levels[tgt_trial_id] = level

    def stdout(self, trial_id: int) -> list[str]:
        """A simulated trial writes nothing."""
        del trial_id
        return []

    def stderr(self, trial_id: int) -> list[str]:
        """A simulated trial writes nothing."""
        del trial_id
        return []

    # How it hangs together

    def _pass_real_time(self) -> None:
        if self.simulator_config.count_decision_time:
            self.clock.advance(self.clock.real_time_since_last_recent_exit())

    def _looked_at(self, time: float) -> float:
        """When the tuner learns of what happens at `time`."""
        sleep = self.tuner_sleep_time
        if not sleep or time <= self.clock.now:
            return time
        return math.ceil(time / sleep - 1e-9) * sleep

    def _launch_now(self, action: StartTrial | ResumeTrial) -> None:
        trial_id = action.trial_id
        ledger = self._ledger
        if trial_id in ledger and ledger[trial_id].status in BUSY:
            raise BackendError(
                f"trial {trial_id} can't be started as run {action.run}: its run "
                f"{ledger[trial_id].run} has not ended"
            )
        now = self.clock.time_stamp()
        ledger.begin(trial_id, action.run, action.config, now)
        try:
            if type(action) is StartTrial and action.checkpoint_trial_id is not None:
                self.copy_checkpoint(action.checkpoint_trial_id, trial_id)
            level = self._levels[trial_id]
            course = self._course_of(trial_id, action.config, level)
        except BaseException:
            ledger.change(trial_id, Status.failed, now)
            raise
        self._begin(course, trial_id, action.run)

    def _begin(self, course: TrialCourse, trial_id: int, run: int) -> None:
        """Enter what a run is going to tell into the calendar."""
        config = self.simulator_config
        start = self.clock.now + config.delay_start
        course.trial_id, course.run = trial_id, run
        last = course.begin(start + config.delay_on_trial_result)
        course.end_time = (
            last if course.total else start
        ) + config.delay_complete_after_final_report
        course.end_cause = "exited" if course.error is None else "failed"
        # Numbers for all of it are taken now: among equal times the trial started first is first.
        course.first_count = self._count
        course.end_count = self._count + course.total
        self._count = course.end_count + 1
        self._courses[trial_id] = course
        due = course.time_at(0) if course.total else course.end_time
        heapq.heappush(self._heap, (due, course.first_count, course))

    def _execute_end(self, trial_id: int, run: int, pause: bool) -> None:
        course = self._courses.get(trial_id)
        if course is None or course.run != run:
            return
        if course.dead:
            if not pause:
                course.end_cause = "stopped"  # it was about to be paused
            return
        config = self.simulator_config
        end = self.clock.now + config.delay_stop + config.delay_complete_after_stop
        if course.position == course.total:
            end = min(end, course.end_time)  # it is about to end by itself
        course.dead = True
        course.end_time = end
        course.end_cause = "paused" if pause else "stopped"
        course.error = None
        self._ledger.change(trial_id, Status.pausing if pause else Status.stopping)
        if pause:
            self._levels[trial_id] = max(course.reached(), self._levels[trial_id])
        course.end_count = self._count
        self._count += 1
        heapq.heappush(self._heap, (end, course.end_count, course))

    def _end_now(self, course: TrialCourse) -> TrialEnded:
        cause, trial_id = course.end_cause, course.trial_id
        due = self._looked_at(course.end_time) if self.tuner_sleep_time else course.end_time
        self.clock.advance_to(due)
        if cause != "paused":
            if self.delete_checkpoints and cause != "failed":
                self.delete_checkpoint(trial_id)
            else:
                self._levels[trial_id] = max(course.reached(), self._levels[trial_id])
        del self._courses[trial_id]
        self._ledger.change(trial_id, _STATUS[cause], self.clock.time_stamp())
        self.clock.mark_exit()
        return TrialEnded(trial_id, course.run, _as_cause(cause), None, course.error)

    # The documented methods, for who drives a backend by hand

    def fetch_status_results(
        self, trial_ids: list[int]
    ) -> tuple[dict[int, tuple[Trial, str]], list[tuple[int, dict[str, Any]]]]:
        """Statuses at the simulated time that it is, and what was reported since the last call."""
        self._pass_real_time()
        news: list[tuple[int, dict[str, Any]]] = []
        while self.next_time() <= self.clock.now:
            happened = self.take_next()
            if happened is not None and not isinstance(happened, TrialEnded):
                news.append((happened[0], happened[2]))
        statuses = {i: (self._ledger[i].trial, self._ledger[i].status) for i in trial_ids}
        self.clock.mark_exit()
        return statuses, [item for item in news if item[0] in statuses]

    def _end(self, trial_id: int, *, pause: bool, result: dict[str, Any] | None) -> None:
        del result
        self._execute_end(trial_id, self._ledger[trial_id].run, pause)

    def _all_trial_results(self, trial_ids: list[int]) -> list[TrialResult]:
        return [self._ledger[trial_id].result() for trial_id in trial_ids]


def _as_cause(cause: str) -> EndCause:
    return cause  # type: ignore[return-value]
