"""Real runs: tiny scripts as trials, on the local backend."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from synetune_lab.backend import LocalBackend
from synetune_lab.config_space import uniform
from synetune_lab.optimizer.baselines import RandomSearch
from synetune_lab.stopping_criterion import StoppingCriterion
from synetune_lab.tuner import Tuner

HEAD = """
import argparse, json, os, sys, time
from pathlib import Path
from synetune_lab.report import Reporter
parser = argparse.ArgumentParser()
parser.add_argument("--x", type=float)
parser.add_argument("--st_checkpoint_dir", default=".")
args, _ = parser.parse_known_args()
report = Reporter()
"""

SCRIPTS = {
    "short": """
        for epoch in range(1, 4):
            report(epoch=epoch, loss=args.x / epoch)
        """,
    # Counts on from its checkpoint, until told to stop; a file lets it go on to its end.
    "long": """
        folder = Path(args.st_checkpoint_dir)
        folder.mkdir(parents=True, exist_ok=True)
        state = folder / "epoch"
        epoch = int(state.read_text()) if state.exists() else 0
        release = Path(os.environ["RELEASE"])
        from synetune_lab.report import stop_requested
        stop_requested()
        while not release.exists() and epoch < 10_000:
            epoch += 1
            report(epoch=epoch, loss=args.x / epoch)
            state.with_suffix(".new").write_text(str(epoch))
            state.with_suffix(".new").replace(state)
            if stop_requested():
                sys.exit(0)
            time.sleep(0.02)
        """,
    "failing": """
        report(epoch=1, loss=args.x)
        raise ValueError("the data are gone")
        """,
}


@pytest.fixture(autouse=True)
def own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No key, run or process of a test outlives it or touches the user's own."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "configuration"))
    monkeypatch.setenv("SYNETUNE_LAB_PROGRESS", "0")
    monkeypatch.setenv("RELEASE", str(tmp_path / "release"))
    yield
    for process in _trial_processes(tmp_path):
        process.kill()


@pytest.fixture
def trial_processes(tmp_path: Path) -> Callable[[], list[psutil.Process]]:
    """Tells which processes of trials are alive."""
    return lambda: _trial_processes(tmp_path)


def _trial_processes(folder: Path) -> list[psutil.Process]:
    """Processes of trials below `folder` that are alive."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        words = process.info["cmdline"] or []
        if (
            process.info["status"] != psutil.STATUS_ZOMBIE
            and any(word.startswith(str(folder)) for word in words[1:])
            and "--x" in words
            and "python" in words[0]  # not the shell that waits for it
        ):
            found.append(process)
    return found


@pytest.fixture(name="wait_until")
def _wait_until() -> Callable[..., Any]:
    return wait_until


def wait_until(condition: Callable[[], Any], what: str, timeout: float = 20.0) -> Any:
    """Poll until true; fails with `what` after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        assert time.monotonic() < deadline, f"no {what} after {timeout} seconds"
        time.sleep(0.01)
    return value


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str], Path]:
    """Writes one of `SCRIPTS`, or a text of one's own."""

    def write(name: str) -> Path:
        path = tmp_path / "train.py"
        path.write_text(HEAD + textwrap.dedent(SCRIPTS.get(name, name)))
        return path

    return write


@pytest.fixture
def make_tuner(script: Callable[[str], Path]) -> Callable[..., Tuner]:
    """A tuner with random search over one script."""

    def make(name: str = "short", completed: int = 3, **more: Any) -> Tuner:
        backend = more.pop("trial_backend", None) or LocalBackend(
            str(script(name)), grace_period_s=5.0
        )
        scheduler = more.pop("scheduler", None) or RandomSearch(
            {"x": uniform(0.0, 1.0)}, metric="loss", random_seed=1
        )
        criterion = more.pop("stop_criterion", None) or StoppingCriterion(
            max_num_trials_completed=completed
        )
        options = {"n_workers": 2, "tuner_name": "run", **more}
        return Tuner(backend, scheduler, criterion, **options)

    return make


DRIVER = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # also where a shell ignores it
from synetune_lab.backend import LocalBackend
from synetune_lab.config_space import uniform
from synetune_lab.optimizer.baselines import RandomSearch
from synetune_lab.stopping_criterion import StoppingCriterion
from synetune_lab.tuner import Tuner

def make():
    return Tuner(
        LocalBackend(sys.argv[1], grace_period_s=5.0),
        RandomSearch({"x": uniform(0.0, 1.0)}, metric="loss", random_seed=1),
        StoppingCriterion(max_num_trials_completed=3),
        n_workers=2,
        tuner_name="run",
        suffix_tuner_name=False,
        results_update_interval=0.2,
    )
"""


@pytest.fixture
def drive(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts another Python process that drives a run; `code` uses `make()`."""
    started: list[subprocess.Popen[str]] = []

    def start(script: Path, code: str, **environment: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-u", "-c", DRIVER + textwrap.dedent(code), str(script)],
            cwd=tmp_path,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()
