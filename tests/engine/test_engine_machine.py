"""Whatever happens, in whatever order: the engine keeps its invariants and can be played back."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from synetune_lab.config_space import choice, config_space_to_json_dict, uniform
from synetune_lab.engine.actions import action_to_json
from synetune_lab.engine.engine import TuningEngine
from synetune_lab.engine.events import event_from_json
from synetune_lab.optimizer.scheduler import TrialScheduler
from synetune_lab.optimizer.schedulers import FIFOScheduler, HyperbandScheduler
from tests.engine.strict_scheduler import StrictScheduler
from tests.engine.world import World, as_json, never

SPACE = {"x": uniform(0.0, 1.0), "epochs": 9}
FINITE = {"x": choice([1, 2, 3, 4, 5]), "y": choice(["a", "b"]), "epochs": 9}


PHASES = [Phase.generate]


def strict(seed: int) -> TrialScheduler:
    return StrictScheduler(seed)


def stopping(seed: int) -> TrialScheduler:
    return HyperbandScheduler(
        SPACE, metric="loss", random_seed=seed, max_resource_attr="epochs", reduction_factor=2
    )


def promotion(seed: int) -> TrialScheduler:
    return HyperbandScheduler(
        FINITE,
        metric="loss",
        searcher="grid",
        type="promotion",
        random_seed=seed,
        max_resource_attr="epochs",
        reduction_factor=2,
        brackets=2,
    )


def fifo(seed: int) -> TrialScheduler:
    return FIFOScheduler(FINITE, metric="loss", searcher="grid", random_seed=seed)


class EngineMachine(RuleBasedStateMachine):
    make: Any = staticmethod(strict)

    @initialize(
        seed=st.integers(0, 5),
        n_workers=st.integers(1, 4),
        asynchronous=st.booleans(),
        without_delay=st.booleans(),
        wait=st.booleans(),
    )
    def begin(
        self, seed: int, n_workers: int, asynchronous: bool, without_delay: bool, wait: bool
    ) -> None:
        options = {
            "max_failures": 3,
            "asynchronous_scheduling": asynchronous or n_workers == 1,
            "start_jobs_without_delay": without_delay,
            "wait_trial_completion_when_stopping": wait,
        }
        self.fresh = lambda: TuningEngine(self.make(seed), never(), n_workers, **options)
        self.world = World(self.fresh())
        self.world.open()

    def pick(self, data: Any) -> int:
        return data.draw(st.sampled_from(sorted(self.world.alive)))

    def some_trials(self, data: Any) -> list[int]:
        ids = st.integers(0, len(self.world.engine.trials))
        return data.draw(st.lists(ids, min_size=1, max_size=4, unique=True))

    def has_processes(self) -> bool:
        return bool(self.world.alive)

    @precondition(has_processes)
    @rule(data=st.data(), loss=st.floats(0, 1) | st.just(float("nan")))
    def report(self, data: Any, loss: float) -> None:
        self.world.report(self.pick(data), loss)

    @precondition(has_processes)
    @rule(data=st.data())
    def report_nonsense(self, data: Any) -> None:
        self.world.report(self.pick(data), None)

    @precondition(has_processes)
    @rule(data=st.data())
    def process_started(self, data: Any) -> None:
        self.world.start(self.pick(data))

    @precondition(has_processes)
    @rule(data=st.data(), cause=st.sampled_from([None, None, None, "exited", "failed", "lost"]))
    def process_ended(self, data: Any, cause: str | None) -> None:
        self.world.end(self.pick(data), cause)

    @rule(data=st.data(), name=st.sampled_from(["pause_trial", "resume_trial", "stop_trial"]))
    def steer_trials(self, data: Any, name: str) -> None:
        before = self.statuses()
        answer = self.world.command(name, trial_ids=self.some_trials(data))
        if not answer.ok:
            assert self.statuses() == before

    def statuses(self) -> list[Any]:
        return [(r.status, r.paused_by) for r in self.world.engine.trials.values()]

    @rule(running=st.sampled_from(["pause", "finish"]))
    def pause_run(self, running: str) -> None:
        self.world.command("pause_run", running=running)

    @rule()
    def resume_run(self) -> None:
        self.world.command("resume_run")

    @rule(n=st.integers(1, 5))
    def set_workers(self, n: int) -> None:
        self.world.command("set_workers", n_workers=n)

    @rule(x=st.floats(0, 1))
    def enqueue(self, x: float) -> None:
        space = self.world.engine.config_space
        config = {"x": x} if "y" not in space else {"x": 3, "y": "a"}
        self.world.command("enqueue", config=config)

    @rule(high=st.floats(0.5, 3), running=st.sampled_from(["keep", "stop"]))
    def edit_space(self, high: float, running: str) -> None:
        if "y" not in self.world.engine.config_space:
            entry = config_space_to_json_dict({"x": uniform(0.0, high)})
            self.world.command("edit_space", space=entry, running=running)

    @rule(wait=st.booleans(), keep=st.booleans())
    def stop_run(self, wait: bool, keep: bool) -> None:
        self.world.command("stop_run", wait=wait, keep=keep)

    @rule()
    def time_passes(self) -> None:
        self.world.wait(10.0)

    @rule()
    def save_and_load(self) -> None:
        self.world.engine = pickle.loads(pickle.dumps(self.world.engine))
        self.world.engine.validate()

    @rule(data=st.data())
    def crash_and_resume(self, data: Any) -> None:
        alive = sorted(self.world.alive)
        found = data.draw(st.sets(st.sampled_from(alive)) if alive else st.just(set()))
        self.save_and_load()
        self.world.reopen(found)

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        self.play_back()
        self.comes_to_an_end()

    def play_back(self) -> None:
        engine = self.fresh()
        for event, now, actions in self.world.log:
            again = engine.handle(event_from_json(event), now)
            assert as_json(list(map(action_to_json, again))) == actions

    def comes_to_an_end(self) -> None:
        """With nobody steering, it ends by itself, and no trial is left behind."""
        world = self.world
        world.command("resume_run")
        for record in list(world.engine.trials.values()):
            if record.paused_by == "user":
                world.command("stop_trial", trial_ids=[record.trial_id])
        for _ in range(4):
            for trial_id in sorted(world.alive):
                if trial_id in world.alive:
                    while trial_id not in world.told and world.epochs.get(trial_id, 0) < 9:
                        world.report(trial_id, 0.1)
                    world.end(trial_id)
        if world.finished is None:
            world.command("stop_run", wait=False)
            world.command("stop_run", wait=False)
            for trial_id in sorted(world.alive):
                world.end(trial_id)
        assert world.finished is not None
        assert not world.alive


def machine(maker: Any) -> type[RuleBasedStateMachine]:
    return type(f"Machine_{maker.__name__}", (EngineMachine,), {"make": staticmethod(maker)})


@pytest.mark.parametrize("maker", [strict, stopping, promotion, fifo], ids=lambda m: m.__name__)
def test_whatever_happens(maker: Any) -> None:
    case = copy.copy(machine(maker).TestCase)
    case.settings = settings(
        max_examples=60,
        phases=PHASES,
        report_multiple_bugs=False,
        stateful_step_count=60,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    case("runTest").runTest()
