"""Seconds and calls that SageMaker trials cost, against a local server that plays AWS.

Needs boto3 and moto, and the tests of this repository, which hold the server.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from synetune_lab import StoppingCriterion, Tuner
from synetune_lab.backend import SageMakerBackend
from synetune_lab.backend.sagemaker_backend import JobDescription
from synetune_lab.config_space import uniform
from synetune_lab.engine.actions import StartTrial, StopTrial
from synetune_lab.optimizer.baselines import RandomSearch

SCRIPT = Path(__file__).resolve().parent.parent / "scripts" / "noop.py"
# What would otherwise be waited for on purpose: between two looks, and for late lines of logs.
EAGER = {"log_settle_s": 0.0, "retry_s": (0.05, 0.2)}
RUNNING = 100


def make_backend(bucket: str, sleep_time: float | None, **settings: Any) -> SageMakerBackend:
    """A backend that runs the script that does nothing."""
    from tests.backend.sagemaker.fake_cloud import IMAGE, ROLE

    job = JobDescription(str(SCRIPT), image_uri=IMAGE, role=ROLE)
    backend = SageMakerBackend(job, s3_path=f"s3://{bucket}/experiments", **settings)
    if sleep_time is not None:
        backend.sleep_time = sleep_time
    return backend


def run(cloud: Any, bucket: str, trials: int, workers: int, *, eager: bool) -> dict[str, float]:
    """A random search of so many trials: its seconds and the calls it made."""
    cloud.calls.clear()
    known = len(cloud.jobs)
    tuner = Tuner(
        trial_backend=make_backend(bucket, 0.05 if eager else None, **(EAGER if eager else {})),
        scheduler=RandomSearch({"x": uniform(0, 1)}, metric="loss", random_seed=1),
        stop_criterion=StoppingCriterion(max_num_trials_completed=trials),
        n_workers=workers,
        tuner_name=f"measure-{trials}-{workers}",
        **({"sleep_time": 0.05} if eager else {}),
    )
    start = time.perf_counter()
    tuner.run(progress=False)
    seconds = time.perf_counter() - start
    started = len(cloud.jobs) - known
    assert tuner.tuning_status.num_trials_completed >= trials
    assert cloud.running() == []
    return {"s": seconds, "started": started, "calls": sum(cloud.calls.values())}


def look(cloud: Any, bucket: str) -> dict[str, float]:
    """Calls and milliseconds of one look at many jobs that run, and while half of them stop."""
    cloud.instant = True
    backend = make_backend(bucket, None, **EAGER)
    backend.open(Path(tempfile.mkdtemp()), "looks")
    for number in range(RUNNING):
        backend.execute(StartTrial(number, 0, {"x": 0.5}, None))
    jobs = [job for name, job in cloud.jobs.items() if name.startswith("looks-")]
    while not all(job.is_over for job in jobs):
        time.sleep(0.01)
    for job in jobs:
        job.status = "InProgress"  # on record as running
    found: dict[str, float] = {}
    watch: Any = backend._watch
    for name in ("running", "stopping"):
        if name == "stopping":
            for number in range(RUNNING // 2):
                backend.execute(StopTrial(number, 0))
        watch.cycle(0.0)
        cloud.calls.clear()
        start = time.perf_counter()
        for _ in range(10):
            watch.cycle(0.0)
        found[f"{name}_ms"] = (time.perf_counter() - start) * 100
        found[f"{name}_lists"] = cloud.calls["ListTrainingJobs"] / 10
        found[f"{name}_calls"] = sum(cloud.calls.values()) / 10
    for job in jobs:
        job.status = "Stopped"
    backend.close()
    return found


def main(trials: int, live_trials: int) -> None:
    logging.disable(logging.CRITICAL)
    sys.path.insert(0, str(SCRIPT.parents[2]))  # for the tests
    from tests.backend.sagemaker.fake_cloud import ENVIRONMENT, FakeCloud
    from tests.backend.sagemaker.moto_server import Moto

    moto = Moto()
    cloud = FakeCloud(moto)
    os.environ.update(ENVIRONMENT, AWS_ENDPOINT_URL=cloud.url)
    os.environ["SYNETUNE_FOLDER"] = tempfile.mkdtemp()
    try:
        cloud.s3.create_bucket(Bucket="measure")
        cloud.instant = True
        figures = {"eager": run(cloud, "measure", trials, 20, eager=True)}
        figures["default"] = run(cloud, "measure", trials, 100, eager=False)
        figures["look"] = look(cloud, "measure")
        cloud.instant = False
        figures["live"] = run(cloud, "measure", live_trials, 2, eager=True)
        assert cloud.errors == []
    finally:
        cloud.close()
        moto.close()
    print(json.dumps(figures))


if __name__ == "__main__":
    main(int(sys.argv[2]), int(sys.argv[3]))
