"""Trials that failed and are tried again by a later call: which trial takes the place of which.

The engine never brings a failed trial back. Its configuration is tried again under a new number,
which begins from the checkpoint of the failed one, and is shown in its place. A file in the folder
of the run tells it, for the trials themselves and for those who read the run later.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

__all__ = ["Retry", "find_retry", "read_retries", "write_retries"]

RETRIES_FILENAME = "tune_retries.json"


@dataclass(frozen=True)
class Retry:
    """One that is tried again.

    Attributes:
        failed: Number of the trial that failed.
        config: Its flat configuration.
        since: New trials have this number or a later one.
        from_checkpoint: Whether it begins from the checkpoint of the failed one.
    """

    failed: int
    config: dict[str, Any]
    since: int
    from_checkpoint: bool


def read_retries(folder: Path) -> list[Retry]:
    """Those of a run, the earliest first.

    Args:
        folder: Folder of the trials.
    """
    try:
        rows = json.loads((folder / RETRIES_FILENAME).read_text())
    except FileNotFoundError:
        return []
    return [Retry(**row) for row in rows]


def write_retries(folder: Path, retries: Sequence[Retry]) -> None:
    """Replace the file."""
    draft = folder / f".{RETRIES_FILENAME}"
    draft.write_text(json.dumps([asdict(retry) for retry in retries]))
    draft.replace(folder / RETRIES_FILENAME)


def find_retry(retries: Sequence[Retry], number: int, config: Mapping[str, Any]) -> Retry | None:
    """What a trial is to take the place of; None for a trial like any other.

    Args:
        retries: Those of the run.
        number: Number of the new trial.
        config: Its flat configuration.
    """
    batches = [retry.since for retry in retries if retry.since <= number]
    if not batches:
        return None
    batch = [retry for retry in retries if retry.since == max(batches)]
    same = [retry for retry in batch if retry.config == dict(config)]
    # They are started in their order, one number after the other, as long as nothing comes between.
    place = number - max(batches)
    if place < len(batch) and batch[place] in same:
        return batch[place]
    return same[0] if same else None
