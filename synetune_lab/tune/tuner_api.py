"""`tune.Tuner`: the run of a trainable as an object, with its arguments in groups."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synetune_lab.tune.execution import execute
from synetune_lab.tune.plan import Request
from synetune_lab.tune.result_grid import ResultGrid

if TYPE_CHECKING:
    from synetune_lab.tune.callbacks import ProgressReporter

__all__ = ["CheckpointConfig", "FailureConfig", "RunConfig", "TuneConfig", "Tuner"]


@dataclass
class TuneConfig:
    """How to search; the arguments of `tune.run` of these names."""

    metric: str | None = None
    mode: str | None = None
    search_alg: Any = None
    scheduler: Any = None
    num_samples: int = 1
    max_concurrent_trials: int | None = None
    time_budget_s: float | None = None
    reuse_actors: bool = False


@dataclass
class CheckpointConfig:
    """Which checkpoints are made and kept.

    Attributes:
        num_to_keep: `keep_checkpoints_num` of `tune.run`.
        checkpoint_score_attribute: Metric by which the ones to keep are chosen.
        checkpoint_score_order: `max` or `min`.
        checkpoint_frequency: `checkpoint_freq` of `tune.run`.
        checkpoint_at_end: As of `tune.run`.
    """

    num_to_keep: int | None = None
    checkpoint_score_attribute: str | None = None
    checkpoint_score_order: str = "max"
    checkpoint_frequency: int = 0
    checkpoint_at_end: bool = False

    @property
    def score_attr(self) -> str | None:
        """`checkpoint_score_attr` of `tune.run`."""
        name = self.checkpoint_score_attribute
        return f"min-{name}" if name and self.checkpoint_score_order == "min" else name


@dataclass
class FailureConfig:
    """What happens when trials fail; the arguments of `tune.run` of these names."""

    max_failures: int = 0
    fail_fast: bool = False


@dataclass
class RunConfig:
    """Name, place, end and output of a run.

    Attributes:
        name: Name of the run.
        storage_path: Folder of all runs.
        local_dir: The same.
        stop: When a trial is done.
        callbacks: Hooks.
        verbose: How much is shown.
        progress_reporter: Shows the status table.
        checkpoint_config: Which checkpoints are made and kept.
        failure_config: What happens when trials fail.
    """

    name: str | None = None
    storage_path: str | Path | None = None
    local_dir: str | Path | None = None
    stop: Any = None
    callbacks: Sequence[Any] = ()
    verbose: int = 2
    progress_reporter: ProgressReporter | None = None
    checkpoint_config: CheckpointConfig = field(default_factory=CheckpointConfig)
    failure_config: FailureConfig = field(default_factory=FailureConfig)


class Tuner:
    """Runs trials of a trainable; `fit` blocks until all have ended.

    Args:
        trainable: As for `tune.run`.
        param_space: The search space.
        tune_config: How to search.
        run_config: Name, place, end and output.
        backend: As for `tune.run`.
    """

    def __init__(
        self,
        trainable: Any,
        *,
        param_space: Mapping[str, Any] | None = None,
        tune_config: TuneConfig | None = None,
        run_config: RunConfig | None = None,
        backend: Callable[[Callable[..., None], dict[str, Any]], Any] | None = None,
    ) -> None:
        tune, run = tune_config or TuneConfig(), run_config or RunConfig()
        checkpoints, failures = run.checkpoint_config, run.failure_config
        self._resume = False
        self._request = Request(
            trainable,
            name=run.name,
            metric=tune.metric,
            mode=tune.mode,
            stop=run.stop,
            time_budget_s=tune.time_budget_s,
            config=param_space,
            num_samples=tune.num_samples,
            local_dir=run.storage_path or run.local_dir,
            search_alg=tune.search_alg,
            scheduler=tune.scheduler,
            checkpoint_freq=checkpoints.checkpoint_frequency,
            checkpoint_at_end=checkpoints.checkpoint_at_end,
            keep_checkpoints_num=checkpoints.num_to_keep,
            checkpoint_score_attr=checkpoints.score_attr,
            verbose=run.verbose,
            progress_reporter=run.progress_reporter,
            reuse_actors=tune.reuse_actors,
            callbacks=list(run.callbacks),
            max_failures=failures.max_failures,
            fail_fast=failures.fail_fast,
            max_concurrent_trials=tune.max_concurrent_trials,
            backend=backend,
        )

    @classmethod
    def restore(
        cls, path: str | os.PathLike[str], trainable: Any = None, verbose: int = 2
    ) -> Tuner:
        """A saved run, to go on with by `fit`.

        Args:
            path: Folder of the run.
            trainable: The trainable as it is now; None for what was saved.
            verbose: How much is shown.
        """
        folder = Path(path).expanduser().absolute()
        run_config = RunConfig(name=folder.name, storage_path=folder.parent, verbose=verbose)
        tuner = cls(trainable, run_config=run_config)
        tuner._resume = True
        return tuner

    @staticmethod
    def can_restore(path: str | os.PathLike[str]) -> bool:
        """Whether there is a run in a folder."""
        from synetune_lab.store.event_log import EVENT_LOG_FILENAME

        return (Path(path).expanduser() / EVENT_LOG_FILENAME).exists()

    def fit(self) -> ResultGrid:
        """Run until all trials have ended.

        Returns:
            The result of each trial, also of those that failed.

        Raises:
            TuneError: If an argument is not possible.
        """
        analysis = execute(self._request, resume=self._resume, raise_on_failed_trial=False)
        return ResultGrid(analysis)
