"""Commands: what they take, what they answer, what they refuse without changing anything."""

from __future__ import annotations

from typing import Any

import pytest

from synetune_lab.config_space import choice, config_space_to_json_dict, sample_from, uniform
from synetune_lab.engine.engine import TuningEngine
from synetune_lab.engine.events import CommandReceived
from synetune_lab.stopping_criterion import StoppingCriterion
from tests.engine.conftest import Obedient
from tests.engine.world import World, kinds, never

NARROW = config_space_to_json_dict({"x": uniform(0.0, 0.1)})


@pytest.mark.parametrize(
    ("name", "args", "message"),
    [
        ("pause_tral", {}, r"there is no command 'pause_tral' \(did you mean 'pause_trial'\?\)"),
        ("pause_trial", {}, "pause_trial needs the argument 'trial_ids'"),
        ("pause_trial", {"trial_ids": []}, r"trial_ids must be a list of numbers of trials, got"),
        ("pause_trial", {"trial_ids": [True]}, r"got \[True\]"),
        ("pause_trial", {"trial_ids": ["0"]}, r"got \['0'\]"),
        ("pause_trial", {"trial_ids": [0], "trials": 1}, "has no argument 'trials'"),
        ("stop_trial", {"trial_ids": [0, 99]}, "there is no trial 99; 2 were started"),
        ("set_workers", {"n_workers": 0}, "n_workers must be a whole number of at least 1, got 0"),
        ("set_workers", {"n_workers": 2.0}, "at least 1, got 2.0"),
        ("pause_run", {"running": "kill"}, "running must be 'pause' or 'finish', got 'kill'"),
        ("stop_run", {"wait": 1}, "wait must be true or false, got 1"),
        ("enqueue", {"config": [1]}, r"config must be an object, got \[1\]"),
        ("enqueue", {"config": {"x": 7.0}}, "x"),
        ("enqueue", {"config": {}}, "x"),
        ("edit_space", {"space": {}}, "changes nothing"),
        ("edit_space", {"space": NARROW, "base_version": 3}, "of version 3, the newest is 0"),
        ("edit_space", {"space": NARROW, "base_version": "0"}, "number of a version"),
        ("edit_space", {"space": {"x": {"domain_cls": "Flat"}}}, "x"),
        ("set_stop_criterion", {"max_time": 3}, "there is no rule 'max_time'"),
        ("set_stop_criterion", {"max_wallclock_time": -1}, "max_wallclock_time must be a number"),
    ],
)
def test_what_is_not_possible_is_refused_with_the_reason(
    run: Any, name: str, args: dict[str, Any], message: str
) -> None:
    import re

    world = run()
    before = [(r.status, r.paused_by) for r in world.engine.trials.values()]
    actions = world.step(CommandReceived("1", name, args))
    assert kinds(actions) == ["answer"]
    assert not actions[0].ok
    assert re.search(message, actions[0].error), actions[0].error
    assert [(r.status, r.paused_by) for r in world.engine.trials.values()] == before
    assert world.engine.space_version == 0


def test_a_trial_that_has_ended_can_not_be_paused(run: Any) -> None:
    world = run()
    world.end(0)
    answer = world.command("pause_trial", trial_ids=[1, 0])
    assert answer.error == "trial 0 is Completed and can't be paused"
    assert world.status(1) == "InProgress"


def test_the_same_command_is_carried_out_once_and_answered_twice(run: Any) -> None:
    world = run(n_workers=1)
    first = world.command("enqueue", command_id="a", config={"x": 0.25})
    assert world.command("enqueue", command_id="a", config={"x": 0.25}) == first
    world.end(0)
    world.end(1)
    assert [r.origin for r in world.engine.trials.values()] == ["scheduler", "user", "scheduler"]
    assert world.engine.trials[1].config == {"x": 0.25, "epochs": 9}


def test_steering_twice_changes_nothing_more(run: Any) -> None:
    world = run()
    for name in ("pause_trial", "stop_trial"):
        world.command(name, trial_ids=[0])
        assert kinds(world.command_actions(name, trial_ids=[0])) == ["answer"]
    for name in ("pause_run", "resume_run"):
        world.command(name)
        assert "run" not in kinds(world.command_actions(name))


def test_a_run_that_has_ended_takes_no_command(run: Any) -> None:
    world = run(most=0)
    assert world.command("set_workers", n_workers=3).error == ("the run has ended; resume it first")


def test_a_run_that_is_about_to_end_starts_nothing_more(run: Any) -> None:
    world = run()
    world.command("stop_run", wait=True)
    for name, args in (
        ("pause_run", {}),
        ("resume_trial", {"trial_ids": [0]}),
        ("enqueue", {"config": {"x": 0.5}}),
    ):
        assert world.command(name, **args).error == "the run is about to end"
    assert world.command("pause_trial", trial_ids=[0]).ok


def test_the_space_is_edited_in_the_middle_of_the_run(run: Any) -> None:
    world = run()
    answer = world.command("edit_space", space=NARROW, base_version=0)
    assert answer.result["version"] == world.engine.space_version == 1
    assert (answer.result["outside"], answer.result["trials"]) == (2, 2)
    assert answer.result["running_go_on"] == [0, 1]
    assert world.engine.scheduler.config_space["x"] == uniform(0.0, 0.1)
    assert world.engine.scheduler.config_space["epochs"] == 9
    world.end(0)
    assert [r.space_version for r in world.engine.trials.values()] == [0, 0, 1]


def test_an_edit_may_stop_running_trials_that_are_outside(run: Any) -> None:
    world = run()
    wide = config_space_to_json_dict({"x": uniform(0.0, 0.7)})
    actions = world.command_actions("edit_space", space=wide, running="stop")
    assert "stop_trial" not in kinds(actions)
    actions = world.command_actions("edit_space", space=NARROW, running="stop")
    assert kinds(actions).count("stop_trial") == 2


def test_a_preview_changes_nothing(run: Any) -> None:
    world = run()
    told = world.engine.preview_space(NARROW)
    assert told["errors"] == {}
    assert [change["name"] for change in told["changes"]] == ["x"]
    assert told["outside"] == 2
    assert list(world.engine.preview_space({"x": {"domain_cls": "Flat"}})["errors"]) == ["x"]
    assert list(
        world.engine.preview_space(config_space_to_json_dict({"new": uniform(0, 1)}))["errors"]
    ) == ["new"]
    assert world.engine.space_version == 0


def test_an_edit_leaves_entries_alone_that_have_no_json_form() -> None:
    scheduler = Obedient()
    scheduler.config_space = {
        "x": uniform(0.0, 1.0),
        "y": sample_from(lambda spec: 3),
        "z": choice(["a", "b"]),
    }
    world = World(TuningEngine(scheduler, never(), 1))
    world.open()
    assert world.engine.preview_space(NARROW)["errors"] == {}
    assert world.command("edit_space", space=NARROW).ok


@pytest.mark.parametrize("error", [ValueError("not now"), RuntimeError("not now")])
def test_an_edit_that_the_scheduler_refuses_changes_nothing(
    run: Any, monkeypatch: Any, error: Exception
) -> None:
    world = run()

    def refuse(space: Any, defaults: Any = None) -> Any:
        raise error

    monkeypatch.setattr(world.engine.scheduler, "edit_space", refuse)
    assert world.command("edit_space", space=NARROW).error == "not now"
    assert world.engine.space_version == 0
    assert world.engine.config_space["x"] == uniform(0.0, 1.0)


def test_rules_of_the_stopping_criterion_are_changed_one_by_one(run: Any) -> None:
    world = run(stop_criterion=StoppingCriterion(max_wallclock_time=50, max_num_evaluations=7))
    answer = world.command("set_stop_criterion", max_wallclock_time=90)
    assert answer.result == {"max_wallclock_time": 90, "max_num_evaluations": 7}
    world.command("set_stop_criterion", max_num_evaluations=None)
    assert world.engine.stop_criterion == StoppingCriterion(max_wallclock_time=90)


def test_a_criterion_of_the_users_own_is_left_alone(run: Any) -> None:
    world = run(stop_criterion=lambda status: False)
    answer = world.command("set_stop_criterion", max_cost=3)
    assert "a function of your own" in str(answer.error)
