"""Hooks of users, and what follows a run for them and for the status table."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synetune_lab.store.event_log import read_log
from synetune_lab.tune.status_table import status_text
from synetune_lab.tune.trials import RUNNING, Trial, TrialBook, TrialNews
from synetune_lab.tuner_callback import TunerCallback

if TYPE_CHECKING:
    from synetune_lab.tune.resources import Resources
    from synetune_lab.tune.session import TrialSettings

__all__ = [
    "CLIReporter",
    "Callback",
    "JupyterNotebookReporter",
    "ProgressReporter",
    "RunFollower",
    "make_reporter",
]


class Callback:
    """Hooks into a run. Subclass it; every hook does nothing here."""

    def setup(self, **info: Any) -> None:
        """Before the run begins."""

    def on_trial_start(
        self, iteration: int, trials: list[Trial], trial: Trial, **info: Any
    ) -> None:
        """A trial was started, or goes on."""

    def on_trial_result(
        self,
        iteration: int,
        trials: list[Trial],
        trial: Trial,
        result: dict[str, Any],
        **info: Any,
    ) -> None:
        """A trial has reported."""

    def on_trial_complete(
        self, iteration: int, trials: list[Trial], trial: Trial, **info: Any
    ) -> None:
        """A trial has ended, or was stopped."""

    def on_trial_error(
        self, iteration: int, trials: list[Trial], trial: Trial, **info: Any
    ) -> None:
        """A trial has failed."""

    def on_step_end(self, iteration: int, trials: list[Trial], **info: Any) -> None:
        """What has happened was told."""

    def on_experiment_end(self, trials: list[Trial], **info: Any) -> None:
        """The run is over."""


class ProgressReporter:
    """Shows the status table, from time to time and at the end.

    Args:
        metric_columns: Metrics to show: names, or names with headings. None for the metric of the
            run, time and iterations.
        parameter_columns: Hyperparameters to show, the same way; None for all.
        max_progress_rows: Rows that are shown while the run goes on.
        max_report_frequency: Seconds between two tables, at least.
        stream: Where it is written to; None for standard output.
        clock: Tells seconds.
    """

    def __init__(
        self,
        metric_columns: Sequence[str] | Mapping[str, str] | None = None,
        parameter_columns: Sequence[str] | Mapping[str, str] | None = None,
        max_progress_rows: int = 20,
        max_report_frequency: float = 5.0,
        *,
        stream: Any = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.metric_columns = metric_columns
        self.parameter_columns = parameter_columns
        self.max_progress_rows = max_progress_rows
        self.max_report_frequency = max_report_frequency
        self._stream = stream
        self._clock = clock
        self._next = -float("inf")

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_stream": None, "_next": -float("inf")}

    def is_due(self) -> bool:
        """Whether the last table is old enough; then it is to be shown."""
        now = self._clock()
        if now < self._next:
            return False
        self._next = now + self.max_report_frequency
        return True

    def show(self, text: str) -> None:
        """Show a status."""
        self.write(text + "\n")

    def write(self, text: str) -> None:
        """Write a text."""
        stream = sys.stdout if self._stream is None else self._stream
        stream.write(text)
        stream.flush()


class CLIReporter(ProgressReporter):
    """Writes one table below the other."""


class JupyterNotebookReporter(ProgressReporter):
    """Shows the table in a notebook, in the place of the last one.

    Args:
        overwrite: Whether it takes the place of the last one.
        kwargs: Arguments of `ProgressReporter`.
    """

    def __init__(self, overwrite: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.overwrite = overwrite
        self._handle: Any = None

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_handle": None}

    def show(self, text: str) -> None:
        """Show a status."""
        try:
            from IPython import display as ipython_display
        except ImportError:
            super().show(text)
            return
        display: Any = ipython_display.display
        if self._handle is not None and self.overwrite:
            self._handle.update({"text/plain": text}, raw=True)
        else:
            self._handle = display({"text/plain": text}, raw=True, display_id=True)


def make_reporter(in_notebook: bool) -> ProgressReporter:
    """The reporter that fits where we are."""
    return JupyterNotebookReporter() if in_notebook else CLIReporter()


class RunFollower(TunerCallback):
    """Follows a run by its records, shows its status, and calls the hooks of users.

    Args:
        settings: What trials of the run know.
        hyperparameters: Names of what is not constant in the flat space.
        scheduler: Name of the scheduler.
        metric: The metric, None if the user named none.
        mode: `min` or `max`.
        resources: What a trial may use.
        total: Trials that there will be, if it is known.
        verbose: 0 for nothing, 1 for the table, 2 for a line a trial that ends as well, 3 for a
            line a result.
        callbacks: The hooks.
        reporter: Shows the table.
    """

    def __init__(
        self,
        settings: TrialSettings,
        hyperparameters: list[str],
        *,
        scheduler: str,
        metric: str | None,
        mode: str,
        resources: Resources,
        total: int | None,
        verbose: int,
        callbacks: Sequence[Callback],
        reporter: ProgressReporter,
    ) -> None:
        self.settings = settings
        self.hyperparameters = hyperparameters
        self.scheduler = scheduler
        self.metric = metric
        self.mode = mode
        self.resources = resources
        self.total = total
        self.verbose = verbose
        self.user_callbacks = list(callbacks)
        self.reporter = reporter
        self._book: TrialBook | None = None
        self._records: list[Mapping[str, Any]] = []
        self._logdir = ""
        self._iteration = 0

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_book": None, "_records": []}

    @property
    def trials(self) -> list[Trial]:
        """The trials so far."""
        return [] if self._book is None else list(self._book.trials.values())

    def on_tuning_start(self, tuner: Any) -> None:
        """Begin to follow, with what the log has already."""
        root = Path(tuner.trial_backend_path or tuner.tuner_path)
        self._logdir = str(tuner.tuner_path)
        book = TrialBook(self.settings, root, self.hyperparameters, keep=False)
        for record in read_log(tuner.tuner_path):
            for _ in book.feed(record):
                pass
        self._book = book
        tuner.session.add_listener(self._records.extend)
        for callback in self.user_callbacks:
            callback.setup(
                stop=self.settings.stop, num_samples=self.total, total_num_samples=self.total
            )

    def on_loop_end(self) -> None:
        """Tell what has happened."""
        book = self._book
        if book is None:
            return
        records, self._records[:] = list(self._records), []
        for record in records:
            for news in book.feed(record):
                self._tell(news)
        if records:
            self._iteration += 1
            for callback in self.user_callbacks:
                callback.on_step_end(self._iteration, self.trials)
        if self.verbose and any(t.status == RUNNING for t in self.trials):
            self._show_if_due()

    def _show_if_due(self) -> None:
        if self.reporter.is_due():
            self.reporter.show(self.status())

    def _tell(self, news: TrialNews) -> None:
        about: dict[str, Any] = {
            "iteration": self._iteration,
            "trials": self.trials,
            "trial": news.trial,
        }
        if self.verbose >= 3 and news.kind == "result":
            self.reporter.write(self._result_line(news))
        elif self.verbose >= 2 and news.kind in ("complete", "error"):
            self.reporter.write(self._end_line(news.trial))
        for callback in self.user_callbacks:
            if news.kind == "start":
                callback.on_trial_start(**about)
            elif news.kind == "result":
                callback.on_trial_result(**about, result=dict(news.result or {}))
            elif news.kind == "complete":
                callback.on_trial_complete(**about)
            elif news.kind == "error":
                callback.on_trial_error(**about)

    def _result_line(self, news: TrialNews) -> str:
        hidden = ("trial_id", "config", "done", "pid", "hostname")
        given = {k: v for k, v in (news.result or {}).items() if k not in hidden}
        return f"Result for {news.trial.trial_name}: {given}\n"

    def _end_line(self, trial: Trial) -> str:
        result = trial.last_result
        value = f", {self.metric}={result[self.metric]:.6g}" if self.metric in result else ""
        count = result.get("training_iteration", 0)
        return f"Trial {trial.trial_name} {trial.status} after {count} iterations{value}\n"

    def status(self, done: bool = False) -> str:
        """The status as text."""
        reporter = self.reporter
        return status_text(
            self.trials,
            scheduler=self.scheduler,
            metric=self.metric,
            mode=self.mode,
            logdir=self._logdir,
            resources=self.resources.line,
            total=self.total,
            parameter_columns=reporter.parameter_columns,
            metric_columns=reporter.metric_columns,
            max_rows=reporter.max_progress_rows,
            memory=_memory(),
            done=done,
        )

    def finish(self) -> None:
        """Tell the rest, when the run is over."""
        self.on_loop_end()
        for callback in self.user_callbacks:
            callback.on_experiment_end(self.trials)
        if self.verbose:
            self.reporter.show(self.status(done=True))


def _memory() -> str | None:
    """Memory in use, in GiB."""
    with suppress(Exception):
        import psutil

        memory = psutil.virtual_memory()
        return f"{(memory.total - memory.available) / 2**30:.1f}/{memory.total / 2**30:.1f} GiB"
    return None
