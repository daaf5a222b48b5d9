"""The run as a whole: its workers, its end, its pauses, going on after a crash."""

from __future__ import annotations

from typing import Any

from synetune_lab.engine.actions import ChangeRun
from synetune_lab.engine.engine import TuningEngine
from synetune_lab.optimizer.scheduler import TrialSuggestion
from synetune_lab.stopping_criterion import StoppingCriterion
from synetune_lab.tuning_status import TuningStatus
from tests.engine.conftest import Obedient
from tests.engine.world import kinds


def changes(actions: list[Any]) -> list[str]:
    return [action.what for action in actions if isinstance(action, ChangeRun)]


def test_it_ends_when_there_is_nothing_more_to_try(run: Any) -> None:
    world = run(n_workers=2, most=2)
    world.end(0)
    assert world.finished is None
    world.end(1)
    assert world.finished == "the scheduler has nothing more to suggest"


def test_a_scheduler_that_had_nothing_is_asked_again_after_a_rung(run: Any) -> None:
    world = run(n_workers=2, most=2)
    world.report(0, do="PAUSE", why={"kind": "rung"})
    world.end(0)
    world.engine.scheduler.to_suggest = [TrialSuggestion.resume_suggestion(0)]
    assert "resume_trial" in kinds(world.report(1, why={"kind": "rung"}))


def test_it_waits_for_the_user_while_a_trial_is_kept_paused(run: Any) -> None:
    world = run(n_workers=1, most=1)
    world.command("pause_trial", trial_ids=[0])
    world.end(0)
    assert world.finished is None
    world.command("resume_trial", trial_ids=[0])
    world.end(0)
    assert world.finished is not None


def test_the_stopping_criterion_ends_running_trials(run: Any) -> None:
    world = run(stop_criterion=StoppingCriterion(max_num_evaluations=1))
    world.report(0)
    actions = world.report(1)
    assert changes(actions) == ["stopping"]
    assert kinds(actions).count("stop_trial") == 2
    assert world.engine.scheduler.told[-2:] == ["remove 0", "remove 1"]
    world.end(0)
    world.end(1)
    assert world.finished == "2 reports have come, more than 1 (max_num_evaluations)"


def test_it_may_wait_for_running_trials_at_the_end(run: Any) -> None:
    world = run(
        stop_criterion=StoppingCriterion(max_num_evaluations=0),
        wait_trial_completion_when_stopping=True,
    )
    assert kinds(world.report(0)) == ["decision", "run"]
    world.report(0)
    world.end(0)
    world.command("stop_run")  # asked for once more, it does not wait
    assert world.status(1) == "Stopping"


def test_any_callable_may_end_it(run: Any) -> None:
    asked = []

    def criterion(status: TuningStatus) -> bool:
        asked.append(status.wallclock_time)
        return status.wallclock_time > 100

    world = run(stop_criterion=criterion)
    assert world.engine.next_wakeup(5.0) == 6.0
    assert changes(world.wait(200.0)) == ["stopping"]
    assert asked == [1.0, 201.0]


def test_it_wishes_to_be_woken_when_its_time_is_over(run: Any) -> None:
    world = run(stop_criterion=StoppingCriterion(max_wallclock_time=50.0))
    assert world.engine.next_wakeup(10.0) == 50.0
    world.command("pause_run")
    assert world.engine.next_wakeup(10.0) is None
    world.wait(100.0)
    world.command("resume_run")
    assert world.engine.status.wallclock_time == 2.0
    assert world.engine.next_wakeup(world.now) == 151.0
    assert changes(world.wait(47.0)) == []
    assert changes(world.wait(2.0)) == ["stopping"]


def test_too_many_failures_end_it_and_say_why(run: Any) -> None:
    world = run(max_failures=1)
    world.end(0, "failed", "no data")
    actions = world.end(1, "failed", "Traceback:\n  line 3\nno disk\n")
    assert "stopping" in changes(actions)
    for trial_id in sorted(world.alive):
        world.end(trial_id)
    assert world.finished is not None
    assert world.finished.startswith("2 trials failed, more than max_failures = 1; the last one")
    assert world.finished.endswith("trial 1: no disk")


def test_resumed_after_too_many_failures_it_goes_on(run: Any) -> None:
    world = run(max_failures=0, n_workers=1)
    world.end(0, "failed")
    assert world.finished is not None
    world.reopen(set())
    assert world.status(1) == "InProgress"


def test_synchronous_scheduling_starts_whole_batches(run: Any) -> None:
    world = run(n_workers=2, asynchronous_scheduling=False)
    assert "start_trial" not in kinds(world.end(0))
    assert kinds(world.end(1)).count("start_trial") == 2


def test_a_paused_run_pauses_its_trials_and_takes_them_up_again(run: Any) -> None:
    world = run()
    assert kinds(world.command_actions("pause_run")).count("pause_trial") == 2
    world.end(0)
    world.end(1)
    assert [world.status(0), world.status(1)] == ["Paused run", "Paused run"]
    assert world.finished is None
    actions = world.command_actions("resume_run")
    assert kinds(actions).count("resume_trial") == 2
    assert not {"remove 0", "resumed 0"} & set(world.engine.scheduler.told)


def test_a_paused_run_may_let_its_trials_finish(run: Any) -> None:
    world = run()
    assert "pause_trial" not in kinds(world.command_actions("pause_run", running="finish"))
    assert "start_trial" not in kinds(world.end(0))
    assert world.status(0) == "Completed"


def test_a_run_stopped_to_be_resumed_keeps_its_trials(run: Any) -> None:
    world = run()
    world.command("stop_run", keep=True)
    world.end(0)
    world.end(1)
    assert world.finished == "stopped by the cell"
    assert kinds(world.reopen(set())).count("resume_trial") == 2


def test_after_a_crash_processes_that_run_are_kept_and_others_start_again(run: Any) -> None:
    world = run(n_workers=3)
    world.command("pause_trial", trial_ids=[2])
    actions = world.reopen({0})
    assert [world.status(i) for i in range(3)] == ["InProgress", "InProgress", "Paused user"]
    assert [world.engine.trials[i].run for i in range(3)] == [0, 1, 0]
    assert kinds(actions).count("resume_trial") == 2  # trial 3 had taken the free worker


def test_more_workers_are_used_at_once_and_fewer_when_trials_end(run: Any) -> None:
    world = run(n_workers=1)
    assert kinds(world.command_actions("set_workers", n_workers=3)).count("start_trial") == 2
    world.command("set_workers", n_workers=1)
    assert len(world.alive) == 3
    world.end(0)
    world.end(1)
    assert len(world.alive) == 1


def test_a_trial_that_was_to_go_on_respects_that_there_are_fewer_workers(run: Any) -> None:
    world = run(n_workers=2, most=2)
    world.command("pause_trial", trial_ids=[0])
    world.command("resume_trial", trial_ids=[0])
    world.command("set_workers", n_workers=1)
    world.end(0)
    assert world.status(0) == "Paused run"
    world.end(1)
    assert world.status(0) == "InProgress"


def test_where_playing_back_comes_out_differently_the_log_is_believed(run: Any) -> None:
    from synetune_lab.engine.actions import action_from_json
    from synetune_lab.engine.events import event_from_json

    world = run()
    world.report(0, do="STOP")
    world.end(0)
    world.end(1, "failed", "no data")
    other = TuningEngine(Obedient(), StoppingCriterion(), 1)
    for event, now, actions in world.log:
        changed = {"result": {"epoch": 1, "loss": 1.0}} if "result" in event else {}
        other.handle(event_from_json({**event, **changed}), now)
        other.impose([action_from_json(action) for action in actions], now)
    told = [(r.status, r.paused_by, r.run, r.error) for r in other.trials.values()]
    assert told[: len(world.engine.trials)] == [
        (r.status, r.paused_by, r.run, r.error) for r in world.engine.trials.values()
    ]
