"""The cloud of the SageMaker backend's tests, and runs that are sent to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.backend.sagemaker.conftest import bucket, cloud, make_backend, moto

__all__ = ["bucket", "cloud", "make_backend", "moto"]

SCRIPT = """
import argparse
import time
from pathlib import Path

from synetune_lab import Reporter

import helper

parser = argparse.ArgumentParser()
parser.add_argument("-x", "--x", type=float)
parser.add_argument("--epochs", type=int)
parser.add_argument("--gate", type=str, default="")
parser.add_argument("--st_checkpoint_dir", type=str, default=None)
args = parser.parse_args()
report = Reporter()
first = 1
if args.st_checkpoint_dir:
    note = Path(args.st_checkpoint_dir) / "epoch"
    note.parent.mkdir(parents=True, exist_ok=True)
    first = int(note.read_text()) + 1 if note.exists() else 1
for epoch in range(first, args.epochs + 1):
    while args.gate and epoch > 2 and not Path(args.gate).exists():
        time.sleep(0.02)
    print(f"epoch {epoch}")
    report(epoch=epoch, loss=helper.loss(args.x, epoch))
    if args.st_checkpoint_dir:
        note.write_text(str(epoch))
"""


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "experiments"
    monkeypatch.setenv("SYNETUNE_FOLDER", str(folder))
    monkeypatch.setenv("SYNETUNE_LAB_PROGRESS", "0")
    yield folder
    # An instance that is gone takes its trials along; here they are processes of this machine.
    for process in psutil.process_iter(["cmdline"]):
        if any(str(tmp_path) in word for word in process.info["cmdline"] or []):
            with suppress(psutil.NoSuchProcess):
                process.kill()


@pytest.fixture
def script(tmp_path: Path) -> Path:
    folder = tmp_path / "scripts"
    folder.mkdir()
    (folder / "helper.py").write_text("def loss(x, epoch):\n    return x / epoch\n")
    (folder / "train.py").write_text(SCRIPT)
    return folder / "train.py"


@pytest.fixture
def launch(cloud: Any, bucket: str, script: Path) -> Callable[..., Any]:
    """Launches a tuner; the link is looked at often."""
    from synetune_lab import StoppingCriterion, Tuner
    from synetune_lab.backend import LocalBackend
    from synetune_lab.config_space import uniform
    from synetune_lab.optimizer.baselines import RandomSearch
    from synetune_lab.remote import RemoteLauncher

    def go(
        *,
        space: dict[str, Any] | None = None,
        trials: int = 3,
        tuner: Any = None,
        wait: bool = False,
        **options: Any,
    ) -> Any:
        if tuner is None:
            scheduler = RandomSearch(
                {"x": uniform(0.0, 1.0), "epochs": 4, **(space or {})},
                metric="loss",
                random_seed=1,
            )
            tuner = Tuner(
                trial_backend=LocalBackend(str(script)),
                scheduler=scheduler,
                stop_criterion=StoppingCriterion(max_num_trials_finished=trials),
                n_workers=2,
                results_update_interval=0.2,
            )
        launcher = RemoteLauncher(tuner, s3_path=f"s3://{bucket}/experiments", **options)
        launcher.interval_s = 0.05
        run = launcher.run(wait=False)
        run.look_every_s = 0.05
        if wait:
            assert run.wait(60)
        return run

    return go
