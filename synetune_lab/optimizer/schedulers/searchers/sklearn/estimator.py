"""What a model of one's own has to implement for `SKLearnSurrogateSearcher`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["SKLearnEstimator", "SKLearnPredictor"]


class SKLearnPredictor:
    """A fitted model."""

    # ruff: noqa: N803 - the names are those of scikit-learn

    def predict(self, X: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """Predict targets.

        Args:
            X: Encoded configurations, shape (n, d).

        Returns:
            Means, shape (n,), and standard deviations, shape (n,), in the units of the targets that
            the estimator was given.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement predict")

    def backward_gradient(
        self,
        input: npt.NDArray[Any],  # noqa: A002
        head_gradients: dict[str, npt.NDArray[Any]],
    ) -> npt.NDArray[Any]:
        """Gradient of a function of the prediction; optional.

        If a subclass implements it, the acquisition function is optimised locally.

        Args:
            input: An encoded configuration, shape (d,).
            head_gradients: Derivatives of the function by `mean` and by `std`, each shape (1,).

        Returns:
            Its derivatives by the input, shape (d,).
        """
        raise NotImplementedError(f"{type(self).__name__} does not implement backward_gradient")


class SKLearnEstimator:
    """A model that can be fitted."""

    def fit(
        self, X: npt.NDArray[Any], y: npt.NDArray[Any], update_params: bool
    ) -> SKLearnPredictor:
        """Fit the model.

        Args:
            X: Encoded configurations, each coordinate in [0, 1], shape (n, d).
            y: Targets, shape (n,); smaller is better, so that the metric has its sign changed for
                `mode="max"`. What is not finite counts as the worst value, and what is far worse
                than all the rest is brought nearer.
            update_params: Whether parameters of the model itself are to be fitted as well. Those
                without such parameters ignore it.

        Returns:
            A predictor, which later calls of this method do not change.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement fit")

    def get_params(self) -> dict[str, Any]:
        """Parameters of the model; none unless overridden."""
        return {}

    def set_params(self, param_dict: dict[str, Any]) -> None:
        """Set parameters of the model; without effect unless overridden.

        Args:
            param_dict: What `get_params` returned.
        """

    @property
    def normalize_targets(self) -> bool:
        """Whether targets have mean 0 and variance 1; False unless overridden."""
        return False
