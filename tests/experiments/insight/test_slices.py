"""Slices, quality and figures: near the truth, for all kinds of hyperparameters and both modes."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from synetune_lab.config_space import choice, finrange, loguniform, ordinal, randint
from synetune_lab.errors import ConfigSpaceError, InvalidConfigError, StoreError
from synetune_lab.experiments import Insight
from synetune_lab.experiments.insight.left_out import left_out_predictions
from tests.experiments.insight.runs import sampled_rows, write_run

MIXED = {
    "lr": loguniform(1e-4, 1.0),
    "units": randint(1, 20),
    "kind": choice(["plain", "fancy", "odd"]),
    "size": ordinal([8, 32, 128]),
    "rate": finrange(0.0, 0.5, 11),
    "epochs": 27,
}
HEIGHT = {"plain": 0.0, "fancy": -0.5, "odd": 0.3}


def valley(config: dict[str, Any]) -> float:
    decade = math.log10(config["lr"])
    bowl = 0.25 * (decade + 2.0) ** 2 + 0.004 * (config["units"] - 12) ** 2
    return bowl + HEIGHT[config["kind"]] + 0.1 * config["rate"]


@pytest.fixture
def insight(experiments_folder: Path) -> Insight:
    rows = sampled_rows(MIXED, valley, 90, noise=0.01)
    return write_run(experiments_folder, MIXED, rows).insight()


def test_a_slice_is_near_the_truth(insight: Insight) -> None:
    at = {**insight.best_config, "kind": "plain"}
    for name in ("lr", "units", "kind", "rate", "size"):
        frame = insight.slice(name, at=at)
        assert list(frame) == ["value", "mean", "std", "lower", "upper"]
        truth = [valley({**at, name: value}) for value in frame["value"]]
        assert frame["mean"].to_numpy() == pytest.approx(truth, abs=0.12)
        inside = (frame["lower"] <= truth) & (truth <= frame["upper"])
        assert inside.mean() > 0.7
        assert (frame["lower"] < frame["mean"]).all()


def test_points_are_values_of_the_domain(insight: Insight) -> None:
    assert insight.slice("kind")["value"].tolist() == ["plain", "fancy", "odd"]
    assert insight.slice("units")["value"].tolist() == list(range(1, 21))
    assert insight.slice("size")["value"].tolist() == [8, 32, 128]
    lr = insight.slice("lr", num_points=5)["value"]
    assert lr.to_numpy() == pytest.approx([1e-4, 1e-3, 1e-2, 0.1, 1.0])


def test_the_plane_of_two(insight: Insight) -> None:
    frame = insight.slice("lr", "kind", num_points=9)
    assert list(frame) == ["lr", "kind", "mean", "std", "lower", "upper"]
    assert len(frame) == 27
    at = insight.best_config
    truth = [valley({**at, "lr": a, "kind": b}) for a, b in zip(frame.lr, frame.kind, strict=True)]
    assert frame["mean"].to_numpy() == pytest.approx(truth, abs=0.15)


def test_averages_over_the_other_hyperparameters(insight: Insight) -> None:
    frame = insight.slice("lr", average=True)
    bowl = 0.25 * (np.log10(frame["value"].to_numpy()) + 2.0) ** 2
    mean_rest = np.mean([0.004 * (u - 12) ** 2 for u in range(1, 21)]) - 0.2 / 3 + 0.025
    assert frame["mean"].to_numpy() == pytest.approx(bowl + mean_rest, abs=0.08)
    # An average is better known than a point.
    assert frame["std"].mean() < insight.slice("lr")["std"].mean()
    assert len(insight.slice("lr", "kind", average=True, num_points=5)) == 15


def test_max_mode_mirrors_min_mode(experiments_folder: Path) -> None:
    rows = sampled_rows(MIXED, valley, 60)
    low = write_run(experiments_folder, MIXED, rows, "low").insight()
    mirrored = [{**row, "loss": -row["loss"]} for row in rows]
    high = write_run(experiments_folder, MIXED, mirrored, "high", metric_mode="max").insight()
    assert high.best_config == low.best_config
    assert high.best_value == -low.best_value
    first, second = low.slice("lr"), high.slice("lr")
    assert second["mean"].to_numpy() == pytest.approx(-first["mean"].to_numpy())
    assert second["upper"].to_numpy() == pytest.approx(-first["lower"].to_numpy())
    suggested = high.next_suggestion()
    assert suggested.mode == "max"
    assert suggested.improvement is not None
    assert suggested.improvement >= 0.0


def test_quality_tells_a_good_model_from_a_bad_one(
    insight: Insight, experiments_folder: Path
) -> None:
    quality = insight.quality()
    assert quality.verdict == "good"
    assert quality.r2 > 0.85
    assert quality.rank_correlation > 0.9
    assert abs(quality.miscalibration) < 0.3
    assert str(quality).startswith("good: unseen trials are predicted with R²")
    state = np.random.RandomState(1)
    for num in (20, 60):
        rows = sampled_rows(MIXED, lambda config: state.standard_normal(), num)
        noise = write_run(experiments_folder, MIXED, rows, f"noise-{num}").insight()
        assert noise.quality().verdict == "poor"


def test_leaving_out_in_closed_form_is_leaving_out(insight: Insight) -> None:
    surrogate = insight.surrogate
    groups = np.minimum(np.arange(len(surrogate.targets)), 87)  # the last three together
    mean, std = left_out_predictions(surrogate.posterior, groups)
    for group in (0, 87):
        is_out = groups == group
        alone = surrogate.regression.posterior(
            surrogate.theta, surrogate.inputs[~is_out], surrogate.targets[~is_out]
        )
        expected = alone.predict(surrogate.inputs[is_out])
        assert mean[is_out] == pytest.approx(expected.mean[:, 0], abs=1e-4)
        spread = np.sqrt(expected.std[:, 0] ** 2 + alone.noise_variance)
        assert std[is_out] == pytest.approx(spread, rel=1e-3)


def test_bad_values_do_not_drown_the_others(experiments_folder: Path) -> None:
    rows = sampled_rows(MIXED, valley, 80)
    for position, value in ((3, math.inf), (7, 1e12), (11, None), (13, math.nan)):
        rows[position]["loss"] = value
    insight = write_run(experiments_folder, MIXED, rows).insight()
    assert insight.num_configurations == 78
    at = insight.best_config
    frame = insight.slice("kind")
    truth = [valley({**at, "kind": value}) for value in frame["value"]]
    assert frame["mean"].to_numpy() == pytest.approx(truth, abs=0.35)
    assert np.isfinite(insight.importance()["importance"]).all()


@pytest.mark.parametrize(("mode", "symbol"), [("min", "triangle-up"), ("max", "triangle-down")])
def test_trials_that_were_worse_than_they_are_drawn_look_different(
    experiments_folder: Path, mode: str, symbol: str
) -> None:
    rows = sampled_rows(MIXED, valley, 60)
    sign = 1.0 if mode == "min" else -1.0
    for row in rows:
        row["loss"] *= sign
    for position, value in ((3, math.inf), (7, 1e12)):
        rows[position]["loss"] = sign * value
    run = write_run(experiments_folder, MIXED, rows, metric_mode=mode)
    figure = run.insight().plot_slice("lr")
    (worse,) = (trace for trace in figure.data if trace.name == "trials that were worse than shown")
    assert worse.marker.symbol == symbol
    assert len(worse.x) == 2
    assert len(next(trace for trace in figure.data if "faint" in (trace.name or "")).x) == 58


def test_predictions_of_configurations(insight: Insight) -> None:
    best = {f"config_{name}": value for name, value in insight.best_config.items()}
    one = insight.predict({**best, "trial_id": 3, "config_epochs": 27})
    assert len(one) == 1
    assert one["mean"][0] == pytest.approx(valley(insight.best_config), abs=0.1)
    several = insight.predict([{"kind": "odd"}, {"kind": "fancy"}])
    assert several["mean"][0] - several["mean"][1] == pytest.approx(0.8, abs=0.15)


def test_wrong_questions_are_answered_with_what_would_be_right(insight: Insight) -> None:
    with pytest.raises(ConfigSpaceError, match="'epochs' must be a hyperparameter of the model"):
        insight.slice("epochs")
    with pytest.raises(ConfigSpaceError, match="one hyperparameter, or two"):
        insight.slice("lr", "lr")
    with pytest.raises(InvalidConfigError, match="kind='pretty' must be a value"):
        insight.slice("lr", at={"kind": "pretty"})
    with pytest.raises(ConfigSpaceError, match="'nothing' is no hyperparameter"):
        insight.slice("lr", at={"nothing": 3})
    with pytest.raises(ValueError, match="num_points=1"):
        insight.slice("lr", num_points=1)
    with pytest.raises(ValueError, match="by='me'"):
        insight.next_suggestion(by="me")


def test_figures(insight: Insight, tmp_path: Path) -> None:
    line = insight.plot_slice("lr", figure_path=tmp_path / "line.html", width=700)
    assert isinstance(line, go.Figure)
    assert (line.layout.title.y, line.layout.title.pad.t) == (1.0, 14)
    assert line.layout.xaxis.type == "log"
    assert line.layout.width == 700
    assert (tmp_path / "line.html").exists()
    names = [trace.name for trace in line.data]
    assert names[0] == "95 % interval"
    assert "best trial" in names
    bars = insight.plot_slice("kind")
    assert isinstance(bars.data[0], go.Bar)
    assert list(bars.layout.xaxis.ticktext) == ["plain", "fancy", "odd"]
    plane = insight.plot_slice("lr", "units")
    assert isinstance(plane.data[0], go.Contour)
    assert isinstance(insight.plot_slice("lr", "kind").data[0], go.Heatmap)
    assert insight.plot_slice("lr", average=True).data
    everything = insight.plot_slices()
    assert sum(trace.name == "predicted mean" for trace in everything.data) == 5
    importance = insight.plot_importance()
    assert importance.data[0].y[-1] == insight.importance()["hyperparameter"][0]
    assert len(insight.plot_quality().data) == 4


def test_the_same_seed_gives_the_same_answers(experiments_folder: Path) -> None:
    rows = sampled_rows(MIXED, valley, 40)
    run = write_run(experiments_folder, MIXED, rows)
    first, second = run.insight(random_seed=3), run.insight(random_seed=3)
    assert first.slice("lr").equals(second.slice("lr"))
    assert first.importance().equals(second.importance())
    assert first.next_suggestion() == second.next_suggestion()


def test_too_little_is_said(experiments_folder: Path) -> None:
    rows = sampled_rows(MIXED, valley, 2)
    with pytest.raises(StoreError, match="2 different configurations; a model needs 3"):
        write_run(experiments_folder, MIXED, rows, "two").insight()
    nothing = [{**row, "loss": None} for row in sampled_rows(MIXED, valley, 5)]
    with pytest.raises(StoreError, match="no value of 'loss'"):
        write_run(experiments_folder, MIXED, nothing, "none").insight()
    endless = [{**row, "loss": math.inf} for row in sampled_rows(MIXED, valley, 5)]
    with pytest.raises(StoreError, match="never a finite number"):
        write_run(experiments_folder, MIXED, endless, "endless").insight()


def test_many_observations_are_thinned_and_the_best_stays(experiments_folder: Path) -> None:
    rows = sampled_rows(MIXED, valley, 150)
    insight = write_run(experiments_folder, MIXED, rows).insight(max_observations=60)
    assert insight.notes == ["of 150 observations, the model has 60"]
    assert len(insight.surrogate.observations) == 60
    assert insight.best_value in insight.surrogate.observations.values
    assert len(insight.observations) == 150
    with pytest.raises(ValueError, match="max_observations=3"):
        write_run(experiments_folder, MIXED, rows, "again").insight(max_observations=3)


def test_trials_outside_a_narrowed_space_still_inform(experiments_folder: Path) -> None:
    rows = sampled_rows(MIXED, valley, 80)
    narrow = {**MIXED, "lr": loguniform(1e-3, 0.1), "kind": choice(["plain", "odd"])}
    insight = write_run(experiments_folder, narrow, rows).insight()
    assert insight.num_configurations == 80
    values = insight.slice("lr")["value"]
    assert (values.min(), values.max()) == pytest.approx((1e-3, 0.1))
    assert insight.slice("kind")["value"].tolist() == ["plain", "odd"]
    suggested = insight.next_suggestion().config
    assert suggested is not None
    assert 1e-3 <= suggested["lr"] <= 0.1
    assert suggested["kind"] in ("plain", "odd")
    assert len(insight.importance()) == 5
    assert insight.plot_slice("kind").data
