"""A training script that reports the time at which it reports."""

import sys
import time

args = dict(zip(sys.argv[1::2], sys.argv[2::2]))
for step in range(int(args["--steps"])):
    time.sleep(float(args["--pause"]))
    now = time.time()
    print(
        f'[tune-metric]: {{"epoch": {step + 1}, "sent": {now!r}, "loss": 0.5, "st_worker_timestamp": {now!r}, '
        f'"st_worker_time": {step * 1.0}, "st_worker_iter": {step}}}',
        flush=True,
    )
