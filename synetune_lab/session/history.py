"""The log of a run that was not logged, as far as engine and results know what happened."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from synetune_lab.constants import (
    CONFIG_COLUMN_PREFIX,
    ST_DECISION,
    ST_STATUS,
    ST_TUNER_TIME,
    TRIAL_ID,
)
from synetune_lab.engine.actions import (
    Action,
    ChangeRun,
    ChangeStatus,
    RecordDecision,
    StartTrial,
)
from synetune_lab.engine.events import Event, RunOpened, TimePassed, TrialReported
from synetune_lab.trial import Status

if TYPE_CHECKING:
    from synetune_lab.engine.engine import TuningEngine
    from synetune_lab.engine.trial_table import TrialRecord
    from synetune_lab.results_callback import StoreResultsCallback

__all__ = ["history_of"]

_OWN = (ST_DECISION, ST_STATUS, ST_TUNER_TIME, TRIAL_ID)

Moment = tuple[float, int, Event, list[Action]]


def history_of(
    engine: TuningEngine, results: StoreResultsCallback | None
) -> Iterator[tuple[Event, list[Action], float]]:
    """What led to the present state: starts, reports and statuses of trials, in order of time.

    Details that nobody kept are missing: the ranks in rungs, who was paused in between.

    Args:
        engine: The engine.
        results: Who has the reports; None if nobody does.
    """
    moments: list[Moment] = [(0.0, 0, RunOpened(), [ChangeRun("opened", {"resumed": False})])]
    moments += _reports(engine, results)
    for _, record in engine.trials.peek_all():
        moments.append((record.created, 1, TimePassed(), _start_of(record)))
        if record.status != Status.in_progress:
            ended = engine.status.tuner_time if record.ended is None else record.ended
            change = ChangeStatus(
                record.trial_id, record.status, record.paused_by, record.error, "scheduler"
            )
            moments.append((ended, 3, TimePassed(), [change]))
    if engine.run_state in ("paused", "stopping", "finished"):
        change_of_run = ChangeRun(engine.run_state, {"why": engine.why} if engine.why else {})
        moments.append((engine.status.tuner_time, 4, TimePassed(), [change_of_run]))
    for time, _, event, actions in sorted(moments, key=lambda moment: moment[:2]):
        yield event, actions, time


def _start_of(record: TrialRecord) -> list[Action]:
    status = ChangeStatus(record.trial_id, Status.in_progress, cause=record.origin)
    return [
        status,
        StartTrial(
            record.trial_id,
            0,
            record.config,
            None,
            record.space_version,
            record.reason,
        ),
    ]


def _reports(engine: TuningEngine, results: StoreResultsCallback | None) -> Iterable[Moment]:
    if results is None:
        return
    described = engine.scheduler.describe()
    levels = {level for rungs in described.get("rung_levels") or () for level in rungs}
    names, rows = results.rows()
    entries = [
        i
        for i, name in enumerate(names)
        if name not in _OWN and not name.startswith(CONFIG_COLUMN_PREFIX)
    ]
    where = {name: i for i, name in enumerate(names)}
    time_at = where.get(ST_TUNER_TIME)
    for row in rows:
        trial_id = int(row[where[TRIAL_ID]])
        result = {names[i]: row[i] for i in entries}
        time = float(row[time_at]) if time_at is not None else 0.0
        decision = row[where[ST_DECISION]]
        reason = _rung_reason(described, levels, result, decision) if levels else None
        judged = RecordDecision(trial_id, 0, result, decision, row[where[ST_STATUS]], reason, time)
        yield time, 2, TrialReported(trial_id, 0, result), [judged]


def _rung_reason(
    described: dict[str, Any], levels: set[int], result: dict[str, Any], decision: str
) -> dict[str, Any] | None:
    """That a trial was at a rung; cutoff and rank at that time are not known any more."""
    level = result.get(described["resource_attr"])
    if level not in levels:
        return None
    return {
        "kind": "rung",
        "bracket": 0,
        "level": level,
        "value": result.get(described["metric_names"][0]),
        "cutoff": None,
        "rank": None,
        "size": None,
        "goes_on": decision == "CONTINUE",
    }
