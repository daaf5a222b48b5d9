"""What the tests on the cluster share."""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

__all__ = ["COUNTING_SPACE", "counting_config", "is_alive", "on_a_cluster", "wait_for"]

on_a_cluster = [
    pytest.mark.skipif(
        find_spec("ray") is None, reason="ray is not installed: pip install 'synetune_lab[ray]'"
    ),
    pytest.mark.usefixtures("cluster"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning"),
    pytest.mark.slow,
    pytest.mark.timeout(180),  # the first test starts the cluster
]
COUNTING_SPACE = {"steps": 6, "gate": "", "pid_file": ""}


def counting_config(tmp_path: Path) -> dict[str, Any]:
    """Configuration of `trials.counting` with its files below a folder."""
    return {"steps": 6, "gate": str(tmp_path / "gate"), "pid_file": str(tmp_path / "pid")}


def wait_for(condition: Callable[[], object]) -> None:
    """Wait until something is the case."""
    deadline = time.monotonic() + 40
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """Whether a process runs."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return text[text.rindex(")") + 2] not in "ZX"
