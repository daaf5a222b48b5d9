"""`tune.Tuner`: the run of a trainable as an object, with its arguments in groups."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from synetune_lab.errors import TuneError
from synetune_lab.store.event_log import EVENT_LOG_FILENAME
from synetune_lab.tune.analysis import ExperimentAnalysis
from synetune_lab.tune.execution import execute
from synetune_lab.tune.places import saved_folder
from synetune_lab.tune.request import Request
from synetune_lab.tune.result_grid import ResultGrid
from synetune_lab.tune.resume import RESTART, RESUME, SKIP, ResumeConfig
from synetune_lab.tune.run_config import (
    CheckpointConfig,
    FailureConfig,
    RunConfig,
    TuneConfig,
    check_group,
)

if TYPE_CHECKING:
    from pathlib import Path

    from synetune_lab.tune.backends import MakeBackend

__all__ = ["Tuner"]


class Tuner:
    """Runs trials of a trainable; `fit` blocks until all have ended.

    Args:
        trainable: As for `tune.run`.
        param_space: The search space.
        tune_config: How to search.
        run_config: Name, place, end and output.
        backend: As for `tune.run`.

    Raises:
        TuneError: If an argument is not possible.
    """

    def __init__(
        self,
        trainable: Any,
        *,
        param_space: Mapping[str, Any] | None = None,
        tune_config: TuneConfig | None = None,
        run_config: RunConfig | None = None,
        backend: str | MakeBackend | None = None,
    ) -> None:
        check_group("tune_config", tune_config, TuneConfig)
        check_group("run_config", run_config, RunConfig)
        tune, run = tune_config or TuneConfig(), run_config or RunConfig()
        failures = run.failure_config or FailureConfig()
        self._resume: ResumeConfig | None = None
        self._results: ResultGrid | None = None
        self._folder: Path | None = None
        self._request = Request(
            trainable,
            name=run.name,
            stop=run.stop,
            config=param_space,
            local_dir=run.storage_path or run.local_dir,
            verbose=run.verbose,
            progress_reporter=run.progress_reporter,
            callbacks=run.callbacks,
            max_failures=failures.max_failures,
            fail_fast=failures.fail_fast,
            backend=backend,
            **vars(tune),
            **(run.checkpoint_config or CheckpointConfig()).arguments(),
        )
        self._request.check()

    @classmethod
    def restore(
        cls,
        path: str | os.PathLike[str],
        trainable: Any = None,
        resume_unfinished: bool = True,
        resume_errored: bool = False,
        restart_errored: bool = False,
        *,
        verbose: int = 2,
    ) -> Tuner:
        """A saved run, to go on with by `fit`.

        Args:
            path: Folder of the run; its last part may be the name as it was given to the run.
            trainable: The trainable as it is now; None for what was saved.
            resume_unfinished: Whether trials that had not ended go on.
            resume_errored: Whether trials that failed begin again from their checkpoints.
            restart_errored: Whether they begin again from scratch.
            verbose: How much is shown.

        Raises:
            TuneError: If there is no run, or an argument is not possible.
        """
        if resume_errored and restart_errored:
            raise TuneError("give resume_errored=True or restart_errored=True, not both")
        if not cls.can_restore(path):
            raise TuneError(f"there is no run to go on with in {os.fspath(path)}")
        folder = saved_folder(path).absolute()
        run_config = RunConfig(name=folder.name, storage_path=folder.parent, verbose=verbose)
        tuner = cls(trainable, run_config=run_config)
        tuner._folder = folder
        tuner._resume = ResumeConfig(
            unfinished=RESUME if resume_unfinished else SKIP,
            errored=RESUME if resume_errored else RESTART if restart_errored else SKIP,
        )
        return tuner

    @staticmethod
    def can_restore(path: str | os.PathLike[str]) -> bool:
        """Whether there is a run in a folder."""
        return (saved_folder(path) / EVENT_LOG_FILENAME).exists()

    def fit(self) -> ResultGrid:
        """Run until all trials have ended.

        Returns:
            The result of each trial, also of those that failed.

        Raises:
            TuneError: If an argument is not possible.
        """
        analysis = execute(self._request, self._resume, raise_on_failed_trial=False)
        self._results = ResultGrid(analysis)
        return self._results

    def get_results(self) -> ResultGrid:
        """The results of `fit`; of a restored run, those that it has already.

        Raises:
            TuneError: If there are none yet.
        """
        if self._results is None and self._folder is not None:
            return ResultGrid(ExperimentAnalysis(self._folder))
        if self._results is None:
            raise TuneError("there are no results yet: call fit() first")
        return self._results
