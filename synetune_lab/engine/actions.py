"""What to do: the actions that the engine asks for, in the imperative.

The first group is carried out by the backend, the second by the session. Every action is a
frozen dataclass of JSON values and is written to the durable log beside the event that caused it,
so that views of a run can be folded from the log alone, without loading any pickle.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

Json = Any


@dataclass(frozen=True, slots=True)
class StartTrial:
    """Start a new trial.

    Attributes:
        trial_id: Its number, counted from 0 without gaps.
        run: Always 0 unless the trial is started again after its process was lost.
        config: What the training script gets.
        checkpoint_trial_id: Copy this trial's checkpoint first (warm start).
        space_version: The version of the configuration space that the configuration comes from.
        reason: Why this configuration (see `TrialScheduler.reason`).
    """

    kind: ClassVar[str] = "start_trial"
    trial_id: int
    run: int
    config: Mapping[str, Json]
    checkpoint_trial_id: int | None = None
    space_version: int = 0
    reason: Mapping[str, Json] | None = None


@dataclass(frozen=True, slots=True)
class ResumeTrial:
    """Go on with a paused trial from its checkpoint, as run number `run`."""

    kind: ClassVar[str] = "resume_trial"
    trial_id: int
    run: int
    config: Mapping[str, Json]
    reason: Mapping[str, Json] | None = None


@dataclass(frozen=True, slots=True)
class PauseTrial:
    """End the trial's process after it had time to write a checkpoint; keep the checkpoint."""

    kind: ClassVar[str] = "pause_trial"
    trial_id: int
    run: int


@dataclass(frozen=True, slots=True)
class StopTrial:
    """End the trial's process for good."""

    kind: ClassVar[str] = "stop_trial"
    trial_id: int
    run: int


@dataclass(frozen=True, slots=True)
class DeleteCheckpoint:
    """The trial's checkpoint is not needed any more (only with `delete_checkpoints`)."""

    kind: ClassVar[str] = "delete_checkpoint"
    trial_id: int


@dataclass(frozen=True, slots=True)
class RecordDecision:
    """The scheduler has judged a report.

    Attributes:
        trial_id: The trial that reported.
        run: Its run.
        result: The report.
        decision: `CONTINUE`, `PAUSE` or `STOP`.
        status: Status of the trial before the decision.
        reason: Why (see `TrialScheduler.reason`), None for a plain "go on".
        tuner_time: Seconds since the run began, without the time that it was not driven.
    """

    kind: ClassVar[str] = "decision"
    trial_id: int
    run: int
    result: Mapping[str, Json]
    decision: str
    status: str
    reason: Mapping[str, Json] | None
    tuner_time: float


@dataclass(frozen=True, slots=True)
class ChangeStatus:
    """A trial has changed its status.

    Attributes:
        status: The new one, of `synetune_lab.trial.Status`.
        paused_by: `scheduler`, `user` or `run` for a paused trial.
        error: For a failed trial.
        cause: What led to it, in one word: `scheduler`, `user`, `script`, `run`, `crash`.
        reason: Details, where somebody can give them.
    """

    kind: ClassVar[str] = "status"
    trial_id: int
    status: str
    paused_by: str | None = None
    error: str | None = None
    cause: str = "script"
    reason: Mapping[str, Json] | None = None


@dataclass(frozen=True, slots=True)
class ChangeRun:
    """The run itself has changed: paused, resumed, workers, space, stopping criterion, ended.

    Attributes:
        what: `opened`, `paused`, `resumed`, `stopping`, `finished`, `workers`, `space`,
            `stop_criterion`, `enqueued`.
        details: E.g. `{"n_workers": 3}`; `{"version": 1, "space": {...}, "changes": [...],
            "report": {...}}`; `{"why": "max_wallclock_time"}`.
        origin: Who asked for it: `cell`, `panel`, `tuner`.
    """

    kind: ClassVar[str] = "run"
    what: str
    details: Mapping[str, Json] = field(default_factory=dict)
    origin: str = "tuner"


@dataclass(frozen=True, slots=True)
class AnswerCommand:
    """Tell whoever sent the command what became of it."""

    kind: ClassVar[str] = "answer"
    command_id: str
    ok: bool
    result: Json = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class FinishRun:
    """Nothing is left to do: no process of a trial runs any more. `why` is one sentence."""

    kind: ClassVar[str] = "finish_run"
    why: str


BackendAction = StartTrial | ResumeTrial | PauseTrial | StopTrial | DeleteCheckpoint
SessionAction = RecordDecision | ChangeStatus | ChangeRun | AnswerCommand | FinishRun
Action = BackendAction | SessionAction

ACTION_TYPES: dict[str, type] = {
    cls.kind: cls
    for cls in (
        StartTrial,
        ResumeTrial,
        PauseTrial,
        StopTrial,
        DeleteCheckpoint,
        RecordDecision,
        ChangeStatus,
        ChangeRun,
        AnswerCommand,
        FinishRun,
    )
}


def action_to_json(action: Action) -> dict[str, Json]:
    """The action as a JSON object, with its `kind`."""
    data: dict[str, Json] = {"kind": action.kind}
    for name in action.__dataclass_fields__:
        data[name] = getattr(action, name)
    return data


def action_from_json(data: Mapping[str, Json]) -> Action:
    """The action that `action_to_json` wrote.

    Raises:
        KeyError: If `kind` is not that of an action.
    """
    fields = dict(data)
    return ACTION_TYPES[fields.pop("kind")](**fields)  # type: ignore[no-any-return]
