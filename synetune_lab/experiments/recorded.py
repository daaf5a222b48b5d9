"""What an experiment recorded, as learning curves by configuration."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from synetune_lab.config_space import Categorical, Domain, config_space_from_json_dict
from synetune_lab.constants import (
    CONFIG_COLUMN_PREFIX,
    ST_TUNER_TIME,
    ST_WORKER_ITER,
    ST_WORKER_TIME,
    TRIAL_ID,
)
from synetune_lab.errors import BlackboxError, InvalidConfigError
from synetune_lab.experiments.experiment_result import ExperimentResult
from synetune_lab.experiments.load import load_experiment
from synetune_lab.results_callback import StoreResultsCallback
from synetune_lab.store.run_files import read_run_file
from synetune_lab.tuner import Tuner

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["RecordedCurves", "experiment_of", "record_curves"]

_USUAL_RESOURCES = ("epoch", "epochs", "step", "steps", "iteration", "rounds", "time_step")
_USUAL_MAXIMA = ("epochs", "max_t", "max_epochs", "max_resource", "max_resource_level")
_LARGEST = 10**6
_LEVEL = "st_level"


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

    They end at the maximum resource that the scheduler was given, as far as that is known; at that
    of a constant with a usual name, such as `epochs`; else at the largest resource reported. A
    report without the resource is left out.

    Args:
        experiment: The experiment.
        resource_attr: Name of the reported resource, a positive integer; None to find it: what the
            scheduler used, a usual name such as `epoch`, else the number of the report.
        elapsed_time_attr: Name of the reported seconds since a trial was started or resumed; None
            for `st_worker_time`, or the time of the tuner where that is missing.

    Raises:
        BlackboxError: If the space is not known, the resource is no positive integer, or nothing
            can be used.
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
    scheduler = _scheduler_of(experiment)
    resource = resource_attr or _resource_of(scheduler, frame)
    if resource not in frame.columns:
        raise BlackboxError(f"resource_attr={resource!r} was not reported: {list(frame.columns)}")
    hyperparameters = {k: v for k, v in space.items() if isinstance(v, Domain)}
    constants = {k: v for k, v in space.items() if k not in hyperparameters}
    return _collect(
        frame,
        hyperparameters,
        constants,
        names,
        resource,
        _time_of(frame, elapsed_time_attr),
        _max_resource_of(experiment, scheduler, constants, resource),
    )


def _space_of(experiment: ExperimentResult) -> dict[str, Any]:
    stored = experiment.metadata.get("config_space")
    if stored is None:
        raise BlackboxError(
            f"the metadata of {experiment.name!r} have no config_space; it was made by an older "
            "release"
        )
    return config_space_from_json_dict(json.loads(stored) if isinstance(stored, str) else stored)


def _scheduler_of(experiment: ExperimentResult) -> Mapping[str, Any]:
    """What is known of the scheduler: `TrialScheduler.describe`, or what `run.json` kept of it."""
    if experiment.tuner is not None:
        return experiment.tuner.scheduler.describe()
    described = (read_run_file(experiment.path) or {}).get("scheduler")
    return described if isinstance(described, Mapping) else {}


def _resource_of(scheduler: Mapping[str, Any], frame: pd.DataFrame) -> str:
    known = scheduler.get("resource_attr")
    if known in frame.columns:
        return str(known)
    for name in _USUAL_RESOURCES:
        if name in frame.columns:
            return name
    return ST_WORKER_ITER


def _max_resource_of(
    experiment: ExperimentResult,
    scheduler: Mapping[str, Any],
    constants: Mapping[str, Any],
    resource: str,
) -> int:
    """The maximum resource, which few trials may have reached; 0 if it is not known."""
    if scheduler.get("resource_attr") not in (None, resource):
        return 0  # the scheduler's maximum is one of something else
    known = [scheduler.get("max_resource")]
    owner: Any = experiment.tuner and experiment.tuner.scheduler
    while owner is not None:
        known.append(constants.get(getattr(owner, "max_resource_attr", None) or ""))
        owner = getattr(owner, "scheduler", None)
    names = [before + resource + after for before in ("max_", "num_", "n_") for after in ("", "s")]
    known += [constants.get(name) for name in (*_USUAL_MAXIMA, *names, resource + "s")]
    for value in known:
        if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _LARGEST:
            return value
    return 0


def _time_of(frame: pd.DataFrame, given: str | None) -> str:
    if given is not None:
        if given not in frame.columns:
            raise BlackboxError(f"elapsed_time_attr={given!r} was not reported")
        return given
    return ST_WORKER_TIME if ST_WORKER_TIME in frame.columns else ST_TUNER_TIME


def _levels_of(frame: pd.DataFrame, resource: str) -> np.ndarray:
    """The resource of each report, from 1; 0 for a report without it.

    Raises:
        BlackboxError: If one is no positive integer, or there is none at all.
    """
    import pandas as pd

    column = frame[resource]
    shift = 1 if resource == ST_WORKER_ITER else 0  # which counts from 0
    levels = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64) + shift
    is_told = column.notna().to_numpy()
    with np.errstate(invalid="ignore"):
        wrong = is_told & ~((levels >= 1) & (levels % 1 == 0))
    if wrong.any():
        first = int(np.argmax(wrong))
        value = column.iloc[first]
        value = value.item() if hasattr(value, "item") else value
        other = f", such as {ST_WORKER_ITER!r}" if ST_WORKER_ITER in frame.columns else ""
        raise BlackboxError(
            f"resource_attr={resource!r} was reported as {value!r} by trial "
            f"{frame[TRIAL_ID].iloc[first]}; it must be a positive integer, counted from 1. Give "
            f"the name of another one{other}"
        )
    if not is_told.any():
        raise BlackboxError(f"resource_attr={resource!r} has no value in any report")
    return np.where(is_told, levels, 0).astype(np.int64)


def _config_of(row: pd.Series[Any], space: Mapping[str, Any]) -> dict[str, Any] | None:
    """The configuration of a row; None if it is one of a space that was edited meanwhile."""
    config = {}
    for name, domain in space.items():
        value: Any = row.get(CONFIG_COLUMN_PREFIX + name)
        value = value.item() if hasattr(value, "item") else value
        if value is None or value != value:
            return None
        if isinstance(domain, Categorical) or not isinstance(value, domain.value_type):
            try:
                value = domain.cast(value)
            except InvalidConfigError:
                return None
        if isinstance(domain, Categorical) and not domain.is_valid(value):
            return None
        config[name] = value
    return config


def _collect(
    frame: pd.DataFrame,
    space: Mapping[str, Any],
    constants: dict[str, Any],
    names: list[str],
    resource: str,
    time: str,
    max_resource: int,
) -> RecordedCurves:
    levels = _levels_of(frame, resource)
    most = max(int(levels.max()), max_resource)
    frame = frame.assign(**{_LEVEL: levels})[levels > 0]
    configs, curves, seconds = [], [], []
    for _, rows in frame.groupby(TRIAL_ID, sort=True):
        config = _config_of(rows.iloc[0], space)
        if config is None:
            continue
        curve, spent = np.full((most, len(names)), np.nan), np.full(most, np.nan)
        where = rows[_LEVEL].to_numpy() - 1
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
