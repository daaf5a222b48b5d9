"""Insights of tuners: running, finished, loaded; with levels, pauses and failures."""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from synetune_lab import StoppingCriterion, Tuner
from synetune_lab.backend.python_backend import PythonBackend
from synetune_lab.backend.simulator_backend import SimulatorCallback
from synetune_lab.blackbox_repository import UserBlackboxBackend, load_blackbox
from synetune_lab.config_space import loguniform, uniform
from synetune_lab.errors import StoreError, SynetuneLabError
from synetune_lab.experiments import load_experiment
from synetune_lab.experiments.insight import Suggestion
from synetune_lab.optimizer.baselines import ASHA, RandomSearch
from synetune_lab.optimizer.schedulers.pbt import PopulationBasedTraining
from synetune_lab.tuner_callback import TunerCallback


def hartmann_tuner(make: Any = ASHA, num: int = 80, speed: float | None = None, **how: Any) -> Any:
    """A simulated run on Hartmann's function of 3 variables with 27 epochs."""
    box = load_blackbox("hartmann3-mf")
    box = next(iter(box.values())) if isinstance(box, dict) else box
    space = box.configuration_space_with_max_resource_attr("epochs")
    arguments: dict[str, Any] = {"max_resource_attr": "epochs", "random_seed": 1, **how}
    if make is not RandomSearch:
        arguments["resource_attr"] = "epochs"
    backend = UserBlackboxBackend(
        box, "metric_elapsed_time", max_resource_attr="epochs", speed=speed
    )
    tuner = Tuner(
        backend,
        make(space, metric="metric_value", **arguments),
        StoppingCriterion(max_num_trials_started=num),
        n_workers=4,
        callbacks=[SimulatorCallback()],
    )
    return tuner, box


@pytest.fixture
def stopped_clock() -> Iterator[Tuner]:
    """A run of which 150 events have happened, and that waits for more."""
    tuner, _ = hartmann_tuner(speed=0, type="promotion")
    tuner.start()
    tuner.step(150).result(timeout=60)
    yield tuner
    if tuner.is_running:
        tuner.session.abort("the test is over")
        tuner.session.wait(20)


def test_levels_of_a_finished_run() -> None:
    tuner, box = hartmann_tuner()
    tuner.run(progress=False)
    insight = tuner.insight()
    assert insight.level in (3, 9, 27)
    assert insight.metric_words == f"metric_value at epochs {insight.level}"
    state = np.random.RandomState(0)
    configs = [
        {
            name: domain.sample(random_state=state)
            for name, domain in box.configuration_space.items()
        }
        for _ in range(50)
    ]
    truth = [box(config, fidelity=insight.level)["metric_value"] for config in configs]
    assert np.corrcoef(insight.predict(configs)["mean"], truth)[0, 1] > 0.9
    assert insight.quality().verdict != "poor"
    # A level that all have reached needs no model of resources.
    first = tuner.insight(level=1)
    assert first.level == 1
    assert set(first.observations["level"]) == {1}
    assert "ended earlier" in [trace.name for trace in insight.plot_slice("x0").data]
    last = tuner.insight(level="last")
    assert last.level is None
    assert last.observations["trial_id"].is_unique
    assert tuner.insight(level="best").best_value <= last.best_value
    with pytest.raises(ValueError, match="level=1000 must be a resource with reports"):
        tuner.insight(level=1000)
    with pytest.raises(ValueError, match="level='first'"):
        tuner.insight(level="first")


def test_files_and_tuner_tell_the_same() -> None:
    tuner, _ = hartmann_tuner(num=40)
    tuner.run(progress=False)
    from_files = load_experiment(tuner.name).insight()
    assert from_files.slice("x0").equals(tuner.insight().slice("x0"))
    assert from_files.importance().equals(tuner.insight().importance())
    suggestion = from_files.next_suggestion()
    assert suggestion == tuner.insight().next_suggestion()
    assert suggestion.by == "GPFIFOSearcher"
    assert suggestion.reason["kind"] == "model"
    assert "expected improvement" in suggestion.explain()
    assert set(suggestion.config) == {"x0", "x1", "x2"}
    series = suggestion.to_series()
    assert series["config_x0"] == suggestion.config["x0"]
    assert series["explanation"] == str(suggestion)
    with pytest.raises(SynetuneLabError, match="load_tuner=True"):
        from_files.next_suggestion(by="scheduler")


def test_a_finished_run_is_not_sent_back_where_it_was() -> None:
    tuner, _ = hartmann_tuner(RandomSearch, num=40)
    tuner.run(progress=False)
    insight = tuner.insight()
    suggestion = insight.next_suggestion()
    drawn = insight.predict(
        [
            {f"x{k}": x for k, x in enumerate(point)}
            for point in np.random.RandomState(3).random_sample((100, 3))
        ]
    )
    # Better than what a random configuration lets expect.
    assert suggestion.mean is not None
    assert suggestion.mean < drawn["mean"].median()
    assert suggestion.config not in insight.observations.filter(like="config_").to_dict("records")


def test_the_run_does_what_was_foretold_and_does_not_notice(stopped_clock: Tuner) -> None:
    tuner = stopped_clock
    before = tuner.session.read(lambda engine: copy.deepcopy(engine.scheduler)).result()
    insight = tuner.insight()
    first, second = insight.next_suggestion(), tuner.insight().next_suggestion()
    assert first == second
    assert first.by == "ASHA"
    number = len(tuner.engine.trials)
    told = before.suggest(number)
    assert told.spawn_new_trial_id
    assert first.resumes is None
    assert first.config == {k: told.config[k] for k in ("x0", "x1", "x2")}
    assert "it is drawn at random" in first.explain()
    assert first.mean is not None
    tuner.set_speed(None).result(timeout=10)
    assert tuner.wait(60)
    found = tuner.engine.trials.peek(number).config
    assert {k: found[k] for k in first.config} == first.config
    undisturbed, _ = hartmann_tuner(type="promotion")
    undisturbed.run(progress=False)
    assert undisturbed.insight().observations.equals(tuner.insight().observations)


def test_what_waits_for_a_worker_comes_first(stopped_clock: Tuner) -> None:
    insight = stopped_clock.insight()
    stopped_clock.enqueue({**insight.best_config, "x0": 0.5}).result(timeout=10)
    enqueued = insight.next_suggestion()
    assert enqueued.config is not None
    assert enqueued.config["x0"] == 0.5
    assert "you have enqueued it" in enqueued.explain()
    assert insight.next_suggestion(by="model").by == "GPFIFOSearcher"


def test_a_promotion_is_told_as_one() -> None:
    reason = {"kind": "promoted", "level": 1, "to_level": 3, "rank": 2, "size": 9}
    suggestion = Suggestion("ASHA", {"x": 0.5}, "loss", "min", resumes=4, reason=reason)
    assert suggestion.explain() == (
        "ASHA would let trial 4 go on (x=0.5): it is number 2 of 9 at level 1, and goes on to "
        "level 3."
    )
    assert Suggestion("ASHA", None, "loss", "min").explain().startswith("ASHA has nothing to try")


def test_an_insight_is_of_one_moment(stopped_clock: Tuner) -> None:
    insight = stopped_clock.insight()
    rows = len(insight.observations)
    stopped_clock.step(100).result(timeout=60)
    assert len(insight.observations) == rows
    assert len(stopped_clock.insight(level="last").observations) > 0
    assert stopped_clock.insight().num_configurations > insight.num_configurations


def test_population_based_training() -> None:
    tuner, _ = hartmann_tuner(
        PopulationBasedTraining, num=60, perturbation_interval=3, population_size=6
    )
    tuner.run(progress=False)
    insight = tuner.insight()
    assert insight.num_configurations >= 10
    assert insight.importance()["importance"].sum() <= 1.5
    assert insight.next_suggestion().config is not None


def train(lr: float, width: float, epochs: int) -> None:
    from synetune_lab import Reporter

    report = Reporter()
    for epoch in range(1, epochs + 1):
        if width > 0.8 and epoch == 2:
            raise ValueError("it does not fit")
        report(epoch=epoch, loss=(np.log10(lr) + 2.0) ** 2 + width / epoch, other=width)


@pytest.mark.timeout(120)
def test_failures_of_real_trials_and_a_callback_that_asks() -> None:
    space = {"lr": loguniform(1e-4, 1.0), "width": uniform(0.0, 1.0), "epochs": 3}
    asked: list[Any] = []

    class Asks(TunerCallback):
        def on_trial_complete(self, trial: Any, result: dict[str, Any]) -> None:
            if trial.trial_id == 12 and not asked:  # on the session's own thread
                insight = self.tuner.insight()
                asked.append((insight.num_configurations, insight.next_suggestion().by))

        def on_tuning_start(self, tuner: Any) -> None:
            self.tuner = tuner

        def __getstate__(self) -> dict[str, Any]:
            return {}

    from synetune_lab.results_callback import StoreResultsCallback

    tuner = Tuner(
        PythonBackend(tune_function=train, config_space=space),
        RandomSearch(space, metric="loss", random_seed=2),
        StoppingCriterion(max_num_trials_finished=24),
        n_workers=2,
        max_failures=100,
        callbacks=[StoreResultsCallback(), Asks()],
    )
    with pytest.raises(StoreError, match="no results"):
        tuner.insight()
    tuner.run(progress=False)
    assert asked
    assert asked[0][1] == "RandomSearch"
    insight = load_experiment(tuner.name).insight()
    assert insight.level in (1, 3)
    frame = insight.slice("lr")
    truth = (np.log10(frame["value"]) + 2.0) ** 2 + insight.best_config["width"] / insight.level
    assert np.corrcoef(frame["mean"], truth)[0, 1] > 0.98
    assert insight.best_config["lr"] == pytest.approx(0.01, rel=2.0)
    assert threading.active_count() < 50
