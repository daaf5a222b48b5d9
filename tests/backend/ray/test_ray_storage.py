"""Whoever asks for a trial's checkpoint has it in a folder, wherever trials keep theirs."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from synetune_lab.backend.local.folder import TrialFolder
from synetune_lab.backend.ray_backend import url_storage
from synetune_lab.backend.ray_backend.files import FilesOfTrials
from synetune_lab.backend.ray_backend.hosted import HostedScript
from synetune_lab.backend.ray_backend.url_storage import UrlStorage
from synetune_lab.errors import BackendError
from synetune_lab.testing import trial_bodies

pytest.importorskip("fsspec", reason="fsspec is not installed: pip install 'synetune_lab[ray]'")


def files_of(tmp_path: Path, storage_path: str | None) -> FilesOfTrials:
    """The part of a backend that deals with files."""
    files = FilesOfTrials(HostedScript(trial_bodies.__file__), storage_path, False, False)
    files.set_path(str(tmp_path / "experiment"), "experiment")
    return files


class Node:
    """A node where trial 0 writes checkpoints of two files, which belong together."""

    def __init__(self, tmp_path: Path, url: str) -> None:
        self.storage = UrlStorage(url)
        self.folder = TrialFolder(tmp_path / "node" / "0")
        self.storage.fetch(self.folder, 0)
        self.folder.checkpoints.mkdir(parents=True)

    def write(self, number: int) -> None:
        for name in ("a", "b"):
            (self.folder.checkpoints / name).write_text(f"{name}{number}" * 50)
        self.storage.keep(self.folder, 0, 0)


def number_in(folder: Path) -> int:
    """Which checkpoint that is; it has to be whole."""
    a, b = ((folder / name).read_text() for name in ("a", "b"))
    number = int(a[1 : len(a) // 50])
    assert (a, b) == (f"a{number}" * 50, f"b{number}" * 50)
    return number


@contextmanager
def writing(node: Node, last: int) -> Iterator[threading.Thread]:
    """The node writes checkpoints meanwhile, one after the other."""
    thread = threading.Thread(target=lambda: [node.write(n) for n in range(1, last + 1)])
    thread.start()
    try:
        yield thread
    finally:
        thread.join()


def test_only_a_new_checkpoint_is_fetched(tmp_path: Path) -> None:
    url = f"file://{tmp_path}/bucket"
    node, files = Node(tmp_path, f"{url}/experiment"), files_of(tmp_path, url)
    assert not files.checkpoint_trial_path(0).exists()
    node.write(1)
    assert number_in(files.checkpoint_trial_path(0)) == 1
    before = (files.checkpoint_trial_path(0) / "a").stat()
    assert os.path.samestat(before, (files.checkpoint_trial_path(0) / "a").stat())
    node.write(2)
    assert number_in(files.checkpoint_trial_path(0)) == 2
    files.delete_checkpoint(0)
    assert not (files.trial_path(0) / "checkpoints").exists()


def test_a_checkpoint_is_whole_however_fast_its_trial_replaces_it(tmp_path: Path) -> None:
    url = f"file://{tmp_path}/bucket"
    node, files = Node(tmp_path, f"{url}/experiment"), files_of(tmp_path, url)
    node.write(0)
    seen = []
    with writing(node, 100) as writer:
        while writer.is_alive():
            seen.append(number_in(files.checkpoint_trial_path(0)))
            files.copy_checkpoint(0, 1)
            assert number_in(files.checkpoint_trial_path(1)) >= seen[-1]
    assert seen == sorted(seen)
    assert number_in(files.checkpoint_trial_path(0)) == 100
    # Nothing is left of those before, nor of attempts.
    for trial_id in (0, 1):
        stored = tmp_path / "bucket" / "experiment" / str(trial_id)
        assert len([path for path in stored.iterdir() if path.is_dir()]) == 1
        names = {path.name for path in files.trial_path(trial_id).iterdir()}
        assert names == {"checkpoints", "fetched.json"}


def test_several_threads_may_ask_for_it_at_once(tmp_path: Path) -> None:
    url = f"file://{tmp_path}/bucket"
    node, files = Node(tmp_path, f"{url}/experiment"), files_of(tmp_path, url)
    node.write(7)
    with ThreadPoolExecutor(8) as pool:
        paths = list(pool.map(files.checkpoint_trial_path, [0] * 24))
    assert {number_in(path) for path in paths} == {7}


def test_a_checkpoint_that_was_copied_again_is_fetched_again(tmp_path: Path) -> None:
    url = f"file://{tmp_path}/bucket"
    node, files = Node(tmp_path, f"{url}/experiment"), files_of(tmp_path, url)
    for number in (1, 2):
        node.write(number)
        files.copy_checkpoint(0, 1)
        assert number_in(files.checkpoint_trial_path(1)) == number


def test_a_folder_that_was_not_fetched_is_left_alone(tmp_path: Path) -> None:
    files = files_of(tmp_path, f"file://{tmp_path}/bucket")
    own = files.trial_path(0) / "checkpoints"
    own.mkdir(parents=True)
    (own / "mine").touch()
    assert [path.name for path in files.checkpoint_trial_path(0).iterdir()] == ["mine"]


def test_a_place_that_can_not_be_reached_is_said(tmp_path: Path) -> None:
    (tmp_path / "bucket").touch()
    files = files_of(tmp_path, f"file://{tmp_path}/bucket")
    with pytest.raises(BackendError, match=r"trial 3 .*storage_path='file://.*NotADirectoryError"):
        files.checkpoint_trial_path(3)


def test_a_folder_stays_where_it_is_when_the_current_one_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    files = files_of(tmp_path, "shared")
    before = files.checkpoint_trial_path(0)
    monkeypatch.chdir("/")
    assert files.checkpoint_trial_path(0) == before
    assert before == tmp_path / "shared" / "experiment" / "0" / "checkpoints"


def test_what_vanishes_while_it_is_looked_at_is_sent_with_the_next_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = Node(tmp_path, f"file://{tmp_path}/bucket")
    node.write(1)
    draft = node.folder.checkpoints / "draft"
    draft.mkdir()
    scandir: Any = os.scandir

    def vanishing(path: Any) -> Any:
        if path == str(draft) or path == draft:
            draft.rename(tmp_path / "gone")
        return scandir(path)

    with monkeypatch.context() as patch:
        patch.setattr(url_storage.os, "scandir", vanishing)
        node.storage.keep(node.folder, 0, 0)
    latest = (tmp_path / "bucket" / "0" / "latest.json").read_text()
    node.storage.keep(node.folder, 0, 0)
    assert (tmp_path / "bucket" / "0" / "latest.json").read_text() != latest


def test_a_checkpoint_that_was_sent_in_part_is_sent_anew_and_nothing_is_left_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"file://{tmp_path}/bucket"
    node, files = Node(tmp_path, f"{url}/experiment"), files_of(tmp_path, url)
    node.write(1)
    put = UrlStorage._put

    def failing(self: UrlStorage, trial_id: int, name: str, data: bytes) -> None:
        if name.endswith("/b"):
            raise OSError("connection reset")
        put(self, trial_id, name, data)

    with monkeypatch.context() as patch:
        patch.setattr(UrlStorage, "_put", failing)
        with pytest.raises(OSError, match="connection reset"):
            node.write(2)
    assert number_in(files.checkpoint_trial_path(0)) == 1
    node.write(2)
    assert number_in(files.checkpoint_trial_path(0)) == 2
    stored = tmp_path / "bucket" / "experiment" / "0"
    assert len([path for path in stored.iterdir() if path.is_dir()]) == 1
