"""Surrogates predict fast, and what scikit-learn's pipeline predicts."""

from __future__ import annotations

from typing import Any

import dill
import numpy as np
import pandas as pd
import pytest
from sklearn.neighbors import KNeighborsRegressor

from synetune_lab.blackbox_repository import BlackboxSurrogate, add_surrogate
from synetune_lab.blackbox_repository.recent_curves import RecentCurves
from synetune_lab.config_space import choice, lograndint, loguniform, randint, uniform
from tests.blackbox_repository.tables import small_table

SPACE = {
    "activation": choice(["relu", "tanh", "None"]),
    "lr": loguniform(1e-4, 1.0),
    "layers": choice([1, 2, 4]),
    "units": lograndint(8, 512),
    "dropout": uniform(0.0, 0.9),
    "norm": choice([True, False]),
    "optimizer": choice(["adam", "sgd"]),
    "dataset": "digits",
}
EPOCHS = 5


def sampled(count: int, seed: int) -> list[dict[str, Any]]:
    state = np.random.RandomState(seed)
    return [
        {n: d.sample(random_state=state) if n != "dataset" else d for n, d in SPACE.items()}
        for _ in range(count)
    ]


class Counting(KNeighborsRegressor):
    """Counts its predictions."""

    calls = 0

    def predict(self, X: Any) -> Any:
        type(self).calls += 1
        return super().predict(X)


def learnt(cls: Any = BlackboxSurrogate, **kwargs: Any) -> BlackboxSurrogate:
    """A surrogate of noise, at 40 configurations."""
    state = np.random.RandomState(1)
    features = pd.DataFrame(sampled(40, 0)).drop(columns="dataset")
    kind = kwargs.pop("kind")
    fidelity = None if kind == "plain" else {"epoch": randint(1, EPOCHS)}
    outputs = 2 * EPOCHS if kind == "curves" else 2
    if kind == "rows":
        features = features.loc[np.tile(np.arange(40), EPOCHS)].reset_index(drop=True)
        features["epoch"] = np.repeat(np.arange(1, EPOCHS + 1), 40)
    values = pd.DataFrame(state.rand(len(features), outputs))
    arguments = {"predict_curves": kind == "curves", **kwargs}
    return cls(features, values, SPACE, ["loss", "time"], fidelity, **arguments)


@pytest.mark.parametrize("kind", ["plain", "curves", "rows"])
@pytest.mark.parametrize("model", ["KNeighborsRegressor", "RandomForestRegressor", "MLPRegressor"])
@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_rows_are_encoded_as_the_pipeline_does(kind: str, model: str) -> None:
    box = learnt(kind=kind, surrogate=model)
    pipeline = box._pipelines[0]
    for config in [*sampled(10, 5), {**sampled(1, 6)[0], "activation": "never seen"}]:
        frame = pd.DataFrame([config] * (EPOCHS if kind == "rows" else 1))
        if kind == "rows":
            frame["epoch"] = range(1, EPOCHS + 1)
        expected = pipeline.predict(frame).reshape(-1, 2)
        assert np.array_equal(box.curve(config), expected)
        if kind == "rows":
            at_3 = box.objective_function(config, fidelity=3)
            assert list(at_3.values()) == pipeline.predict(frame[2:3])[0].tolist()


def test_a_curve_is_predicted_once_and_without_data_frames(monkeypatch: Any) -> None:
    box = learnt(kind="curves", surrogate=Counting())
    monkeypatch.setattr(pd.DataFrame, "__init__", None)
    one, other = sampled(2, 7)
    Counting.calls = 0
    first = box.curve(one)
    first[:] = -1.0  # a caller's copy
    assert (box.curve(one) > 0).all()
    assert np.array_equal(box(one), box.curve(one))
    assert box(one, fidelity=2)["loss"] == box.curve(one)[1, 0]
    assert Counting.calls == 1
    box.curve(other)
    assert Counting.calls == 2


def test_seeds_have_curves_of_their_own() -> None:
    box = add_surrogate(small_table(), separate_seeds=True)
    config = {"a": 1, "b": "x"}
    curves = [box.curve(config, seed) for seed in (0, 1, 0, 1)]
    assert np.allclose(curves[1][:, 0] - curves[0][:, 0], 0.01)
    assert np.array_equal(curves[0], curves[2])
    assert np.array_equal(curves[1], curves[3])


def test_kept_curves_are_not_saved() -> None:
    box = learnt(kind="curves")
    empty = len(dill.dumps(box))
    for config in sampled(50, 8):
        box.curve(config)
    assert len(dill.dumps(box)) < empty + 100
    again = dill.loads(dill.dumps(box))
    assert np.array_equal(again.curve(sampled(1, 8)[0]), box.curve(sampled(1, 8)[0]))


def test_the_curves_asked_for_longest_ago_are_given_up() -> None:
    kept, made = RecentCurves(limit=3 * (80 + 512)), []

    def ask(key: str) -> None:
        def make() -> np.ndarray:
            made.append(key)
            return np.full((5, 2), 1.0)

        kept.get(key, make)

    for key in "abcadbc":
        ask(key)
    assert "".join(made) == "abcdbc"
    assert len(kept) == 3
    tiny = RecentCurves(limit=1)
    assert tiny.get("a", lambda: np.ones((9, 9))).shape == (9, 9)
    assert len(tiny) == 1


class Only(BlackboxSurrogate):
    """Learns from one hyperparameter only."""

    @staticmethod
    def make_model_pipeline(*args: Any, **kwargs: Any) -> Any:
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import FunctionTransformer

        model = args[2]
        return make_pipeline(FunctionTransformer(lambda frame: frame[["lr"]].to_numpy()), model)


@pytest.mark.parametrize("kind", ["curves", "rows"])
def test_a_pipeline_of_ones_own_is_asked_as_it_is(kind: str) -> None:
    box = learnt(Only, kind=kind)
    config, other = sampled(2, 9)
    frame = pd.DataFrame([config] * (EPOCHS if kind == "rows" else 1))
    assert np.array_equal(box.curve(config), box._pipelines[0].predict(frame).reshape(-1, 2))
    assert np.array_equal(box.curve({**other, "lr": config["lr"]}), box.curve(config))
