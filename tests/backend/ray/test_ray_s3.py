"""Checkpoints and logs in S3 (that of a local server), which nodes share in place of a folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from synetune_lab.backend.ray_backend import RayBackend
from synetune_lab.testing.backend_driver import BackendDriver
from tests.backend.ray import ray_trials as trials
from tests.backend.ray.ray_setup import COUNTING_SPACE, counting_config, on_a_cluster, wait_for

pytestmark = on_a_cluster


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Environment variables that lead to a local S3 server, with a bucket `trials`."""
    boto3: Any = pytest.importorskip("boto3", reason="boto3 is not installed")
    moto: Any = pytest.importorskip("moto.server", reason="moto[server] is not installed")
    s3fs: Any = pytest.importorskip("s3fs", reason="s3fs is not installed")
    server = moto.ThreadedMotoServer(port=0)
    server.start()
    host, port = server.get_host_and_port()
    settings = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "NO_PROXY": host,  # a proxy does not know it
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    boto3.client("s3").create_bucket(
        Bucket="trials", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    s3fs.S3FileSystem.clear_instance_cache()
    yield settings
    s3fs.S3FileSystem.clear_instance_cache()
    server.stop()


def test_a_trial_goes_on_elsewhere_from_its_checkpoint_in_s3(
    cluster: Any, tmp_path: Path, s3: dict[str, str]
) -> None:
    doomed = cluster.add_node(num_cpus=1, resources={"doomed_s3": 1})
    cluster.wait_for_nodes()
    runs = []

    def resources(config: dict[str, Any]) -> dict[str, float]:
        runs.append(config)
        return {"CPU": 1, "doomed_s3": 1} if len(runs) == 1 else {"CPU": 1}

    backend = RayBackend(
        trials.counting,
        COUNTING_SPACE,
        resources=resources,
        storage_path="s3://trials/folder",
        runtime_env={"env_vars": s3},
    )
    with BackendDriver(backend, tmp_path / "experiment") as driver:
        driver.start(0, counting_config(tmp_path))
        driver.until_reported(0, 3)
        wait_for(lambda: "step" in names_in(backend.checkpoint_trial_path(0)))
        cluster.remove_node(doomed, allow_graceful=False)
        assert driver.until_ended_one(0).cause == "lost"
        (tmp_path / "gate").touch()
        driver.resume(0, 1, counting_config(tmp_path))
        assert driver.until_ended_one(0, run=1).cause == "exited"
        # It went on from step 2, and nothing was reported twice.
        assert (tmp_path / "pid").read_text().split()[1] == "3"
        assert [report["epoch"] for report in driver.reports(0)] == [1, 2, 3, 4, 5, 6]
        assert any('"epoch": 6' in line for line in backend.stdout(0))
        backend.copy_checkpoint(0, 1)
        assert (backend.checkpoint_trial_path(1) / "step").read_text() == "6"
        backend.delete_checkpoint(0)
        assert not backend.checkpoint_trial_path(0).exists()
