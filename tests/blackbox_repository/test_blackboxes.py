"""Tables, data frames, functions and surrogates as blackboxes."""

from __future__ import annotations

from typing import Any

import dill
import numpy as np
import pandas as pd
import pytest

from synetune_lab.blackbox_repository import (
    BlackboxOffline,
    UserBlackboxBackend,
    add_surrogate,
    from_function,
)
from synetune_lab.blackbox_repository.analytic import ANALYTIC, analytic_blackbox
from synetune_lab.blackbox_repository.make_surrogate import make_surrogate
from synetune_lab.blackbox_repository.utils import metrics_for_configuration
from synetune_lab.config_space import choice, loguniform, randint, uniform
from synetune_lab.errors import BlackboxError
from tests.blackbox_repository.tables import SPACE, small_table


def offline(**kwargs: Any) -> BlackboxOffline:
    table = small_table()
    features, values = table.hyperparameter_objectives_values()
    frame = pd.concat([features, values], axis=1)
    frame["seed"] = np.tile(np.repeat([0, 1], 6), 9)
    arguments = {
        "configuration_space": SPACE,
        "fidelity_space": {"epoch": randint(1, 9)},
        "seed_col": "seed",
        **kwargs,
    }
    return BlackboxOffline(frame, **arguments)


@pytest.mark.parametrize("box", [small_table(), offline()], ids=["tabular", "offline"])
def test_a_configuration_is_looked_up(box: Any) -> None:
    config = {"a": 2, "b": "y"}
    assert box(config, fidelity=4, seed=1) == {
        "metric_loss": pytest.approx(2.76),
        "metric_time": pytest.approx(80.0),
    }
    assert box(config, fidelity={"epoch": 4}, seed=1) == box(config, fidelity=4, seed=1)
    curve = box(config, seed=0)
    assert curve.shape == (9, 2)
    assert curve[:, 1].tolist() == pytest.approx([20.0 * e for e in range(1, 10)])
    assert box.num_seeds == 2
    assert box.fidelity_name() == "epoch"
    assert len(box.all_configurations()) == 6
    assert "a" in box.all_configurations()[0]


@pytest.mark.parametrize("box", [small_table(), offline()], ids=["tabular", "offline"])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"configuration": {"a": 2}}, "lacks 'b'"),
        ({"configuration": {"a": 7, "b": "x"}}, "not among the 6"),
        ({"configuration": {"a": 1, "b": "x"}, "fidelity": 11}, "epoch=11"),
        ({"configuration": {"a": 1, "b": "x"}, "fidelity": {"steps": 1}}, "fidelity must have"),
        ({"configuration": {"a": 1, "b": "x"}, "seed": 2}, "seed=2"),
    ],
)
def test_what_is_not_there_is_refused_by_name(
    box: Any, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(BlackboxError, match=message):
        box.objective_function(**arguments)


def test_values_that_went_through_a_csv_file_are_found() -> None:
    table = pd.DataFrame({"lr": [0.1, 1 / 3, np.float32(0.2)]})
    values = np.ones((3, 1, 1, 1))
    box = small_table(
        hyperparameters=table,
        configuration_space={"lr": loguniform(1e-3, 1)},
        fidelity_space=None,
        objectives_evaluations=values,
        objectives_names=["metric"],
    )
    assert box({"lr": 0.333333333333}) == {"metric": 1.0}
    assert box({"lr": float(np.float32(0.2))}) == {"metric": 1.0}
    with pytest.raises(BlackboxError, match="no fidelity"):
        box({"lr": 0.1}, fidelity=1)


def test_the_training_data_of_a_surrogate_have_the_documented_order() -> None:
    box = small_table()
    features, values = box.hyperparameter_objectives_values()
    assert features.columns.tolist() == ["a", "b", "epoch"]
    cube = values.to_numpy().reshape(9, 2, 6, 2)
    assert np.allclose(cube, box.objectives_evaluations.transpose(2, 1, 0, 3))
    features, values = box.hyperparameter_objectives_values(predict_curves=True)
    cube = values.to_numpy().reshape(2, 6, 9, 2)
    assert np.allclose(cube, box.objectives_evaluations.transpose(1, 0, 2, 3))
    assert len(features) == 12


def test_the_space_with_a_maximum_resource() -> None:
    assert small_table().configuration_space_with_max_resource_attr("epochs")["epochs"] == 9
    with pytest.raises(BlackboxError, match="hyperparameter"):
        small_table().configuration_space_with_max_resource_attr("a")


def test_objectives_are_renamed() -> None:
    box = small_table().rename_objectives({"metric_time": "seconds"})
    assert box({"a": 1, "b": "x"}, fidelity=1) == {"seconds": 10.0}
    with pytest.raises(BlackboxError, match="error"):
        small_table().rename_objectives({"error": "loss"})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"objectives_evaluations": np.zeros((6, 2, 9))}, "shape"),
        ({"objectives_evaluations": np.zeros((5, 2, 9, 2))}, "5 configurations"),
        ({"objectives_names": ["loss"]}, "1 names for 2"),
        ({"fidelity_values": [1, 2]}, "9 increasing"),
        ({"fidelity_values": [9, 8, 7, 6, 5, 4, 3, 2, 1]}, "increasing"),
        ({"configuration_space": {"a": choice([1])}}, "columns"),
    ],
)
def test_tables_that_do_not_fit_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(BlackboxError, match=message):
        small_table(**change)


def test_gaps_of_a_data_frame_are_told() -> None:
    full = offline()
    frame = full.df[~((full.df.a == 1) & (full.df.epoch > 3))]
    box = BlackboxOffline(frame, SPACE, {"epoch": randint(1, 9)}, seed_col="seed")
    assert np.isnan(box({"a": 1, "b": "x"})[3:]).all()
    with pytest.raises(BlackboxError, match="epoch=5"):
        box({"a": 1, "b": "x"}, fidelity=5)
    features, values = box.hyperparameter_objectives_values(predict_curves=True)
    assert set(features["a"]) == {2, 3}
    assert not np.isnan(values.to_numpy()).any()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed_col": None}, "several rows"),
        ({"seed_col": "run"}, "lacks the columns"),
        ({"objectives_names": ["loss"]}, "loss"),
    ],
)
def test_data_frames_that_do_not_fit_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(BlackboxError, match=message):
        offline(**change)


def loss_of(configuration: Any, fidelity: Any, seed: int | None) -> dict[str, float]:
    return {"loss": configuration["x"] / fidelity["epoch"] + (seed or 0)}


def test_a_function_is_a_blackbox() -> None:
    box = from_function({"x": uniform(0, 1)}, loss_of, {"epoch": randint(1, 4)}, ["loss"])
    assert box({"x": 1.0}, fidelity=2, seed=3) == {"loss": 3.5}
    assert box({"x": 1.0})[:, 0].tolist() == pytest.approx([1, 1 / 2, 1 / 3, 1 / 4])
    copy = dill.loads(dill.dumps(box))
    assert copy({"x": 1.0}, fidelity=2) == {"loss": 0.5}
    with pytest.raises(BlackboxError, match="recorded"):
        box.hyperparameter_objectives_values()


@pytest.mark.parametrize(
    ("fidelity", "message"),
    [(0, r"epoch=0.*randint\(1, 4\)"), (5, "epoch=5"), (2.5, "epoch=2.5"), ("2", "epoch='2'")],
)
def test_a_function_is_not_called_outside_of_its_fidelity_space(
    fidelity: Any, message: str
) -> None:
    def never(configuration: Any, fidelity: Any) -> dict[str, float]:
        raise AssertionError

    box = from_function({"x": uniform(0, 1)}, never, {"epoch": randint(1, 4)}, ["loss"])
    with pytest.raises(BlackboxError, match=message):
        box({"x": 1.0}, fidelity=fidelity)


def test_whole_numbers_of_any_type_are_fidelities() -> None:
    box = from_function({"x": uniform(0, 1)}, loss_of, {"epoch": randint(1, 4)}, ["loss"])
    for fidelity in (2, 2.0, np.int64(2), np.float64(2)):
        assert box({"x": 1.0}, fidelity=fidelity) == {"loss": 0.5}


def timed(configuration: Any, fidelity: Any) -> dict[str, float]:
    return {"y": configuration["x"], "t": 10.0 * fidelity["epoch"]}


def test_objectives_that_were_not_named_are_found_by_the_first_call() -> None:
    calls = []

    def counted(configuration: Any, fidelity: Any) -> dict[str, float]:
        calls.append((configuration, fidelity))
        return timed(configuration, fidelity)

    space = {"x": uniform(0, 1), "kind": "constant"}
    box = from_function(space, counted, {"epoch": randint(2, 4)})
    assert not calls
    assert box({"x": 0.25}, fidelity=3) == {"y": 0.25, "t": 30.0}
    assert box.objectives_names == ["y", "t"]
    assert len(calls) == 1
    box = from_function(space, counted, {"epoch": randint(2, 4)})
    assert box.objectives_names == ["y", "t"]
    assert calls[-1] == ({"x": 0.5, "kind": "constant"}, {"epoch": 2})


def test_a_function_without_named_objectives_can_be_simulated() -> None:
    box = from_function({"x": uniform(0, 1)}, timed, {"epoch": randint(1, 4)})
    backend = UserBlackboxBackend(box, elapsed_time_attr="t")
    assert backend.blackbox.objectives_names == ["y", "t"]
    assert dill.loads(dill.dumps(box)).objectives_names == ["y", "t"]


def test_a_function_that_fails_when_asked_for_its_objectives_is_told_so() -> None:
    def fail(configuration: Any) -> dict[str, float]:
        raise ZeroDivisionError

    box = from_function({"x": uniform(0, 1)}, fail)
    with pytest.raises(BlackboxError, match=r"ZeroDivisionError.*Pass objectives_names"):
        _ = box.objectives_names


@pytest.mark.parametrize(
    ("result", "message"), [(0.5, "by name"), ({}, "by name"), ({"y": 1.0}, "lacks.*'loss'")]
)
def test_what_a_function_must_return(result: Any, message: str) -> None:
    box = from_function({"x": uniform(0, 1)}, lambda configuration: result, None, ["loss"])
    with pytest.raises(BlackboxError, match=message):
        box({"x": 0.5})


def test_results_of_a_configuration() -> None:
    box = small_table()
    config = {"a": 2, "b": "y"}
    results = metrics_for_configuration(box, config, "epoch", (3, 5), seed=1)
    assert [result["epoch"] for result in results] == [3, 4, 5]
    assert results[1] == {**box(config, fidelity=4, seed=1), "epoch": 4}  # type: ignore[dict-item]
    assert len(metrics_for_configuration(box, config, "epoch")) == 9
    drawn = {metrics_for_configuration(box, config, "e")[0]["metric_loss"] for _ in range(64)}
    assert drawn == {box(config, fidelity=1, seed=seed)["metric_loss"] for seed in (0, 1)}


@pytest.mark.parametrize(
    ("box", "arguments", "message"),
    [
        (small_table(), {"fidelity_range": (5, 3)}, "fidelity_range"),
        (small_table(), {"resource_attr": "metric_loss"}, "resource_attr='metric_loss'"),
        (small_table(), {"seed": 2}, "seed=2"),
        (analytic_blackbox("branin"), {}, "no fidelity"),
    ],
)
def test_results_that_cannot_be_had(box: Any, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(BlackboxError, match=message):
        metrics_for_configuration(
            box, **{"config": {"a": 1, "b": "x"}, "resource_attr": "epoch", **arguments}
        )


@pytest.mark.parametrize("size", [3, 6])
def test_less_fidelity_lowers_each_weight_of_hartmann(size: int) -> None:
    """Kandasamy et al. 2017: alpha_i(z) = alpha_i - 0.1 (1 - z), for all four."""
    weighted = ANALYTIC[f"hartmann{size}-mf"].weighted
    assert weighted is not None
    a, p = weighted
    box = analytic_blackbox(f"hartmann{size}-mf")
    # At the centre of a term it is 1; there each of the four weights shows.
    for x in p:
        bumps = np.exp(-(a * (x - p) ** 2).sum(axis=1))
        config = {f"x{i}": float(value) for i, value in enumerate(x)}
        for epochs in (1, 9, 27):
            weights = np.array([1.0, 1.2, 3.0, 3.2]) - 0.1 * (1 - epochs / 27)
            value = box(config, fidelity=epochs)["metric_value"]
            assert value == pytest.approx(-weights @ bumps, abs=1e-12)


@pytest.mark.parametrize(("name", "known"), ANALYTIC.items())
def test_functions_have_their_known_minimum(name: str, known: Any) -> None:
    from scipy.optimize import differential_evolution

    box = analytic_blackbox(name)
    fidelity = None if box.fidelity_space is None else 27

    def value(x: Any) -> float:
        config = {f"x{i}": float(v) for i, v in enumerate(x)}
        return box(config, fidelity=fidelity)["metric_value"]

    found = min(
        differential_evolution(value, known.bounds, rng=seed, tol=1e-10).fun for seed in range(4)
    )
    assert found == pytest.approx(known.minimum, abs=1e-5)


def test_the_nearest_neighbour_gives_what_was_recorded() -> None:
    box = small_table()
    space = {"a": randint(1, 3), "b": choice(["x", "y"])}
    surrogate = add_surrogate(box, configuration_space=space, separate_seeds=True)
    for config in box.all_configurations():
        for seed in (0, 1):
            assert np.allclose(surrogate(config, seed=seed), box(config, seed=seed))
    assert surrogate.num_seeds == 2
    assert surrogate.num_fidelities == 9
    assert add_surrogate(box).num_seeds == 1


@pytest.mark.parametrize("predict_curves", [True, False])
def test_times_that_add_up_never_go_back(predict_curves: bool) -> None:
    box = small_table(seeds=1)
    surrogate = add_surrogate(
        box,
        surrogate=make_surrogate("RandomForestRegressor", {"n_estimators": 5, "random_state": 0}),
        configuration_space={"a": uniform(1, 3), "b": choice(["x", "y"])},
        predict_curves=predict_curves,
        fit_differences=["metric_time"],
    )
    for a in np.linspace(1, 3, 9):
        curve = surrogate({"a": float(a), "b": "x"})
        assert (np.diff(curve[:, 1]) >= 0).all()
    assert surrogate({"a": 1.0, "b": "x"}, fidelity=9)["metric_time"] == pytest.approx(90, rel=0.3)


def test_a_surrogate_of_a_data_frame_takes_the_fidelity_as_input() -> None:
    surrogate = add_surrogate(offline())
    assert not surrogate.predict_curves
    assert surrogate({"a": 2, "b": "y"}, fidelity=4)["metric_time"] == pytest.approx(80.0)
    assert surrogate({"a": 2, "b": "y"}).shape == (9, 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"surrogate": "Forest"}, "Forest"),
        ({"fit_differences": ["time"]}, "time"),
        ({"configuration_space": {"a": randint(1, 3)}}, "lacks"),
    ],
)
def test_wrong_arguments_of_surrogates_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(BlackboxError, match=message):
        add_surrogate(small_table(), **arguments)
