"""The quick-start notebook from top to bottom, in JupyterLab, in a headless browser."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from _setup import browser  # noqa: E402

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def check(notebook: Path, out: Path) -> tuple[int, str]:
    chromium = browser.find()
    if chromium is None:
        pytest.skip("no Chromium or Chrome on this machine")
    answer = subprocess.run(
        [
            *(sys.executable, str(ROOT / "scripts" / "check_notebook.py"), str(notebook)),
            *("--browser", str(chromium), "--out", str(out)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    return answer.returncode, answer.stdout + answer.stderr


def make_notebook(path: Path, *cells: str) -> Path:
    code = [
        {
            "cell_type": "code",
            "execution_count": None,
            "id": f"cell-{index}",
            "metadata": {},
            "outputs": [],
            "source": source,
        }
        for index, source in enumerate(cells)
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    content = {
        "cells": code,
        "metadata": {"kernelspec": kernel},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path.write_text(json.dumps(content))
    return path


@pytest.mark.timeout(720)
def test_the_quickstart_runs_and_shows_the_panel() -> None:
    out = ROOT / "build" / "check"
    status, said = check(ROOT / "notebooks" / "quickstart.ipynb", out)
    assert status == 0, said
    assert (out / "panel.png").stat().st_size > 5_000
    executed = json.loads((out / "quickstart-executed.ipynb").read_text())
    code = [cell for cell in executed["cells"] if cell["cell_type"] == "code"]
    assert all(cell["execution_count"] for cell in code)


@pytest.mark.timeout(240)
def test_a_cell_that_fails_fails_the_check_with_its_error(tmp_path: Path) -> None:
    notebook = make_notebook(tmp_path / "bad.ipynb", "1 + 1", "raise ValueError('as it should')")
    status, said = check(notebook, tmp_path / "out")
    assert status == 1
    assert "ValueError: as it should" in said


@pytest.mark.timeout(240)
def test_a_kernel_that_dies_fails_the_check(tmp_path: Path) -> None:
    notebook = make_notebook(tmp_path / "dies.ipynb", "1 + 1", "import os; os._exit(3)")
    status, said = check(notebook, tmp_path / "out")
    assert status == 1
    assert "The kernel died" in said
