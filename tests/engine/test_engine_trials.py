"""What happens to trials: reports, pauses, stops, failures, by whomever."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from synetune_lab.engine.actions import ChangeStatus, ResumeTrial, StartTrial
from synetune_lab.errors import InvalidReportError, SchedulerError
from synetune_lab.optimizer.scheduler import TrialSuggestion
from tests.engine.world import kinds


def resumed_config(actions: list[Any]) -> dict[str, Any]:
    (action,) = [a for a in actions if isinstance(a, ResumeTrial)]
    return dict(action.config)


def test_all_workers_are_busy_from_the_first_event_on(run: Any) -> None:
    world = run(n_workers=3)
    assert sorted(world.alive) == [0, 1, 2]
    assert [world.status(i) for i in range(3)] == ["InProgress"] * 3


def test_a_trial_knows_when_it_was_created(run: Any) -> None:
    world = run(n_workers=1)
    world.wait(59.0)
    world.end(0)
    begin = datetime.fromtimestamp(1_700_000_000, tz=timezone.utc)
    assert world.engine.trials[0].trial.creation_time == begin
    assert (world.engine.trials[1].trial.creation_time - begin).total_seconds() == 60


def test_a_freed_worker_is_used_by_the_same_event(run: Any) -> None:
    world = run()
    world.report(0)
    assert kinds(world.end(0)) == [
        "status Completed", "status InProgress", "start_trial"
    ]  # fmt: skip
    assert world.engine.scheduler.told[-2:] == ["complete 0 at epoch 1", "add 2"]


def test_the_scheduler_stops_a_trial(run: Any) -> None:
    world = run()
    assert kinds(world.report(0, do="STOP"))[:4] == [
        "decision", "status Stopping", "stop_trial", "status InProgress"
    ]  # fmt: skip
    assert "remove 0" in world.engine.scheduler.told
    world.end(0)
    assert world.status(0) == "Stopped"


def test_without_start_jobs_without_delay_a_worker_is_free_when_its_process_has_ended(
    run: Any,
) -> None:
    world = run(n_workers=1, start_jobs_without_delay=False)
    assert "start_trial" not in kinds(world.report(0, do="PAUSE"))
    assert "start_trial" in kinds(world.end(0))


def test_a_trial_that_reports_nonsense_fails_and_its_worker_waits_for_its_process(
    run: Any, monkeypatch: Any
) -> None:
    world = run(n_workers=1, start_jobs_without_delay=False)

    def refuse(trial: Any, result: Any) -> str:
        raise InvalidReportError("the report lacks 'loss'")

    monkeypatch.setattr(world.engine.scheduler, "on_trial_result", refuse)
    assert kinds(world.report(0)) == ["status Failed", "stop_trial"]
    assert world.engine.trials[0].error == "the report lacks 'loss'"
    assert "start_trial" in kinds(world.end(0))
    assert world.status(0) == "Failed"


def test_the_scheduler_pauses_a_trial_and_lets_it_go_on(run: Any) -> None:
    world = run()
    world.report(0, do="PAUSE")
    assert world.status(0) == "Pausing scheduler"
    world.end(0)
    assert world.status(0) == "Paused scheduler"
    world.engine.scheduler.to_suggest = [TrialSuggestion.resume_suggestion(0, {"x": 1.0})]
    assert resumed_config(world.end(1)) == {"x": 1.0}
    assert world.engine.trials[0].run == 1
    assert "resumed 0" not in world.engine.scheduler.told


def test_a_promoted_trial_waits_for_the_process_that_writes_its_checkpoint(run: Any) -> None:
    world = run()
    world.engine.scheduler.to_suggest = [TrialSuggestion.resume_suggestion(0)]
    assert "resume_trial" not in kinds(world.report(0, do="PAUSE"))
    assert "resume_trial" in kinds(world.end(0))


def test_reports_on_the_way_to_a_pause_of_the_users_are_judged(run: Any) -> None:
    world = run()
    world.report(0)
    world.command("pause_trial", trial_ids=[0])
    assert kinds(world.report(0)) == ["decision"]
    assert world.engine.scheduler.told[-1] == "report 0"
    world.end(0)
    assert world.engine.scheduler.told[-1] == "remove 0"
    assert world.engine.status.trial_metric_statistics[0].count == 2


def test_reports_after_a_pause_of_the_schedulers_are_not_judged(run: Any) -> None:
    world = run()
    world.report(0, do="PAUSE")
    assert kinds(world.report(0)) == []
    assert world.engine.late_reports == 1


def test_a_rung_reached_on_the_way_to_a_pause_of_the_runs_belongs_to_the_scheduler(
    run: Any,
) -> None:
    world = run()
    world.command("pause_run")
    world.report(0, do="PAUSE")
    assert world.status(0) == "Pausing scheduler"
    world.end(0)
    world.end(1)
    world.command("resume_run")
    assert world.status(0) == "Paused scheduler"
    assert world.status(1) == "InProgress"


def test_a_rung_reached_on_the_way_to_a_pause_of_the_users_leaves_it_to_the_user(run: Any) -> None:
    world = run()
    world.command("pause_trial", trial_ids=[0])
    world.report(0, do="PAUSE")
    world.end(0)
    assert world.status(0) == "Paused user"
    assert world.engine.scheduler.told.count("remove 0") == 1


def test_the_user_resumes_what_the_user_has_paused(run: Any) -> None:
    world = run(n_workers=1)
    world.command("pause_trial", trial_ids=[0])
    world.end(0)
    answer = world.command("resume_trial", trial_ids=[0])
    assert answer.result == {"trial_ids": [0], "waiting": [0]}
    assert world.status(0) == "Paused user"  # no worker is free
    assert resumed_config(world.end(1)) == {"x": 0.5, "epochs": 5}
    assert world.engine.scheduler.told[-1] == "resumed 0"
    assert world.status(0) == "InProgress"


def test_a_pause_taken_back_before_it_took_effect_is_no_pause_for_the_scheduler(run: Any) -> None:
    world = run(n_workers=2, most=2)
    world.command("pause_trial", trial_ids=[0])
    answer = world.command("resume_trial", trial_ids=[0])
    assert answer.result == {"trial_ids": [0], "waiting": []}
    assert resumed_config(world.end(0)) == {"x": 0.5, "epochs": 9}
    assert not {"remove 0", "resumed 0"} & set(world.engine.scheduler.told)


def test_the_user_takes_a_trial_from_the_scheduler_and_its_wish_is_kept(run: Any) -> None:
    world = run()
    world.report(0, do="PAUSE")
    world.end(0)
    world.command("pause_trial", trial_ids=[0])
    assert world.status(0) == "Paused user"
    world.engine.scheduler.to_suggest = [TrialSuggestion.resume_suggestion(0, {"x": 0.1})]
    world.end(1)
    assert world.status(0) == "Paused user"
    world.command("resume_trial", trial_ids=[0])
    assert resumed_config(world.end(2)) == {"x": 0.1}
    assert "resumed 0" not in world.engine.scheduler.told


def test_a_paused_trial_that_the_user_stops_is_not_the_schedulers_any_more(run: Any) -> None:
    world = run()
    world.report(0, do="PAUSE")
    world.command("stop_trial", trial_ids=[0])
    world.end(0)
    world.report(1, do="PAUSE")
    world.end(1)
    answer = world.command("stop_trial", trial_ids=[1])
    assert answer.ok
    assert [world.status(0), world.status(1)] == ["Stopped", "Stopped"]
    told = world.engine.scheduler.told
    assert (told.count("remove 0"), told.count("remove 1")) == (2, 2)


def test_at_the_maximum_a_script_that_knows_it_ends_by_itself(run: Any) -> None:
    world = run()
    reason = {"kind": "max_resource", "ends_by_itself": True}
    assert kinds(world.report(0, do="STOP", why=reason)) == ["decision"]
    world.end(0)
    assert world.status(0) == "Completed"
    assert world.engine.scheduler.told[-2] == "complete 0 at epoch 1"


def test_at_the_maximum_a_script_that_does_not_know_it_is_ended_and_complete(run: Any) -> None:
    world = run()
    actions = world.report(0, do="STOP", why={"kind": "max_resource", "ends_by_itself": False})
    assert kinds(actions)[:3] == ["decision", "status Stopping", "stop_trial"]
    world.end(0)
    assert world.status(0) == "Completed"


def test_a_script_that_fails_after_its_last_report_has_failed(run: Any) -> None:
    world = run()
    world.report(0, do="STOP", why={"kind": "max_resource", "ends_by_itself": True})
    world.end(0, "failed", "disk full")
    assert world.status(0) == "Failed"


def test_a_lost_process_is_started_again_from_its_checkpoint_three_times(run: Any) -> None:
    world = run(n_workers=1)
    for losses in (1, 2, 3):
        (action,) = world.end(0, "lost")
        assert isinstance(action, ResumeTrial)
        assert (action.run, action.reason) == (losses, {"kind": "restarted", "losses": losses})
    assert kinds(world.end(0, "lost"))[0] == "status Failed"
    assert world.engine.trials[0].error == "its process vanished 4 times"


def test_events_of_an_older_run_are_passed_over(run: Any) -> None:
    from synetune_lab.engine.events import TrialEnded, TrialReported, TrialStarted

    world = run(n_workers=1)
    world.end(0, "lost")
    for event in (
        TrialStarted(0, 0, {"pid": 1}),
        TrialReported(0, 0, {"loss": 1.0}),
        TrialEnded(0, 0, "exited", 0),
    ):
        assert world.step(event) == []
    assert world.engine.trials[0].handle == {}


@pytest.mark.parametrize(
    ("code", "error", "told"),
    [(3, None, "exit code 3"), (-9, None, "killed by signal 9"), (1, "no data", "no data")],
)
def test_a_failure_says_how(run: Any, code: int, error: str | None, told: str) -> None:
    from synetune_lab.engine.events import TrialEnded

    world = run()
    del world.alive[0]
    actions = world.step(TrialEnded(0, 0, "failed", code, error))
    status = next(action for action in actions if isinstance(action, ChangeStatus))
    assert (status.status, status.error) == ("Failed", told)


def test_a_new_trial_may_begin_from_the_checkpoint_of_another(run: Any) -> None:
    world = run(n_workers=1)
    world.engine.scheduler.to_suggest = [TrialSuggestion.start_suggestion({"x": 0.2}, 0)]
    start = next(action for action in world.end(0) if isinstance(action, StartTrial))
    assert (start.trial_id, start.checkpoint_trial_id) == (1, 0)


@pytest.mark.parametrize(
    ("suggestion", "message"),
    [
        (TrialSuggestion.resume_suggestion(7), "go on from trial 7; 1 were started"),
        (TrialSuggestion(True, None, None), "without a configuration"),
        (TrialSuggestion(False, None, None), "did not say which"),
    ],
)
def test_a_suggestion_that_makes_no_sense_is_the_schedulers_error(
    run: Any, suggestion: TrialSuggestion, message: str
) -> None:
    world = run(n_workers=1)
    world.engine.scheduler.to_suggest = [suggestion]
    with pytest.raises(SchedulerError, match=message):
        world.end(0)


def test_a_trial_that_is_not_paused_is_not_resumed(run: Any) -> None:
    world = run(n_workers=1)
    world.engine.scheduler.to_suggest = [TrialSuggestion.resume_suggestion(0)] * 3
    assert kinds(world.end(0))[-1] == "start_trial"
    world.engine.scheduler.to_suggest = [TrialSuggestion.resume_suggestion(0)] * 2000
    with pytest.raises(SchedulerError, match="keeps suggesting to resume trial 0"):
        world.end(1)
