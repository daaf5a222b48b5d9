"""A tuner whose process was killed finds its jobs again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from synetune_lab.store import read_log
from synetune_lab.tuner import Tuner

TRAIN = """
import argparse, os, time
from pathlib import Path
from synetune_lab import Reporter

parser = argparse.ArgumentParser()
parser.add_argument("--release")
args, _ = parser.parse_known_args()
report = Reporter()
for epoch in range(1, 400):
    report(epoch=epoch, loss=1 / epoch)
    if Path(args.release).exists():
        break
    time.sleep(0.05)
"""
RUN = """
import sys
from synetune_lab import StoppingCriterion, Tuner
from synetune_lab.backend import SageMakerBackend
from synetune_lab.backend.sagemaker_backend import JobDescription
from synetune_lab.config_space import uniform
from synetune_lab.optimizer.baselines import RandomSearch

train, release, bucket, image, role = sys.argv[1:]
space = {"lr": uniform(0, 1), "release": release}
backend = SageMakerBackend(
    JobDescription(train, image_uri=image, role=role),
    s3_path=f"s3://{bucket}/experiments",
    log_settle_s=0.0,
    retry_s=(0.05, 0.2),
)
Tuner(
    trial_backend=backend,
    scheduler=RandomSearch(space, metric="loss", random_seed=1),
    stop_criterion=StoppingCriterion(max_num_trials_completed=2),
    n_workers=2,
    sleep_time=0.05,
    tuner_name="run",
    suffix_tuner_name=False,
    results_update_interval=0.2,
).run(progress=False)
"""


def judged(folder: Path) -> list[tuple[int, int]]:
    """(trial, epoch) of each report that the log of the run holds."""
    return [
        (action["trial_id"], action["result"]["epoch"])
        for record in read_log(folder)
        for action in record["a"]
        if action["kind"] == "decision"
    ]


def test_a_killed_tuner_is_resumed_with_its_jobs_and_every_report(
    cloud: Any, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.backend.sagemaker.fake_cloud import IMAGE, ROLE

    monkeypatch.setenv("SYNETUNE_FOLDER", str(tmp_path / "runs"))
    monkeypatch.setenv("HOME", str(tmp_path))
    for name, text in (("train.py", TRAIN), ("run.py", RUN)):
        (tmp_path / name).write_text(text)
    release, folder = tmp_path / "release", tmp_path / "runs" / "run"
    command = [sys.executable, "run.py", "train.py", str(release), bucket, IMAGE, ROLE]
    root = str(Path(__file__).parents[3])
    driver = subprocess.Popen(
        command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": root}, stderr=subprocess.PIPE
    )
    deadline = time.monotonic() + 50
    try:
        while not (folder / "tuner.dill").exists() or not {(0, 5), (1, 5)} <= set(judged(folder)):
            assert driver.poll() is None, driver.communicate()[1].decode()
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        driver.send_signal(signal.SIGKILL)
        driver.communicate()
    assert len(cloud.running()) == 2
    monkeypatch.chdir(tmp_path)
    tuner = Tuner.resume(folder)
    tuner.start()
    release.touch()
    assert tuner.wait(timeout=40)
    counts = Counter(judged(folder))
    assert max(counts.values()) == 1
    for trial_id in (0, 1):
        epochs = [epoch for trial, epoch in counts if trial == trial_id]
        assert sorted(epochs) == list(range(1, max(epochs) + 1))
        name = next(name for name in cloud.jobs if name.endswith(f"-{trial_id}-0"))
        log = cloud.logs.filter_log_events(
            logGroupName="/aws/sagemaker/TrainingJobs", filterPattern='"[tune-metric]"'
        )["events"]
        printed = [e for e in log if e["logStreamName"].startswith(name)]
        assert len(printed) == len(epochs)
    assert not [name for name in cloud.jobs if name.endswith(("-0-1", "-1-1"))]
    assert cloud.running() == []
