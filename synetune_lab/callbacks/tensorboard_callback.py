"""Writes what trials report for TensorBoard. Needs the extra `tensorboard`."""

from __future__ import annotations

import logging
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synetune_lab.constants import RESERVED_METRIC_PREFIX
from synetune_lab.extras import require
from synetune_lab.tuner_callback import TunerCallback

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from synetune_lab.trial import Trial

logger = logging.getLogger(__name__)

FOLDER = "tensorboard_output"


class TensorboardCallback(TunerCallback):
    """Writes all reported metrics to `{tuner_path}/tensorboard_output`.

    Each trial is a curve over its own reports. With a target metric, the best value so far and the
    hyperparameters that it came from are written over all reports, too.

    Args:
        ignore_metrics: Names of metrics to leave out.
        target_metric: The metric whose best value is followed.
        mode: `min` (default) or `max`, for the target metric.
        log_hyperparameters: Whether to write each trial's configuration.

    Raises:
        ValueError: If `mode` is neither.
    """

    replay_after_crash = False  # TensorBoard's own files have what was written

    def __init__(
        self,
        ignore_metrics: Sequence[str] | None = None,
        target_metric: str | None = None,
        mode: str | None = None,
        log_hyperparameters: bool = True,
    ) -> None:
        if mode not in (None, "min", "max"):
            raise ValueError(f"mode={mode!r} must be 'min' or 'max'")
        self.ignore_metrics = frozenset(ignore_metrics or ())
        self.target_metric = target_metric
        self.mode = mode or "min"
        self.log_hyperparameters = log_hyperparameters
        self._best: float | None = None
        self._reports = 0
        self._steps: dict[int, int] = {}
        self._writer: Any = None

    def on_tuning_start(self, tuner: Any) -> None:
        """Open the files.

        Raises:
            MissingDependencyError: If tensorboardX is not installed.
        """
        module = require("tensorboardX", extra="tensorboard")
        self._writer = module.SummaryWriter(str(Path(tuner.tuner_path) / FOLDER))

    def on_trial_result(
        self, trial: Trial, status: str, result: dict[str, Any], decision: str
    ) -> None:
        """Write a report."""
        del status, decision
        if self._writer is None:
            return
        step = self._steps[trial.trial_id] = self._steps.get(trial.trial_id, -1) + 1
        for name, value in result.items():
            if name in self.ignore_metrics or name.startswith(RESERVED_METRIC_PREFIX):
                continue
            if _is_number(value):
                self._writer.add_scalar(name + f"/{trial.trial_id}", value, step)
        if self.log_hyperparameters and step == 0:
            self._write_config(f"trial/{trial.trial_id}", trial.config, 0)
        if self.target_metric is not None:
            self._follow_best(trial, result)
        self._reports += 1

    def _follow_best(self, trial: Trial, result: Mapping[str, Any]) -> None:
        value: Any = result.get(self.target_metric or "")
        if not _is_number(value) or math.isnan(value):
            return
        best = self._best
        if best is None or (value > best if self.mode == "max" else value < best):
            self._best = float(value)
            self._write_config("best_config", trial.config, self._reports)
        self._writer.add_scalar(f"best/{self.target_metric}", self._best, self._reports)

    def _write_config(self, tag: str, config: Mapping[str, Any], step: int) -> None:
        for name, value in config.items():
            if _is_number(value):
                self._writer.add_scalar(f"{tag}/{name}", value, step)
            else:
                self._writer.add_text(f"{tag}/{name}", str(value), step)

    def on_tuning_end(self) -> None:
        """Close the files."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_writer": None}  # open files can't be saved with the tuner


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
