"""Best value over simulated time of one method on a recorded benchmark, many seeds.

Both packages simulate the same table: a grid of configurations, for each of which the nearest of
some hundred really trained models stands; times are multiplied.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import logging
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

# When the best value is told, as shares of the simulated time.
MARKS = (0.1, 0.25, 0.5, 1.0)

Grid = dict[str, tuple[list[Any], bool]]

# Both packages look the very same table up: for each point of this grid, the nearest of the
# recorded models (a surrogate of each package's own would encode the space in its own way).
_DIGITS: Grid = {
    "learning_rate": ([1e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0], True),
    "batch_size": ([16, 32, 64, 128, 256], True),
    "momentum": ([0.0, 0.3, 0.6, 0.9], False),
    "weight_decay": ([1e-7, 1e-5, 1e-4, 1e-3, 1e-1], True),
    "n_layers": ([1, 2, 3], False),
    "n_units": ([8, 16, 32, 64, 128], True),
    "activation": (["relu", "tanh"], False),
}
_TUMOR: Grid = {
    "learning_rate": ([0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0], True),
    "max_depth": ([1, 2, 3, 4, 5, 6, 7, 8], False),
    "subsample": ([0.3, 0.5, 0.7, 0.85, 1.0], False),
    "max_features": ([0.1, 0.3, 0.5, 0.7, 1.0], False),
    "min_samples_leaf": ([1, 2, 4, 8, 16, 32, 64], True),
}
# Beginning of the file's name -> grid, objective, what times are multiplied by.
TABLES: dict[str, tuple[Grid, str, float]] = {
    "digits-mlp": (_DIGITS, "metric_valid_error", 100.0),
    "tumor-boosting": (_TUMOR, "metric_valid_loss", 200.0),
}


def recorded_table(package: str, file: str) -> Any:
    """A recorded benchmark on a grid."""
    from simulated_setup import METRIC, RESOURCE, TIME, of

    space = __import__(f"{package}.config_space", fromlist=["*"])
    grid, objective, slower = next(
        table for name, table in TABLES.items() if Path(file).name.startswith(name)
    )
    with np.load(file) as stored:
        evaluations = stored["objectives_evaluations"]
        names = json.loads(stored["spaces"].tobytes())["objectives_names"]
        recorded = pd.DataFrame(
            {name: json.loads(stored[f"column {name}"].tobytes()) for name in grid}
        )
    points = pd.DataFrame(
        list(itertools.product(*(values for values, _ in grid.values()))), columns=list(grid)
    )
    near = nearest(encoded(points, grid), encoded(recorded, grid))
    values = evaluations[near][:, :1][..., [names.index(objective), names.index(TIME)]].copy()
    values[..., 1] *= slower
    config_space = {
        name: space.choice(values_of)
        if isinstance(values_of[0], str)
        else space.ordinal(values_of, kind="nn-log" if is_log else "nn")
        for name, (values_of, is_log) in grid.items()
    }
    return of(package, "blackbox_repository.blackbox_tabular", "BlackboxTabular")(
        hyperparameters=points,
        configuration_space=config_space,
        fidelity_space={RESOURCE: space.randint(1, values.shape[2])},
        objectives_evaluations=values,
        objectives_names=[METRIC, TIME],
    )


def encoded(table: pd.DataFrame, grid: Grid) -> np.ndarray:
    """Each hyperparameter scaled to [0, 1], on a logarithm where the grid is."""
    columns = []
    for name, (values, is_log) in grid.items():
        if isinstance(values[0], str):
            columns.append((table[name] == values[0]).to_numpy(dtype=float))
            continue
        low, high, own = float(values[0]), float(values[-1]), table[name].to_numpy(dtype=float)
        if is_log:
            low, high, own = np.log(low), np.log(high), np.log(own)
        columns.append((own - low) / (high - low))
    return np.column_stack(columns)


def nearest(points: np.ndarray, recorded: np.ndarray) -> np.ndarray:
    """The nearest recorded row of each point."""
    rows = [np.argmin(np.sum((recorded - point) ** 2, axis=1)) for point in points]
    return np.array(rows)


def main(package: str, method: str, first: int, last: int, file: str, horizon_s: float) -> None:
    logging.disable(logging.WARNING)
    os.environ["SYNETUNE_FOLDER"] = tempfile.mkdtemp()
    sys.path.insert(0, str(Path(__file__).parent))
    from simulated_setup import METRIC, make_tuner

    table = recorded_table(package, file)
    marks = [share * horizon_s for share in MARKS]
    best: dict[str, list[float]] = {str(mark): [] for mark in marks}
    trials, seconds = [], 0.0
    for seed in range(first, last):
        np.random.seed(seed)  # noqa: NPY002 - the peer draws from it, too
        tuner = make_tuner(package, table, method, seed, 4, max_wallclock_time=horizon_s)
        began = time.perf_counter()
        with contextlib.redirect_stdout(io.StringIO()):
            tuner.run()
        seconds += time.perf_counter() - began
        frame = tuner.callbacks[0].dataframe()
        trials.append(int(frame["trial_id"].nunique()))
        for mark in marks:
            seen = frame[frame["st_tuner_time"] <= mark][METRIC]
            best[str(mark)].append(float(seen.min()) if len(seen) else 1.0)
    print(json.dumps({"best": best, "trials": trials, "seconds": seconds}))


if __name__ == "__main__":
    main(
        sys.argv[1],
        sys.argv[2],
        int(sys.argv[3]),
        int(sys.argv[4]),
        sys.argv[5],
        float(sys.argv[6]),
    )
