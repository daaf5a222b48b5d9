"""Thompson sampling: from marginals, and of whole functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from synetune_lab.gp.posterior import Posterior
from synetune_lab.optimizer.schedulers.searchers.bayesopt.acquisition.base import (
    AcquisitionFunction,
    Sensitivity,
)

if TYPE_CHECKING:
    from synetune_lab.gp.prediction import Prediction
    from synetune_lab.optimizer.schedulers.searchers.bayesopt.acquisition.base import FloatArray

__all__ = ["IndependentThompsonSampling", "ThompsonSampling"]


class IndependentThompsonSampling:
    """Scores each input by a draw from its own predictive distribution; the smallest comes first.

    Draws are independent of each other, which takes no joint covariance. With several columns a
    draw is from one of them, each equally likely.

    Args:
        random_state: Source of the draws.
    """

    def __init__(self, random_state: np.random.RandomState) -> None:
        self.random_state = random_state

    def score(self, prediction: Prediction) -> FloatArray:
        """Draw for each of m inputs: shape (m,)."""
        mean, std = prediction.mean, prediction.std
        rows = np.arange(len(mean))
        columns = np.zeros_like(rows)
        if mean.shape[1] > 1:
            columns = self.random_state.randint(mean.shape[1], size=len(mean))
        deviation = std[rows, columns if std.shape[1] > 1 else 0]
        noise = self.random_state.standard_normal(len(mean))
        draws: FloatArray = mean[rows, columns] + deviation * noise
        return draws


class ThompsonSampling(AcquisitionFunction):
    """The value of a function drawn from the posterior: a new one for each suggestion.

    The draw is an exact joint sample at all candidates. Between them it goes on as its mean given
    these values, which has gradients. Of models without joint samples, as ensembles, values at
    candidates are drawn one by one.

    Thompson: On the likelihood that one unknown probability exceeds another in view of the evidence
    of two samples, Biometrika 25 (1933).
    """

    needs_current_best: ClassVar[bool] = False
    needs_std: ClassVar[bool] = False

    def value(
        self,
        prediction: Prediction,
        best: FloatArray | None = None,  # noqa: ARG002
        others: Any = None,  # noqa: ARG002
    ) -> FloatArray:
        """See `AcquisitionFunction.value`: the mean of the first column."""
        values: FloatArray = prediction.mean[:, 0]
        return values

    def value_with_gradient(
        self,
        prediction: Prediction,
        best: FloatArray | None = None,  # noqa: ARG002
        others: Any = None,  # noqa: ARG002
    ) -> tuple[FloatArray, Sensitivity, dict[str, Sensitivity]]:
        """See `AcquisitionFunction.value_with_gradient`."""
        by_mean = np.zeros(prediction.mean.shape)
        by_mean[:, 0] = 1.0
        return prediction.mean[:, 0], Sensitivity(by_mean, np.zeros(prediction.std.shape)), {}

    def drawn_model(
        self, model: Any, candidates: FloatArray, random_state: np.random.RandomState
    ) -> Any:
        """The model given a draw of its values at candidates (m, d); None if it has no such."""
        if not isinstance(getattr(model, "posterior", model), Posterior):
            return None
        one = model
        if model.num_columns > 1:  # fantasies of pending trials
            one = model.column(int(random_state.randint(model.num_columns)))
        distinct = np.unique(candidates, axis=0)
        return one.extend(distinct, one.sample_joint(distinct, 1, random_state), noise_variance=0.0)
