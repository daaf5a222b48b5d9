"""Criteria that end a run when more trials promise little: a plateau, or a small regret bound."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from synetune_lab.config_space import make_hyperparameter_ranges
from synetune_lab.trial import Status

if TYPE_CHECKING:
    import numpy as np

    from synetune_lab.tuning_status import TuningStatus

__all__ = ["AutomaticTermination", "PlateauStopper"]

_ENDED = (Status.completed, Status.stopped)


def _check_numbers(**arguments: Any) -> None:
    """Refuse what is no number, by name."""
    for name, value in arguments.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ValueError(f"{name}={value!r} must be a number")


class PlateauStopper:
    """Ends a run when the best values differ no more.

    The `num_trials` best values of different trials are kept. Each time that their standard
    deviation is within `std` when a trial has reported anew, a counter goes up; else it begins
    again. The run ends when the counter exceeds `patience`.

    Args:
        metric: Name of the reported metric.
        std: The standard deviation.
        num_trials: How many values are compared.
        mode: `min` or `max`.
        patience: See above.

    Raises:
        ValueError: If an argument is out of range.
    """

    def __init__(
        self,
        metric: str,
        std: float = 0.001,
        num_trials: int = 10,
        mode: str = "min",
        patience: int = 0,
    ) -> None:
        _check_numbers(std=std, num_trials=num_trials, patience=patience)
        if not std >= 0:
            raise ValueError(f"std={std!r} must be at least 0")
        if num_trials < 2:
            raise ValueError(f"num_trials={num_trials!r} must be at least 2")
        if patience < 0:
            raise ValueError(f"patience={patience!r} must be at least 0")
        if mode not in ("min", "max"):
            raise ValueError(f"mode={mode!r} must be 'min' or 'max'")
        self.metric = metric
        self.std = std
        self.num_trials = num_trials
        self.mode = mode
        self.patience = patience
        self._counter = 0
        self._seen = 0
        self._best: dict[int, float] = {}  # of `num_trials` trials; less is better

    def __call__(self, status: TuningStatus) -> bool:
        """Whether the run is to end."""
        return self.why(status) is not None

    def why(self, status: TuningStatus) -> str | None:
        """Why the run is to end; None if it is not."""
        if status.num_reports > self._seen:
            self._learn(status)
            self._seen = status.num_reports
            self._counter = self._counter + 1 if self._is_flat() else 0
        if self._counter > self.patience:
            return (
                f"the {self.num_trials} best values of {self.metric} differ by no more than "
                f"{self.std:g} (standard deviation)"
            )
        return None

    def _learn(self, status: TuningStatus) -> None:
        """Take in what was reported since the last time."""
        fresh = status.reports_since(self._seen)
        if fresh is not None:
            for trial_id, result in fresh:
                self._note(trial_id, result.get(self.metric))
            return
        for trial_id, of_trial in status.trial_metric_statistics.items():
            self._note(trial_id, of_trial.extreme(self.metric, self.mode))

    def _note(self, trial_id: int, reported: Any) -> None:
        if type(reported) not in (int, float) or not math.isfinite(reported):
            return
        value, best = (reported if self.mode == "min" else -reported), self._best
        if trial_id in best or len(best) < self.num_trials:
            best[trial_id] = min(value, best.get(trial_id, math.inf))
            return
        worst = max(best, key=best.__getitem__)
        if value < best[worst]:
            del best[worst]
            best[trial_id] = value

    def _is_flat(self) -> bool:
        values = self._best.values()
        if len(values) < self.num_trials:
            return False
        mean = math.fsum(values) / len(values)
        return math.fsum((value - mean) ** 2 for value in values) <= self.std**2 * len(values)


class AutomaticTermination:
    """Ends a run when the gap to the best possible value is estimated to be small.

    A Gaussian process is fitted to the best value of each trial that has ended. The gap is at most
    the least upper confidence bound at what was tried, minus the least lower bound anywhere.

    Makarova, Shen, Perrone, Klein, Faddoul, Krause, Seeger, Archambeau: Automatic Termination for
    Hyperparameter Optimization, https://arxiv.org/abs/2104.08166.

    Args:
        config_space: Configuration space of the run.
        metric: Name of the reported metric.
        threshold: The gap; natural is the standard deviation of the metric between repetitions, as
            cross-validation tells it. A text is the name of a reported value that holds it: that of
            the best trial's last report counts.
        mode: `min` or `max`.
        num_trials: It is looked at after so many trials have ended, and after each one then.
        num_candidates: Configurations at which lower bounds are taken, drawn at random.
        max_num_data: At most so many trials are learnt from, the best ones.
        random_seed: Of the candidates.

    Attributes:
        regret_bound: The latest estimate of the gap; None before the first.

    Raises:
        ValueError: If an argument is out of range.
    """

    def __init__(
        self,
        config_space: Mapping[str, Any],
        metric: str,
        threshold: float | str,
        mode: str = "min",
        num_trials: int = 20,
        num_candidates: int = 1000,
        max_num_data: int = 200,
        random_seed: int = 0,
    ) -> None:
        _check_numbers(
            num_trials=num_trials, num_candidates=num_candidates, max_num_data=max_num_data
        )
        if not isinstance(threshold, str):
            _check_numbers(threshold=threshold)
        if not (isinstance(threshold, str) or threshold > 0):
            raise ValueError(
                f"threshold={threshold!r} must be above 0, or the name of a reported value"
            )
        if mode not in ("min", "max"):
            raise ValueError(f"mode={mode!r} must be 'min' or 'max'")
        if num_trials < 3:
            raise ValueError(f"num_trials={num_trials!r} must be at least 3")
        self.metric = metric
        self.threshold = threshold
        self.mode = mode
        self.num_trials = num_trials
        self.num_candidates = num_candidates
        self.max_num_data = max_num_data
        self.random_seed = random_seed
        self.regret_bound: float | None = None
        self._ranges = make_hyperparameter_ranges(config_space)
        if not self._ranges.ndarray_size:
            raise ValueError(
                f"config_space has no hyperparameter to model, only {list(config_space)}"
            )
        self._seen = 0
        self._kernel: Any = None
        self._fitted = 0  # trials that the kernel's parameters were fitted to

    def __call__(self, status: TuningStatus) -> bool:
        """Whether the run is to end."""
        return self.why(status) is not None

    def why(self, status: TuningStatus) -> str | None:
        """Why the run is to end; None if it is not."""
        ended = sum(status.counts.get(name, 0) for name in _ENDED)
        if ended >= self.num_trials and ended != self._seen:
            self._seen = ended
            self.regret_bound = self._bound(status)
        if self.regret_bound is None:
            return None
        threshold = self._threshold(status)
        if threshold is None or not self.regret_bound < threshold:
            return None
        return (
            f"the best value of {self.metric} is estimated to be within "
            f"{self.regret_bound:.3g} of the best possible one (threshold {threshold:g})"
        )

    def _threshold(self, status: TuningStatus) -> float | None:
        if not isinstance(self.threshold, str):
            return self.threshold
        best = status.best_trial_id(self.metric, self.mode)
        told = None if best is None else status.last_metrics(best).get(self.threshold)
        return float(told) if isinstance(told, (int, float)) else None

    def _bound(self, status: TuningStatus) -> float | None:
        import numpy as np

        features, values = self._data(status)
        if len(values) < 3 or float(values.std()) == 0.0:
            return None
        scale = float(values.std())
        model = self._fit(features, (values - values.mean()) / scale)
        state = np.random.RandomState(self.random_seed)
        configs = self._ranges.random_configs(state, self.num_candidates)
        anywhere = np.concatenate([features, self._ranges.to_ndarray_matrix(configs)])
        # As in the paper: the width of Srinivas et al. (2010), shrunk by 5.
        count = len(values)
        beta = 2 * math.log(len(anywhere) * count**2 * math.pi**2 / (6 * 0.1)) / 5
        width = math.sqrt(beta)
        mean, spread = model.predict(anywhere, return_std=True)
        upper = float(np.min(mean[:count] + width * spread[:count]))
        lower = float(np.min(mean - width * spread))
        return (upper - lower) * scale

    def _data(self, status: TuningStatus) -> tuple[np.ndarray, np.ndarray]:
        import numpy as np

        sign = 1.0 if self.mode == "min" else -1.0
        rows = []
        for trial_id, of_trial in status.trial_metric_statistics.items():
            value = of_trial.extreme(self.metric, self.mode)
            ended = status.statuses.get(trial_id) in _ENDED
            if ended and value is not None and math.isfinite(value):
                rows.append((sign * value, trial_id))
        rows = sorted(rows)[: self.max_num_data]
        configs = [status.trials[trial_id].config for _, trial_id in rows]
        if not configs:
            return np.empty((0, self._ranges.ndarray_size)), np.empty(0)
        return self._ranges.to_ndarray_matrix(configs), np.array([value for value, _ in rows])

    def _fit(self, features: np.ndarray, values: np.ndarray) -> Any:
        import warnings

        from sklearn.gaussian_process import GaussianProcessRegressor
        from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

        # The kernel's parameters change little with one more trial: they are fitted anew when there
        # are a tenth more.
        is_near = self._kernel is not None and len(values) < 1.1 * self._fitted
        kernel = self._kernel or ConstantKernel(1.0, (1e-3, 1e3)) * Matern(
            [0.5] * self._ranges.ndarray_size, (1e-2, 1e2), nu=2.5
        ) + WhiteKernel(1e-2, (1e-6, 1.0))
        model = GaussianProcessRegressor(
            kernel,
            optimizer=None if is_near else "fmin_l_bfgs_b",
            random_state=self.random_seed,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a length scale at its bound is no fault
            model.fit(features, values)
        if not is_near:
            self._kernel, self._fitted = model.kernel_, len(values)
        return model
