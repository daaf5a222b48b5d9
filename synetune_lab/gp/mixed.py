"""Several posteriors as one, whose columns stand side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from synetune_lab.errors import SchedulerError
from synetune_lab.gp.prediction import Prediction

if TYPE_CHECKING:
    import numpy.typing as npt

    from synetune_lab.gp.posterior import Posterior

    FloatArray = npt.NDArray[np.float64]
    PredictionPullback = Callable[[FloatArray, FloatArray], FloatArray]

__all__ = ["MixedPosterior"]


class MixedPosterior:
    """Posteriors of s samples of a model's parameters, with equal weights.

    It has the methods of a posterior. Columns of predictions are those of the first posterior, then
    those of the second, and so on; what averages over columns averages over the parameters too.

    Args:
        parts: The s posteriors, all with the same number of columns.

    Raises:
        SchedulerError: If there are none, or they have different numbers of columns.
    """

    def __init__(self, parts: Sequence[Posterior]) -> None:
        if not parts:
            raise SchedulerError("parts must have at least one posterior; got none")
        widths = {part.num_columns for part in parts}
        if len(widths) > 1:
            raise SchedulerError(
                f"parts must all have the same number of columns; got {sorted(widths)}"
            )
        self.parts = tuple(parts)

    @property
    def num_columns(self) -> int:
        """Number of columns of a prediction k."""
        return len(self.parts) * self.parts[0].num_columns

    def predict(self, x: FloatArray) -> Prediction:
        """Mean (m, k) and standard deviation (m, k) of the function at points (m, d)."""
        return _side_by_side([part.predict(x) for part in self.parts])

    def predict_with_pullback(self, x: FloatArray) -> tuple[Prediction, PredictionPullback]:
        """A prediction, and the pullback from derivatives by mean and std to those by x (m, d)."""
        pairs = [part.predict_with_pullback(x) for part in self.parts]
        width = self.parts[0].num_columns

        def to_inputs(by_mean: FloatArray, by_std: FloatArray) -> FloatArray:
            gradient = np.zeros(x.shape)
            for index, (prediction, pullback) in enumerate(pairs):
                block = slice(index * width, (index + 1) * width)
                own = by_std[:, block]
                if prediction.std.shape[1] < width:  # one for all columns of the part
                    own = own.sum(axis=1, keepdims=True)
                gradient += pullback(by_mean[:, block], own)
            return gradient

        return _side_by_side([prediction for prediction, _ in pairs]), to_inputs

    def sample_joint(
        self, x: FloatArray, num_samples: int, random_state: np.random.RandomState
    ) -> FloatArray:
        """Samples of the function at points (m, d), shape (m, num_samples).

        They are dealt out blockwise: the first num_samples / s come from the first posterior, and
        so on, which is the order that `extend` takes.

        Raises:
            SchedulerError: If `num_samples` is no multiple of the number of posteriors.
            ValueError: If the posteriors have several columns.
        """
        share = self._share(num_samples, "num_samples")
        samples = [part.sample_joint(x, share, random_state) for part in self.parts]
        return np.concatenate(samples, axis=1)

    def sample_marginals(
        self, x: FloatArray, num_samples: int, random_state: np.random.RandomState
    ) -> FloatArray:
        """Independent samples at points (m, d): shape (m, k, num_samples)."""
        samples = [part.sample_marginals(x, num_samples, random_state) for part in self.parts]
        return np.concatenate(samples, axis=1)

    def extend(self, x: FloatArray, targets: FloatArray) -> MixedPosterior:
        """The posteriors with more data.

        Args:
            x: Points, shape (q, d).
            targets: Their targets: shape (q,) or (q, 1) for the same ones in all posteriors, or
                (q, k) for fantasies, which are dealt out blockwise.

        Raises:
            SchedulerError: If k is no multiple of the number of posteriors.
        """
        targets = targets.reshape(len(x), -1)
        if targets.shape[1] == 1:
            return MixedPosterior([part.extend(x, targets) for part in self.parts])
        share = self._share(targets.shape[1], "the number of columns of targets")
        return MixedPosterior(
            [
                part.extend(x, targets[:, index * share : (index + 1) * share])
                for index, part in enumerate(self.parts)
            ]
        )

    def _share(self, number: int, name: str) -> int:
        share, rest = divmod(number, len(self.parts))
        if rest or not share:
            raise SchedulerError(
                f"{name} is {number}; it must be a multiple of the number of samples of the "
                f"parameters, {len(self.parts)}"
            )
        return share


def _side_by_side(predictions: Sequence[Prediction]) -> Prediction:
    return Prediction(
        np.concatenate([entry.mean for entry in predictions], axis=1),
        np.concatenate(
            [np.broadcast_to(entry.std, entry.mean.shape) for entry in predictions], axis=1
        ),
    )
