"""A training script that reports the time at which it reports."""

import json
import sys
import time

args = dict(zip(sys.argv[1::2], sys.argv[2::2], strict=True))
for step in range(int(args["--steps"])):
    time.sleep(float(args["--pause"]))
    now = time.time()
    report = {
        "epoch": step + 1,
        "sent": now,
        "loss": 0.5,
        "st_worker_timestamp": now,
        "st_worker_time": float(step),
        "st_worker_iter": step,
    }
    print("[tune-metric]: " + json.dumps(report), flush=True)
