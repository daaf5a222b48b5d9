"""What the list of saved runs tells of a run, from its small JSON files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from synetune_lab.store.saved_runs import RemoteJob, saved_runs

HEADER = {
    "name": "digits",
    "state": "running",
    "started_at": 1000.0,
    "counts": {"Completed": 3, "Paused": 2},
    "num_reports": 40,
    "metric_names": ["loss"],
    "metric_modes": ["min"],
    "best": {"trial_id": 1, "value": 0.25},
    "scheduler": {"name": "ASHA"},
}


def write(folder: Path, run: Any = HEADER, remote: Any = None) -> Path:
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps(run))
    (folder / "tuner.dill").write_bytes(b"not loaded")
    if remote is not None:
        (folder / "remote.json").write_text(
            remote if isinstance(remote, str) else json.dumps(remote)
        )
    return folder


def only(folder: Path) -> dict[str, Any]:
    (run,) = saved_runs(folder)
    return run


def test_a_run_that_nobody_drives_was_interrupted(tmp_path: Path) -> None:
    write(tmp_path / "digits")
    run = only(tmp_path)
    assert run["state"] == "interrupted"
    assert run["resumable"]
    assert run["remote"] is None
    assert (run["trials"], run["reports"], run["best"], run["scheduler"]) == (5, 40, 0.25, "ASHA")


def test_a_run_that_a_job_drives_goes_on_without_us(tmp_path: Path) -> None:
    path = write(tmp_path / "digits", remote={"job_name": "digits-1", "is_over": False})
    run = only(tmp_path)
    assert run["state"] == "running"
    assert not run["resumable"]  # not before the job is over
    assert run["remote"] == {
        "job": "digits-1",
        "is_over": False,
        "looked_at": (path / "run.json").stat().st_mtime,
    }


def test_a_run_whose_job_is_over_is_as_its_files_tell(tmp_path: Path) -> None:
    header = {**HEADER, "state": "finished"}
    write(tmp_path / "digits", header, {"job_name": "digits-1", "is_over": True})
    run = only(tmp_path)
    assert run["state"] == "finished"
    assert run["resumable"]
    assert run["remote"]["is_over"]


@pytest.mark.parametrize("note", ["", "[]", "{", '"x"', "{}", "null"])
def test_a_note_that_cant_be_read_is_as_none(tmp_path: Path, note: str) -> None:
    path = write(tmp_path / "digits", remote=note)
    assert RemoteJob.of(path) is None
    assert only(tmp_path)["remote"] is None


def test_the_newest_run_is_first(tmp_path: Path) -> None:
    for name, started in (("old", 1.0), ("new", 3.0), ("nested/between", 2.0)):
        write(tmp_path / name, {**HEADER, "name": name, "started_at": started})
    assert [run["name"] for run in saved_runs(tmp_path)] == ["new", "nested/between", "old"]
