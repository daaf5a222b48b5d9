"""What came of a run: best trial, configuration and checkpoint, and data frames."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from synetune_lab.errors import TuneError
from synetune_lab.store.event_log import read_log
from synetune_lab.store.run_files import read_metadata
from synetune_lab.tune.checks import check_mode
from synetune_lab.tune.places import Places, named_folder
from synetune_lab.tune.template import ConfigTemplate, flatten
from synetune_lab.tune.trial_settings import TrialSettings
from synetune_lab.tune.trials import Trial, TrialBook

if TYPE_CHECKING:
    import pandas as pd

    from synetune_lab.tune.checkpoint import Checkpoint
    from synetune_lab.tuner import Tuner

__all__ = ["METADATA_KEY", "ExperimentAnalysis"]

METADATA_KEY = "ray_tune"
"""Entry of the metadata with what this module needs."""
_SCOPES = ("last", "avg", "all", "last-5-avg", "last-10-avg")


_Value = TypeVar("_Value")


class _ByTrial(dict[str, _Value]):
    """Something of each trial by its folder, which is found by the trial's id as well."""

    def __init__(self, by_folder: dict[str, _Value], folders: dict[str, str]) -> None:
        super().__init__(by_folder)
        self._folders = folders

    def __missing__(self, key: str) -> _Value:
        if key not in self._folders:
            raise KeyError(key)
        return self[self._folders[key]]


class ExperimentAnalysis:
    """The trials of a run, finished or not, and the best of them.

    It is read from the files of the run, without loading any pickle.

    Args:
        experiment_path: Folder of the run, or its name if it is in the folder of all runs.
        default_metric: Metric where a method is given none; None for that of the run.
        default_mode: `min` or `max`, the same way.
        settings: Of a run of this process: they make configurations with the objects that JSON
            can't hold, and the names of trials. What is read from the files has text in the place
            of the objects, and the usual names.
        tuner: The tuner, if it is in this process.

    Attributes:
        trials: All trials, in the order in which they were started.
        tuner: The tuner, or None.

    Raises:
        TuneError: If there is no run of `synetune_lab.tune`.
    """

    def __init__(
        self,
        experiment_path: str | os.PathLike[str],
        default_metric: str | None = None,
        default_mode: str | None = None,
        *,
        settings: TrialSettings | None = None,
        tuner: Tuner | None = None,
    ) -> None:
        self._path = named_folder(experiment_path)
        metadata = (read_metadata(self._path) or {}).get(METADATA_KEY)
        if metadata is None:
            raise TuneError(f"{self._path} is not the folder of a run of synetune_lab.tune")
        self.default_metric = default_metric or metadata["metric"]
        self.default_mode = default_mode or metadata["mode"]
        check_mode(self.default_mode)
        self.tuner = tuner
        settings = settings or TrialSettings(
            metadata["name"],
            metadata["tag"],
            ConfigTemplate.from_json(metadata["template"]),
            resources=metadata["resources"],
        )
        if tuner is not None:
            places = Places(self._path, tuner.trial_backend)
        else:
            places = Places.of_saved(self._path, metadata.get("storage"))
        book = TrialBook(settings, places, metadata["hyperparameters"])
        for record in read_log(self._path):
            for _ in book.feed(record):
                pass
        self.trials: list[Trial] = book.rows

    # The best one

    @property
    def best_trial(self) -> Trial:
        """The trial whose last value is best."""
        return self._best()

    @property
    def best_config(self) -> dict[str, Any]:
        """Its configuration."""
        return self._best().config

    @property
    def best_result(self) -> dict[str, Any]:
        """Its last result."""
        return self._best().last_result

    @property
    def best_checkpoint(self) -> Checkpoint | None:
        """Its checkpoint with the best value."""
        return self.get_best_checkpoint(self._best())

    @property
    def best_logdir(self) -> str:
        """Its folder."""
        return self._best().logdir

    @property
    def best_dataframe(self) -> pd.DataFrame:
        """All its results."""
        return self.trial_dataframes[self._best().logdir]

    @property
    def best_result_df(self) -> pd.DataFrame:
        """Its last result as a data frame of one row."""
        frame: pd.DataFrame = _frame([_flat_result(self._best())]).set_index("trial_id")
        return frame

    def _best(self) -> Trial:
        best = self.get_best_trial()
        if best is None:
            metric, _ = self._metric(None, None)
            raise TuneError(f"no trial of {self._path.name!r} has reported a value of {metric!r}")
        return best

    def get_best_trial(
        self,
        metric: str | None = None,
        mode: str | None = None,
        scope: str = "last",
        filter_nan_and_inf: bool = True,
    ) -> Trial | None:
        """The best trial.

        Args:
            metric: The metric; None for that of the run.
            mode: `min` or `max`; None for that of the run.
            scope: What of a trial counts: its `last` value, the average of all (`avg`), the best of
                `all`, or the average of the `last-5-avg` or `last-10-avg`.
            filter_nan_and_inf: Whether trials whose value is not a finite number are left out.

        Returns:
            The trial; None if there is none with a value.

        Raises:
            TuneError: If the metric is not known, or an argument is not possible.
        """
        metric, mode = self._metric(metric, mode)
        if scope not in _SCOPES:
            raise TuneError(f"scope={scope!r} must be one of {', '.join(_SCOPES)}")
        best: tuple[float, Trial] | None = None
        for trial in self.trials:
            value = _value_of(trial, metric, mode, scope)
            if value is None or (filter_nan_and_inf and not _is_finite(value)):
                continue
            key = value if mode == "min" else -value
            if best is None or key < best[0]:
                best = key, trial
        return None if best is None else best[1]

    def get_best_config(
        self, metric: str | None = None, mode: str | None = None, scope: str = "last"
    ) -> dict[str, Any] | None:
        """The configuration of the best trial; see `get_best_trial`."""
        best = self.get_best_trial(metric, mode, scope)
        return None if best is None else best.config

    def get_best_logdir(
        self, metric: str | None = None, mode: str | None = None, scope: str = "last"
    ) -> str | None:
        """The folder of the best trial; see `get_best_trial`."""
        best = self.get_best_trial(metric, mode, scope)
        return None if best is None else best.logdir

    # Checkpoints

    def get_trial_checkpoints_paths(
        self, trial: Trial | str, metric: str | None = None
    ) -> list[tuple[str, Any]]:
        """Folders of a trial's checkpoints, each with the value of a metric when it was saved.

        Args:
            trial: The trial, or its folder.
            metric: The metric; None for that of the run, or else the training iteration.
        """
        trial = self._trial(trial)
        name = metric or self.default_metric or "training_iteration"
        return [(found.path, value) for found, value in _valued(trial, name)]

    def get_best_checkpoint(
        self, trial: Trial | str, metric: str | None = None, mode: str | None = None
    ) -> Checkpoint | None:
        """The checkpoint of a trial with the best value of a metric.

        Args:
            trial: The trial, or its folder.
            metric: The metric; None for that of the run.
            mode: `min` or `max`; None for that of the run.

        Returns:
            The checkpoint; None if it has none.
        """
        trial = self._trial(trial)
        metric, mode = self._metric(metric, mode)
        found = [
            (value, checkpoint)
            for checkpoint, value in _valued(trial, metric)
            if isinstance(value, (int, float)) and _is_finite(value)
        ]
        if not found:
            return trial.checkpoint
        choose = max if mode == "max" else min
        return choose(found, key=lambda pair: pair[0])[1]

    def get_last_checkpoint(self, trial: Trial | str | None = None) -> Checkpoint | None:
        """The newest checkpoint of a trial; of the best one if none is given."""
        return (self._best() if trial is None else self._trial(trial)).checkpoint

    # Data frames

    @property
    def trial_dataframes(self) -> dict[str, pd.DataFrame]:
        """All results of each trial, by its folder; a trial's id will do as well."""
        return self._by_trial({trial.logdir: _frame(trial.history) for trial in self.trials})

    def fetch_trial_dataframes(self) -> dict[str, pd.DataFrame]:
        """As `trial_dataframes`."""
        return self.trial_dataframes

    @property
    def results(self) -> dict[str, dict[str, Any]]:
        """The last result of each trial, by its id."""
        return {trial.trial_id: trial.last_result for trial in self.trials}

    @property
    def results_df(self) -> pd.DataFrame:
        """The last result of each trial, with its configuration as `config/name`; index is its id.

        Trials that never reported are left out.
        """
        rows = [_flat_result(trial) for trial in self.trials if trial.last_result]
        frame = _frame(rows)
        return frame.set_index("trial_id") if rows else frame

    def dataframe(self, metric: str | None = None, mode: str | None = None) -> pd.DataFrame:
        """One result of each trial, with its configuration as `config/name` and its `logdir`.

        Args:
            metric: The result with the best value of this; None for the last.
            mode: `min` or `max`; None for that of the run.
        """
        rows = []
        if metric is not None or mode is not None:
            metric, mode = self._metric(metric, mode)
        for trial in self.trials:
            result = _best_result(trial, metric, mode)
            if result is not None:
                config = {f"config/{k}": v for k, v in flatten(trial.config).items()}
                more = {"trial_id": trial.trial_id, "logdir": trial.logdir}
                rows.append({**result, **more, **config})
        return _frame(rows)

    def get_all_configs(self, prefix: bool = False) -> dict[str, dict[str, Any]]:
        """The configuration of each trial by its folder; a trial's id will do as well.

        Args:
            prefix: Whether names get `config/` before them.
        """
        configs = {trial.logdir: trial.config for trial in self.trials}
        if prefix:
            configs = {
                folder: {f"config/{name}": value for name, value in flatten(config).items()}
                for folder, config in configs.items()
            }
        return self._by_trial(configs)

    def _by_trial(self, by_folder: dict[str, _Value]) -> dict[str, _Value]:
        return _ByTrial(by_folder, {trial.trial_id: trial.logdir for trial in self.trials})

    def stats(self) -> dict[str, Any]:
        """Name and folder of the run, and the numbers of trials by their status."""
        counts: dict[str, int] = {}
        for trial in self.trials:
            counts[trial.status] = counts.get(trial.status, 0) + 1
        return {"name": self._path.name, "experiment_path": str(self._path), "trials": counts}

    @property
    def experiment_path(self) -> str:
        """Folder of the run."""
        return str(self._path)

    @property
    def errored_trials(self) -> list[Trial]:
        """Trials that failed."""
        return [trial for trial in self.trials if trial.status == "ERROR"]

    def _trial(self, given: Trial | str) -> Trial:
        if isinstance(given, Trial):
            return given
        for trial in self.trials:
            if given in (trial.logdir, trial.trial_id, trial.trial_name):
                return trial
        raise TuneError(f"there is no trial {given!r} in {self._path.name!r}")

    def _metric(self, metric: str | None, mode: str | None) -> tuple[str, str]:
        name = metric or self.default_metric
        if name is None:
            raise TuneError(
                "the run was given no metric: name it here, or give tune.run a metric and a mode"
            )
        chosen = mode or self.default_mode
        check_mode(chosen)
        return name, chosen

    def __repr__(self) -> str:
        return f"<ExperimentAnalysis {self._path.name}: {len(self.trials)} trials>"


def _is_finite(value: float) -> bool:
    return value == value and abs(value) != float("inf")


def _value_of(trial: Trial, metric: str, mode: str, scope: str) -> float | None:
    known = trial.metric_analysis.get(metric)
    if known is None:
        return None
    if scope == "last":
        value = trial.last_result.get(metric)
        return value if isinstance(value, (int, float)) else None
    if scope in ("avg", "all"):
        return known["avg" if scope == "avg" else mode]
    count = int(scope.split("-")[1])
    values = [r[metric] for r in trial.history if isinstance(r.get(metric), (int, float))][-count:]
    return float(sum(values) / len(values)) if values else None


def _valued(trial: Trial, metric: str) -> list[tuple[Checkpoint, Any]]:
    """A trial's checkpoints, each with the value of a metric at its iteration, if there is one."""
    by_iteration = {result.get("training_iteration"): result for result in trial.history}
    return [
        (checkpoint, by_iteration.get(iteration, {}).get(metric))
        for checkpoint, iteration in trial.checkpoints_by_iteration()
    ]


def _best_result(trial: Trial, metric: str | None, mode: str | None) -> dict[str, Any] | None:
    if not trial.history:
        return None
    if metric is None:
        return trial.history[-1]
    rows = [row for row in trial.history if _is_number(row.get(metric))]
    if not rows:
        return None
    choose = max if mode == "max" else min
    return choose(rows, key=lambda row: row[metric])


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and _is_finite(value)


def _flat_result(trial: Trial) -> dict[str, Any]:
    return flatten(trial.last_result)


def _frame(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    frame: pd.DataFrame = pd.DataFrame(list(rows))
    return frame
