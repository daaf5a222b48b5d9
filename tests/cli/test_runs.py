"""The list of saved runs, from JSON files alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from synetune_lab.cli import main
from synetune_lab.store.lock import RunLock


def make_run(
    root: Path, name: str, *, run: Any = None, metadata: Any = None, dill: bytes | None = b""
) -> Path:
    folder = root / name
    folder.mkdir(parents=True)
    for filename, content in (("run.json", run), ("metadata.json", metadata)):
        if content is not None:
            text = content if isinstance(content, str) else json.dumps(content)
            (folder / filename).write_text(text)
    if dill is not None:
        (folder / "tuner.dill").write_bytes(dill)
    return folder


def listed(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    assert main(["runs", "--json", *arguments]) == 0
    return list(json.loads(capsys.readouterr().out))


def test_runs_are_listed_newest_first(
    experiments_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_run(experiments_folder, "old", metadata={"st_tuner_creation_timestamp": 100.0})
    make_run(experiments_folder, "new", metadata={"st_tuner_creation_timestamp": 300.0})
    make_run(experiments_folder, "study/inner", metadata={"st_tuner_creation_timestamp": 200.0})
    assert [run["name"] for run in listed(capsys)] == ["new", "inner", "old"]


def test_a_run_tells_what_it_found(
    experiments_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    header = {
        "name": "digits",
        "state": "finished",
        "metric_names": ["accuracy"],
        "metric_modes": ["max"],
        "best": {"value": 0.97, "trial_id": 3},
        "counts": {"Completed": 4, "Paused": 6},
        "num_reports": 61,
    }
    make_run(experiments_folder, "digits", run=header, metadata={"scheduler_name": "ASHA"})
    (run,) = listed(capsys)
    assert (run["state"], run["metric"], run["mode"]) == ("finished", "accuracy", "max")
    assert (run["best"], run["trials"], run["reports"]) == (0.97, 10, 61)
    assert run["scheduler"] == "ASHA"
    assert run["resumable"]
    assert main(["runs"]) == 0
    shown = capsys.readouterr().out
    assert "digits" in shown
    assert "accuracy 0.97" in shown


def test_the_saved_state_is_never_loaded(
    experiments_folder: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    witness = tmp_path / "loaded"
    bomb = f"cos\nsystem\n(S'touch {witness}'\ntR.".encode()
    make_run(experiments_folder, "trap", metadata={}, dill=bomb)
    assert [run["name"] for run in listed(capsys)] == ["trap"]
    assert not witness.exists()


@pytest.mark.parametrize("content", ["{", "[]", "null", "\x00", '{"counts": 3, "best": "much"}'])
def test_a_broken_file_does_not_hide_the_run(
    experiments_folder: Path, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    make_run(experiments_folder, "torn", run=content)
    (run,) = listed(capsys)
    assert run["name"] == "torn"
    assert (run["state"], run["trials"], run["best"]) == ("unknown", None, None)
    assert main(["runs"]) == 0


def test_a_run_whose_process_is_gone_is_interrupted(
    experiments_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_run(experiments_folder, "crashed", run={"state": "running"})
    assert [run["state"] for run in listed(capsys)] == ["interrupted"]
    lock = RunLock(folder)
    lock.acquire()
    try:
        assert [run["state"] for run in listed(capsys)] == ["running"]
    finally:
        lock.release()


def test_control_characters_of_a_file_do_not_reach_the_terminal(
    experiments_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_run(experiments_folder, "x", run={"name": "\x1b[2Jgone", "state": "finished"})
    assert main(["runs"]) == 0
    assert "\x1b" not in capsys.readouterr().out


def test_another_folder_can_be_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_run(tmp_path / "elsewhere", "a", metadata={})
    assert [run["name"] for run in listed(capsys, "--folder", str(tmp_path / "elsewhere"))] == ["a"]


def test_no_runs_is_said_and_no_error(
    experiments_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["runs"]) == 0
    assert str(experiments_folder) in capsys.readouterr().out
