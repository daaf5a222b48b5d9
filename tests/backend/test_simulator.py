"""Simulated time: when what is told, pause and resume, delays, and what is refused."""

from __future__ import annotations

import textwrap
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
import pytest

from synetune_lab import StoppingCriterion, Tuner
from synetune_lab.backend.simulator_backend import (
    Pace,
    SimulatedTimeKeeper,
    SimulatorBackend,
    SimulatorCallback,
    SimulatorConfig,
)
from synetune_lab.backend.simulator_backend.simulated_backend import SimulatedBackend
from synetune_lab.blackbox_repository import (
    BlackboxRepositoryBackend,
    UserBlackboxBackend,
    add_surrogate,
    load_blackbox,
)
from synetune_lab.config_space import choice, uniform
from synetune_lab.engine.actions import DeleteCheckpoint, PauseTrial, ResumeTrial, StartTrial
from synetune_lab.engine.events import TrialEnded, TrialReported
from synetune_lab.errors import BackendError, CommandRefused
from synetune_lab.optimizer.baselines import ASHA, RandomSearch, SyncHyperband
from synetune_lab.optimizer.schedulers import PopulationBasedTraining
from tests.blackbox_repository.tables import small_table


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNETUNE_FOLDER", str(tmp_path / "home"))


def backend_of(**kwargs: Any) -> UserBlackboxBackend:
    table = kwargs.pop("table", None)
    table = small_table() if table is None else table
    return UserBlackboxBackend(table, "metric_time", max_resource_attr="epochs", **kwargs)


SPACE = small_table().configuration_space_with_max_resource_attr("epochs")


def run(scheduler: Any, backend: Any = None, n_workers: int = 1, **criterion: Any) -> Tuner:
    tuner = Tuner(
        backend or backend_of(),
        scheduler,
        StoppingCriterion(**(criterion or {"max_wallclock_time": 2000})),
        n_workers=n_workers,
        callbacks=[SimulatorCallback()],
    )
    tuner.run(progress=False)
    return tuner


def frame_of(tuner: Tuner) -> pd.DataFrame:
    return tuner.callbacks[0].dataframe()  # type: ignore[attr-defined]


def points(*configs: tuple[int, str]) -> list[dict[str, Any]]:
    return [{"a": a, "b": b} for a, b in configs]


def random_search(*configs: tuple[int, str]) -> RandomSearch:
    return RandomSearch(SPACE, "metric_loss", points_to_evaluate=points(*configs), random_seed=1)


# Time


def test_reports_come_at_their_times_with_all_delays() -> None:
    delays = SimulatorConfig(
        delay_on_trial_result=1.0,
        delay_complete_after_final_report=2.0,
        delay_complete_after_stop=4.0,
        delay_start=8.0,
        delay_stop=16.0,
    )
    tuner = run(
        random_search((1, "x"), (2, "x")),
        backend_of(simulator_config=delays),
        max_num_trials_completed=1,
    )
    frame = frame_of(tuner)
    first = frame[frame.trial_id == 0]
    assert first.st_tuner_time.tolist() == [8 + 10 * e + 1 for e in range(1, 10)]
    end = 8 + 90 + 1 + 2
    second = frame[frame.trial_id == 1]
    assert second.st_tuner_time.tolist() == [end + 8 + 20 * e + 1 for e in range(1, 10)]
    assert first.metric_time.tolist() == [10.0 * e for e in range(1, 10)]
    assert first.epoch.tolist() == list(range(1, 10))


def test_the_default_delays_are_those_of_the_documents() -> None:
    config = SimulatorConfig()
    assert {
        config.delay_on_trial_result,
        config.delay_complete_after_final_report,
        config.delay_complete_after_stop,
        config.delay_start,
        config.delay_stop,
    } == {0.05}


def test_workers_run_beside_each_other_and_a_free_one_is_used_at_once() -> None:
    zero = SimulatorConfig(0.0, 0.0, 0.0, 0.0, 0.0)
    scheduler = random_search((1, "x"), (3, "x"), (1, "y"))
    tuner = run(
        scheduler, backend_of(simulator_config=zero), n_workers=2, max_num_trials_completed=2
    )
    frame = frame_of(tuner)
    starts = (
        frame.groupby("trial_id").st_tuner_time.min() - frame.groupby("trial_id").metric_time.min()
    )
    assert starts.tolist()[:3] == [0.0, 0.0, 90.0]
    assert (frame.st_tuner_time.diff().dropna() >= 0).all(), "in the order of time"


def test_equal_times_are_told_in_the_order_of_starts() -> None:
    frame = frame_of(run(random_search((1, "x"), (1, "y")), n_workers=2, max_num_trials_started=2))
    assert frame.trial_id.tolist()[:8] == [0, 1] * 4


def test_the_run_ends_at_its_simulated_time() -> None:
    tuner = run(random_search((3, "x")), max_wallclock_time=100.0)
    assert tuner.tuner_time == pytest.approx(100.0, abs=0.2)
    assert frame_of(tuner).st_tuner_time.max() <= 100.0


def test_a_tuner_that_looks_now_and_then_learns_late() -> None:
    frame = frame_of(
        run(
            random_search((1, "x")),
            backend_of(tuner_sleep_time=4.0),
            max_num_trials_completed=0,
        )
    )
    first = frame[frame.trial_id == 0].st_tuner_time
    assert first.tolist()[:3] == [12.0, 24.0, 32.0]


def test_the_same_seed_gives_the_same_run() -> None:
    frames = [
        frame_of(
            run(
                ASHA(SPACE, "metric_loss", "epoch", max_resource_attr="epochs", random_seed=3),
                n_workers=3,
            )
        )
        for _ in range(2)
    ]
    pd.testing.assert_frame_equal(*frames)


# Pause, resume, checkpoints


def driven(**kwargs: Any) -> UserBlackboxBackend:
    return backend_of(simulator_config=SimulatorConfig(0, 0, 0, 0, 0), **kwargs)


def take(backend: SimulatedBackend, count: int) -> list[Any]:
    return [event for _ in range(count) for event in backend.wait_events(None)]


@pytest.mark.parametrize("checkpoints", [True, False])
def test_a_resumed_trial_counts_its_time_from_there(checkpoints: bool) -> None:
    backend = driven(support_checkpointing=checkpoints)
    config = {"a": 1, "b": "x", "epochs": 9}
    backend.execute(StartTrial(0, 0, config))
    told = take(backend, 3)
    assert [event.result["epoch"] for event in told] == [1, 2, 3]
    backend.execute(PauseTrial(0, 0))
    (end,) = take(backend, 1)
    assert (end.cause, backend.clock.now) == ("paused", 30.0)
    backend.clock.advance_to(100.0)
    backend.execute(ResumeTrial(0, 1, config))
    told = take(backend, 2)
    if checkpoints:
        assert [event.result["epoch"] for event in told] == [4, 5]
    else:
        assert [event.result["epoch"] for event in told] == [1, 2]
    assert [event.result["metric_time"] for event in told] == [10.0, 20.0]
    assert [event.result["st_tuner_time"] for event in told] == [110.0, 120.0]


def test_a_trial_ends_at_the_resource_of_its_configuration() -> None:
    backend = driven()
    backend.execute(StartTrial(0, 0, {"a": 1, "b": "x", "epochs": 3}))
    told = take(backend, 4)
    assert [event.result["epoch"] for event in told[:3]] == [1, 2, 3]
    assert told[3] == TrialEnded(0, 0, "exited")


def test_a_trial_without_checkpoint_starts_from_scratch() -> None:
    backend = driven()
    config = {"a": 1, "b": "x", "epochs": 9}
    backend.execute(StartTrial(0, 0, config))
    take(backend, 2)
    backend.execute(PauseTrial(0, 0))
    take(backend, 1)
    backend.execute(DeleteCheckpoint(0))
    backend.execute(ResumeTrial(0, 1, config))
    assert take(backend, 1)[0].result["epoch"] == 1


def test_a_warm_start_goes_on_where_the_other_trial_was() -> None:
    backend = driven()
    backend.execute(StartTrial(0, 0, {"a": 1, "b": "x", "epochs": 9}))
    take(backend, 4)
    backend.execute(StartTrial(1, 0, {"a": 3, "b": "y", "epochs": 9}, checkpoint_trial_id=0))
    reports = [event for event in take(backend, 6) if event.trial_id == 1]
    assert reports[0].result["epoch"] == 5
    assert reports[0].result["metric_time"] == 30.0


def test_the_seed_of_a_trial_stays_the_same_when_it_is_resumed() -> None:
    backend = driven()
    seeds = {backend._seed_of(trial_id, 2) for trial_id in range(20)}
    assert seeds == {0, 1}
    assert backend_of(seed=1)._seed_of(5, 2) == 1


def test_the_repetitions_of_trials_come_from_the_seed_of_the_scheduler() -> None:
    drawn = set()
    for seed in (1, 1, 2, 3):
        backend = backend_of()
        backend.check_scheduler(RandomSearch(SPACE, "metric_loss", random_seed=seed))
        drawn.add(tuple(backend._seed_of(trial_id, 2) for trial_id in range(30)))
    assert len(drawn) == 3
    for seeds in drawn:
        assert 5 < sum(seeds) < 25


@pytest.mark.parametrize(
    "scheduler",
    [
        lambda: ASHA(
            SPACE, "metric_loss", "epoch", type="promotion", max_resource_attr="epochs",
            random_seed=1, search_options={"allow_duplicates": True},
        ),
        lambda: ASHA(SPACE, "metric_loss", "epoch", max_t=9, type="promotion", random_seed=2),
        lambda: SyncHyperband(
            SPACE, "metric_loss", "epoch", max_resource_attr="epochs", random_seed=1,
            search_options={"allow_duplicates": True},
        ),
        lambda: PopulationBasedTraining(
            SPACE, metric="metric_loss", resource_attr="epoch", perturbation_interval=2,
            random_seed=1, max_t=9,
        ),
    ],
    ids=["promotion", "promotion without milestones", "synchronous", "population"],
)  # fmt: skip
def test_trials_go_on_without_gap_or_repetition(scheduler: Any) -> None:
    frame = frame_of(run(scheduler(), n_workers=3, max_num_evaluations=200))
    for _, rows in frame.groupby("trial_id"):
        assert (rows.epoch.diff().dropna() == 1).all()


# Scripts


def test_a_script_that_tells_a_whole_trial_at_once(tmp_path: Path) -> None:
    script = tmp_path / "curve.py"
    script.write_text(
        textwrap.dedent(
            """
            import argparse
            from synetune_lab import Reporter
            parser = argparse.ArgumentParser()
            parser.add_argument("--x", type=float)
            parser.add_argument("--epochs", type=int)
            parser.add_argument("--st_checkpoint_dir")
            args = parser.parse_args()
            if args.x > 0.9:
                raise SystemExit("x is too large")
            report = Reporter()
            for epoch in range(1, args.epochs + 1):
                report(epoch=epoch, loss=args.x / epoch, seconds=100.0 * epoch)
            """
        )
    )
    space = {"x": uniform(0, 1), "epochs": 3}
    scheduler = RandomSearch(
        space, "loss", points_to_evaluate=[{"x": 0.5}, {"x": 0.95}, {"x": 0.1}], random_seed=1
    )
    backend = SimulatorBackend(str(script), elapsed_time_attr="seconds")
    tuner = run(scheduler, backend, n_workers=1, max_num_trials_started=2)
    frame = frame_of(tuner)
    first = frame[frame.trial_id == 0]
    assert first.st_tuner_time.tolist() == pytest.approx([100.1, 200.1, 300.1])
    failed = tuner.engine.trials[1]
    assert failed.status == "Failed"
    assert "x is too large" in str(failed.error)


def test_a_script_that_is_not_there_is_refused() -> None:
    with pytest.raises(BackendError, match=r"nowhere\.py"):
        SimulatorBackend("nowhere.py", "seconds")


# Benchmarks


def test_a_benchmark_of_the_package_with_a_surrogate() -> None:
    backend = BlackboxRepositoryBackend(
        "digits-mlp",
        elapsed_time_attr="metric_elapsed_time",
        max_resource_attr="epochs",
        surrogate="KNeighborsRegressor",
        surrogate_kwargs={"n_neighbors": 1},
    )
    space = backend.blackbox.configuration_space_with_max_resource_attr("epochs")
    scheduler = ASHA(
        space, "metric_valid_error", "epoch", max_resource_attr="epochs", random_seed=1
    )
    tuner = run(scheduler, backend, n_workers=4, max_num_trials_started=40)
    assert frame_of(tuner).metric_valid_error.min() < 0.2


def test_a_benchmark_restricted_to_its_configurations() -> None:
    backend = BlackboxRepositoryBackend(
        "tumor-boosting", "metric_elapsed_time", dataset="worst", max_resource_attr="rounds_max"
    )
    table = load_blackbox("tumor-boosting")["worst"]
    space = table.configuration_space_with_max_resource_attr("rounds_max")
    scheduler = RandomSearch(
        space,
        "metric_valid_loss",
        points_to_evaluate=[],
        search_options={"restrict_configurations": table.all_configurations()},
        random_seed=1,
    )
    tuner = run(scheduler, backend, n_workers=4, max_num_trials_completed=10)
    assert tuner.tuning_status.num_trials_failed == 0
    assert tuner.tuning_status.num_trials_completed >= 10


@pytest.mark.parametrize(
    ("dataset", "message"), [("best", "'best' is not one of"), (None, "None is not one of")]
)
def test_an_unknown_task_is_refused(dataset: Any, message: str) -> None:
    backend = BlackboxRepositoryBackend("tumor-boosting", "metric_elapsed_time", dataset=dataset)
    with pytest.raises(BackendError, match=message):
        _ = backend.blackbox


# What is refused


def with_values(change: Any) -> Any:
    table = small_table()
    values = table.objectives_evaluations.copy()
    change(values)
    return small_table(objectives_evaluations=values)


def test_times_that_go_back_are_refused_before_the_first_trial() -> None:
    def change(values: Any) -> None:
        values[2, 1, 5, 1] = 0.0

    with pytest.raises(BackendError, match=r"goes back 1 times.*configuration 2, seed 1"):
        backend_of(table=with_values(change))


@pytest.mark.parametrize("time", [-1.0, np.inf, -np.inf])
def test_times_that_are_none_are_refused_before_the_first_trial(time: float) -> None:
    def change(values: Any) -> None:
        values[3, 0, :, 1] = time

    with pytest.raises(
        BackendError, match=r"negative or infinite .*configuration 3, seed 0, at fidelity 1"
    ):
        backend_of(table=with_values(change))


def test_a_missing_value_fails_its_trial_alone_and_keeps_what_came_before() -> None:
    def change(values: Any) -> None:
        values[0, :, 4:, 0] = np.nan

    tuner = run(
        random_search((1, "x"), (1, "y"), (2, "x")),
        backend_of(table=with_values(change)),
        max_num_trials_completed=1,
    )
    failed = tuner.engine.trials[0]
    assert failed.status == "Failed"
    assert "no value of metric_loss at epoch=5" in str(failed.error)
    assert frame_of(tuner)[lambda f: f.trial_id == 0].epoch.tolist() == [1, 2, 3, 4]
    assert tuner.engine.trials[1].status == "Completed"


def test_a_configuration_that_is_not_in_the_table_fails_its_trial() -> None:
    space = {**SPACE, "a": choice([1, 2, 7])}
    scheduler = RandomSearch(
        space, "metric_loss", points_to_evaluate=points((7, "x"), (1, "x")), random_seed=1
    )
    tuner = run(scheduler, max_num_trials_completed=0)
    assert "restrict_configurations" in str(tuner.engine.trials[0].error)


@pytest.mark.parametrize(
    ("scheduler", "message"),
    [
        (lambda: RandomSearch(SPACE, "error", random_seed=1), "metric 'error' is not reported"),
        (
            lambda: ASHA(SPACE, "metric_loss", "step", max_resource_attr="epochs", random_seed=1),
            "resource_attr='step'",
        ),
        (
            lambda: ASHA({**SPACE, "epochs": 27}, "metric_loss", "epoch", random_seed=1),
            "maximum resource is 27",
        ),
        (
            lambda: ASHA(
                SPACE,
                "metric_loss",
                "epoch",
                type="cost_promotion",
                cost_attr="dollars",
                max_resource_attr="epochs",
            ),
            "cost_attr='dollars' is not reported",
        ),
        (
            lambda: RandomSearch({"a": choice([1, 2])}, "metric_loss", random_seed=1),
            r"lacks \['b'\]",
        ),
    ],
)
def test_a_scheduler_that_asks_for_what_is_not_there_is_refused(
    scheduler: Any, message: str
) -> None:
    with pytest.raises(BackendError, match=message):
        run(scheduler())


def test_rungs_that_are_not_recorded_are_refused_where_trials_would_miss_them() -> None:
    table = small_table(epochs=3, fidelity_values=[2, 4, 9])
    backend = backend_of(table=table)
    scheduler = ASHA(
        SPACE, "metric_loss", "epoch", type="promotion", max_resource_attr="epochs", random_seed=1
    )
    with pytest.raises(BackendError, match=r"rungs at epoch = \[1, 3\]"):
        run(scheduler, backend)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: backend_of(tuner_sleep_time=-1), "tuner_sleep_time"),
        (lambda: backend_of(seed=5), "seed=5"),
        (lambda: UserBlackboxBackend(small_table(), "time"), "elapsed_time_attr='time'"),
        (
            lambda: BlackboxRepositoryBackend("digits-mlp", "metric_elapsed_time", surrogate="No"),
            "surrogate='No' is not known",
        ),
        (lambda: SimulatorConfig(delay_start=-1.0), "delay_start"),
        (lambda: SimulatorConfig(delay_stop=float("nan")), "delay_stop"),
    ],
)
def test_wrong_arguments_are_refused(make: Any, message: str) -> None:
    with pytest.raises((BackendError, ValueError), match=message):
        make()


def test_the_callback_is_for_simulated_runs() -> None:
    callback = SimulatorCallback()
    with pytest.raises(BackendError, match="simulated time"):
        callback.on_tuning_start(type("Tuner", (), {"trial_backend": None})())


# The parts


def test_the_clock_stands_still_unless_it_is_advanced() -> None:
    clock = SimulatedTimeKeeper()
    clock.advance(5)
    clock.advance_to(3)
    assert clock.time() == 5
    assert (clock.time_stamp() - clock.start_time_stamp).total_seconds() == 5
    with pytest.raises(ValueError, match="time cannot go back"):
        clock.advance(-1)
    assert clock.real_time_since_last_recent_exit() == 0.0
    clock.mark_exit()
    assert clock.real_time_since_last_recent_exit() >= 0.0


def test_decision_times_count_if_asked_for() -> None:
    class Slow(RandomSearch):
        def _suggest(self, trial_id: int) -> Any:
            end = perf_counter() + 0.02
            while perf_counter() < end:
                pass
            return super()._suggest(trial_id)

    scheduler = Slow(SPACE, "metric_loss", random_seed=1)
    config = SimulatorConfig(0, 0, 0, 0, 0, count_decision_time=True)
    tuner = run(scheduler, backend_of(simulator_config=config), max_num_trials_started=3)
    times = frame_of(tuner).st_tuner_time
    assert any(abs(time - round(time)) > 1e-6 for time in times)


def test_a_pace() -> None:
    pace = Pace(10.0)
    pace.begin(5.0)
    assert 5.0 <= pace.reached() < 1000.0
    assert pace.real_seconds_until(1e9) > 1e6  # type: ignore[operator]
    pace.set_speed(0, 7.0)
    assert pace.real_seconds_until(8.0) is None
    with pytest.raises(CommandRefused, match="speed"):
        pace.set_speed(-1.0, 0.0)


def test_a_surrogate_can_be_simulated() -> None:
    surrogate = add_surrogate(
        small_table(), configuration_space={"a": uniform(1, 3), "b": choice(["x", "y"])}
    )
    backend = UserBlackboxBackend(surrogate, "metric_time", max_resource_attr="epochs")
    space = surrogate.configuration_space_with_max_resource_attr("epochs")
    tuner = run(
        RandomSearch(space, "metric_loss", random_seed=1), backend, max_num_trials_started=5
    )
    assert tuner.tuning_status.num_trials_failed == 0


def test_reports_by_hand() -> None:
    backend = driven()
    trial = backend.start_trial({"a": 1, "b": "x", "epochs": 9})
    backend.clock.advance_to(25.0)
    statuses, news = backend.fetch_status_results([trial.trial_id])
    assert [result["epoch"] for _, result in news] == [1, 2]
    assert statuses[0][1] == "InProgress"
    assert backend.busy_trial_ids() == [(0, "InProgress")]
    assert isinstance(take(backend, 1)[0], TrialReported)
