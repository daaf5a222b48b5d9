"""Generations of the saved state: a crash at any moment of a save leaves one that loads."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import stat
from pathlib import Path

import dill
import pytest

from synetune_lab.errors import ResumeError, StoreError, UntrustedFileError
from synetune_lab.store import snapshots
from synetune_lab.store.pickling import dumps
from synetune_lab.store.snapshots import SnapshotStore
from synetune_lab.store.trust import key_path


def saved(folder: Path, *values: object) -> SnapshotStore:
    store = SnapshotStore(folder)
    for seq, value in enumerate(values, start=1):
        store.save(dumps(value), seq)
    return store


def test_the_newest_generation_is_loaded(tmp_path: Path) -> None:
    saved(tmp_path, "old", "new")
    state = SnapshotStore(tmp_path).load()
    assert state.value == "new"
    assert (state.generation.generation, state.generation.seq) == (2, 2)
    assert state.notes == []


def test_generations_are_counted_on_by_the_next_process(tmp_path: Path) -> None:
    saved(tmp_path, "a", "b")
    assert SnapshotStore(tmp_path).save(dumps("c"), 9).generation == 3


def test_dill_reads_the_file(tmp_path: Path) -> None:
    saved(tmp_path, {"x": 1})
    with (tmp_path / "tuner.dill").open("rb") as file:
        assert dill.load(file) == {"x": 1}


@pytest.mark.parametrize("kept", [0, 10, -1])
def test_a_truncated_file_gives_way_to_the_previous_one(tmp_path: Path, kept: int) -> None:
    saved(tmp_path, "old", "new" * 100)
    path = tmp_path / "tuner.dill"
    path.write_bytes(path.read_bytes()[:kept])
    state = SnapshotStore(tmp_path).load()
    assert state.value == "old"
    assert state.file.name == "tuner.prev.dill"
    assert "cut short" in state.notes[0]


def test_without_a_sound_generation_the_reasons_are_told(tmp_path: Path) -> None:
    saved(tmp_path, "old", "new")
    for name in ("tuner.dill", "tuner.prev.dill"):
        (tmp_path / name).write_bytes(b"short")
    with pytest.raises(ResumeError, match=r"tuner\.dill.*tuner\.prev\.dill"):
        SnapshotStore(tmp_path).load()


def test_nothing_saved_is_said(tmp_path: Path) -> None:
    with pytest.raises(ResumeError, match="save_tuner=False"):
        SnapshotStore(tmp_path).load()


class Crash(BaseException):
    pass


@pytest.mark.parametrize("step", range(8))
def test_a_crash_at_any_step_of_a_save_leaves_a_generation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    saved(tmp_path, "first", "second")
    calls = 0

    def crashing(function: object) -> object:
        def wrapped(*args: object, **kwargs: object) -> object:
            nonlocal calls
            calls += 1
            if calls > step:
                raise Crash
            return function(*args, **kwargs)  # type: ignore[operator]

        return wrapped

    with monkeypatch.context() as patch:
        for name in ("write", "fsync", "link"):
            patch.setattr(os, name, crashing(getattr(os, name)))
        patch.setattr(Path, "replace", crashing(Path.replace))
        with contextlib.suppress(Crash):
            SnapshotStore(tmp_path).save(dumps("third"), 3)
    assert SnapshotStore(tmp_path).load().value in ("second", "third")


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = saved(tmp_path, "good")

    def full(*args: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(StoreError, match="No space left"):
            store.save(dumps("bad"), 2)
    assert SnapshotStore(tmp_path).load().value == "good"
    assert not list(tmp_path.glob(".*.tmp"))
    assert store.save(dumps("better"), 3).generation == 2


def test_a_file_of_another_user_is_refused_until_trusted(tmp_path: Path) -> None:
    saved(tmp_path, "theirs")
    key_path().unlink()  # this user has another key, or none yet
    with pytest.raises(UntrustedFileError, match=r"runs whatever code.*trust=True"):
        SnapshotStore(tmp_path).load()
    state = SnapshotStore(tmp_path).load(trust=True)
    assert (state.value, state.trusted_by) == ("theirs", "user")


def test_a_file_without_index_is_refused_until_trusted(tmp_path: Path) -> None:
    (tmp_path / "tuner.dill").write_bytes(bytes(dumps("downloaded")))
    with pytest.raises(UntrustedFileError):
        SnapshotStore(tmp_path).load()
    assert SnapshotStore(tmp_path).load(trust=True).value == "downloaded"


def test_a_file_put_in_the_place_of_ours_is_not_loaded(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> object:
            return (Path.touch, (tmp_path / "exploded",))

    saved(tmp_path, "old", "new")
    (tmp_path / "tuner.dill").write_bytes(dill.dumps(Bomb()))
    assert SnapshotStore(tmp_path).load().value == "old"
    index = json.loads((tmp_path / "tuner.json").read_text())
    index["generations"][0]["sha256"] = snapshots.digest((tmp_path / "tuner.dill").read_bytes())
    (tmp_path / "tuner.json").write_text(json.dumps(index))
    with pytest.raises(UntrustedFileError):
        SnapshotStore(tmp_path).load()
    assert not (tmp_path / "exploded").exists()


def test_a_copied_folder_is_still_trusted(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    saved(tmp_path / "a", "mine")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    assert SnapshotStore(tmp_path / "b").load().value == "mine"


def test_nobody_else_can_read_the_key(tmp_path: Path) -> None:
    saved(tmp_path, "x")
    assert stat.S_IMODE(key_path().stat().st_mode) == 0o600
