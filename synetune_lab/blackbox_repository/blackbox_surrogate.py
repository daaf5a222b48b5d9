"""Blackboxes whose values between recorded configurations are predicted by a regressor."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from synetune_lab.blackbox_repository.blackbox import Blackbox, Config
from synetune_lab.blackbox_repository.blackbox_offline import BlackboxOffline
from synetune_lab.blackbox_repository.make_surrogate import make_surrogate
from synetune_lab.blackbox_repository.recent_curves import RecentCurves
from synetune_lab.blackbox_repository.row_encoder import FrameEncoder, RowEncoder, log_of
from synetune_lab.config_space import Categorical, Domain
from synetune_lab.errors import BlackboxError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["BlackboxSurrogate", "Columns", "add_surrogate"]

_FIT_SEED = 0


class Columns:
    """A step of scikit-learn's pipelines that selects columns of a data frame.

    Args:
        names: The columns; None for all.
    """

    def __init__(self, names: Sequence[str] | None = None) -> None:
        self.names = names

    def fit(self, *args: Any, **kwargs: Any) -> Columns:
        """Nothing is to be learnt."""
        del args, kwargs
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:  # noqa: N803 - scikit-learn's name
        """The columns."""
        return X if self.names is None else X[list(self.names)]

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Any:
        from sklearn.base import BaseEstimator

        return BaseEstimator().__sklearn_tags__()


class BlackboxSurrogate(Blackbox):
    """Predicts objectives by a regressor that was fitted to recorded ones.

    Numbers are scaled to unit variance (on a logarithmic scale where the space is), categories are
    encoded one-hot.

    Args:
        X: Configurations, and the fidelity as last column unless `predict_curves`.
        y: Objectives, as `Blackbox.hyperparameter_objectives_values` gives them.
        configuration_space: Space of configurations to predict at.
        objectives_names: Names of the objectives.
        fidelity_space: Domain of the one fidelity, if there is one.
        fidelity_values: Its values.
        surrogate: A regressor as scikit-learn has them. Default: the nearest neighbour.
        predict_curves: Whether it predicts a whole curve at once (a regressor of several outputs).
            If it averages recorded curves, what is monotone and positive stays so.
        num_seeds: One regressor is fitted for each seed.
        fit_differences: Objectives that add up along the fidelity, such as elapsed time: their
            increments are learnt, and can't become negative.
        max_fit_samples: At most so many rows, drawn at random, are learnt from for each seed.
        name: A name for messages.

    Raises:
        BlackboxError: If the arguments do not fit.
    """

    def __init__(
        self,
        X: pd.DataFrame,  # noqa: N803 - the documented name
        y: pd.DataFrame,
        configuration_space: Mapping[str, Any],
        objectives_names: Sequence[str],
        fidelity_space: Mapping[str, Any] | None = None,
        fidelity_values: Sequence[float] | np.ndarray | None = None,
        surrogate: Any = None,
        predict_curves: bool = False,
        num_seeds: int = 1,
        fit_differences: Sequence[str] | None = None,
        max_fit_samples: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(configuration_space, fidelity_space, objectives_names)
        if len(X) != len(y):
            raise BlackboxError(f"X has {len(X)} rows, y has {len(y)}")
        if num_seeds < 1 or len(X) % num_seeds:
            raise BlackboxError(f"num_seeds={num_seeds} does not divide the {len(X)} rows")
        if self.fidelity_space is not None and fidelity_values is None:
            fidelity_values = super().fidelity_values
        self._values = None if fidelity_values is None else np.asarray(fidelity_values)
        if predict_curves and self._values is None:
            raise BlackboxError("predict_curves=True is for blackboxes with a fidelity")
        self.differences = list(fit_differences or ())
        unknown = [one for one in self.differences if one not in self.objectives_names]
        if unknown:
            raise BlackboxError(
                f"fit_differences={unknown} are not objectives; there are {self.objectives_names}"
            )
        if self.differences and self._values is None:
            raise BlackboxError("fit_differences is for blackboxes with a fidelity")
        if max_fit_samples is not None and max_fit_samples < 1:
            raise BlackboxError(f"max_fit_samples={max_fit_samples} must be at least 1")
        self.predict_curves = predict_curves
        self._num_seeds = num_seeds
        self.max_fit_samples = max_fit_samples
        self.name = name
        self._surrogate = make_surrogate(surrogate)
        self._pipelines: list[Any] = []
        self.fit_surrogate(X, y)

    @property
    def num_seeds(self) -> int:  # type: ignore[override]
        """How many seeds are told apart."""
        return self._num_seeds

    @property
    def fidelity_values(self) -> np.ndarray | None:
        """The fidelities, ascending; None without."""
        return self._values

    @property
    def num_fidelities(self) -> int | None:
        """How many there are; None without fidelity."""
        return None if self._values is None else len(self._values)

    @staticmethod
    def make_model_pipeline(
        configuration_space: Mapping[str, Any],
        fidelity_space: Mapping[str, Any] | None,
        model: Any,
        predict_curves: bool = False,
    ) -> Any:
        """A pipeline of scikit-learn: encoded hyperparameters (and fidelity), then the model."""
        from sklearn.pipeline import FeatureUnion, make_pipeline
        from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

        plain: list[str] = []
        logarithmic: list[str] = []
        categories: list[str] = []
        for name, entry in configuration_space.items():
            if isinstance(entry, Categorical) and any(isinstance(v, str) for v in entry.categories):
                categories.append(name)
            elif isinstance(entry, Domain):
                is_log = _is_logarithmic(entry)
                (logarithmic if is_log else plain).append(name)
        if not predict_curves:
            plain += list(fidelity_space or ())
        parts: list[tuple[str, Any]] = []
        if categories:
            encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
            parts.append(("categories", make_pipeline(Columns(categories), encoder)))
        if logarithmic:
            log = FunctionTransformer(log_of, feature_names_out=None)
            parts.append(
                ("logarithmic", make_pipeline(Columns(logarithmic), log, StandardScaler()))
            )
        if plain:
            parts.append(("plain", make_pipeline(Columns(plain), StandardScaler())))
        return make_pipeline(FeatureUnion(parts), model)

    def fit_surrogate(self, X: pd.DataFrame, y: pd.DataFrame) -> Blackbox:  # noqa: N803
        """Fit one regressor for each seed.

        Args:
            X: See the class; the rows of a seed follow each other.
            y: Same rows.

        Returns:
            The blackbox itself.
        """
        self._recorded = (X, y)
        rows_of_seed = self._rows_of_seeds(len(X))
        values = self._to_learn(y.to_numpy(dtype=np.float64))
        state = np.random.RandomState(_FIT_SEED)
        self._pipelines = []
        for rows in rows_of_seed:
            taken = rows
            if self.max_fit_samples is not None and len(rows) > self.max_fit_samples:
                taken = state.permutation(rows)[: self.max_fit_samples]
            pipeline = self.make_model_pipeline(
                self.configuration_space,
                self.fidelity_space,
                copy.deepcopy(self._surrogate),
                self.predict_curves,
            )
            target = values[taken]
            pipeline.fit(X.iloc[taken], target[:, 0] if target.shape[1] == 1 else target)
            self._pipelines.append(pipeline)
        self._prepare()
        return self

    def _prepare(self) -> None:
        """What is not saved with it."""
        is_ours = type(self).make_model_pipeline is BlackboxSurrogate.make_model_pipeline
        self._encoders = [
            RowEncoder(one) if is_ours else FrameEncoder(one, list(self.configuration_space))
            for one in self._pipelines
        ]
        self._recent = RecentCurves()

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in vars(self).items() if k not in ("_encoders", "_recent")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._prepare()

    def _rows_of_seeds(self, size: int) -> list[np.ndarray]:
        if self.predict_curves or self._values is None:
            return list(np.arange(size).reshape(self._num_seeds, -1))
        if self._num_seeds == 1:
            return [np.arange(size)]
        cells = np.arange(size).reshape(len(self._values), self._num_seeds, -1)
        return [cells[:, seed].reshape(-1) for seed in range(self._num_seeds)]

    def _to_learn(self, values: np.ndarray) -> np.ndarray:
        """What is learnt: increments of objectives that add up, the others as they are."""
        if not self.differences:
            return values
        columns = [self.objectives_names.index(name) for name in self.differences]
        assert self._values is not None
        if self.predict_curves:
            cube: np.ndarray = values.reshape(len(values), len(self._values), -1).copy()
            cube[:, :, columns] = np.diff(cube[:, :, columns], axis=1, prepend=0.0)
            return np.asarray(cube.reshape(len(values), -1))
        if len(values) % len(self._values):
            raise BlackboxError(
                "fit_differences needs all configurations at all fidelities; use "
                "predict_curves=True"
            )
        cube = values.reshape(len(self._values), -1, values.shape[1]).copy()
        cube[:, :, columns] = np.diff(cube[:, :, columns], axis=0, prepend=0.0)
        return np.asarray(cube.reshape(values.shape))

    def curve(self, configuration: Config, seed: int | None = None) -> np.ndarray:
        """All objectives at all fidelities, of shape (fidelity values, objectives)."""
        config = self._check_configuration(configuration)
        values = self._objective_function(config, None, seed)
        if isinstance(values, dict):
            return np.array([list(values.values())])
        return np.asarray(values)

    def _objective_function(
        self, configuration: Config, fidelity: Mapping[str, Any] | None, seed: int | None
    ) -> dict[str, float] | np.ndarray:
        seed = 0 if seed is None else seed
        if not 0 <= seed < self._num_seeds:
            raise BlackboxError(f"seed={seed}; this blackbox has seeds 0 to {self._num_seeds - 1}")
        if self._values is None:
            row = self._predict(self._rows(configuration, None, seed), seed)[0]
            return dict(zip(self.objectives_names, row.tolist(), strict=True))
        if fidelity is None:
            return self._whole_curve(configuration, seed)
        wanted = fidelity[self.fidelity_name()]
        if not self.predict_curves and not self.differences:
            row = self._predict(self._rows(configuration, [wanted], seed), seed)[0]
        else:
            where = np.flatnonzero(self._values == wanted)
            if not len(where):
                raise BlackboxError(
                    f"{self.fidelity_name()}={wanted!r} is not one of {self._values.tolist()}"
                )
            row = self._whole_curve(configuration, seed)[where[0]]
        return dict(zip(self.objectives_names, row.tolist(), strict=True))

    def _whole_curve(self, configuration: Config, seed: int) -> np.ndarray:
        assert self._values is not None
        fidelities = None if self.predict_curves else self._values.tolist()
        rows = self._rows(configuration, fidelities, seed)
        # What the regressor sees of the configuration is the key: nothing else matters to it.
        return self._recent.get((seed, rows[0].tobytes()), lambda: self._curve_of(rows, seed))

    def _curve_of(self, rows: np.ndarray, seed: int) -> np.ndarray:
        assert self._values is not None
        curve = self._predict(rows, seed).reshape(len(self._values), -1)
        if self.differences:
            columns = [self.objectives_names.index(name) for name in self.differences]
            curve[:, columns] = np.cumsum(np.maximum(curve[:, columns], 0.0), axis=0)
        return curve

    def _rows(self, configuration: Config, fidelities: list[float] | None, seed: int) -> np.ndarray:
        name = None if fidelities is None else self.fidelity_name()
        return self._encoders[seed].rows(configuration, name, fidelities)

    def _predict(self, rows: np.ndarray, seed: int) -> np.ndarray:
        predicted = np.asarray(self._pipelines[seed].steps[-1][1].predict(rows))
        return predicted.reshape(len(rows), -1).astype(np.float64)

    def hyperparameter_objectives_values(
        self, predict_curves: bool = False
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """What it was fitted to.

        Raises:
            BlackboxError: If `predict_curves` is not as it was fitted.
        """
        if predict_curves != self.predict_curves:
            raise BlackboxError(
                f"this surrogate was fitted with predict_curves={self.predict_curves}"
            )
        return self._recorded

    def __repr__(self) -> str:
        title = f" {self.name}" if self.name else ""
        return f"<BlackboxSurrogate{title}: {type(self._surrogate).__name__}>"


def add_surrogate(
    blackbox: Blackbox,
    surrogate: Any = None,
    configuration_space: Mapping[str, Any] | None = None,
    predict_curves: bool | None = None,
    separate_seeds: bool = False,
    fit_differences: Sequence[str] | None = None,
) -> BlackboxSurrogate:
    """A blackbox that predicts by a regressor fitted to the values of a recorded one.

    Args:
        blackbox: The recorded one.
        surrogate: See `BlackboxSurrogate`.
        configuration_space: Where to predict. Default is the space of `blackbox`, which for a table
            often has only the recorded values: then give your own.
        predict_curves: Whether whole curves are predicted. None: yes, except for a
            `BlackboxOffline`.
        separate_seeds: Whether seeds are kept apart, each with a regressor of its own; else all are
            learnt as one.
        fit_differences: See `BlackboxSurrogate`.
    """
    if predict_curves is None:
        has_fidelity = blackbox.fidelity_space is not None
        predict_curves = has_fidelity and not isinstance(blackbox, BlackboxOffline)
    features, values = blackbox.hyperparameter_objectives_values(predict_curves)
    space = blackbox.configuration_space if configuration_space is None else configuration_space
    missing = [name for name in blackbox.configuration_space if name not in space]
    if missing:
        raise BlackboxError(f"configuration_space lacks {missing}, which the blackbox has")
    own = {name: space[name] for name in blackbox.configuration_space}
    return BlackboxSurrogate(
        X=features,
        y=values,
        configuration_space=own,
        objectives_names=blackbox.objectives_names,
        fidelity_space=blackbox.fidelity_space,
        fidelity_values=blackbox.fidelity_values,
        surrogate=surrogate,
        predict_curves=predict_curves,
        num_seeds=blackbox.num_seeds if separate_seeds else 1,
        fit_differences=fit_differences,
    )


def _is_logarithmic(domain: Domain) -> bool:
    return "Log" in type(domain.get_sampler()).__name__ or bool(getattr(domain, "log_scale", False))
