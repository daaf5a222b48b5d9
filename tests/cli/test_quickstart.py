"""The quick start: a copy of the notebook, opened in JupyterLab, never overwritten."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from synetune_lab.cli import main, quickstart


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that would have been run."""
    run: list[list[str]] = []

    def record(command: list[str], *, check: bool) -> subprocess.CompletedProcess[bytes]:
        run.append(command)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(quickstart.subprocess, "run", record)
    return run


def test_a_copy_of_the_notebook_is_opened(tmp_path: Path, commands: list[list[str]]) -> None:
    folder = tmp_path / "new" / "place"
    assert main(["quickstart", "--folder", str(folder), "--no-browser"]) == 0
    copy = folder / "quickstart.ipynb"
    assert json.loads(copy.read_text())["cells"]
    (command,) = commands
    assert command[:4] == [sys.executable, "-m", "jupyterlab", str(copy)]
    assert "--no-browser" in command


def test_an_edited_copy_is_kept(tmp_path: Path, commands: list[list[str]]) -> None:
    (tmp_path / "quickstart.ipynb").write_text("mine")
    assert main(["quickstart", "--folder", str(tmp_path)]) == 0
    assert (tmp_path / "quickstart.ipynb").read_text() == "mine"
    assert len(commands) == 1


def test_a_folder_that_cannot_be_made_is_named(
    tmp_path: Path, commands: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert main(["quickstart", "--folder", str(tmp_path / "file")]) == 1
    assert str(tmp_path / "file") in capsys.readouterr().err
    assert commands == []


def test_a_missing_jupyterlab_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(quickstart, "find_spec", lambda name: None)
    assert main(["quickstart", "--folder", str(tmp_path)]) == 1
    assert "pip install" in capsys.readouterr().err
