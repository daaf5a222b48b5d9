"""What an experiment recorded, as learning curves by configuration."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from synetune_lab.config_space import config_space_from_json_dict
from synetune_lab.constants import (
    CONFIG_COLUMN_PREFIX,
    ST_TUNER_TIME,
    ST_WORKER_ITER,
    ST_WORKER_TIME,
    TRIAL_ID,
)
from synetune_lab.errors import BlackboxError
from synetune_lab.experiments.experiment_result import ExperimentResult
from synetune_lab.experiments.load import load_experiment
from synetune_lab.results_callback import StoreResultsCallback
from synetune_lab.tuner import Tuner

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["RecordedCurves", "experiment_of", "record_curves"]

_USUAL_RESOURCES = ("epoch", "epochs", "step", "steps", "iteration", "rounds", "time_step")


@dataclass
class RecordedCurves:
    """Curves of an experiment's trials.

    Attributes:
        configs: Configuration of each trial, without constants and the maximum resource.
        curves: Shape (trials, resources, metrics); NaN where nothing was reported.
        seconds: Seconds of training up to each resource, shape (trials, resources); NaN likewise.
        config_space: Space of the experiment, without constants.
        constants: Entries of the space that are no hyperparameters.
        metric_names: Names of the metrics.
        resource_attr: Name of the resource.
    """

    configs: list[dict[str, Any]]
    curves: np.ndarray
    seconds: np.ndarray
    config_space: dict[str, Any]
    constants: dict[str, Any]
    metric_names: list[str]
    resource_attr: str


def experiment_of(run: Any) -> ExperimentResult:
    """An experiment, however it is named.

    Args:
        run: A tuner (that runs, or is over), an `ExperimentResult`, or the name of an experiment.

    Raises:
        BlackboxError: If it is none of these, or has no results.
    """
    if isinstance(run, ExperimentResult):
        experiment = run
    elif isinstance(run, Tuner):
        experiment = _experiment_of_tuner(run)
    elif isinstance(run, (str, Path)):
        path = Path(run)
        local = str(path.parent) if path.parent != Path() else None
        experiment = load_experiment(path.name, local_path=local)
    else:
        raise BlackboxError(
            f"run must be a tuner, an ExperimentResult or a name, got {type(run).__name__}"
        )
    if experiment.results is None or experiment.results.empty:
        raise BlackboxError(f"experiment {experiment.name!r} has no results (yet)")
    return experiment


def _experiment_of_tuner(tuner: Tuner) -> ExperimentResult:
    """The experiment of a tuner, with what it has seen up to now."""
    keeper = next((c for c in tuner.callbacks if isinstance(c, StoreResultsCallback)), None)
    if keeper is None:
        return load_experiment(tuner.name, local_path=tuner.tuner_path.parent)
    if tuner.is_running:
        frame = tuner.session.read(lambda _: keeper.dataframe()).result()
    else:
        frame = keeper.dataframe()
    return ExperimentResult(tuner.name, frame, dict(tuner.metadata), tuner, tuner.tuner_path)


def record_curves(
    experiment: ExperimentResult,
    resource_attr: str | None = None,
    elapsed_time_attr: str | None = None,
) -> RecordedCurves:
    """The curves of an experiment.

    Args:
        experiment: The experiment.
        resource_attr: Name of the reported resource; None to find it: what the scheduler used, a
            usual name such as `epoch`, else the number of the report.
        elapsed_time_attr: Name of the reported seconds since a trial was started or resumed; None
            for `st_worker_time`, or the time of the tuner where that is missing.

    Raises:
        BlackboxError: If the space is not known, or nothing can be used.
    """
    frame = experiment.results
    assert frame is not None
    space = _space_of(experiment)
    names = [name for name in experiment.metric_names() if name in frame.columns]
    if not names:
        raise BlackboxError(
            f"the results of {experiment.name!r} have none of the metrics "
            f"{experiment.metric_names()}; they have {list(frame.columns)}"
        )
    resource = resource_attr or _resource_of(experiment, frame)
    if resource not in frame.columns:
        raise BlackboxError(f"resource_attr={resource!r} was not reported: {list(frame.columns)}")
    hyperparameters = {k: v for k, v in space.items() if hasattr(v, "sample")}
    return _collect(
        frame,
        hyperparameters,
        {k: v for k, v in space.items() if k not in hyperparameters},
        names,
        resource,
        _time_of(frame, elapsed_time_attr),
    )


def _space_of(experiment: ExperimentResult) -> dict[str, Any]:
    stored = experiment.metadata.get("config_space")
    if stored is None:
        raise BlackboxError(
            f"the metadata of {experiment.name!r} have no config_space; it was made by an older "
            "release"
        )
    return config_space_from_json_dict(json.loads(stored) if isinstance(stored, str) else stored)


def _resource_of(experiment: ExperimentResult, frame: pd.DataFrame) -> str:
    if experiment.tuner is not None:
        known = experiment.tuner.scheduler.describe().get("resource_attr")
        if known in frame.columns:
            return str(known)
    for name in _USUAL_RESOURCES:
        if name in frame.columns:
            return name
    return ST_WORKER_ITER


def _time_of(frame: pd.DataFrame, given: str | None) -> str:
    if given is not None:
        if given not in frame.columns:
            raise BlackboxError(f"elapsed_time_attr={given!r} was not reported")
        return given
    return ST_WORKER_TIME if ST_WORKER_TIME in frame.columns else ST_TUNER_TIME


def _collect(
    frame: pd.DataFrame,
    space: Mapping[str, Any],
    constants: dict[str, Any],
    names: list[str],
    resource: str,
    time: str,
) -> RecordedCurves:
    shift = 1 if resource == ST_WORKER_ITER else 0  # which counts from 0
    most = int(frame[resource].max()) + shift
    if most < 1:
        raise BlackboxError(f"the resource {resource!r} must be counted from 1")
    for value in constants.values():
        if isinstance(value, int) and not isinstance(value, bool) and most < value <= 10**6:
            most = value  # the maximum resource, which few trials may have reached
    configs, curves, seconds = [], [], []
    for _, rows in frame.groupby(TRIAL_ID, sort=True):
        first = rows.iloc[0]
        config = {}
        for name in space:
            entry: Any = first.get(CONFIG_COLUMN_PREFIX + name)
            config[name] = entry.item() if hasattr(entry, "item") else entry
        if any(value is None or value != value for value in config.values()):
            continue  # of a space that was edited meanwhile
        curve, spent = np.full((most, len(names)), np.nan), np.full(most, np.nan)
        where = rows[resource].to_numpy(dtype=np.int64) + shift - 1
        curve[where] = rows[names].to_numpy(dtype=np.float64)
        spent[where] = _add_up(rows[time].to_numpy(dtype=np.float64), time)
        configs.append(config)
        curves.append(curve)
        seconds.append(spent)
    if not configs:
        raise BlackboxError("no trial of the run fits its configuration space")
    return RecordedCurves(
        configs, np.stack(curves), np.stack(seconds), dict(space), constants, names, resource
    )


def _add_up(times: np.ndarray, name: str) -> np.ndarray:
    """Seconds of training up to each report: a clock that began again goes on instead."""
    if name == ST_TUNER_TIME:
        # Only the time between reports is known; the first one took about as long.
        steps = np.diff(times)
        first = float(np.median(steps)) if len(steps) else 1.0
        return np.cumsum(np.concatenate([[max(first, 1e-3)], np.maximum(steps, 0.0)]))
    before = np.concatenate([[0.0], times[:-1]])
    return np.cumsum(np.where(times >= before, times - before, times))
