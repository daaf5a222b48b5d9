"""Recovery: play back what was logged after the state was saved."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from synetune_lab.engine.actions import Action, action_from_json, action_to_json
from synetune_lab.engine.events import CommandReceived, Event, TrialReported, event_from_json
from synetune_lab.errors import ResumeError
from synetune_lab.store.event_log import Record, plain_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from synetune_lab.engine.engine import TuningEngine
    from synetune_lab.session.hooks import Hooks
    from synetune_lab.session.state import RunState

logger = logging.getLogger(__name__)


@dataclass
class ResumeReport:
    """How a saved run was brought back; `str` tells it in a few lines.

    Attributes:
        file: The saved state that was used.
        generation: Its number, None if unknown.
        notes: Why a newer one was not.
        replayed: Records of the log that were played back on top of it.
        disagreement: Where playing back did not give what the log says, None if it did.
        adopted: Trials whose processes were found alive.
        ended: Trials that ran when the run was left, and do not run now: what they reported is
            taken in, and those that vanished are started again from their checkpoints.
    """

    file: str
    generation: int | None = None
    notes: list[str] = field(default_factory=list)
    replayed: int = 0
    disagreement: str | None = None
    adopted: list[int] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)

    def __str__(self) -> str:
        number = f" (generation {self.generation})" if self.generation is not None else ""
        lines = [f"Resumed from {self.file}{number}"]
        lines += [f"Not from a newer state: {note}" for note in self.notes]
        if self.replayed:
            lines.append(f"{self.replayed} later events were played back from the log")
        if self.disagreement:
            lines.append(f"The log is believed where it disagrees: {self.disagreement}")
        if self.adopted:
            lines.append(f"Trials found running and adopted: {_ids(self.adopted)}")
        if self.ended:
            lines.append(f"Trials that ended or vanished meanwhile: {_ids(self.ended)}")
        return "\n".join(lines)


def _ids(ids: list[int]) -> str:
    return ", ".join(map(str, ids))


RESUMING = "resume"
"""Origin of commands that come with a resume, before the run is opened again."""


def at_rest(engine: TuningEngine, event: Event) -> None:
    """Let the engine take a command of a resume before anything starts.

    The run was left finished, or in the middle of things if its driver was killed. Paused, it takes
    commands and starts nothing; `RunOpened`, which follows, sets it going.
    """
    if isinstance(event, CommandReceived) and event.origin == RESUMING:
        engine.run_state = "paused"


def replay(
    engine: TuningEngine, state: RunState, records: Iterable[Record], hooks: Hooks | None = None
) -> tuple[int, str | None]:
    """Let the engine handle the logged events again.

    The engine is deterministic, so the same actions come out; they are not carried out. Where they
    differ (a scheduler with a clock or unseeded randomness of its own), the trials follow the log.

    Args:
        engine: As it was saved.
        state: The session's part, brought up to date, too.
        records: Those after `state.seq`.
        hooks: Callbacks that are to learn what they missed.

    Returns:
        The number of records and, if some came out differently, where and how the first did.

    Raises:
        ResumeError: If records are missing.
    """
    count, disagreement = 0, None
    for record in records:
        if record["n"] != state.seq + 1:
            raise ResumeError(
                f"the saved state ends at record {state.seq} and the log goes on at {record['n']}"
            )
        event = event_from_json(record["e"])
        at_rest(engine, event)
        fresh: list[Action] = engine.handle(event, record["t"])
        logged = [action_from_json(action) for action in record["a"]]
        difference = _difference(fresh, record["a"])
        if difference is not None:
            disagreement = disagreement or f"record {record['n']}: {difference}"
            engine.impose(logged, record["t"])
        state.seq, state.clock = record["n"], record["t"]
        state.note_actions(logged)
        if isinstance(event, TrialReported):
            state.note_report(event.trial_id, event.run, record.get("o"))
        if hooks is not None:
            hooks.replay_actions(engine, logged)
        count += 1
    return count, disagreement


def _difference(fresh: list[Action], logged: list[dict[str, Any]]) -> str | None:
    """What the engine does now that it did not do then, None if nothing."""
    now = [plain_json(action_to_json(action)) for action in fresh]
    if json.dumps(now, sort_keys=True) == json.dumps(logged, sort_keys=True):
        return None
    told = [f"{a['kind']} {a.get('trial_id', a.get('what', ''))}".strip() for a in logged]
    would = [f"{a['kind']} {a.get('trial_id', a.get('what', ''))}".strip() for a in now]
    if told != would:
        return f"it did {told}, now it would {would}"
    return f"the details of {told} differ"
