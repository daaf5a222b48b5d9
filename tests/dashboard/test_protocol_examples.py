"""The examples that the TypeScript side is tested with have the form of what Python sends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from synetune_lab.dashboard.feed import RunFeed
from synetune_lab.dashboard.small_snapshot import small_snapshot
from synetune_lab.engine.commands import parse_command
from tests.dashboard.conftest import Wire
from tests.dashboard.histories import Drive
from tests.dashboard.test_pictures import saved_feed

FOLDER = Path(__file__).parents[1] / "protocol"


def example(name: str) -> dict[str, Any]:
    return json.loads((FOLDER / f"{name}.json").read_text())  # type: ignore[no-any-return]


def message(name: str) -> dict[str, Any]:
    return example(name)["message"]  # type: ignore[no-any-return]


@pytest.fixture
def feed(tmp_path: Path) -> RunFeed:
    return saved_feed(tmp_path / "run", Drive().run(200))


def assert_same_form(ours: Any, theirs: Any, where: str = "") -> None:
    """The same keys and the same kinds of values, as far as both have some."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        if where.endswith(_FREE):
            return
        assert ours.keys() == theirs.keys(), (where, ours.keys() ^ theirs.keys())
        for key in ours:
            assert_same_form(ours[key], theirs[key], f"{where}.{key}")
    elif isinstance(ours, list) and isinstance(theirs, list):
        for entry in ours[:1]:
            for other in theirs[:1]:
                assert_same_form(entry, other, f"{where}[]")
    elif ours is not None and theirs is not None:
        numbers = {int, float}
        assert type(ours) is type(theirs) or {type(ours), type(theirs)} <= numbers, where


_FREE = (
    ".scheduler", ".config_space", ".counts", ".config", ".last", ".reason", ".decision",
    ".details", ".stop_criterion",
)  # fmt: skip
"""What has keys of its own in each run."""


def test_a_snapshot(feed: RunFeed) -> None:
    content, buffers = feed.snapshot()
    ours, theirs = json.loads(json.dumps(content)), message("snapshot")
    assert len(buffers) == len(content["reports"]["columns"])
    for one in (ours, theirs):
        one["rungs"] = [rung for rung in one["rungs"] if rung["entries"]][:1]
    assert_same_form(ours, theirs)


def test_a_static_snapshot(feed: RunFeed) -> None:
    ours = json.loads(json.dumps(small_snapshot(feed, "synetune_lab:v1")))
    theirs = message("static")
    assert ours.keys() == theirs.keys()
    assert_same_form(ours["header"], theirs["header"])
    assert_same_form(ours["reports"], theirs["reports"])


def test_a_delta(tmp_path: Path) -> None:
    drive = Drive()
    drive.run(100)
    feed = saved_feed(tmp_path / "run", drive)
    feed.snapshot()
    feed._looked_at = float("inf")  # type: ignore[attr-defined] - nothing new on disk
    drive.run(60)
    feed.view.fold(drive.records)
    told = feed.delta()
    assert told is not None
    ours, theirs = json.loads(json.dumps(told[0])), message("delta")
    assert ours.keys() <= theirs.keys() | {"best", "rungs", "flags", "trials"}
    for part in ours.keys() & {"trials", "reports", "rungs", "best", "flags"}:
        assert_same_form(ours[part], theirs[part], f".{part}")


@pytest.mark.parametrize("name", ["hello", "hello_list", "seen", "resync", "command", "query"])
def test_what_panels_send_is_understood(wire: Wire, name: str) -> None:
    said = message(name)
    said["client"] = wire.name
    wire.hub.receive(wire, said, "control")
    expected = {
        "hello": "welcome",
        "hello_list": "welcome",
        "seen": "bye",
        "resync": "bye",
        "command": "ack",
        "query": "answer",
    }[name]
    wire.wait_for(expected)
    if name == "command":
        parse_command(said["cmd"], said["args"])


@pytest.mark.parametrize("name", ["ack", "ack_refused", "answer", "welcome", "bye"])
def test_answers_have_the_form_of_the_examples(wire: Wire, hub: Any, tuner: Any, name: str) -> None:
    wire.say("hello", run=None)
    wire.say("hello", run="nobody")
    answers = {
        "welcome": lambda: wire.wait_for("welcome", run=None),
        "bye": lambda: wire.wait_for("bye"),
        "ack": lambda: wire.ask("command", "digits", cmd="save", args={}),
        "ack_refused": lambda: wire.ask("command", "digits", cmd="nothing", args={}),
        "answer": lambda: wire.ask("query", "digits", what="trial", args={"trial_id": 0}),
    }
    ours = answers[name]()
    assert ours.keys() == message(name).keys()
