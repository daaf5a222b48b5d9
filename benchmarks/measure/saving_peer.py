"""What Syne Tune does each time it saves: its results written anew, its callback pickled whole."""

from __future__ import annotations

import gc
import json
import logging
import os
import random
import statistics
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

from saving import resident_mb


def main(n: int) -> None:
    logging.disable(logging.CRITICAL)
    os.environ["SYNETUNE_FOLDER"] = tempfile.mkdtemp()
    import dill
    import pandas  # noqa: F401
    from syne_tune.backend.trial_status import Trial
    from syne_tune.results_callback import StoreResultsCallback

    draw = random.Random(1).random
    callback = StoreResultsCallback()
    folder = Path(tempfile.mkdtemp())
    tuner = SimpleNamespace(tuner_path=folder, results_update_interval=1e9)
    callback.on_tuning_start(tuner)
    gc.collect()
    before = resident_mb()
    for trial_id in range(n // 100):
        config = {"x": draw(), "lr": draw(), "epochs": 100}
        trial = Trial(trial_id, config, datetime.now())
        for epoch in range(1, 101):
            result = {f"metric_{k}": draw() for k in range(4)}
            result.update(loss=draw() / epoch, epoch=epoch, st_worker_iter=epoch - 1)
            result.update(st_worker_timestamp=time.time(), st_worker_time=epoch * 1.0)
            callback.on_trial_result(trial, "InProgress", result, "CONTINUE")
    gc.collect()
    memory = resident_mb() - before
    saves = []
    for _ in range(3):
        start = time.perf_counter()
        callback.store_results()
        (folder / "tuner.dill").write_bytes(dill.dumps(callback))
        saves.append(time.perf_counter() - start)
    print(json.dumps({"save_ms": statistics.median(saves) * 1e3, "memory_mb": memory}))


if __name__ == "__main__":
    main(int(sys.argv[2]))
