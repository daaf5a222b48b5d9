"""The arguments of `tune.run`, and the checks that need nothing but them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synetune_lab.errors import TuneError
from synetune_lab.tune.backends import MakeBackend, check_backend
from synetune_lab.tune.callbacks import Callback
from synetune_lab.tune.checks import as_seconds, check_count, check_flag, check_mode
from synetune_lab.tune.progress_reporter import ProgressReporter
from synetune_lab.tuner_callback import TunerCallback

if TYPE_CHECKING:
    from synetune_lab.tune.resources import PlacementGroupFactory
    from synetune_lab.tune.trial_settings import TrialInfo

__all__ = ["Request"]


@dataclass
class Request:
    """The arguments of `tune.run`; see there."""

    run_or_experiment: Any
    name: str | None = None
    metric: str | None = None
    mode: str | None = None
    stop: Any = None
    time_budget_s: float | timedelta | None = None
    config: Mapping[str, Any] | None = None
    resources_per_trial: Mapping[str, Any] | PlacementGroupFactory | None = None
    num_samples: int = 1
    local_dir: str | Path | None = None
    search_alg: Any = None
    scheduler: Any = None
    checkpoint_freq: int = 0
    checkpoint_at_end: bool = False
    keep_checkpoints_num: int | None = None
    checkpoint_score_attr: str | None = None
    verbose: int = 2
    progress_reporter: ProgressReporter | None = None
    reuse_actors: bool = False
    callbacks: Sequence[Callback | TunerCallback] | None = None
    max_failures: int = 0
    fail_fast: bool | str = False
    max_concurrent_trials: int | None = None
    trial_name_creator: Callable[[TrialInfo], str] | None = None
    restore: str | os.PathLike[str] | None = None
    backend: str | MakeBackend | None = None

    def check(self) -> None:
        """Refuse what is not possible.

        Raises:
            TuneError: If an argument is not; the message names it and says what would do.
        """
        self._check_texts()
        self._check_numbers()
        for name in ("checkpoint_at_end", "reuse_actors"):
            check_flag(name, getattr(self, name))
        if self.fail_fast != "raise":
            check_flag("fail_fast", self.fail_fast)
        if self.mode is not None:
            check_mode(self.mode)
        self._check_objects()
        check_backend(self.backend)

    def _check_texts(self) -> None:
        for name in ("name", "metric", "checkpoint_score_attr"):
            value: Any = getattr(self, name)
            if value is not None and (not isinstance(value, str) or not value):
                raise TuneError(f"{name}={value!r:.100} must be a text that is not empty")
        for name in ("local_dir", "restore"):
            value = getattr(self, name)
            if value is not None and not isinstance(value, (str, os.PathLike)):
                raise TuneError(f"{name}={value!r:.100} must be a path")
        if self.restore is not None and not Path(self.restore).expanduser().is_dir():
            raise TuneError(f"restore={os.fspath(self.restore)!r}: there is no such folder")

    def _check_numbers(self) -> None:
        if self.num_samples != -1:
            check_count("num_samples", self.num_samples, 1, "-1 for no end")
        if self.max_failures != -1:
            check_count("max_failures", self.max_failures, 0, "-1 for ever again")
        check_count("checkpoint_freq", self.checkpoint_freq, 0)
        if self.keep_checkpoints_num is not None:
            check_count("keep_checkpoints_num", self.keep_checkpoints_num, 1, "None for all")
        if self.max_concurrent_trials:
            check_count("max_concurrent_trials", self.max_concurrent_trials, 1, "None for no limit")
        if isinstance(self.verbose, bool) or self.verbose not in (0, 1, 2, 3):
            raise TuneError(f"verbose={self.verbose!r:.100} must be 0, 1, 2 or 3")
        as_seconds("time_budget_s", self.time_budget_s)

    def _check_objects(self) -> None:
        reporter: Any = self.progress_reporter
        if reporter is not None and not isinstance(reporter, ProgressReporter):
            raise TuneError(
                f"progress_reporter={reporter!r:.100} must be a tune.ProgressReporter, such as "
                "tune.CLIReporter()"
            )
        callbacks: Any = self.callbacks if self.callbacks is not None else []
        if not isinstance(callbacks, (list, tuple)):
            raise TuneError(f"callbacks={callbacks!r:.100} must be a list")
        for callback in callbacks:
            if not isinstance(callback, (Callback, TunerCallback)):
                raise TuneError(
                    f"callbacks has {callback!r:.100}, which is neither a tune.Callback nor a "
                    "TunerCallback"
                )
        creator: Any = self.trial_name_creator
        if creator is not None and not callable(creator):
            raise TuneError(f"trial_name_creator={creator!r:.100} must be a function of a trial")

    @property
    def seconds(self) -> float | None:
        """The time that the run has."""
        return as_seconds("time_budget_s", self.time_budget_s)

    @property
    def hooks(self) -> list[Callback]:
        """The callbacks of Ray Tune's kind."""
        return [one for one in self.callbacks or () if isinstance(one, Callback)]

    @property
    def tuner_callbacks(self) -> list[TunerCallback]:
        """The callbacks of this package's kind."""
        return [one for one in self.callbacks or () if isinstance(one, TunerCallback)]
