"""Seconds for a study of the size of the multi-fidelity tutorial's: 7 methods, 50 seeds, 6 hours.

The table has the size of NASBench-201 (15,625 configurations, 200 epochs, 3 seeds), with made-up
curves. The runs are simulated by two processes.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import multiprocessing
import os
import sys
import tempfile
import time
from typing import Any

METHODS = ("SYNCSH", "SYNCHB", "BOHB", "DEHB", "ASHA-STOP", "ASHA-PROM", "ASHA6-STOP")
SEEDS = 50
HORIZON_S = 6 * 3600.0

_table: Any = None


def simulate(job: tuple[str, int]) -> int:
    """One run; the number of its reports."""
    from simulated_setup import make_tuner

    method, seed = job
    tuner = make_tuner("synetune_lab", _table, method, seed, 4, max_wallclock_time=HORIZON_S)
    with contextlib.redirect_stdout(io.StringIO()):
        tuner.run()
    return int(tuner.tuning_status.num_reports)


def main(seeds: int) -> None:
    global _table
    logging.disable(logging.WARNING)
    os.environ["SYNETUNE_FOLDER"] = tempfile.mkdtemp()
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"
    from simulated_setup import made_up_table

    _table = made_up_table("synetune_lab", 200, 3)
    jobs = [(method, seed) for seed in range(seeds) for method in METHODS]
    began = time.perf_counter()
    with multiprocessing.get_context("fork").Pool(2) as pool:
        reports = sum(pool.imap_unordered(simulate, jobs, chunksize=2))
    seconds = time.perf_counter() - began
    print(json.dumps({"s": seconds, "reports": reports, "runs": len(jobs)}))


if __name__ == "__main__":
    main(int(sys.argv[2]) if len(sys.argv) > 2 else SEEDS)
