"""Microseconds a report of a simulated run, by method and number of reports; peak memory."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import resource
import sys
import tempfile
import time


def main(package: str, method: str, reports: int) -> None:
    logging.disable(logging.WARNING)
    os.environ["SYNETUNE_FOLDER"] = tempfile.mkdtemp()
    from simulated_setup import made_up_table, make_tuner

    table = made_up_table(package, 81, seeds=1)
    warm = make_tuner(package, table, method, 1, 4, max_num_evaluations=200)
    silently(warm)
    tuner = make_tuner(package, table, method, 1, 4, max_num_evaluations=reports)
    began = time.perf_counter()
    silently(tuner)
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    trials = tuner.tuning_status.num_trials_started
    figures = {
        "us": seconds / reports * 1e6,
        "memory_mb": peak,
        "trials_per_report": trials / reports,
    }
    print(json.dumps(figures))


def silently(tuner: object) -> None:
    with contextlib.redirect_stdout(io.StringIO()):
        tuner.run()  # type: ignore[attr-defined]


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
