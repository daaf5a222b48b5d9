"""What follows a run for the status table and for the hooks of users."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synetune_lab.errors import TuneError
from synetune_lab.store.event_log import read_log
from synetune_lab.tune.checks import is_number
from synetune_lab.tune.guard import HookGuard
from synetune_lab.tune.places import Places
from synetune_lab.tune.retries import try_again
from synetune_lab.tune.status_table import Status, status_of
from synetune_lab.tune.trials import Trial, TrialBook, TrialNews
from synetune_lab.tuner_callback import TunerCallback

if TYPE_CHECKING:
    from synetune_lab.tune.callbacks import Callback
    from synetune_lab.tune.progress_reporter import ProgressReporter
    from synetune_lab.tune.resources import Resources
    from synetune_lab.tune.trial_settings import TrialSettings

__all__ = ["RunFollower"]

_HOOKS = {
    "start": "on_trial_start",
    "result": "on_trial_result",
    "complete": "on_trial_complete",
    "error": "on_trial_error",
}
"""Hooks of users by the kind of what has happened; others do not tell them anything."""


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

    Attributes:
        retry: How trials that failed are tried again when the run goes on: True from their
            checkpoints, False from scratch, None not at all.
        guard: Knows which hooks of users failed.
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
        self.retry: bool | None = None
        self.guard = HookGuard()
        self._book: TrialBook | None = None
        self._records: list[Mapping[str, Any]] = []
        self._logdir = ""
        self._iteration = 0
        self._listed: tuple[int, list[Trial]] = (0, [])

    def __getstate__(self) -> dict[str, Any]:
        fresh: dict[str, Any] = {
            "retry": None,
            "guard": HookGuard(),
            "_book": None,
            "_records": [],
            "_listed": (0, []),
        }
        return {**vars(self), **fresh}

    @property
    def trials(self) -> list[Trial]:
        """The trials so far; the list is made anew only when one was added."""
        book = self._book
        if book is None:
            return []
        if self._listed[0] != len(book.by_number):
            self._listed = len(book.by_number), list(book.rows)
        return self._listed[1]

    @property
    def has_begun(self) -> bool:
        """Whether the run has come so far that there is something to follow."""
        return self._book is not None

    def on_tuning_start(self, tuner: Any) -> None:
        """Begin to follow, with what the log has already."""
        root = Path(tuner.trial_backend_path or tuner.tuner_path)
        self._logdir = str(tuner.tuner_path)
        if self.retry is not None:
            try_again(tuner, self.retry)  # now that the tuner knows all that its log has
            self.retry = None
        places = Places(root, tuner.trial_backend)
        self._listed = (0, [])
        book = TrialBook(self.settings, places, self.hyperparameters, keep=False)
        for record in read_log(tuner.tuner_path):
            for _ in book.feed(record):
                pass
        for callback in self.user_callbacks:
            self._set_up(callback)
        self._book = book
        tuner.session.add_listener(self._records.extend)

    def _set_up(self, callback: Callback) -> None:
        try:
            callback.setup(
                stop=self.settings.stop,
                num_samples=self.num_samples,
                total_num_samples=self.total,
            )
        except Exception as error:
            raise TuneError(
                f"{type(callback).__name__}.setup failed: {type(error).__name__}: {error}"
            ) from error

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
            self._call_hooks("on_step_end", self._iteration)
        if self.verbose and book.num_running:
            self._show_if_due()

    def _call_hooks(self, hook: str, *arguments: Any, **about: Any) -> None:
        """Call a hook of all callbacks."""
        for callback in self.user_callbacks:
            self.guard.call(callback, hook, *arguments, trials=self.trials, **about)

    def _show_if_due(self) -> None:
        if self.reporter.is_due():
            self.guard.call(self.reporter, "show", self.status())

    def _tell(self, news: TrialNews) -> None:
        if self.verbose >= 3 and news.kind == "result":
            self.guard.call(self.reporter, "write", self._result_line(news))
        elif self.verbose >= 2 and news.kind in ("complete", "error"):
            self.guard.call(self.reporter, "write", self._end_line(news.trial))
        hook = _HOOKS.get(news.kind)
        if hook is not None:
            more = {"result": dict(news.result or {})} if news.kind == "result" else {}
            self._call_hooks(hook, iteration=self._iteration, trial=news.trial, **more)

    def _result_line(self, news: TrialNews) -> str:
        hidden = ("trial_id", "config", "done", "pid", "hostname")
        given = {k: v for k, v in (news.result or {}).items() if k not in hidden}
        return f"Result for {news.trial.trial_name}: {given}\n"

    def _end_line(self, trial: Trial) -> str:
        result = trial.last_result
        found = result.get(self.metric or "")
        value = f", {self.metric}={found:.6g}" if is_number(found) else ""
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
        self._call_hooks("on_experiment_end")
        problem = None if self._book is None else self._book.problem
        if problem is not None:
            cause = problem.__cause__
            self.guard.note(
                "trial_name_creator", cause if isinstance(cause, Exception) else problem
            )
        if self.verbose:
            self.guard.call(self.reporter, "show", self.status(done=True))


def _memory() -> str | None:
    """Memory in use, in GiB."""
    with suppress(Exception):
        import psutil

        memory = psutil.virtual_memory()
        return f"{(memory.total - memory.available) / 2**30:.1f}/{memory.total / 2**30:.1f} GiB"
    return None
