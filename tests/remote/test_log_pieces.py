"""The copy of a log that is put together from pieces, whatever happens to the log meanwhile."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from synetune_lab.remote import uplink as uplink_module
from synetune_lab.remote.link import Answer, Piece, Request, Status
from synetune_lab.remote.log_pieces import join_pieces, length_in, restore_log
from synetune_lab.remote.s3_folder import Entry
from synetune_lab.remote.uplink import Uplink


class Memory:
    """Objects as S3 has them: whole, listed in the order of their names."""

    uri = "s3://memory/link"

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def put(self, name: str, body: bytes) -> None:
        self.objects[name] = body

    def get(self, name: str, start: int = 0) -> bytes | None:
        body = self.objects.get(name)
        return None if body is None else body[start:]

    def entries(self, below: str = "", after: str = "") -> list[Entry]:
        return [
            Entry(name, len(body), str(hash(body)))
            for name, body in sorted(self.objects.items())
            if name.startswith(below) and name > after
        ]

    def delete(self, name: str) -> None:
        self.objects.pop(name, None)


class FakeTuner:
    def __init__(self, path: Path) -> None:
        self.tuner_path = path
        self.current_session = None


def line(number: int, size: int) -> bytes:
    return json.dumps({"n": number, "e": {"kind": "x" * size}}).encode() + b"\n"


steps = st.lists(
    st.one_of(
        st.tuples(st.just("grow"), st.lists(st.integers(0, 60), min_size=1, max_size=4)),
        st.tuples(st.just("send"), st.just([])),
        st.tuples(st.just("follow"), st.just([])),
        st.tuples(st.just("follow anew"), st.just([])),
        st.tuples(st.just("restart"), st.lists(st.integers(0, 3), min_size=1, max_size=1)),
    ),
    max_size=30,
)


@given(steps)
def test_a_copy_ends_up_the_same(happens: list[tuple[str, list[int]]]) -> None:
    with TemporaryDirectory() as folder:
        _play(Path(folder), happens)


def _play(root: Path, happens: list[tuple[str, list[int]]]) -> None:
    memory = Memory()
    run, copy = root / "run", root / "copy.jsonl"
    run.mkdir()
    log = run / "events.jsonl"
    log.touch()
    uplink_module.PIECE_BYTES, before = 100, uplink_module.PIECE_BYTES
    try:
        uplink = Uplink(memory, FakeTuner(run), goes_on=True)  # type: ignore[arg-type]
        uplink._begin()
        number, seen = 0, None
        for what, sizes in happens:
            if what == "grow":
                with log.open("ab") as file:
                    for size in sizes:
                        number += 1
                        file.write(line(number, size))
            elif what == "send":
                uplink._send_log()
            elif what.startswith("follow"):
                seen = join_pieces(memory, copy, None if "anew" in what else seen)  # type: ignore[arg-type]
            else:
                # The instance is gone; another one has an older state of the folder.
                lines = log.read_bytes().splitlines(keepends=True)
                log.write_bytes(b"".join(lines[: max(0, len(lines) - sizes[0])]))
                restore_log(memory, run)  # type: ignore[arg-type]
                number = log.read_bytes().count(b"\n")
                uplink = Uplink(memory, FakeTuner(run), goes_on=True)  # type: ignore[arg-type]
                uplink._begin()
        uplink._send_log()
        join_pieces(memory, copy, seen)  # type: ignore[arg-type]
        assert copy.read_bytes() == log.read_bytes()
        assert length_in(memory)[0] == log.stat().st_size  # type: ignore[arg-type]
        numbers = [json.loads(text)["n"] for text in copy.read_text().splitlines()]
        assert numbers == list(range(1, len(numbers) + 1))
    finally:
        uplink_module.PIECE_BYTES = before


@given(st.integers(1, 999_999), st.integers(0, 10**14))
def test_names_sort_as_pieces_do(generation: int, offset: int) -> None:
    piece = Piece(generation, offset)
    assert Piece.named(piece.name) == piece
    later = Piece(generation, offset + 1)
    assert (piece.name < later.name) == (piece < later)
    assert Piece.named("log/else") is None


def test_messages_survive_the_way() -> None:
    status = Status(2, 1.5, 100, 2.0, "abc", True, "why", {"state": "running"})
    assert Status.decode(status.encode()) == status
    request = Request("1", "command", "pause_run", {"running": "pause"}, "panel")
    assert Request.decode(request.encode()) == request
    answer = Answer("1", False, None, "no")
    assert Answer.decode(answer.encode()) == answer
    later = json.dumps({**json.loads(answer.encode()), "new": 1}).encode()
    assert Answer.decode(later) == answer
    for kind in (Status, Request, Answer):
        for body in (b"[]", b"{}", b"nonsense", b"3"):
            try:
                kind.decode(body)
            except ValueError:
                continue
            raise AssertionError(f"{kind} took {body!r}")


def test_names_of_requests_keep_to_their_folder() -> None:
    name = Request("../../x y", "command", "save", {}).file_name(5)
    assert name == "inbox/00000000000000000005-------x-y.json"
    assert Answer.file_name("a/b") == "answers/a-b.json"
