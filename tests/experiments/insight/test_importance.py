"""Importance: known Sobol indices are found, and few data are refused."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synetune_lab.config_space import choice, loguniform, randint, uniform
from synetune_lab.errors import SynetuneLabError
from synetune_lab.experiments.insight.importance import sobol_indices
from synetune_lab.experiments.insight.space import ModelledSpace
from tests.experiments.insight.runs import sampled_rows, write_run

UNIT = {name: uniform(0.0, 1.0) for name in ("a", "b", "c", "d")}


def additive(config: dict[str, Any]) -> float:
    """Variances 9/12, 4/12 and 1/12; d does nothing."""
    return 3.0 * config["a"] + 2.0 * config["b"] + config["c"]


TRUE_SHARES = {"a": 9 / 14, "b": 4 / 14, "c": 1 / 14, "d": 0.0}


def test_shares_of_an_additive_function_come_out(experiments_folder: Path) -> None:
    rows = sampled_rows(UNIT, additive, 50, noise=0.05)
    frame = write_run(experiments_folder, UNIT, rows).insight().importance()
    found = frame.set_index("hyperparameter")
    for name, share in TRUE_SHARES.items():
        assert found["importance"][name] == pytest.approx(share, abs=0.02)
        assert found["total"][name] == pytest.approx(share, abs=0.03)
        assert found["low"][name] - 0.03 <= share <= found["high"][name] + 0.03
    assert frame["hyperparameter"].tolist()[:3] == ["a", "b", "c"]
    assert (frame["importance"] <= frame["total"]).all()
    assert frame["std"].max() < 0.1


def test_a_forest_agrees_on_what_matters(experiments_folder: Path) -> None:
    rows = sampled_rows(UNIT, additive, 200)
    frame = write_run(experiments_folder, UNIT, rows).insight().importance("forest")
    found = frame.set_index("hyperparameter")["importance"]
    for name, share in TRUE_SHARES.items():
        assert found[name] == pytest.approx(share, abs=0.12)


def test_the_ishigami_function_with_its_interaction() -> None:
    space = {name: uniform(-math.pi, math.pi) for name in ("x1", "x2", "x3")}

    def ishigami(x: np.ndarray) -> np.ndarray:
        x1, x2, x3 = (2.0 * x.T - 1.0) * math.pi
        return (np.sin(x1) + 7.0 * np.sin(x2) ** 2 + 0.1 * x3**4 * np.sin(x1))[:, None]

    found = sobol_indices(ishigami, ModelledSpace(space, space), 4096, 0)
    assert found.main[:, 0] == pytest.approx([0.3139, 0.4424, 0.0], abs=0.01)
    assert found.total[:, 0] == pytest.approx([0.5576, 0.4424, 0.2437], abs=0.01)


def test_shares_of_a_mixed_space(experiments_folder: Path) -> None:
    space = {
        "lr": loguniform(1e-4, 1.0),
        "layers": randint(1, 4),
        "kind": choice(["a", "b", "c"]),
        "idle": choice(["x", "y"]),
        "epochs": 9,
    }
    height = {"a": 0.0, "b": 1.0, "c": 2.0}

    def function(config: dict[str, Any]) -> float:
        decade = math.log10(config["lr"])  # uniform in [-4, 0], variance 16/12
        return decade + config["layers"] + 2.0 * height[config["kind"]]

    variances = np.array([16 / 12, 15 / 12, 4 * 2 / 3, 0.0])
    rows = sampled_rows(space, function, 80)
    frame = write_run(experiments_folder, space, rows).insight().importance()
    found = frame.set_index("hyperparameter")["importance"]
    assert list(found.index[:1]) == ["kind"]
    assert "epochs" not in found.index
    wanted = variances / variances.sum()
    for name, share in zip(("lr", "layers", "kind", "idle"), wanted, strict=True):
        assert found[name] == pytest.approx(share, abs=0.04)


def test_few_configurations_are_refused(experiments_folder: Path) -> None:
    rows = sampled_rows(UNIT, additive, 9)
    insight = write_run(experiments_folder, UNIT, rows).insight()
    with pytest.raises(SynetuneLabError, match=r"9 different configurations; .* needs 10 at least"):
        insight.importance()
    assert len(insight.slice("a")) > 10  # which is possible all the same
    with pytest.raises(ValueError, match="'gp' or 'forest'"):
        insight.importance("tree")


def test_a_flat_metric_has_no_importance(experiments_folder: Path) -> None:
    rows = sampled_rows(UNIT, lambda config: 0.5, 20)
    insight = write_run(experiments_folder, UNIT, rows).insight()
    assert insight.importance()["importance"].max() <= 1.0
    assert insight.slice("a")["mean"].to_numpy() == pytest.approx(0.5)
    assert insight.quality().verdict == "poor"
    assert insight.plot_quality().data
    assert insight.plot_slice("a", "b").data
