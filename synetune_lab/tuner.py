"""The tuner: brings a scheduler and a backend together, runs the trials, and takes commands."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synetune_lab.callbacks.hyperband_remove_checkpoints_callback import make_checkpoint_removal
from synetune_lab.constants import (
    ST_TUNER_DILL_FILENAME,
    TUNER_DEFAULT_SLEEP_TIME,
)
from synetune_lab.engine.engine import TuningEngine
from synetune_lab.errors import CommandRefused, SynetuneLabError
from synetune_lab.results_callback import StoreResultsCallback
from synetune_lab.session import ResumeReport, Session
from synetune_lab.session.changes import space_edit
from synetune_lab.session.exits import wait_in_foreground
from synetune_lab.session.metadata import tuner_metadata, tuner_name_of
from synetune_lab.session.progress import make_progress
from synetune_lab.session.restore import load_tuner, resume_tuner, save_tuner_to
from synetune_lab.session.state import RunState
from synetune_lab.session.steering import SteeredRun, space_json
from synetune_lab.util import experiment_path, metric_name_mode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from synetune_lab.backend.trial_backend import TrialBackend
    from synetune_lab.experiments.insight import Insight
    from synetune_lab.optimizer.scheduler import TrialScheduler
    from synetune_lab.tuner_callback import TunerCallback
    from synetune_lab.tuning_status import TuningStatus

logger = logging.getLogger(__name__)


class Tuner(SteeredRun):
    """Runs trials of a backend with the configurations that a scheduler proposes.

    `run` blocks until the stopping criterion holds; `start` returns at once and the run goes on in
    the background, where it can be steered and watched (`dashboard`). Everything is saved as it
    goes; `Tuner.resume` goes on with a run that ended, was interrupted or killed.

    Args:
        trial_backend: Executes the trials.
        scheduler: Proposes configurations and decides which trials go on.
        stop_criterion: The run ends when it returns True for the `TuningStatus`: a
            `StoppingCriterion` or any function.
        n_workers: Trials that run at once, at least 1.
        sleep_time: Seconds between two looks at a backend that can't tell by itself that something
            happened. The backends of this package can.
        results_update_interval: Seconds between two saves of results and state.
        print_update_interval: Seconds between two status tables in the log (level INFO).
        max_failures: So many trials may fail; one more ends the run.
        tuner_name: Letters, digits and hyphens; default is the name of the entry point. Date and
            time are added.
        asynchronous_scheduling: False waits for all running trials to end and then starts
            `n_workers` at once.
        wait_trial_completion_when_stopping: Whether running trials may end by themselves when the
            stopping criterion holds.
        callbacks: Replaces the default `[StoreResultsCallback()]`.
        metadata: Entries of your own for `metadata.json`.
        suffix_tuner_name: False leaves the name as it is; you see to it that it is unique.
        save_tuner: Whether to save the state, which resuming needs.
        start_jobs_without_delay: False starts no trial before a stopped one has really ended.
        trial_backend_path: Where the backend keeps files of trials, if not in the run's folder.

    Attributes:
        name: Name of the run.
        tuner_path: Folder of the run.
        resume_report: How the run was brought back, for a tuner that was resumed or loaded.

    Raises:
        ValueError: If an argument is not possible.
    """

    def __init__(
        self,
        trial_backend: TrialBackend,
        scheduler: TrialScheduler,
        stop_criterion: Callable[[TuningStatus], bool],
        n_workers: int,
        sleep_time: float = TUNER_DEFAULT_SLEEP_TIME,
        results_update_interval: float = 10.0,
        print_update_interval: float = 30.0,
        max_failures: int = 1,
        tuner_name: str | None = None,
        asynchronous_scheduling: bool = True,
        wait_trial_completion_when_stopping: bool = False,
        callbacks: list[TunerCallback] | None = None,
        metadata: dict[str, Any] | None = None,
        suffix_tuner_name: bool = True,
        save_tuner: bool = True,
        start_jobs_without_delay: bool = True,
        trial_backend_path: str | None = None,
    ) -> None:
        _check_positive("n_workers", n_workers, whole=True)
        _check_positive("results_update_interval", results_update_interval)
        _check_positive("print_update_interval", print_update_interval)
        if sleep_time < 0:
            raise ValueError(f"sleep_time={sleep_time!r} must be at least 0 seconds")
        self.trial_backend = trial_backend
        self.scheduler = scheduler
        self.sleep_time = sleep_time
        self.results_update_interval = results_update_interval
        self.print_update_interval = print_update_interval
        self.callbacks: list[TunerCallback] = (
            [StoreResultsCallback()] if callbacks is None else list(callbacks)
        )
        self.name = tuner_name_of(tuner_name, trial_backend, suffix_tuner_name)
        self.tuner_path = experiment_path(tuner_name=self.name)
        self.trial_backend_path = trial_backend_path
        self.save_tuner = save_tuner
        self.metadata = tuner_metadata(metadata, trial_backend, scheduler)
        self.engine = TuningEngine(
            scheduler,
            stop_criterion,
            n_workers,
            max_failures=max_failures,
            asynchronous_scheduling=asynchronous_scheduling,
            start_jobs_without_delay=start_jobs_without_delay,
            wait_trial_completion_when_stopping=wait_trial_completion_when_stopping,
            config_space=scheduler.config_space,
        )
        name, mode = metric_name_mode(scheduler.metric_names(), scheduler.metric_mode(), 0)
        self.run_state = RunState(metric=name, maximise=mode == "max")
        self.resume_report: ResumeReport | None = None
        self._session: Session | None = None
        self._first_commands: list[tuple[str, dict[str, Any]]] = []
        self._add_checkpoint_removal()

    def _add_checkpoint_removal(self) -> None:
        """Documented: a backend that deletes checkpoints gets the scheduler's callback for it."""
        if not getattr(self.trial_backend, "delete_checkpoints", False):
            return
        own = getattr(self.scheduler, "callback_for_checkpoint_removal", None)
        make = make_checkpoint_removal if own is None else lambda _, criterion: own(criterion)
        callback = make(self.scheduler, self.stop_criterion)
        if callback is not None:
            self.callbacks.append(callback)

    # -- run ------------------------------------------------------------------------------------

    def run(self, progress: bool | None = None) -> None:
        """Run until the stopping criterion holds (or go on, for a tuner that was loaded).

        An interrupt pauses the running trials at their checkpoints, saves, and says how to go on;
        a second one ends the trials at once.

        Args:
            progress: Whether to show progress; None shows it on a terminal and in a notebook,
                unless the environment variable `SYNETUNE_LAB_PROGRESS` is 0.

        Raises:
            KeyboardInterrupt: After an interrupt, when the run is saved.
            Exception: An error of the scheduler, after all trials were ended and the run saved;
                at the end of the run, the first error of a callback.
        """
        session = self._start_session()
        wait_in_foreground(session, make_progress(progress))
        session.raise_error()

    def start(self) -> Tuner:
        """Run in the background; returns as soon as the run is open.

        Raises:
            CommandRefused: If it is running already.
        """
        self._start_session()
        return self

    def _start_session(self) -> Session:
        if self._session is not None and self._session.is_alive:
            raise CommandRefused(f"run {self.name!r} is running already; use wait()")
        session = Session(self, self._first_commands)
        self._first_commands = []
        self._session = session
        session.start()
        return session

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the end of a run that was started.

        Args:
            timeout: Seconds to wait at most; None for ever.

        Returns:
            Whether it has ended.

        Raises:
            Exception: As `run` does.
        """
        session = self._session
        if session is None:
            return True
        if not session.wait(timeout):
            return False
        session.raise_error()
        return True

    @property
    def session(self) -> Session:
        """The session that drives the run.

        Raises:
            CommandRefused: If the run was not started in this process.
        """
        if self._session is None:
            raise CommandRefused(f"run {self.name!r} is not running: call start() or run() first")
        return self._session

    @property
    def is_running(self) -> bool:
        """Whether a session of this process drives the run."""
        return self._session is not None and self._session.is_alive

    def open_backend(self) -> None:
        """Tell the backend where files go, and have it begin to watch."""
        self.trial_backend.check_scheduler(self.scheduler)
        self.trial_backend.sleep_time = self.sleep_time
        root = Path(self.trial_backend_path) if self.trial_backend_path else self.tuner_path
        self.trial_backend.open(root, self.name)

    # -- what is known --------------------------------------------------------------------------

    @property
    def stop_criterion(self) -> Callable[[TuningStatus], bool]:
        """When the run ends. To change it while the run goes on, use `set_stop_criterion`."""
        return self.engine.stop_criterion

    @stop_criterion.setter
    def stop_criterion(self, criterion: Callable[[TuningStatus], bool]) -> None:
        if self.is_running:
            raise CommandRefused("the run is going on: use set_stop_criterion(...)")
        self.engine.stop_criterion = criterion

    @property
    def n_workers(self) -> int:
        """Trials that run at once."""
        return self.engine.n_workers

    @property
    def tuning_status(self) -> TuningStatus:
        """Counts, times and last results of the run, as they are now."""
        session = self._session
        if session is None or not session.is_alive or session.is_here:
            return self.engine.status
        return session.read(lambda engine: engine.status.look()).result()

    @property
    def tuner_time(self) -> float:
        """Seconds since the run began, without the time that it was paused or nobody drove it."""
        return self.engine.status.tuner_time

    @property
    def entrypoint_name(self) -> str | None:
        """Name of what the trials run."""
        name = self.metadata.get("entrypoint")
        return None if name is None else str(name)

    def best_config(self, metric: int | str | None = 0) -> tuple[int, dict[str, Any]]:
        """The trial with the best value of a metric so far.

        Args:
            metric: Name or number of the metric; the first by default.

        Returns:
            Its number and its configuration.

        Raises:
            SynetuneLabError: If nothing was reported yet.
        """
        name, mode = metric_name_mode(
            self.scheduler.metric_names(), self.scheduler.metric_mode(), metric or 0
        )
        trial_id = self.tuning_status.best_trial_id(name, mode)
        if trial_id is None:
            raise SynetuneLabError(f"no trial has reported {name!r} yet")
        return trial_id, dict(self.engine.trials.peek(trial_id).config)

    # -- saving ---------------------------------------------------------------------------------

    def save(self, folder: str | Path | None = None) -> None:
        """Save the tuner now.

        Args:
            folder: Where to; None for the run's own folder. A copy elsewhere gets the results, too.

        Raises:
            StoreError: If it can't be saved.
        """
        save_tuner_to(self, self.tuner_path if folder is None else Path(folder))

    @staticmethod
    def load(tuner_path: str | Path, *, trust: bool = False) -> Tuner:
        """Load a tuner that was saved; `run()` goes on with it.

        Args:
            tuner_path: The run's folder.
            trust: Load also a file that was not written by you on this machine. Loading runs
                whatever code its writer put into it.

        Raises:
            UntrustedFileError: If the file is not known to be yours, and `trust` is False.
            ResumeError: If there is nothing sound to load.
        """
        return load_tuner(Path(tuner_path).expanduser(), trust=trust)

    @staticmethod
    def resume(
        path: str | Path,
        *,
        config_space: Mapping[str, Any] | None = None,
        stop_criterion: Callable[[TuningStatus], bool] | None = None,
        n_workers: int | None = None,
        trust: bool = False,
    ) -> Tuner:
        """Bring a saved run back, to go on with `run()` or `start()`.

        The newest sound generation of its state is loaded and what was logged after it is played
        back; `resume_report` tells. When the run starts, trials that still run are adopted and the
        others started again from their checkpoints.

        Args:
            path: The run's folder.
            config_space: Changes to the configuration space, or the whole new one.
            stop_criterion: Replaces the stopping criterion.
            n_workers: Replaces the number of workers.
            trust: As for `load`.

        Raises:
            UntrustedFileError: If the state is not known to be written by you.
            ResumeError: If nothing sound was saved, or another process drives the run.
        """
        tuner = resume_tuner(Path(path).expanduser(), trust=trust)
        if stop_criterion is not None:
            tuner.stop_criterion = stop_criterion
        first = tuner._first_commands
        if n_workers is not None:
            _check_positive("n_workers", n_workers, whole=True)
            first.append(("set_workers", {"n_workers": n_workers}))
        if config_space is not None:
            edit = space_edit(tuner.engine, space_json(config_space))
            if edit:
                first.append(("edit_space", {"space": edit}))
        return tuner

    def __getstate__(self) -> dict[str, Any]:
        left_out = ("_session", "_first_commands", "resume_report")
        return {name: value for name, value in vars(self).items() if name not in left_out}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._session = None
        self._first_commands = []
        self.resume_report = None

    def insight(self, metric: int | str | None = None, **arguments: Any) -> Insight:
        """What was learnt of the hyperparameters up to now (arguments: see `Insight`)."""
        from synetune_lab.experiments.insight import Insight

        return Insight.of_tuner(self, metric, **arguments)

    # -- panel ----------------------------------------------------------------------------------

    @property
    def current_session(self) -> Session | None:
        """The session that drives the run, or drove it last in this process; None before."""
        return self._session

    def dashboard(self) -> Any:
        """The live panel, to be the last line of a cell."""
        from synetune_lab.dashboard import show

        return show(self)

    def _ipython_display_(self) -> None:
        """A tuner as the last line of a cell shows its panel, and keeps the picture up to date."""
        self.dashboard()._ipython_display_()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        """A tuner as the last line of a cell shows its panel."""
        del include, exclude
        from synetune_lab.dashboard import mimebundle

        return mimebundle(self)

    def __repr__(self) -> str:
        state = self._session.summary.state if self._session is not None else "not started"
        return f"<Tuner {self.name}: {state}, {self.tuner_path / ST_TUNER_DILL_FILENAME}>"


def _check_positive(name: str, value: Any, whole: bool = False) -> None:
    kinds = int if whole else (int, float)
    if not isinstance(value, kinds) or isinstance(value, bool) or value <= 0:
        kind = "a whole number, at least 1" if whole else "a number above 0"
        raise ValueError(f"{name}={value!r} must be {kind}")
