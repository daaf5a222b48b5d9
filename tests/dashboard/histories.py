"""Records as sessions make them: from a real engine that is driven through a made-up run."""

from __future__ import annotations

import json
import math
import random
from dataclasses import dataclass, field
from typing import Any

from synetune_lab.config_space import choice, config_space_to_json_dict, loguniform, randint
from synetune_lab.engine.actions import (
    Action,
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
    TrialEnded,
    TrialReported,
    event_to_json,
)
from synetune_lab.optimizer.baselines import ASHA, RandomSearch
from synetune_lab.stopping_criterion import StoppingCriterion
from synetune_lab.trial import Status

SPACE = {
    "lr": loguniform(1e-4, 1.0),
    "units": randint(4, 64),
    "act": choice(["relu", "tanh"]),
    "epochs": 9,
}
METRIC = "acc"
ODD_VALUES = (math.nan, math.inf, -math.inf)


def make_scheduler(kind: str = "promotion", seed: int = 0) -> Any:
    if kind == "random":
        return RandomSearch(SPACE, metric=METRIC, mode="max", random_seed=seed)
    return ASHA(
        SPACE,
        metric=METRIC,
        mode="max",
        resource_attr="epoch",
        max_resource_attr="epochs",
        type=kind,
        random_seed=seed,
    )


@dataclass
class Drive:
    """An engine, what its trials and its user do, and the records that a session would keep."""

    kind: str = "promotion"
    seed: int = 0
    n_workers: int = 3
    odd: float = 0.0
    """How likely a report has a value that is not a finite number."""
    commands: float = 0.05
    """How likely the user asks for something, at each step."""
    records: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.scheduler = make_scheduler(self.kind, self.seed)
        criterion = StoppingCriterion(max_wallclock_time=10_000.0)
        self.engine = TuningEngine(self.scheduler, criterion, self.n_workers, max_failures=10**6)
        self.header = header_of(self.engine)
        self.now = 0.0
        self.alive: dict[int, int] = {}
        self.ending: dict[int, str] = {}
        self.epochs: dict[int, int] = {}
        self.n_commands = 0

    def run(self, steps: int) -> Drive:
        if not self.records:
            self.tell(RunOpened())
        for _ in range(steps):
            self.now += self.random.random()
            if self.engine.run_state == "finished":
                break
            if self.random.random() < self.commands:
                self.ask(*self.some_command())
            elif self.ending and self.random.random() < 0.5:
                trial_id, cause = next(iter(self.ending.items()))
                self.end(trial_id, cause)
            elif self.alive:
                self.go_on(self.random.choice(sorted(self.alive)))
            elif self.engine.run_state == "paused":
                self.ask("resume_run", {})
        self.engine.validate()
        return self

    def tell(self, event: Event) -> list[Action]:
        actions = self.engine.handle(event, self.now)
        record = {
            "n": len(self.records) + 1,
            "t": self.now,
            "w": 1.8e9 + self.now,
            "e": event_to_json(event),
            "a": [action_to_json(action) for action in actions],
        }
        self.records.append(as_logged(record))
        for action in actions:
            if isinstance(action, (StartTrial, ResumeTrial)):
                self.alive[action.trial_id] = action.run
            elif isinstance(action, PauseTrial) and self._runs(action):
                self.ending[action.trial_id] = "paused"
            elif isinstance(action, StopTrial) and self._runs(action):
                self.ending[action.trial_id] = "stopped"
        return actions

    def _runs(self, action: PauseTrial | StopTrial) -> bool:
        return self.alive.get(action.trial_id) == action.run

    def go_on(self, trial_id: int) -> None:
        """The trial reports, or comes to an end."""
        draw = self.random.random()
        epochs = self.epochs.get(trial_id, 0)
        if draw < 0.02:
            self.end(trial_id, "failed")
        elif trial_id in self.ending and draw < 0.3:
            self.end(trial_id, self.ending[trial_id])
        elif epochs >= 9:
            self.end(trial_id, "exited")
        else:
            self.epochs[trial_id] = epochs + 1
            self.report(trial_id, epochs + 1)

    def report(self, trial_id: int, epoch: int) -> None:
        value = 1.0 - self.random.random() / epoch
        if self.random.random() < self.odd:
            value = self.random.choice(ODD_VALUES)
        result = {METRIC: value, "epoch": epoch, "st_worker_time": self.now}
        self.tell(TrialReported(trial_id, self.alive[trial_id], result))

    def end(self, trial_id: int, cause: Any) -> None:
        run = self.alive.pop(trial_id)
        self.ending.pop(trial_id, None)
        error = "Traceback: <b>boom</b>" if cause == "failed" else None
        self.tell(TrialEnded(trial_id, run, cause, 1 if error else 0, error))

    def ask(self, name: str, args: dict[str, Any]) -> None:
        self.n_commands += 1
        self.tell(CommandReceived(f"c{self.n_commands}", name, args, "panel"))

    def some_command(self) -> tuple[str, dict[str, Any]]:
        running = [i for i, r in self.engine.trials.items() if r.status == Status.in_progress]
        paused = [i for i, r in self.engine.trials.items() if r.status == Status.paused]
        choices: list[tuple[str, dict[str, Any]]] = [
            ("set_workers", {"n_workers": self.random.randint(1, 5)}),
            ("edit_space", {"space": {"units": self.random.randint(4, 64)}}),
            ("enqueue", {"config": {"lr": 0.01, "units": 5, "act": "relu"}}),
            ("pause_run", {"running": self.random.choice(["pause", "finish"])}),
            ("resume_run", {}),
            ("set_stop_criterion", {"max_wallclock_time": 9e4}),
            ("stop_trial", {"trial_ids": [10**6]}),
        ]
        choices += [("pause_trial", {"trial_ids": running[:1]})] * bool(running)
        choices += [("resume_trial", {"trial_ids": paused[:1]})] * bool(paused)
        choices += [("stop_trial", {"trial_ids": (running + paused)[-1:]})] * bool(running + paused)
        return self.random.choice(choices)


def header_of(engine: TuningEngine) -> dict[str, Any]:
    """What is known of a run beforehand, as `run.json` has it."""
    described = engine.scheduler.describe()
    return {
        "name": "made-up",
        "metric_names": described.get("metric_names"),
        "metric_modes": described.get("metric_mode"),
        "scheduler": described,
        "config_space": config_space_to_json_dict(SPACE),
        "n_workers": engine.n_workers,
        "backend": "LocalBackend",
        "stop_criterion": engine.stop_criterion.to_json(),  # type: ignore[attr-defined]
        "started_at": 1.8e9,
    }


def as_logged(record: dict[str, Any]) -> dict[str, Any]:
    """The record as it comes back from the log."""
    return json.loads(json.dumps(record))  # type: ignore[no-any-return]
