"""Best value over simulated time of one method on the recorded digits benchmark, many seeds.

Both packages simulate the same table: 600 really trained networks, the nearest of which stands for
each configuration; times are multiplied by 100.
"""

from __future__ import annotations

import contextlib
import io
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

HORIZON_S = 600.0
MARKS = (60.0, 150.0, 300.0, 600.0)
SLOWER = 100.0


def recorded_table(package: str, file: str) -> Any:
    """The digits benchmark, as a surrogate of either package."""
    from simulated_setup import METRIC, RESOURCE, TIME, of

    space = __import__(f"{package}.config_space", fromlist=["*"])
    with np.load(file) as stored:
        evaluations = stored["objectives_evaluations"]
        names = json.loads(stored["spaces"].tobytes())["objectives_names"]
        columns = {
            key.removeprefix("column "): json.loads(stored[key].tobytes())
            for key in stored.files
            if key.startswith("column ")
        }
    values = evaluations[:, :1][..., [names.index(METRIC), names.index(TIME)]].copy()
    values[..., 1] *= SLOWER
    config_space = {
        "learning_rate": space.loguniform(1e-4, 1.0),
        "batch_size": space.lograndint(16, 256),
        "momentum": space.uniform(0.0, 0.99),
        "weight_decay": space.loguniform(1e-7, 1e-1),
        "n_layers": space.randint(1, 3),
        "n_units": space.lograndint(8, 128),
        "activation": space.choice(["relu", "tanh"]),
    }
    table = of(package, "blackbox_repository.blackbox_tabular", "BlackboxTabular")(
        hyperparameters=pd.DataFrame(columns)[list(config_space)],
        configuration_space=config_space,
        fidelity_space={RESOURCE: space.randint(1, values.shape[2])},
        objectives_evaluations=values,
        objectives_names=[METRIC, TIME],
    )
    return of(package, "blackbox_repository", "add_surrogate")(table)


def main(package: str, method: str, first: int, last: int, file: str) -> None:
    logging.disable(logging.WARNING)
    os.environ["SYNETUNE_FOLDER"] = tempfile.mkdtemp()
    sys.path.insert(0, str(Path(__file__).parent))
    from simulated_setup import METRIC, make_tuner

    table = recorded_table(package, file)
    best: dict[str, list[float]] = {str(mark): [] for mark in MARKS}
    trials, seconds = [], 0.0
    for seed in range(first, last):
        np.random.seed(seed)  # noqa: NPY002 - the peer draws from it, too
        tuner = make_tuner(package, table, method, seed, 4, max_wallclock_time=HORIZON_S)
        began = time.perf_counter()
        with contextlib.redirect_stdout(io.StringIO()):
            tuner.run()
        seconds += time.perf_counter() - began
        frame = tuner.callbacks[0].dataframe()
        trials.append(int(frame["trial_id"].nunique()))
        for mark in MARKS:
            seen = frame[frame["st_tuner_time"] <= mark][METRIC]
            best[str(mark)].append(float(seen.min()) if len(seen) else 1.0)
    print(json.dumps({"best": best, "trials": trials, "seconds": seconds}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5])
