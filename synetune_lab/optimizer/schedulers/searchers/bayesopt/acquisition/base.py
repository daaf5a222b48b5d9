"""What an acquisition function is, and how one meets the models that it scores with.

Values are always minimised. An acquisition function sees what models predict, never inputs; so it
gives derivatives with respect to means and standard deviations, and the models carry them on to
the inputs. Shapes: m inputs of d coordinates; a prediction has k columns (fantasies of pending
trials, samples of hyperparameters), over which acquisition functions average.
"""

from __future__ import annotations

import numbers
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np

from synetune_lab.errors import SchedulerError

if TYPE_CHECKING:
    import numpy.typing as npt
    from typing_extensions import Self

    from synetune_lab.gp.prediction import Prediction

    FloatArray = npt.NDArray[np.float64]

__all__ = [
    "AcquisitionFunction",
    "BoundAcquisition",
    "PredictiveModel",
    "Sensitivity",
]


# The smallest and largest positive number, for `checked_number`.
SMALLEST, LARGEST = sys.float_info.min, sys.float_info.max


class PredictiveModel(Protocol):
    """What is asked of a model.

    A model that also has ``predict_with_pullback`` (see `synetune_lab.gp.posterior.Posterior`)
    lets gradients through.
    """

    def predict(self, x: FloatArray, /) -> Prediction:
        """Predict at inputs, shape (m, d)."""


@dataclass(frozen=True)
class Sensitivity:
    """Derivatives of acquisition values with respect to one prediction.

    Attributes:
        mean: Shape of the means, (m, k).
        std: Shape of the standard deviations, (m, 1) or (m, k).
    """

    mean: FloatArray
    std: FloatArray


class AcquisitionFunction:
    """Base class of acquisition functions.

    To add one, write `head` with `autograd.numpy`. The base class averages it over columns and
    derives its gradient:

    ```python
    import autograd.numpy as anp


    class ProbabilityOfImprovement(AcquisitionFunction):
        def head(self, mean, std, best):
            return -norm.cdf((best - mean) / std)
    ```

    One that is not such an average, needs further models, or has to be fast, overrides `value` and
    `value_with_gradient` instead.

    Attributes:
        needs_current_best: Whether it is given the incumbent.
        needs_std: Whether it uses standard deviations. Without, models may predict means only.
        num_others: Number of models that it needs beside the one of the active metric.
    """

    needs_current_best: ClassVar[bool] = True
    needs_std: ClassVar[bool] = True
    num_others: ClassVar[int] = 0

    def head(self, mean: Any, std: Any, best: Any) -> Any:
        """Value for each input and column; smaller is better.

        Args:
            mean: Means, shape (m, k).
            std: Standard deviations, shape (m, 1) or (m, k).
            best: Incumbent of each column, shape (1, k); None unless `needs_current_best`.

        Returns:
            Shape (m, k).
        """
        raise NotImplementedError

    def value(
        self,
        prediction: Prediction,
        best: FloatArray | None = None,
        others: Mapping[str, Prediction] | None = None,
    ) -> FloatArray:
        """Values to be minimised, shape (m,).

        Args:
            prediction: Prediction of the active metric.
            best: Incumbent of each column, shape (k,) or (1, k).
            others: Predictions of the other metrics by their names.
        """
        del others
        values = self.head(prediction.mean, prediction.std, as_row(best))
        return np.asarray(np.mean(_full(values, prediction), axis=1), dtype=np.float64)

    def value_with_gradient(
        self,
        prediction: Prediction,
        best: FloatArray | None = None,
        others: Mapping[str, Prediction] | None = None,
    ) -> tuple[FloatArray, Sensitivity, dict[str, Sensitivity]]:
        """Values, and derivatives of each with respect to its row of the predictions.

        Returns:
            Values, shape (m,); derivatives for the active metric; those for others by their names.
        """
        del others
        from autograd import make_vjp

        row = as_row(best)

        def average(mean: Any, std: Any) -> Any:
            import autograd.numpy as anp

            values = self.head(mean, std, row)
            # Adding zeros brings heads that do not use the mean to the full shape.
            return anp.mean(values + 0.0 * mean, axis=1)

        pull_back, values = make_vjp(average, argnum=(0, 1))(prediction.mean, prediction.std)
        mean, std = pull_back(np.ones(len(values)))
        sensitivity = Sensitivity(np.asarray(mean), np.asarray(std))
        return np.asarray(values, dtype=np.float64), sensitivity, {}

    def current_best(
        self, known: Prediction, others: Mapping[str, Prediction] | None = None
    ) -> FloatArray:
        """Incumbent of each column: the smallest mean over configurations that were suggested.

        Args:
            known: Prediction of the active metric at observed and pending configurations.
            others: Predictions of the other metrics there.

        Returns:
            Shape (k,); infinite if there is no incumbent.
        """
        del others
        best: FloatArray = np.min(known.mean, axis=0, initial=np.inf)
        return best

    def adapted_to(self, others: Mapping[str, Prediction]) -> Self:
        """This function with what it learns from predictions of other metrics.

        Args:
            others: Predictions at observed and pending configurations.
        """
        del others
        return self

    def in_own_units(self, values: FloatArray) -> FloatArray:
        """Values as they are told to people, as an expected improvement; larger may be better."""
        return values

    def bind(
        self,
        model: PredictiveModel,
        known: FloatArray,
        others: Mapping[str, PredictiveModel] | None = None,
    ) -> BoundAcquisition:
        """This function on top of models: a function of inputs.

        Args:
            model: Model of the active metric.
            known: Observed and pending configurations, for the incumbent, shape (n, d).
            others: Models of the other metrics by their names.

        Raises:
            SchedulerError: If the number of other models is wrong.
        """
        others = dict(others or {})
        if len(others) != self.num_others:
            raise SchedulerError(
                f"{type(self).__name__} needs {self.num_others} model(s) beside the one of the "
                f"active metric, got {sorted(others)}"
            )
        there = {name: other.predict(known) for name, other in others.items()}
        best = None
        if self.needs_current_best:
            best = self.current_best(model.predict(known), there)
        return BoundAcquisition(self.adapted_to(there), model, best, others)


@dataclass(frozen=True)
class BoundAcquisition:
    """An acquisition function of inputs.

    Attributes:
        acquisition: The function of predictions.
        model: Model of the active metric.
        best: Incumbent of each column of its predictions, shape (k,); None if not needed.
        others: Models of the other metrics by their names.
    """

    acquisition: AcquisitionFunction
    model: PredictiveModel
    best: FloatArray | None = None
    others: Mapping[str, PredictiveModel] = field(default_factory=dict)

    @property
    def has_gradient(self) -> bool:
        """Whether the model of the active metric lets gradients through."""
        return hasattr(self.model, "predict_with_pullback")

    def values(self, x: FloatArray) -> FloatArray:
        """Values to be minimised at inputs x, shape (m, d) to (m,)."""
        others = {name: model.predict(x) for name, model in self.others.items()}
        return self.acquisition.value(self.model.predict(x), self.best, others)

    def values_with_gradient(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Values, shape (m,), and the gradient of each at its input, shape (m, d).

        Models of other metrics that let no gradients through count as constant.
        """
        model: Any = self.model
        prediction, pull_back = model.predict_with_pullback(x)
        others, pull_others = {}, {}
        for name, other in self.others.items():
            if hasattr(other, "predict_with_pullback"):
                others[name], pull_others[name] = other.predict_with_pullback(x)
            else:
                others[name] = other.predict(x)
        values, slope, slopes = self.acquisition.value_with_gradient(prediction, self.best, others)
        gradient: FloatArray = pull_back(slope.mean, slope.std)
        for name, pull_other in pull_others.items():
            gradient = gradient + pull_other(slopes[name].mean, slopes[name].std)
        return values, gradient


def checked_number(name: str, value: Any, low: float, high: float, what: str) -> float:
    """An argument that is to be a number.

    Args:
        name: Name of the argument.
        value: What was given.
        low: Smallest number allowed.
        high: Largest number allowed.
        what: What is right, in words.

    Raises:
        SchedulerError: If it is no number, or out of range.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise SchedulerError(f"{name}={value!r} must be {what}")
    number = float(value)
    if not low <= number <= high:
        raise SchedulerError(f"{name}={value!r} must be {what}")
    return number


def as_row(best: FloatArray | None) -> FloatArray | None:
    """An incumbent a column, as shape (1, k)."""
    return None if best is None else np.reshape(np.asarray(best, dtype=np.float64), (1, -1))


def _full(values: Any, prediction: Prediction) -> FloatArray:
    return np.broadcast_to(np.asarray(values), prediction.mean.shape)
