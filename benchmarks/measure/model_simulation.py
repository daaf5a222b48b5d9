"""Seconds of a whole simulated run of a model-based method, by the number of its reports."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import sys
import tempfile
import time


def main(package: str, method: str, reports: int, file: str) -> None:
    logging.disable(logging.WARNING)
    os.environ["SYNETUNE_FOLDER"] = tempfile.mkdtemp()
    from simulated_setup import made_up_table, make_tuner
    from simulated_study import recorded_table

    table = recorded_table(package, file) if file else made_up_table(package, 81, seeds=1)
    for count in (50, reports):  # the first loads modules
        tuner = make_tuner(package, table, method, 1, 4, max_num_evaluations=count)
        began = time.perf_counter()
        with contextlib.redirect_stdout(io.StringIO()):
            tuner.run()
        seconds = time.perf_counter() - began
    frame = tuner.callbacks[0].dataframe()
    trials = int(frame["trial_id"].nunique())
    print(json.dumps({"s": seconds, "reports": len(frame), "trials": trials}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4] if len(sys.argv) > 4 else "")
