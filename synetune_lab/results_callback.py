"""Keeps every report of a run as a row of `results.csv.zip`."""

from __future__ import annotations

import logging
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synetune_lab.constants import (
    CONFIG_COLUMN_PREFIX,
    ST_DECISION,
    ST_RESULTS_DATAFRAME_FILENAME,
    ST_STATUS,
    ST_TUNER_TIME,
    TRIAL_ID,
)
from synetune_lab.errors import StoreError
from synetune_lab.store.columns import ResultColumns
from synetune_lab.store.csv_zip import ResultsFile, count_rows, read_results
from synetune_lab.store.event_log import read_log
from synetune_lab.tuner_callback import TunerCallback

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from synetune_lab.trial import Trial

logger = logging.getLogger(__name__)

_BLOCK = 256
"""Reports that wait to become rows. Few enough that compressing them delays no decision by more
than some milliseconds."""

_MOST_WAITING = 4 << 20
"""Bytes of the file that wait in memory for the next save, at most."""

_Report = tuple[int, "dict[str, Any]", str, str, "dict[str, Any]", "float | None"]
"""Trial, configuration, status, decision, report, time."""


def _as_row(
    trial_id: int,
    config: dict[str, Any],
    status: str,
    decision: str,
    result: dict[str, Any],
    time: float | None,
) -> dict[str, Any]:
    row = {name: value for name, value in result.items() if name != ST_TUNER_TIME}
    row[ST_DECISION] = decision
    row[ST_STATUS] = status
    row[TRIAL_ID] = trial_id
    for name, value in config.items():
        row[CONFIG_COLUMN_PREFIX + name] = value
    time = result.get(ST_TUNER_TIME, time)
    if time is not None:
        row[ST_TUNER_TIME] = time
    return row


def _as_columns(reports: list[_Report]) -> dict[str, list[Any]] | None:
    """Rows of reports as columns; None if not all have the same entries."""
    ids, configs, statuses, decisions, results, times = zip(*reports, strict=True)
    names, entries = results[0], configs[0]
    if any(len(r) != len(names) for r in results) or any(len(c) != len(entries) for c in configs):
        return None
    try:
        columns = {n: [r[n] for r in results] for n in names if n != ST_TUNER_TIME}
        columns[ST_DECISION] = list(decisions)
        columns[ST_STATUS] = list(statuses)
        columns[TRIAL_ID] = list(ids)
        for name in entries:
            columns[CONFIG_COLUMN_PREFIX + name] = [config[name] for config in configs]
        if ST_TUNER_TIME in names:
            columns[ST_TUNER_TIME] = [r[ST_TUNER_TIME] for r in results]
        elif None not in times:
            columns[ST_TUNER_TIME] = list(times)
        elif any(time is not None for time in times):
            return None
    except KeyError:
        return None
    return columns


class ExtraResultsComposer:
    """Columns of your own for the results. Subclass it; a lambda can't be saved with the tuner."""

    def __call__(self, tuner: Any) -> dict[str, Any] | None:
        """Extra entries for the row of the report that was just judged.

        Args:
            tuner: The tuner.

        Returns:
            Entries with names out of `keys`, or None for nothing.
        """
        raise NotImplementedError

    def keys(self) -> list[str]:
        """Names of all entries that `__call__` may return."""
        return []


class StoreResultsCallback(TunerCallback):
    """Keeps every report with its trial's configuration, and writes `results.csv.zip`.

    It is the default callback. The session has the file written every `results_update_interval`
    seconds, and when the run pauses or ends.

    Args:
        add_wallclock_time: Whether to add the seconds since the tuner started, `st_tuner_time`.
        extra_results_composer: Adds columns of your own.
    """

    def __init__(
        self,
        add_wallclock_time: bool = True,
        extra_results_composer: ExtraResultsComposer | None = None,
    ) -> None:
        self.add_wallclock_time = add_wallclock_time
        self.extra_results_composer = extra_results_composer
        self._tuner: Any = None
        self._columns = ResultColumns()
        self._pending: list[_Report] = []
        self._file: ResultsFile | None = None
        self._in_file = 0  # rows that the file has
        self._saved: tuple[Path, Any, int] | None = None

    # -- hooks ----------------------------------------------------------------------------------

    def on_tuning_start(self, tuner: Any) -> None:
        """Take the tuner's folder and clock."""
        self._tuner = tuner
        self._restore()
        path = Path(tuner.tuner_path) / ST_RESULTS_DATAFRAME_FILENAME
        if self._file is None or self._file.path != path:
            self._file = ResultsFile(path)

    def on_trial_result(
        self, trial: Trial, status: str, result: dict[str, Any], decision: str
    ) -> None:
        """Add a row."""
        tuner = self._tuner
        if self.extra_results_composer is not None and tuner is not None:
            row = {**result, **(self.extra_results_composer(tuner) or {})}
        else:
            row = result
        time = None
        if ST_TUNER_TIME not in result and self.add_wallclock_time and tuner is not None:
            time = tuner.tuner_time
        self._pending.append((trial.trial_id, trial.config, status, decision, row, time))
        if len(self._pending) >= _BLOCK:
            self._settle()

    def _settle(self) -> None:
        """Turn what waits into rows."""
        self._restore()
        pending, self._pending = self._pending, []
        if not pending:
            return
        block = _as_columns(pending)
        if block is not None:
            self._columns.extend(block)
        else:
            for report in pending:
                self._columns.append(_as_row(*report))
        if self._file is not None:
            self._file.add(self._columns)
            if self._file.waiting > _MOST_WAITING:
                with suppress(StoreError):  # the next save tells what keeps it from being written
                    self._write(self._file)

    def on_tuning_end(self) -> None:
        """Write what is left."""
        self.store_results()

    # -- results --------------------------------------------------------------------------------

    def store_results(self) -> None:
        """Bring `{tuner_path}/results.csv.zip` up to date.

        Raises:
            StoreError: If it can't be written.
        """
        self._settle()
        if self._file is not None and len(self._columns):
            self._write(self._file)

    def _write(self, file: ResultsFile) -> None:
        file.write(self._columns)
        self._in_file = len(self._columns)

    def dataframe(self) -> pd.DataFrame:
        """All rows so far, in the order of the reports."""
        self._settle()
        return self._columns.dataframe()

    def rows(self) -> tuple[list[str], Iterator[tuple[Any, ...]]]:
        """Names of the columns, and all rows so far as tuples."""
        self._settle()
        return self._columns.names, self._columns.rows()

    # -- pickling -------------------------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        """Everything but the rows that the file of the run has."""
        self._settle()
        state = {k: v for k, v in vars(self).items() if k not in ("_tuner", "_file")}
        if self._saved is None and self._file is not None and self._file.path.exists():
            state["_columns"] = self._columns.after(self._in_file)
            state["_saved"] = (self._file.path, self._columns.types(), self._in_file)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._tuner = None
        self._file = None

    def moved_to(self, folder: Path) -> None:
        """The run's files are now in `folder`."""
        if self._saved is not None:
            self._saved = (folder / ST_RESULTS_DATAFRAME_FILENAME, *self._saved[1:])

    def _restore(self) -> None:
        """Read back the rows that were left to the file when this was pickled."""
        if self._saved is None:
            return
        path, types, rows = self._saved
        self._saved = None
        late = self._columns
        columns = read_results(path, types, rows) if rows else ResultColumns()
        if columns is None:
            columns = self._from_log(path.parent, rows)
            if len(columns) < rows:
                there = max(len(columns), min(rows, count_rows(path)))
                columns = read_results(path, types, there) or columns
            logger.warning(
                "%s lacks rows; of %d, %d were found there or in the event log",
                path,
                rows,
                len(columns),
            )
        for row in late.rows():
            columns.append(dict(zip(late.names, row, strict=True)))
        self._columns, self._in_file = columns, 0

    def _from_log(self, folder: Path, rows: int) -> ResultColumns:
        """The first `rows` rows, made anew from the log, without a composer's columns."""
        columns = ResultColumns()
        for row, _ in zip(rows_of_log(folder, self.add_wallclock_time), range(rows), strict=False):
            columns.append(row)
        return columns


def rows_of_log(folder: Path, add_time: bool = True) -> Iterator[dict[str, Any]]:
    """The rows of results, from a run's event log alone."""
    configs: dict[int, dict[str, Any]] = {}
    for record in read_log(folder):
        for action in record["a"]:
            if action["kind"] in ("start_trial", "resume_trial"):
                prefixed = {CONFIG_COLUMN_PREFIX + k: v for k, v in action["config"].items()}
                configs[action["trial_id"]] = prefixed
            elif action["kind"] == "decision":
                row = {k: v for k, v in action["result"].items() if k != ST_TUNER_TIME}
                row[ST_DECISION] = action["decision"]
                row[ST_STATUS] = action["status"]
                row[TRIAL_ID] = action["trial_id"]
                row.update(configs.get(action["trial_id"], {}))
                time = action["result"].get(ST_TUNER_TIME, action["tuner_time"])
                if add_time or ST_TUNER_TIME in action["result"]:
                    row[ST_TUNER_TIME] = time
                yield row
