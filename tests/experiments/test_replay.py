"""A run as a blackbox, and its replay under other schedulers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from synetune_lab import StoppingCriterion, Tuner
from synetune_lab.backend.simulator_backend import SimulatorCallback
from synetune_lab.blackbox_repository import UserBlackboxBackend, add_surrogate, load_blackbox
from synetune_lab.blackbox_repository.blackbox_tabular import deserialize, serialize
from synetune_lab.errors import BlackboxError
from synetune_lab.experiments import blackbox_from_experiment, load_experiment, replay
from synetune_lab.optimizer.baselines import ASHA, RandomSearch


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A run of ASHA on digits, whose trials end early or late."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYNETUNE_FOLDER", str(tmp_path_factory.mktemp("home")))
        box = add_surrogate(load_blackbox("digits-mlp")["digits"])
        space = box.configuration_space_with_max_resource_attr("epochs")
        tuner = Tuner(
            UserBlackboxBackend(box, "metric_elapsed_time", max_resource_attr="epochs"),
            ASHA(space, "metric_valid_error", "epoch", max_resource_attr="epochs", random_seed=1),
            StoppingCriterion(max_num_trials_started=60),
            n_workers=4,
            callbacks=[SimulatorCallback()],
        )
        tuner.run(progress=False)
        yield tuner, box, space


def test_recorded_curves_come_as_they_were(recorded: Any) -> None:
    tuner, box, _ = recorded
    made = blackbox_from_experiment(tuner, elapsed_time_attr="metric_elapsed_time")
    assert made.objectives_names == ["metric_valid_error", "elapsed_time"]
    assert made.fidelity_values[-1] == 81
    complete = 0
    for record in tuner.engine.trials.values():
        known = made.num_recorded(record.config)
        if not known:
            continue
        curve, truth = made.curve(record.config), box.curve(record.config)
        assert np.allclose(curve[:known, 0], truth[:known, 0])
        assert np.allclose(curve[:known, 1], truth[:known, 3], rtol=1e-5)
        assert (np.diff(curve[:, 1]) >= 0).all()
        complete += known == 81
    assert complete >= 2


def test_what_was_not_run_is_predicted(recorded: Any) -> None:
    tuner, box, _ = recorded
    made = blackbox_from_experiment(tuner, elapsed_time_attr="metric_elapsed_time")
    state = np.random.RandomState(3)
    found, truth = [], []
    for _ in range(60):
        config = {name: d.sample(random_state=state) for name, d in box.configuration_space.items()}
        assert made.num_recorded(config) == 0
        found.append(made(config, fidelity=9)["metric_valid_error"])
        truth.append(box(config, fidelity=9)["metric_valid_error"])
    assert pd.Series(found).corr(pd.Series(truth), method="spearman") > 0.6


def test_a_replay_tells_what_another_scheduler_would_have_done(recorded: Any) -> None:
    tuner, _, space = recorded
    made = blackbox_from_experiment(tuner, elapsed_time_attr="metric_elapsed_time")
    answer = replay(
        tuner,
        ASHA(
            space,
            "metric_valid_error",
            "epoch",
            max_resource_attr="epochs",
            reduction_factor=4,
            random_seed=2,
        ),
        blackbox=made,
    )
    table = answer.table()
    assert list(table.index) == ["real", "replayed"]
    real = tuner.callbacks[0].dataframe()
    assert table.loc["real", "best"] == pytest.approx(real.metric_valid_error.min())
    assert table.loc["replayed", "best"] < 0.2
    assert table.loc["replayed", "length (s)"] <= table.loc["real", "length (s)"] + 1e-6
    figure = answer.plot()
    assert [trace.name for trace in figure.data] == ["real", "replayed"]
    assert answer.tuner.n_workers == 4


def test_the_same_scheduler_comes_to_much_the_same(recorded: Any) -> None:
    tuner, _, space = recorded
    scheduler = ASHA(
        space, "metric_valid_error", "epoch", max_resource_attr="epochs", random_seed=1
    )
    made = blackbox_from_experiment(tuner, elapsed_time_attr="metric_elapsed_time")
    answer = replay(tuner, scheduler, blackbox=made)
    real, again = answer.real.results, answer.replayed.results
    assert real is not None
    assert again is not None
    first = [real[real.trial_id == i].iloc[0].metric_valid_error for i in range(10)]
    repeated = [again[again.trial_id == i].iloc[0].metric_valid_error for i in range(10)]
    assert first == pytest.approx(repeated)


def test_it_takes_an_experiment_by_name(recorded: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    tuner, _, _ = recorded
    by_path = blackbox_from_experiment(str(tuner.tuner_path))
    experiment = load_experiment(tuner.name, local_path=tuner.tuner_path.parent)
    by_result = blackbox_from_experiment(experiment)
    config = tuner.engine.trials[0].config
    assert np.allclose(by_path.curve(config), by_result.curve(config))


def test_what_can_not_be_used_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNETUNE_FOLDER", str(tmp_path))
    with pytest.raises(BlackboxError, match="must be a tuner"):
        blackbox_from_experiment(3)
    box = add_surrogate(load_blackbox("digits-mlp")["digits"])
    tuner = Tuner(
        UserBlackboxBackend(box, "metric_elapsed_time"),
        RandomSearch(box.configuration_space, "metric_valid_error", random_seed=1),
        StoppingCriterion(max_num_trials_completed=2),
        n_workers=2,
    )
    with pytest.raises(BlackboxError, match="no results"):
        blackbox_from_experiment(tuner)
    tuner.run(progress=False)
    with pytest.raises(BlackboxError, match="seconds"):
        blackbox_from_experiment(tuner, elapsed_time_attr="seconds")
    with pytest.raises(BlackboxError, match="steps"):
        blackbox_from_experiment(tuner, resource_attr="steps")
    assert blackbox_from_experiment(tuner).num_recorded(tuner.engine.trials[0].config) == 81


def test_a_run_that_is_named_is_replayed_with_its_own_workers(
    recorded: Any, monkeypatch: Any
) -> None:
    tuner, _, space = recorded
    monkeypatch.setenv("SYNETUNE_FOLDER", str(tuner.tuner_path.parent))

    def scheduler() -> RandomSearch:
        return RandomSearch(space, "metric_valid_error", random_seed=5)

    by_tuner = replay(tuner, scheduler())
    by_name = replay(tuner.name, scheduler())
    assert by_name.tuner.n_workers == by_tuner.tuner.n_workers == tuner.n_workers
    assert by_name.table().loc["replayed", "trials"] == by_tuner.table().loc["replayed", "trials"]
    (tuner.tuner_path / "run.json").rename(tuner.tuner_path / "elsewhere.json")
    try:
        with pytest.raises(BlackboxError, match="pass n_workers"):
            replay(tuner.name, scheduler())
    finally:
        (tuner.tuner_path / "elsewhere.json").rename(tuner.tuner_path / "run.json")


def test_a_scheduler_for_something_else_is_refused(recorded: Any) -> None:
    tuner, _, space = recorded
    with pytest.raises(BlackboxError, match=r"mode='min', and the scheduler has .*mode='max'"):
        replay(tuner, RandomSearch(space, "metric_valid_error", mode="max"))
    with pytest.raises(BlackboxError, match="metric='metric_train_loss'"):
        replay(tuner, RandomSearch(space, "metric_train_loss"))


def test_a_run_becomes_a_benchmark_that_can_be_saved(recorded: Any, tmp_path: Path) -> None:
    tuner, *_ = recorded
    made = blackbox_from_experiment(tuner, elapsed_time_attr="metric_elapsed_time")
    features, values = made.hyperparameter_objectives_values()
    known = sum(made.num_recorded(config) for config in made.recorded.configs)
    assert len(features) == len(values) == known
    assert list(features)[-1] == made.fidelity_name()
    row = {name: features.iloc[7][name] for name in made.configuration_space}
    told = made.objective_function(row, {made.fidelity_name(): int(features.iloc[7].iloc[-1])})
    assert told == pytest.approx(values.iloc[7].to_dict())
    serialize({"run": made.to_tabular()}, tmp_path / "run")
    again = deserialize(tmp_path / "run")["run"]
    for config in made.recorded.configs[:5]:
        assert np.allclose(again.objective_function(config), made.curve(config), rtol=1e-5)
    learnt = add_surrogate(made)
    assert learnt.objectives_names == made.objectives_names
