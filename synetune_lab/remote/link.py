"""What a remote run and those who follow it leave for each other on S3.

```
{link}/status.json                      the run's header, when it was heard of, whether it is over
{link}/log/{generation}-{offset}.jsonl  a piece of the event log, from that byte on
{link}/inbox/{id}.json                  what a follower asks
{link}/answers/{id}.json                what became of it
```

A generation is one process that drives the run: SageMaker may restart the job elsewhere, and what
the new process could not save of the log is gone. A piece grows until it is large enough, then the
next one begins, so that their number does not grow with time. Nothing here is code or a pickle.
"""

from __future__ import annotations

import json
import re
from dataclasses import MISSING, Field, asdict, dataclass, field, fields
from typing import Any, Final

__all__ = [
    "ANSWERS",
    "INBOX",
    "LOG",
    "STATUS",
    "Answer",
    "Piece",
    "Request",
    "Status",
    "link_uri",
    "result_uri",
]

STATUS: Final = "status.json"
LOG: Final = "log/"
INBOX: Final = "inbox/"
ANSWERS: Final = "answers/"

_PIECE: Final = re.compile(r"log/(\d{6})-(\d{15})\.jsonl")


def result_uri(s3_path: str, tuner_name: str) -> str:
    """Folder on S3 that SageMaker keeps in step with the run's own."""
    return f"{s3_path.rstrip('/')}/{tuner_name}"


def link_uri(s3_path: str, tuner_name: str) -> str:
    """Folder on S3 of a run's link; beside the results, so that copies of them lack it."""
    return f"{s3_path.rstrip('/')}/_link/{tuner_name}"


@dataclass(frozen=True, order=True)
class Piece:
    """A piece of the event log.

    Attributes:
        generation: Which process wrote it.
        offset: Byte of the log where it begins.
    """

    generation: int
    offset: int

    @property
    def name(self) -> str:
        """Its name below the link; names sort as pieces do."""
        return f"{LOG}{self.generation:06d}-{self.offset:015d}.jsonl"

    @classmethod
    def named(cls, name: str) -> Piece | None:
        """The piece of that name, None if it is no such name."""
        match = _PIECE.fullmatch(name)
        return None if match is None else cls(int(match[1]), int(match[2]))


@dataclass(frozen=True)
class Status:
    """What a run tells of itself.

    Attributes:
        generation: Which process drives it.
        at: Unix time, by its clock.
        log_length: Bytes of the log that the link holds.
        interval_s: Seconds between two looks of its at the link.
        launch: Which launch of the run it is, see `LaunchSettings`.
        is_over: Whether that process has ended the run.
        problem: Why it could not drive the run, in words.
        header: What `run.json` holds.
        trial_jobs: Names of the jobs of its trials begin with this; None if trials are no jobs.
    """

    generation: int
    at: float
    log_length: int
    interval_s: float
    launch: str = ""
    is_over: bool = False
    problem: str | None = None
    header: dict[str, Any] = field(default_factory=dict)
    trial_jobs: str | None = None

    def encode(self) -> bytes:
        """As JSON."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def decode(cls, body: bytes) -> Status:
        """From JSON; entries of later releases are left out.

        Raises:
            ValueError: If it is none.
        """
        return cls(**_entries(cls, body))


@dataclass(frozen=True)
class Request:
    """What a follower asks.

    Attributes:
        id: The same id twice is carried out once.
        kind: `command` (one of `synetune_lab.engine.commands`, or `save`) or `query`.
        name: Which one.
        args: Its arguments, as JSON.
        origin: Who asks: `cell`, `panel`, ...
        launch: Of which launch of the run it is asked; a later one does not do it.
    """

    id: str
    kind: str
    name: str
    args: dict[str, Any]
    origin: str = "cell"
    launch: str = ""

    def file_name(self, now_ns: int) -> str:
        """Its name below the link. The job takes requests in the order of their names."""
        return f"{INBOX}{now_ns:020d}-{_plain(self.id)}.json"

    def encode(self) -> bytes:
        """As JSON."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def decode(cls, body: bytes) -> Request:
        """From JSON.

        Raises:
            ValueError: If it is none.
        """
        request = cls(**_entries(cls, body))
        texts = (request.id, request.kind, request.name, request.origin, request.launch)
        if not all(isinstance(text, str) for text in texts) or not isinstance(request.args, dict):
            raise ValueError("no Request: its entries are texts, and its args an object")
        return request


@dataclass(frozen=True)
class Answer:
    """What became of a request.

    Attributes:
        id: Of the request.
        ok: Whether it was done.
        result: What it gave.
        error: Why it was refused.
    """

    id: str
    ok: bool
    result: Any = None
    error: str | None = None

    @staticmethod
    def file_name(request_id: str) -> str:
        """Name below the link of the answer to a request."""
        return f"{ANSWERS}{_plain(request_id)}.json"

    def encode(self) -> bytes:
        """As JSON."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def decode(cls, body: bytes) -> Answer:
        """From JSON.

        Raises:
            ValueError: If it is none.
        """
        return cls(**_entries(cls, body))


def _entries(kind: type[Status | Request | Answer], body: bytes) -> dict[str, Any]:
    """The entries of a JSON object that a class knows, all that it needs among them."""
    data = json.loads(body)
    if not isinstance(data, dict):
        raise ValueError(f"a {kind.__name__} is an object, got {type(data).__name__}")
    missing = [f.name for f in fields(kind) if f.name not in data and _is_needed(f)]
    if missing:
        raise ValueError(f"no {kind.__name__}: it lacks {', '.join(missing)}")
    return {f.name: data[f.name] for f in fields(kind) if f.name in data}


def _is_needed(entry: Field[Any]) -> bool:
    return entry.default is MISSING and entry.default_factory is MISSING


def _plain(request_id: str) -> str:
    """An id as part of an object's name."""
    return "".join(c if c.isalnum() or c in "-_" else "-" for c in request_id)[:80]
