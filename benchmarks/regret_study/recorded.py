"""Recorded benchmarks as functions that every method can take, whatever space it needs.

The value at a configuration is the average of the nearest recorded ones by Shepard's weights in the
form of Franke and Little (Franke: Scattered Data Interpolation, Math. Comp. 38, 1982). It goes
through all recorded values, it is continuous, and its minimum is the smallest recorded value.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.regret_study.space import Choice, Config, Number, Parameter, encode

_FOLDER = Path(__file__).parents[2] / "synetune_lab" / "blackbox_repository" / "bundled"
_NEIGHBOURS = 8
# Name -> file, objective, space (that of the recorded configurations).
_TABLES: dict[str, tuple[str, str, tuple[Parameter, ...]]] = {
    "digits-mlp": (
        "digits-mlp-digits.npz",
        "metric_valid_error",
        (
            Number("learning_rate", 1e-4, 1.0, log=True),
            Number("batch_size", 16, 256, log=True, whole=True),
            Number("momentum", 0.0, 0.99),
            Number("weight_decay", 1e-7, 0.1, log=True),
            Number("n_layers", 1, 3, whole=True),
            Number("n_units", 8, 128, log=True, whole=True),
            Choice("activation", ("relu", "tanh")),
        ),
    ),
    "tumor-boosting": (
        "tumor-boosting-all.npz",
        "metric_valid_loss",
        (
            Number("learning_rate", 0.005, 1.0, log=True),
            Number("max_depth", 1, 8, whole=True),
            Number("subsample", 0.3, 1.0),
            Number("max_features", 0.1, 1.0),
            Number("min_samples_leaf", 1, 64, log=True, whole=True),
        ),
    ),
}


@dataclass(frozen=True)
class Recorded:
    """A recorded benchmark at its full resource, averaged over its seeds."""

    space: tuple[Parameter, ...]
    points: np.ndarray
    values: np.ndarray

    @property
    def optimum(self) -> float:
        """The smallest recorded value."""
        return float(self.values.min())

    def value(self, config: Config) -> float:
        """The value at any configuration."""
        distance = np.sqrt(np.sum((self.points - encode(self.space, config)) ** 2, axis=1))
        near = np.argpartition(distance, _NEIGHBOURS)[: _NEIGHBOURS + 1]
        near = near[np.argsort(distance[near])]
        if distance[near[0]] < 1e-12:
            return float(self.values[near[0]])
        radius = distance[near[-1]]
        weights = (radius / distance[near[:-1]] - 1.0) ** 2
        return float(weights @ self.values[near[:-1]] / weights.sum())


def table(name: str) -> Recorded:
    """A recorded benchmark by its name."""
    file, objective, space = _TABLES[name]
    with np.load(_FOLDER / file) as stored:
        names = json.loads(stored["spaces"].tobytes())["objectives_names"]
        evaluations = stored["objectives_evaluations"]
        columns = {one.name: json.loads(stored[f"column {one.name}"].tobytes()) for one in space}
    values = evaluations[:, :, -1, names.index(objective)].mean(axis=1).astype(float)
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return Recorded(space, np.array([encode(space, row) for row in rows]), values)
