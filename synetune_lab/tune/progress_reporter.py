"""Where the status of a run is shown."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from synetune_lab.tune.checks import check_count, check_mode, check_number
from synetune_lab.tune.status_table import Layout

if TYPE_CHECKING:
    from synetune_lab.tune.status_table import Status
    from synetune_lab.tuner import Tuner

__all__ = [
    "CLIReporter",
    "JupyterNotebookReporter",
    "PanelReporter",
    "ProgressReporter",
    "make_reporter",
]


class ProgressReporter:
    """Shows the status table, from time to time and at the end.

    Args:
        metric_columns: Metrics to show: names, or names with headings. None for the metric of the
            run, time and iterations.
        parameter_columns: Hyperparameters to show, the same way; None for all.
        max_progress_rows: Rows that are shown while the run goes on.
        max_report_frequency: Seconds between two tables, at least.
        max_error_rows: Failed trials whose error is shown.
        max_column_length: Longer texts are cut, except names of trials.
        metric: Metric by which the best trial is told; None for that of the run.
        mode: `min` or `max`; None for that of the run.
        sort_by_metric: Whether the best trials stand first; else the running ones do.
        stream: Where it is written to; None for standard output.
        clock: Tells seconds.

    Raises:
        TuneError: If an argument is not possible.
    """

    def __init__(
        self,
        metric_columns: Sequence[str] | Mapping[str, str] | None = None,
        parameter_columns: Sequence[str] | Mapping[str, str] | None = None,
        max_progress_rows: int = 20,
        max_report_frequency: float = 5.0,
        *,
        max_error_rows: int = 20,
        max_column_length: int = 20,
        metric: str | None = None,
        mode: str | None = None,
        sort_by_metric: bool = False,
        stream: Any = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        check_count("max_progress_rows", max_progress_rows, least=1)
        check_number("max_report_frequency", max_report_frequency)
        check_count("max_error_rows", max_error_rows, least=0)
        check_count("max_column_length", max_column_length, least=4)
        if mode is not None:
            check_mode(mode)
        self.max_report_frequency = max_report_frequency
        self.metric = metric
        self.mode = mode
        self.layout = Layout(
            metric_columns,
            parameter_columns,
            max_progress_rows,
            max_error_rows,
            max_column_length,
            sort_by_metric,
        )
        self._stream = stream
        self._clock = clock
        self._next = -float("inf")

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_stream": None, "_next": -float("inf")}

    def begin(self, tuner: Tuner) -> None:
        """Called before the run begins, in the thread that called `tune.run`.

        Args:
            tuner: The tuner that is about to run.
        """

    def is_due(self) -> bool:
        """Whether the last table is old enough; then it is to be shown."""
        now = self._clock()
        if now < self._next:
            return False
        self._next = now + self.max_report_frequency
        return True

    def show(self, status: Status) -> None:
        """Show a status."""
        self.write(status.as_text(self._width()) + "\n")

    def write(self, text: str) -> None:
        """Write a text."""
        stream = self._where()
        stream.write(text)
        stream.flush()

    def _where(self) -> Any:
        return sys.stdout if self._stream is None else self._stream

    def _width(self) -> int | None:
        """Columns of the terminal; None if it is none, where long lines do no harm."""
        is_terminal = getattr(self._where(), "isatty", lambda: False)()
        return shutil.get_terminal_size().columns if is_terminal else None


class CLIReporter(ProgressReporter):
    """Writes one table below the other."""


class JupyterNotebookReporter(ProgressReporter):
    """Shows the table in a notebook, in the place of the last one.

    Args:
        overwrite: Whether it takes the place of the last one.
        arguments: Arguments of `ProgressReporter`.
    """

    def __init__(self, overwrite: bool = True, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.overwrite = overwrite
        self._handle: Any = None

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_handle": None}

    def begin(self, tuner: Tuner) -> None:
        """Take the place below the cell, before another cell can."""
        del tuner
        self._display({"text/plain": "starting"})

    def show(self, status: Status) -> None:
        """Show a status."""
        if not self._display({"text/plain": status.as_text(None), "text/html": status.as_html()}):
            super().show(status)

    def _display(self, bundle: dict[str, str]) -> bool:
        try:
            from IPython import display as ipython_display
        except ImportError:
            return False
        display: Any = ipython_display.display
        if self._handle is not None and self.overwrite:
            self._handle.update(bundle, raw=True)
        else:
            self._handle = display(bundle, raw=True, display_id=True)
        return True


class PanelReporter(JupyterNotebookReporter):
    """Shows the live panel in a notebook, with its controls, instead of the table.

    Args:
        arguments: Arguments of `ProgressReporter`; they count where there is no notebook.
    """

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._is_shown = False

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_is_shown": False}

    def begin(self, tuner: Tuner) -> None:
        """Show the panel, if this is a notebook."""
        from synetune_lab.session.progress import in_kernel

        if in_kernel():
            tuner.dashboard()._ipython_display_()
            self._is_shown = True

    def show(self, status: Status) -> None:
        """Nothing, for the panel shows it; elsewhere the table."""
        if not self._is_shown:
            ProgressReporter.show(self, status)

    def write(self, text: str) -> None:
        """Nothing, for the panel shows it; elsewhere the text."""
        if not self._is_shown:
            super().write(text)


def make_reporter(in_notebook: bool) -> ProgressReporter:
    """The reporter that fits where we are."""
    return JupyterNotebookReporter() if in_notebook else CLIReporter()
