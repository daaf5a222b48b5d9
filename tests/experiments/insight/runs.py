"""Runs with known results, for tests of insights."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from synetune_lab.config_space import Domain, config_space_to_json_dict
from synetune_lab.experiments import ExperimentResult, load_experiment
from synetune_lab.store.columns import ResultColumns
from synetune_lab.store.csv_zip import ResultsFile


def write_run(
    root: Path,
    space: Mapping[str, Any],
    rows: Iterable[Mapping[str, Any]],
    name: str = "run",
    **metadata: Any,
) -> ExperimentResult:
    """An experiment on disk, of rows with `trial_id`, hyperparameters by name, and metrics."""
    folder = root / name
    folder.mkdir(parents=True)
    values = {
        "st_tuner_creation_timestamp": 1.7e9,
        "metric_names": ["loss"],
        "metric_mode": "min",
        "entrypoint": "train",
        "config_space": json.dumps(config_space_to_json_dict(space)),
        **metadata,
    }
    (folder / "metadata.json").write_text(json.dumps(values))
    columns = ResultColumns()
    for row in rows:
        columns.append({f"config_{k}" if k in space else k: v for k, v in row.items()})
    ResultsFile(folder / "results.csv.zip").write(columns)
    return load_experiment(name, local_path=root)


def sampled_rows(
    space: Mapping[str, Any],
    function: Callable[[dict[str, Any]], float],
    num: int,
    seed: int = 0,
    noise: float = 0.0,
) -> list[dict[str, Any]]:
    """One report for each of `num` random configurations."""
    state = np.random.RandomState(seed)
    rows = []
    for trial_id in range(num):
        config = {
            name: entry.sample(random_state=state) if isinstance(entry, Domain) else entry
            for name, entry in space.items()
        }
        loss = function(config) + noise * state.standard_normal()
        rows.append({"trial_id": trial_id, **config, "loss": float(loss)})
    return rows
