"""What the tests of this folder do again and again."""

from __future__ import annotations

import time
from collections.abc import Callable

from synetune_lab.testing.backend_driver import BackendDriver

STEPPING = """
import argparse, json, os, time
from pathlib import Path
from synetune_lab import Reporter

parser = argparse.ArgumentParser()
parser.add_argument("--steps", type=int)
parser.add_argument("--st_checkpoint_dir")
args, _ = parser.parse_known_args()
folder = Path(args.st_checkpoint_dir)
folder.mkdir(parents=True, exist_ok=True)
state = folder / "state"
step = int(state.read_text()) if state.exists() else 0
report = Reporter()
while step < args.steps:
    step += 1
    report(step=step)
    draft = folder.parent / "draft"
    draft.write_text(str(step))
    draft.replace(state)
    time.sleep({pause})
"""


def steps_of(driver: BackendDriver, trial_id: int) -> list[int]:
    return [report["step"] for report in driver.reports(trial_id)]


def look(driver: BackendDriver) -> None:
    """Take in what there is, without waiting for more."""
    if batch := driver.backend.wait_events(0.0):
        driver.batches.append(batch)


def look_until(driver: BackendDriver, condition: Callable[[], object]) -> None:
    until(lambda: look(driver) or condition())


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 40
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
