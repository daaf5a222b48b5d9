"""A run as a blackbox: its recorded curves, and a surrogate beyond them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from synetune_lab.blackbox_repository.blackbox import Blackbox, Config
from synetune_lab.blackbox_repository.blackbox_tabular import BlackboxTabular
from synetune_lab.blackbox_repository.recent_curves import RecentCurves
from synetune_lab.config_space import make_hyperparameter_ranges, randint
from synetune_lab.config_space.keys import ConfigKeyer
from synetune_lab.errors import BlackboxError
from synetune_lab.experiments.recorded import RecordedCurves, experiment_of, record_curves

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ELAPSED_TIME", "ExperimentBlackbox", "blackbox_from_experiment"]

ELAPSED_TIME = "elapsed_time"
_MAX_POINTS = 20_000
_TREES = 60


class ExperimentBlackbox(Blackbox):
    """Recorded curves of a run, continued and filled in by a surrogate.

    A configuration that was run gives what was recorded; beyond its last report, and for other
    configurations, a forest of randomised trees over hyperparameters and resource predicts. The
    continuation begins where the record ends.

    Args:
        recorded: The curves.
        random_seed: Of the surrogate.
    """

    def __init__(self, recorded: RecordedCurves, random_seed: int = 0) -> None:
        most = recorded.curves.shape[1]
        super().__init__(
            recorded.config_space,
            {recorded.resource_attr: randint(1, most)},
            [*recorded.metric_names, ELAPSED_TIME],
        )
        self.recorded = recorded
        self._keyer = ConfigKeyer(self.configuration_space)
        self._ranges = make_hyperparameter_ranges(self.configuration_space)
        self._values = np.concatenate([recorded.curves, recorded.seconds[:, :, None]], axis=2)
        self._rows = {self._keyer.key(c): i for i, c in enumerate(recorded.configs)}
        self._recent = RecentCurves()
        self._models = [self._fit(column, random_seed) for column in range(self._values.shape[2])]

    def _fit(self, column: int, random_seed: int) -> Any:
        """A model of one metric; of the time, a model of the logarithm of seconds a step."""
        from sklearn.ensemble import ExtraTreesRegressor

        trials, places = np.nonzero(~np.isnan(self._values[:, :, column]))
        if len(trials) > _MAX_POINTS:
            chosen = np.random.RandomState(random_seed).permutation(len(trials))[:_MAX_POINTS]
            trials, places = trials[chosen], places[chosen]
        values = self._values[trials, places, column]
        if column == self._values.shape[2] - 1:
            values = np.log(np.maximum(values / (places + 1), 1e-6))
        finite = np.isfinite(values)
        if not finite.any():
            raise BlackboxError(f"{self.objectives_names[column]!r} was never reported as a number")
        encoded = self._ranges.to_ndarray_matrix(self.recorded.configs)[trials]
        resources = places + 1.0
        features = np.column_stack([encoded, np.log(resources), resources])
        model = ExtraTreesRegressor(_TREES, min_samples_leaf=1, random_state=random_seed)
        return model.fit(features[finite], values[finite])

    @property
    def fidelity_values(self) -> np.ndarray:
        """1 to the maximum resource."""
        return np.arange(1, self._values.shape[1] + 1)

    def num_recorded(self, configuration: Config) -> int:
        """Up to which resource a configuration was run; 0 if it was not."""
        row = self._rows.get(self._keyer.key(configuration))
        return 0 if row is None else self._known(row)

    def _known(self, row: int) -> int:
        told = np.flatnonzero(~np.isnan(self._values[row, :, 0]))
        return int(told[-1]) + 1 if len(told) else 0

    def curve(self, configuration: Config, seed: int | None = None) -> np.ndarray:
        """All objectives at all resources, of shape (resources, objectives)."""
        del seed
        config = self._check_configuration(configuration)
        key = self._keyer.key(config)
        return self._recent.get(key, lambda: self._curve(config, self._rows.get(key)))

    def _curve(self, config: dict[str, Any], row: int | None) -> np.ndarray:
        known = 0 if row is None else self._known(row)
        record = None if row is None or not known else _without_gaps(self._values[row, :known])
        if record is not None and known == self._values.shape[1] and not np.isnan(record).any():
            record[:, -1] = np.maximum.accumulate(record[:, -1])
            return record
        resources = self.fidelity_values.astype(np.float64)
        encoded = self._ranges.to_ndarray_matrix([config]).repeat(len(resources), axis=0)
        features = np.column_stack([encoded, np.log(resources), resources])
        curve: np.ndarray = np.column_stack([_predict(model, features) for model in self._models])
        steps = np.exp(curve[:, -1])
        curve[:, -1] = np.maximum.accumulate(steps * resources)
        if record is not None:
            # The continuation begins where the record ends: the difference is carried on.
            curve[known:] += record[-1] - curve[known - 1]
            curve[:known] = record
            curve[:, -1] = np.maximum.accumulate(curve[:, -1])
        return curve

    def _objective_function(
        self, configuration: Config, fidelity: Mapping[str, Any] | None, seed: int | None
    ) -> dict[str, float] | np.ndarray:
        curve = self.curve(configuration, seed)
        if fidelity is None:
            return curve
        resource = fidelity[self.fidelity_name()]
        if not 1 <= resource <= len(curve):
            raise BlackboxError(
                f"{self.fidelity_name()}={resource!r} must be from 1 to {len(curve)}"
            )
        return dict(zip(self.objectives_names, curve[int(resource) - 1].tolist(), strict=True))

    def hyperparameter_objectives_values(
        self, predict_curves: bool = False
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """What was recorded (see `Blackbox.hyperparameter_objectives_values`).

        With `predict_curves`, the curves of trials that ended early go on as predicted.
        """
        import pandas as pd

        if predict_curves:
            return self.to_tabular().hyperparameter_objectives_values(predict_curves=True)
        resources, trials = np.nonzero(~np.isnan(self._values).any(axis=2).T)
        features = pd.DataFrame(self.recorded.configs)[list(self.configuration_space)]
        features = features.iloc[trials].reset_index(drop=True)
        features[self.fidelity_name()] = resources + 1
        values = pd.DataFrame(self._values[trials, resources], columns=self.objectives_names)
        return features, values

    def to_tabular(self) -> BlackboxTabular:
        """The trials of the run as a table, which can be saved as a benchmark (`serialize`).

        Curves that ended early go on as predicted. A configuration that came twice is there once.
        """
        import pandas as pd

        rows = sorted(self._rows.values())
        configs = [self.recorded.configs[row] for row in rows]
        curves = np.stack([self.curve(config) for config in configs])
        return BlackboxTabular(
            hyperparameters=pd.DataFrame(configs)[list(self.configuration_space)],
            configuration_space=self.configuration_space,
            fidelity_space=self.fidelity_space,
            objectives_evaluations=curves[:, None],
            objectives_names=list(self.objectives_names),
        )

    def __repr__(self) -> str:
        trials = len(self.recorded.configs)
        return f"<ExperimentBlackbox: {trials} trials, {', '.join(self.objectives_names)}>"


def _predict(forest: Any, features: np.ndarray) -> np.ndarray:
    """What `forest.predict` says, without its checks and threads: these take longer than the trees.

    The order of the sum is the same, and so are the numbers.
    """
    rows = np.ascontiguousarray(features, dtype=np.float32)
    total = np.zeros(len(rows))
    for tree in forest.estimators_:
        total += tree.tree_.predict(rows).reshape(-1)
    return total / len(forest.estimators_)


def _without_gaps(values: np.ndarray) -> np.ndarray:
    """Fill what was not reported between reports, on straight lines."""
    filled: np.ndarray = values.copy()
    places = np.arange(len(values))
    for column in range(values.shape[1]):
        known = ~np.isnan(values[:, column])
        if known.any() and not known.all():
            filled[:, column] = np.interp(places, places[known], values[known, column])
    return filled


def blackbox_from_experiment(
    run: Any,
    resource_attr: str | None = None,
    elapsed_time_attr: str | None = None,
    random_seed: int = 0,
) -> ExperimentBlackbox:
    """A run as a blackbox: its recorded curves, and a surrogate beyond them.

    Args:
        run: A tuner (that runs, or is over), an `ExperimentResult`, or the name of an experiment.
        resource_attr: Name of the reported resource; None to find it.
        elapsed_time_attr: Name of the reported seconds since a trial was started or resumed; None
            for `st_worker_time`.
        random_seed: Of the surrogate.

    Returns:
        The blackbox; its last objective is `elapsed_time`, in seconds.

    Raises:
        BlackboxError: If the run has no results, or they can't be used.
    """
    experiment = experiment_of(run)
    recorded = record_curves(experiment, resource_attr, elapsed_time_attr)
    return ExperimentBlackbox(recorded, random_seed)
