"""Saving a tuner after many reports, and the memory that the reports take.

A whole run (engine, log on disk, results, saved state) over a backend that makes its reports up.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path


def resident_mb() -> float:
    """Memory of this process, in MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("no VmRSS")


def main(n: int) -> None:
    logging.disable(logging.CRITICAL)
    os.environ["SYNETUNE_FOLDER"] = tempfile.mkdtemp()
    import pandas  # noqa: F401  # so that its own memory is not counted
    from made_up_backend import MadeUpBackend

    from synetune_lab import StoppingCriterion, Tuner
    from synetune_lab.config_space import loguniform, uniform
    from synetune_lab.optimizer.baselines import RandomSearch

    config_space = {"x": uniform(0.0, 1.0), "lr": loguniform(1e-6, 1.0), "epochs": 100}
    tuner = Tuner(
        trial_backend=MadeUpBackend(),
        scheduler=RandomSearch(config_space, metric="loss", random_seed=1),
        stop_criterion=StoppingCriterion(max_num_evaluations=n),
        n_workers=2,
        tuner_name="saving",
    )
    gc.collect()
    before = resident_mb()
    start = time.perf_counter()
    tuner.run(progress=False)
    figures = {"us_a_report": (time.perf_counter() - start) / n * 1e6}
    gc.collect()
    figures["memory_mb"] = resident_mb() - before
    saves = []
    for _ in range(5):
        start = time.perf_counter()
        tuner.save()
        saves.append(time.perf_counter() - start)
    figures["save_ms"] = statistics.median(saves) * 1e3
    figures["reports"] = tuner.tuning_status.overall_metric_statistics.count
    figures["tuner_dill_mb"] = (Path(tuner.tuner_path) / "tuner.dill").stat().st_size / 1e6
    print(json.dumps(figures))


if __name__ == "__main__":
    main(int(sys.argv[2]))
