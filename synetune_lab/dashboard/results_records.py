"""A run of which only the results were kept, as records of a log: curves, starts and ends."""

from __future__ import annotations

import csv
import io
import math
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from synetune_lab.constants import (
    CONFIG_COLUMN_PREFIX,
    ST_DECISION,
    ST_RESULTS_DATAFRAME_FILENAME,
    ST_STATUS,
    ST_TUNER_TIME,
    TRIAL_ID,
)
from synetune_lab.trial import Status

__all__ = ["records_of_results"]

_OWN = (ST_DECISION, ST_STATUS, ST_TUNER_TIME, TRIAL_ID)
_ENDS = {"STOP": Status.stopped, "PAUSE": Status.paused}

Record = dict[str, Any]


def records_of_results(folder: Path, header: Mapping[str, Any]) -> Iterator[Record]:
    """Records that tell what `results.csv.zip` has; none if there is no such file.

    Nobody kept why something was decided, and a trial that was not stopped or paused counts as
    completed after its last report.

    Args:
        folder: Folder of the run.
        header: What `run.json` says.
    """
    rows = sorted(_rows(folder), key=lambda row: row[ST_TUNER_TIME])
    last = {row[TRIAL_ID]: index for index, row in enumerate(rows)}
    number, wall = 1, float(header.get("started_at") or 0.0)
    yield _record(number, 0.0, wall, {"kind": "run", "what": "opened", "details": {}})
    seen: set[int] = set()
    for index, row in enumerate(rows):
        trial_id, time = row[TRIAL_ID], row[ST_TUNER_TIME]
        actions: list[dict[str, Any]] = []
        if trial_id not in seen:
            seen.add(trial_id)
            actions += [
                {"kind": "status", "trial_id": trial_id, "status": Status.in_progress},
                {
                    "kind": "start_trial",
                    "trial_id": trial_id,
                    "run": 0,
                    "config": {
                        name.removeprefix(CONFIG_COLUMN_PREFIX): value
                        for name, value in row.items()
                        if name.startswith(CONFIG_COLUMN_PREFIX)
                    },
                },
            ]
        decision = row.get(ST_DECISION, "CONTINUE")
        actions.append(
            {
                "kind": "decision",
                "trial_id": trial_id,
                "run": 0,
                "result": {
                    name: value
                    for name, value in row.items()
                    if name not in _OWN and not name.startswith(CONFIG_COLUMN_PREFIX)
                },
                "decision": decision,
                "status": row.get(ST_STATUS, Status.in_progress),
                "reason": None,
                "tuner_time": time,
            }
        )
        if last[trial_id] == index:
            status = _ENDS.get(decision, Status.completed)
            actions.append({"kind": "status", "trial_id": trial_id, "status": status})
        number += 1
        yield _record(number, time, wall + time, *actions)


def _record(number: int, time: float, wall: float, *actions: dict[str, Any]) -> Record:
    return {"n": number, "t": time, "w": wall, "e": {"kind": "time_passed"}, "a": list(actions)}


def _rows(folder: Path) -> Iterator[dict[str, Any]]:
    path = folder / ST_RESULTS_DATAFRAME_FILENAME
    try:
        with zipfile.ZipFile(path) as archive, archive.open(archive.namelist()[0]) as file:
            for row in csv.DictReader(io.TextIOWrapper(file, encoding="utf-8", newline="")):
                values = {name: _value(text) for name, text in row.items()}
                if isinstance(values.get(TRIAL_ID), int):
                    values.setdefault(ST_TUNER_TIME, 0.0)
                    yield values
    except (OSError, ValueError, IndexError, KeyError, zipfile.BadZipFile, csv.Error):
        return  # none, or half a file: what could be read is shown


def _value(text: str) -> Any:
    """A number where the text is one."""
    try:
        return int(text)
    except ValueError:
        pass
    try:
        number = float(text)
    except ValueError:
        return text
    return number if math.isfinite(number) else None
