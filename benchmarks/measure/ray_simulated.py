"""Simulated and real seconds of many one-second trials on the simulator.

The last argument says whether its delays are `zero` or the `default` ones.

python benchmarks/measure/ray_simulated.py synetune_lab 10000 16 zero
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
from typing import Any

import numpy as np
import pandas as pd

ROWS = 1000
TRIAL_S = 1.0


def one_second_table() -> Any:
    """Configurations that report once, after a second."""
    from synetune_lab.blackbox_repository.blackbox_tabular import BlackboxTabular
    from synetune_lab.config_space import randint

    values = np.empty((ROWS, 1, 1, 2))
    values[..., 0] = np.random.RandomState(0).rand(ROWS, 1, 1)
    values[..., 1] = TRIAL_S
    return BlackboxTabular(
        hyperparameters=pd.DataFrame({"x": np.arange(ROWS)}),
        configuration_space={"x": randint(0, ROWS - 1)},
        fidelity_space={"epoch": randint(1, 1)},
        objectives_evaluations=values,
        objectives_names=["loss", "elapsed"],
    )


def main(n_trials: int, n_workers: int, delays: str) -> None:
    from synetune_lab import StoppingCriterion, Tuner
    from synetune_lab.backend.simulator_backend.config import SimulatorConfig
    from synetune_lab.backend.simulator_backend.simulator_callback import SimulatorCallback
    from synetune_lab.blackbox_repository import UserBlackboxBackend
    from synetune_lab.optimizer.baselines import RandomSearch

    logging.disable(logging.WARNING)
    os.environ["SYNETUNE_FOLDER"] = tempfile.mkdtemp()
    none = SimulatorConfig(
        delay_on_trial_result=0.0,
        delay_complete_after_final_report=0.0,
        delay_complete_after_stop=0.0,
        delay_start=0.0,
        delay_stop=0.0,
    )
    table = one_second_table()
    backend = UserBlackboxBackend(
        table,
        "elapsed",
        simulator_config=none if delays == "zero" else SimulatorConfig(),
    )
    space = {**table.configuration_space}
    again = {"debug_log": False, "allow_duplicates": True}
    tuner = Tuner(
        trial_backend=backend,
        scheduler=RandomSearch(space, metric="loss", random_seed=1, search_options=again),
        stop_criterion=StoppingCriterion(max_num_trials_completed=n_trials - 1),
        n_workers=n_workers,
        callbacks=[SimulatorCallback()],
        results_update_interval=10_000,
        print_update_interval=10_000,
        save_tuner=False,
    )
    start = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        tuner.run()
    figures = {
        "simulated_s": backend.time_keeper.time(),
        "real_s": time.perf_counter() - start,
        "completed": tuner.tuning_status.num_trials_completed,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
