"""A world in memory around the engine: processes that exist, and actions that are carried out.

It checks that each action can be carried out, and keeps the log.
"""

from __future__ import annotations

import json
from typing import Any

from synetune_lab.engine.actions import (
    Action,
    AnswerCommand,
    ChangeStatus,
    FinishRun,
    PauseTrial,
    ResumeTrial,
    StartTrial,
    StopTrial,
    action_to_json,
)
from synetune_lab.engine.engine import TuningEngine
from synetune_lab.engine.events import (
    CommandReceived,
    Event,
    RunOpened,
    TimePassed,
    TrialEnded,
    TrialReported,
    TrialStarted,
    event_to_json,
)
from synetune_lab.stopping_criterion import StoppingCriterion


def as_json(thing: Any) -> Any:
    """What comes back from a file of JSON."""
    return json.loads(json.dumps(thing))


class World:
    """Drives an engine.

    Attributes:
        alive: The run of each process, by trial.
        told: `pause` or `stop`, for processes that were told to end.
        log: A record an event: its JSON, its time, the actions' JSON.
        finished: Why the run has ended.
    """

    def __init__(self, engine: TuningEngine) -> None:
        self.engine = engine
        self.now = 0.0
        self.alive: dict[int, int] = {}
        self.told: dict[int, str] = {}
        self.epochs: dict[int, int] = {}
        self.log: list[tuple[Any, float, Any]] = []
        self.finished: str | None = None
        self.n_commands = 0
        self.started = 0

    def step(self, event: Event, seconds: float = 1.0) -> list[Action]:
        """Let the engine handle an event, and carry the actions out."""
        self.now += seconds
        actions = self.engine.handle(event, self.now)
        self.log.append(
            (as_json(event_to_json(event)), self.now, as_json(list(map(action_to_json, actions))))
        )
        for action in actions:
            self._do(action)
        self.engine.validate()
        assert set(self.alive) == self.engine.alive
        return actions

    def _do(self, action: Action) -> None:
        if isinstance(action, StartTrial):
            assert action.trial_id == self.started
            assert action.run == 0
            self.started += 1
            self._begin(action)
        elif isinstance(action, ResumeTrial):
            assert action.run == self.engine.trials[action.trial_id].run
            self._begin(action)
        elif isinstance(action, PauseTrial | StopTrial):
            assert self.alive[action.trial_id] == action.run
            stops = isinstance(action, StopTrial)
            assert stops or action.trial_id not in self.told
            self.told[action.trial_id] = "stop" if stops else "pause"
        elif isinstance(action, FinishRun):
            assert not self.alive
            self.finished = action.why

    def _begin(self, action: StartTrial | ResumeTrial) -> None:
        assert self.finished is None
        assert action.trial_id not in self.alive, "its last process has not ended"
        self.alive[action.trial_id] = action.run
        lost = (action.reason or {}).get("kind") == "restarted"
        free_early = self.engine.start_jobs_without_delay
        busy = [t for t in self.alive if not (free_early and t in self.told)]
        assert lost or len(busy) <= self.engine.n_workers

    # What happens

    def open(self) -> list[Action]:
        """The run begins."""
        return self.step(RunOpened(unix_time=1_700_000_000.0))

    def start(self, trial_id: int) -> list[Action]:
        """The backend tells that the process is there."""
        return self.step(TrialStarted(trial_id, self.alive[trial_id], {"pid": 100 + trial_id}))

    def report(self, trial_id: int, loss: float | None = 0.5, **more: Any) -> list[Action]:
        """A process reports its next epoch; None to leave the loss out."""
        epoch = self.epochs[trial_id] = self.epochs.get(trial_id, 0) + 1
        result = {"epoch": epoch, **more}
        if loss is not None:
            result["loss"] = loss
        return self.step(TrialReported(trial_id, self.alive[trial_id], result))

    def end(self, trial_id: int, cause: Any = None, error: str | None = None) -> list[Action]:
        """A process ends: as it was told to, or as `cause` says."""
        run = self.alive.pop(trial_id)
        told = self.told.pop(trial_id, None)
        if cause is None:
            cause = {"pause": "paused", "stop": "stopped", None: "exited"}[told]
        code = {"exited": 0, "failed": 1}.get(cause)
        return self.step(TrialEnded(trial_id, run, cause, code, error))

    def command(self, name: str, command_id: str | None = None, **args: Any) -> AnswerCommand:
        """Somebody asks for something; the answer."""
        actions = self.command_actions(name, command_id, **args)
        (answer,) = [action for action in actions if isinstance(action, AnswerCommand)]
        return answer

    def command_actions(
        self, name: str, command_id: str | None = None, **args: Any
    ) -> list[Action]:
        """Somebody asks for something; all that follows."""
        self.n_commands += 1
        return self.step(CommandReceived(command_id or str(self.n_commands), name, args))

    def wait(self, seconds: float) -> list[Action]:
        """Nothing happens for a while."""
        return self.step(TimePassed(), seconds)

    def reopen(self, found: set[int]) -> list[Action]:
        """The session was killed; another one found some processes, and drives the run."""
        self.finished = None
        found = found & set(self.alive)
        for trial_id in set(self.alive) - found:
            del self.alive[trial_id]
            self.told.pop(trial_id, None)
        return self.step(RunOpened(True, {str(t): self.alive[t] for t in found}, 1_700_000_100.0))

    # What is

    def status(self, trial_id: int) -> str:
        """Status of a trial, with who paused it."""
        record = self.engine.trials[trial_id]
        return record.status if record.paused_by is None else f"{record.status} {record.paused_by}"


def kinds(actions: list[Action]) -> list[str]:
    """What the actions are, in order."""
    return [
        f"{action.kind} {action.status}" if isinstance(action, ChangeStatus) else action.kind
        for action in actions
    ]


def never() -> StoppingCriterion:
    """A stopping criterion that never holds."""
    return StoppingCriterion()
