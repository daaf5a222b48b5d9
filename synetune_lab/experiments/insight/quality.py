"""How far a model can be trusted: its predictions of what it was not told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from synetune_lab.constants import TRIAL_ID

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from synetune_lab.experiments.insight.surrogate import Surrogate

    FloatArray = npt.NDArray[np.float64]

__all__ = ["Quality", "quality_of"]

_SHARES = np.linspace(0.05, 0.95, 19)
_GOOD, _FAIR = 0.6, 0.2
_BADLY_CALIBRATED = 0.25


@dataclass(frozen=True)
class Quality:
    """Predictions of trials by a model that has not seen their configurations.

    Attributes:
        predictions: A row an observation: `trial_id`, `level`, `value` (as the model sees it,
            without outliers), `mean`, `std` (with the noise of a report), `z` (error in standard
            deviations).
        r2: 1 minus the squared error as a share of that of the mean; with several levels, of the
            mean of the level. 1 is perfect, 0 as good as no model, below 0 worse.
        rank_correlation: Spearman's correlation of value and mean; with several levels, of what is
            beyond the mean of the level.
        rmse: Root mean squared error, in the metric's own units.
        calibration: `expected` and `observed` shares of values inside central intervals.
    """

    predictions: pd.DataFrame
    r2: float
    rank_correlation: float
    rmse: float
    calibration: pd.DataFrame

    @property
    def miscalibration(self) -> float:
        """Largest difference between expected and observed shares; positive if overconfident."""
        gap = (self.calibration["expected"] - self.calibration["observed"]).to_numpy()
        return float(gap[np.argmax(np.abs(gap))])

    @property
    def verdict(self) -> str:
        """`good`, `fair` or `poor`, by how well unseen trials are predicted."""
        if not np.isfinite(self.r2):
            return "poor"
        measure = max(self.r2, self.rank_correlation**2 if self.rank_correlation > 0 else 0.0)
        return "good" if measure >= _GOOD else "fair" if measure >= _FAIR else "poor"

    def __str__(self) -> str:
        text = (
            f"{self.verdict}: unseen trials are predicted with R² {self.r2:.2f}, rank correlation "
            f"{self.rank_correlation:.2f}, error {self.rmse:.3g}"
        )
        if self.miscalibration > _BADLY_CALIBRATED:
            text += "; its intervals are too narrow"
        elif self.miscalibration < -_BADLY_CALIBRATED:
            text += "; its intervals are wider than they need be"
        return text


def quality_of(surrogate: Surrogate) -> Quality:
    """Predict each observation from the trials of other configurations.

    All levels count: those who got to the highest ones are few, and were chosen for being good.
    """
    import pandas as pd

    observations = surrogate.observations
    predicted = surrogate.leave_out()
    value, mean, std, levels = (
        surrogate.tamed,
        predicted.mean,
        predicted.std,
        observations.levels,
    )
    groups = levels if observations.has_levels else np.zeros(len(levels), dtype=np.intp)
    baseline = _means_of_others(value, groups)
    error, spread = value - mean, value - baseline
    total = float((spread**2).mean())
    z = error / std
    columns: dict[str, Any] = {
        TRIAL_ID: observations.trial_ids[observations.rows],
        "level": levels,
        "value": value,
        "mean": mean,
        "std": std,
        "z": z,
    }
    return Quality(
        pd.DataFrame(columns),
        1.0 - float((error**2).mean()) / total if total > 0.0 else np.nan,
        _rank_correlation(value, mean, groups),
        float(np.sqrt((error**2).mean())),
        _calibration(z),
    )


def _means_of_others(values: FloatArray, groups: npt.NDArray[np.intp]) -> FloatArray:
    """For each value the mean of the others of its group; of all others if it is alone there."""
    _, place = np.unique(groups, return_inverse=True)
    counts = np.bincount(place)[place].astype(np.float64)
    sums = np.bincount(place, weights=values)[place]
    everyone = (values.sum() - values) / max(len(values) - 1, 1)
    means: FloatArray = np.where(
        counts > 1, (sums - values) / np.maximum(counts - 1.0, 1.0), everyone
    )
    return means


def _rank_correlation(value: FloatArray, mean: FloatArray, groups: npt.NDArray[np.intp]) -> float:
    import pandas as pd

    _, place = np.unique(groups, return_inverse=True)
    counts = np.bincount(place)

    def beyond_level(numbers: FloatArray) -> pd.Series[float]:
        return pd.Series(numbers - (np.bincount(place, weights=numbers) / counts)[place])

    first, second = beyond_level(value).rank(), beyond_level(mean).rank()
    if first.std() == 0.0 or second.std() == 0.0:
        return 0.0
    return float(first.corr(second))


def _calibration(z: FloatArray) -> pd.DataFrame:
    import pandas as pd
    from scipy.special import ndtri

    limits = ndtri(0.5 + 0.5 * _SHARES)
    observed = (np.abs(z)[:, None] <= limits).mean(axis=0)
    frame: pd.DataFrame = pd.DataFrame({"expected": _SHARES, "observed": observed})
    return frame
