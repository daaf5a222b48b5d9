"""What follows a run for the status table and for the hooks of users."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synetune_lab.store.event_log import read_log
from synetune_lab.tune.status_table import Status, status_of
from synetune_lab.tune.trials import RUNNING, Trial, TrialBook, TrialNews
from synetune_lab.tuner_callback import TunerCallback

if TYPE_CHECKING:
    from synetune_lab.tune.callbacks import Callback
    from synetune_lab.tune.progress_reporter import ProgressReporter
    from synetune_lab.tune.resources import Resources
    from synetune_lab.tune.trial_settings import TrialSettings

__all__ = ["RunFollower"]


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
        num_samples: Samples that were asked for; None for no end.
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
        num_samples: int | None = None,
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
        self.num_samples = num_samples
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
                stop=self.settings.stop,
                num_samples=self.num_samples,
                total_num_samples=self.total,
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

    def status(self, done: bool = False) -> Status:
        """The status as it is now."""
        reporter = self.reporter
        return status_of(
            self.trials,
            scheduler=self.scheduler,
            metric=reporter.metric or self.metric,
            mode=reporter.mode or self.mode,
            logdir=self._logdir,
            resources=self.resources.line,
            total=self.total,
            memory=_memory(),
            done=done,
            layout=reporter.layout,
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
