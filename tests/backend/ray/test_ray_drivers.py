"""Who drives the cluster: by Ray's client, after a driver was killed, and a driver's twin."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from synetune_lab import Tuner
from synetune_lab.backend.ray_backend import RayBackend
from synetune_lab.experiments import load_experiment
from synetune_lab.testing.backend_driver import BackendDriver
from tests.backend.ray import ray_trials as trials
from tests.backend.ray.ray_setup import COUNTING_SPACE, counting_config, on_a_cluster, wait_for

pytestmark = on_a_cluster
ROOT = Path(__file__).parents[3]
N_TRIALS = 3

DRIVER = """
import sys
from pathlib import Path

from synetune_lab import StoppingCriterion, Tuner
from synetune_lab.backend import RayBackend
from synetune_lab.config_space import uniform
from synetune_lab.optimizer.baselines import RandomSearch
from tests.backend.ray import ray_trials as trials

address, gate, n_trials = sys.argv[1], sys.argv[2], int(sys.argv[3])
space = {"steps": 6, "gate": gate, "pid_file": "/dev/null", "x": uniform(0.0, 1.0)}
Tuner(
    trial_backend=RayBackend(trials.counting, space, address=address, resource_attr="epoch"),
    scheduler=RandomSearch(space, metric="loss", random_seed=1),
    stop_criterion=StoppingCriterion(max_num_trials_completed=n_trials - 1),
    n_workers=2,
    tuner_name="driven",
    suffix_tuner_name=False,
).run(progress=False)
"""


def drive(address: str, gate: Path, n_trials: int) -> subprocess.Popen[str]:
    """Another process with a tuner."""
    return subprocess.Popen(
        [sys.executable, "-c", DRIVER, address, str(gate), str(n_trials)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def logged(folder: Path) -> list[tuple[int, int]]:
    """Trial and epoch of each report in the log of a run."""
    found = []
    for line in (folder / "events.jsonl").read_text().splitlines():
        try:
            event = json.loads(line).get("e") or {}
        except ValueError:
            continue  # its last line is being written
        if event.get("kind") == "trial_reported":
            found.append((event["trial_id"], event["result"]["epoch"]))
    return found


def test_a_tuner_reaches_the_cluster_through_rays_client(
    client_port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("grpc", reason="Ray's client needs grpcio: pip install 'ray[client]'")
    monkeypatch.setenv("SYNETUNE_FOLDER", str(tmp_path))
    gate = tmp_path / "gate"
    gate.touch()
    driver = drive(f"ray://127.0.0.1:{client_port}", gate, N_TRIALS)
    _, errors = driver.communicate(timeout=100)
    assert driver.returncode == 0, errors
    results = load_experiment("driven").results
    for _, group in list(results.groupby("trial_id"))[:N_TRIALS]:
        assert group["epoch"].tolist() == [1, 2, 3, 4, 5, 6]


def test_another_address_than_that_of_the_connection_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    backend = RayBackend(trials.short, {"steps": 1}, address="192.0.2.1:1")
    backend.open(tmp_path / "experiment", "elsewhere")
    backend.close()
    assert "address is '192.0.2.1:1', but this process is connected to" in caplog.text


@pytest.mark.parametrize("trials_end", ["meanwhile", "afterwards"])
def test_a_run_goes_on_after_its_driver_was_killed(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trials_end: str
) -> None:
    monkeypatch.setenv("SYNETUNE_FOLDER", str(tmp_path))
    folder, gate = tmp_path / "driven", tmp_path / "gate"
    driver = drive(cluster.address, gate, N_TRIALS)
    try:
        wait_for(
            lambda: (
                driver.poll() is not None
                or ((folder / "tuner.dill").exists() and {(0, 3), (1, 3)} <= set(logged(folder)))
            )
        )
        assert driver.poll() is None, driver.communicate()[1]
    finally:
        os.kill(driver.pid, signal.SIGKILL)
        driver.communicate()
    if trials_end == "meanwhile":
        gate.touch()
        logs = [folder / str(trial_id) / "std.out" for trial_id in (0, 1)]
        wait_for(lambda: all('"epoch": 6' in log.read_text() for log in logs))
    tuner = Tuner.resume(folder).start()
    if trials_end == "afterwards":
        assert tuner.resume_report.adopted == [0, 1]
        gate.touch()
    assert tuner.wait(50)
    results = load_experiment("driven").results
    reports = list(zip(results["trial_id"], results["epoch"], strict=True))
    assert len(reports) == len(set(reports))
    assert {(trial_id, epoch) for trial_id in (0, 1) for epoch in range(1, 7)} <= set(reports)
    assert tuner.tuning_status.num_trials_completed >= N_TRIALS


def test_a_trial_is_adopted_from_a_driver_that_died(cluster: Any, tmp_path: Path) -> None:
    code = (
        "import json, os\n"
        "from pathlib import Path\n"
        "from synetune_lab.backend.ray_backend import RayBackend\n"
        "from synetune_lab.testing.backend_driver import BackendDriver\n"
        "from tests.backend.ray import ray_trials as trials\n"
        f"backend = RayBackend(trials.counting, {COUNTING_SPACE!r}, address={cluster.address!r})\n"
        f"driver = BackendDriver(backend, Path({str(tmp_path / 'experiment')!r}))\n"
        f"driver.start(0, {counting_config(tmp_path)!r})\n"
        "driver.until_reported(0, 2)\n"
        "print(json.dumps([driver.handle(0), backend.delivered(0)]), flush=True)\n"
        "os._exit(1)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
        cwd=ROOT,
    )
    assert done.stdout, done.stderr
    handle, offset = json.loads(done.stdout.strip().splitlines()[-1])
    backend = RayBackend(trials.counting, COUNTING_SPACE)
    with BackendDriver(backend, tmp_path / "experiment") as driver:
        backend.set_delivered(0, 0, offset)
        assert backend.adopt({0: (0, handle)}) == {0: 0}
        (tmp_path / "gate").touch()
        assert driver.until_ended_one(0).cause == "exited"
        assert [report["epoch"] for report in driver.reports(0)] == [3, 4, 5, 6]
