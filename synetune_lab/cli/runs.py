"""``synetune-lab runs``: list the saved runs.

Only JSON is read. The saved state of a tuner runs code when it is loaded, so looking at a list
must not load it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from synetune_lab.constants import SYNE_TUNE_DEFAULT_FOLDER, SYNE_TUNE_ENV_FOLDER
from synetune_lab.store.saved_runs import saved_runs
from synetune_lab.util import experiment_path

HELP = "list the saved runs, newest first"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare where to look and how to answer."""
    parser.add_argument(
        "--folder",
        type=Path,
        help=f"default: ${SYNE_TUNE_ENV_FOLDER}, else ~/{SYNE_TUNE_DEFAULT_FOLDER}",
    )
    parser.add_argument("--json", action="store_true", help="answer as JSON, for programs")


def run(options: argparse.Namespace) -> int:
    """Print the runs of the folder."""
    folder = options.folder or experiment_path()
    runs = saved_runs(folder.expanduser())
    if options.json:
        print(json.dumps(runs, indent=2))
    elif runs:
        print(_table(runs))
    else:
        print(f"No saved runs in {folder}.")
    return 0


def _table(runs: Iterable[Mapping[str, Any]]) -> str:
    rows = [("NAME", "STATE", "STARTED", "TRIALS", "BEST", "SCHEDULER")]
    rows += [
        (
            run["name"],
            run["state"] + ("" if run["resumable"] else ", not resumable"),
            _moment(run["started"]),
            "-" if run["trials"] is None else str(run["trials"]),
            "-" if run["best"] is None else f"{run['metric']} {run['best']:.6g}",
            run["scheduler"] or "-",
        )
        for run in runs
    ]
    # Names and metrics come from files: a control character must not reach the terminal.
    clean = [
        tuple("".join(c if c.isprintable() else "?" for c in cell) for cell in r) for r in rows
    ]
    widths = [max(map(len, column)) for column in zip(*clean, strict=True)]
    lines = ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) for row in clean]
    return "\n".join(line.rstrip() for line in lines)


def _moment(unix_time: float | None) -> str:
    if unix_time is None:
        return "-"
    try:
        return (
            datetime.fromtimestamp(unix_time, timezone.utc).astimezone().strftime("%Y-%m-%d %H:%M")
        )
    except (OverflowError, OSError, ValueError):
        return "-"
