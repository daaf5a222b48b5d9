"""What happened: the events that the engine is told, in the past tense.

Every event is a frozen dataclass of JSON values, so that the durable log can hold it
(`to_json`) and recovery can replay it (`event_from_json`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

Json = Any
"""A value that `json.dumps` takes."""


@dataclass(frozen=True, slots=True)
class RunOpened:
    """A session has begun to drive the engine, for the first time or after a stop or crash.

    Attributes:
        resumed: Whether the engine was restored from a saved state.
        alive: Trials (with the number of their current run) whose processes were found alive
            and adopted. A trial that was in progress and is not listed is started again from
            its checkpoint.
        unix_time: Unix time now, None if creation times of trials don't matter.
    """

    kind: ClassVar[str] = "run_opened"
    resumed: bool = False
    alive: Mapping[str, int] = field(default_factory=dict)
    unix_time: float | None = None


@dataclass(frozen=True, slots=True)
class TrialStarted:
    """The backend has a process (job, task) for this run of the trial.

    Attributes:
        trial_id: The trial.
        run: How many times the trial was started before: 0 for the first start, one more with
            each resume. Events of an older run are ignored by the engine.
        handle: What the backend needs to find the process again (process id, start time, boot id;
            job name; ...).
    """

    kind: ClassVar[str] = "trial_started"
    trial_id: int
    run: int
    handle: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TrialReported:
    """A trial reported metrics. `result` holds them with the `st_worker_*` entries."""

    kind: ClassVar[str] = "trial_reported"
    trial_id: int
    run: int
    result: Mapping[str, Json]


EndCause = Literal["exited", "paused", "stopped", "failed", "lost"]


@dataclass(frozen=True, slots=True)
class TrialEnded:
    """The process of a trial's run has ended, and all that it reported was delivered before.

    Attributes:
        cause: `exited` (by itself, exit code 0), `paused` or `stopped` (as the backend was asked
            to), `failed` (exit code other than 0, or it could not be started), `lost` (it vanished
            and nobody knows its exit code).
        exit_code: The exit code, negative for a signal, where known.
        error: The last lines of its error log, or why it could not be started.
    """

    kind: ClassVar[str] = "trial_ended"
    trial_id: int
    run: int
    cause: EndCause
    exit_code: int | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class CommandReceived:
    """Somebody (a cell, the panel, another thread) asks for something.

    Attributes:
        command_id: Unique for each request; the same id twice is carried out once.
        name: One of `synetune_lab.engine.commands.COMMANDS`.
        args: The command's arguments as JSON.
        origin: Who asked: `cell`, `panel`, `signal`, ...
    """

    kind: ClassVar[str] = "command_received"
    command_id: str
    name: str
    args: Mapping[str, Json] = field(default_factory=dict)
    origin: str = "cell"


@dataclass(frozen=True, slots=True)
class TimePassed:
    """Nothing happened until a time at which the engine wished to be asked again."""

    kind: ClassVar[str] = "time_passed"


Event = RunOpened | TrialStarted | TrialReported | TrialEnded | CommandReceived | TimePassed

EVENT_TYPES: dict[str, type] = {
    cls.kind: cls
    for cls in (RunOpened, TrialStarted, TrialReported, TrialEnded, CommandReceived, TimePassed)
}


def event_to_json(event: Event) -> dict[str, Json]:
    """The event as a JSON object, with its `kind`."""
    data: dict[str, Json] = {"kind": event.kind}
    for name in event.__dataclass_fields__:
        data[name] = getattr(event, name)
    return data


def event_from_json(data: Mapping[str, Json]) -> Event:
    """The event that `event_to_json` wrote.

    Raises:
        KeyError: If `kind` is not that of an event.
    """
    fields = dict(data)
    return EVENT_TYPES[fields.pop("kind")](**fields)  # type: ignore[no-any-return]
