"""In a real kernel: progress in place, an interrupt, and the end of the kernel."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from synetune_lab.store import read_run_file
from synetune_lab.tuner import Tuner

pytestmark = pytest.mark.timeout(120)

SETUP = """
from synetune_lab.backend import LocalBackend
from synetune_lab.config_space import uniform
from synetune_lab.optimizer.baselines import RandomSearch
from synetune_lab import StoppingCriterion, Tuner
tuner = Tuner(
    LocalBackend({script!r}, grace_period_s=5.0),
    RandomSearch({{"x": uniform(0.0, 1.0)}}, metric="loss", random_seed=1),
    StoppingCriterion(max_num_trials_completed=3),
    n_workers=2,
    tuner_name="run",
    suffix_tuner_name=False,
)
"""


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    from jupyter_client.manager import start_new_kernel

    monkeypatch.delenv("SYNETUNE_LAB_PROGRESS")
    manager, client = start_new_kernel(kernel_name="python3", cwd=str(tmp_path))
    yield manager, client
    client.stop_channels()
    if manager.is_alive():
        manager.shutdown_kernel(now=True)
    manager.cleanup_resources()


def run_cell(client: Any, code: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The reply to a cell, and the displays that it made."""
    shown: list[dict[str, Any]] = []
    reply = client.execute_interactive(
        code, timeout=60, output_hook=shown.append, allow_stdin=False
    )
    return reply["content"], shown


def test_progress_is_one_display_of_a_few_lines(kernel: Any, script: Any) -> None:
    _, client = kernel
    run_cell(client, SETUP.format(script=str(script("short"))))
    reply, shown = run_cell(client, "tuner.run()")
    assert reply["status"] == "ok", reply
    kinds = [message["msg_type"] for message in shown]
    assert kinds.count("display_data") == 1
    assert "stream" not in kinds
    last = [m for m in shown if m["msg_type"] == "update_display_data"][-1]
    text = last["content"]["data"]["text/plain"]
    assert "finished" in text
    assert "best loss" in text
    assert len(text.splitlines()) <= 4


def test_an_interrupt_of_the_cell_leaves_a_saved_run(
    kernel: Any, script: Any, tmp_path: Path, wait_until: Any, trial_processes: Any
) -> None:
    manager, client = kernel
    run_cell(client, SETUP.format(script=str(script("long"))))
    message = client.execute("tuner.run()")
    wait_until(lambda: len(trial_processes()) == 2, "trials", timeout=60)
    folder = tmp_path / "syne-tune" / "run"
    wait_until(lambda: (read_run_file(folder) or {}).get("num_reports", 0) > 4, "reports")
    manager.interrupt_kernel()
    while (reply := client.get_shell_msg(timeout=60))["parent_header"]["msg_id"] != message:
        pass
    assert reply["content"]["ename"] == "KeyboardInterrupt"
    assert trial_processes() == []
    assert Tuner.resume(folder).engine.trials[0].status == "Paused"


def test_a_kernel_that_is_shut_down_leaves_a_resumable_run(
    kernel: Any, script: Any, tmp_path: Path, wait_until: Any, trial_processes: Any
) -> None:
    manager, client = kernel
    run_cell(client, SETUP.format(script=str(script("long"))))
    run_cell(client, "tuner.start()")
    folder = tmp_path / "syne-tune" / "run"
    wait_until(lambda: (read_run_file(folder) or {}).get("num_reports", 0) > 4, "reports")
    manager.shutdown_kernel(now=False)
    deadline = time.monotonic() + 10
    while trial_processes() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert trial_processes() == []
    assert not (folder / "run.lock").exists()
    tuner = Tuner.resume(folder)
    assert tuner.engine.trials[0].status == "Paused"
