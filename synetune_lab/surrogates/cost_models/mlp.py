"""Cost models of multi-layer perceptrons."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from synetune_lab.config_space import impute_points_to_evaluate
from synetune_lab.errors import SchedulerError
from synetune_lab.surrogates.cost_models.linear import LinearCostModel

if TYPE_CHECKING:
    from synetune_lab.surrogates.cost_models.base import Config

__all__ = ["FixedLayersMLPCostModel", "MLPLinearCostModel"]

_DEFAULT_KEYS = ("n_units_1", "n_units_2")


class MLPLinearCostModel(LinearCostModel):
    """Cost of training a multi-layer perceptron, the resource being epochs.

    With s(x) the number of its weights (the sum of products of the widths of successive layers) and
    B(x) the batch size, the features of an epoch are

    - 1,
    - s(x) · B(x) ** (bs_exponent - 1): the products of matrices, for every example,
    - 1 / B(x): what each batch costs, whatever the network,
    - s(x) / B(x), with `extra_mlp`: what each batch costs for every weight, as the update itself.

    Args:
        num_inputs: Width of the input.
        num_outputs: Width of the output.
        num_hidden_layers: From a configuration to its number of hidden layers.
        hidden_layer_width: From a configuration and a layer (from 0) to the layer's width.
        batch_size: From a configuration to its batch size.
        bs_exponent: The cost of a batch grows with this power of its size; None stands for 1.
        extra_mlp: Whether the last feature is used.
        c0_mlp_feature: Whether s(x) is also a feature of c0, beside 1.
        expected_hidden_layer_width: From a layer (from 0) to its expected width in random
            configurations. If given, s(x) is divided by its expectation for a network with as many
            layers, so that its mean is 1; `bs_exponent` is not corrected for.

    Raises:
        SchedulerError: If a width is not positive.
    """

    def __init__(
        self,
        num_inputs: int,
        num_outputs: int,
        num_hidden_layers: Callable[[Config], int],
        hidden_layer_width: Callable[[Config, int], float],
        batch_size: Callable[[Config], float],
        bs_exponent: float | None = None,
        extra_mlp: bool = False,
        c0_mlp_feature: bool = False,
        expected_hidden_layer_width: Callable[[int], float] | None = None,
    ) -> None:
        super().__init__()
        for name, width in (("num_inputs", num_inputs), ("num_outputs", num_outputs)):
            if width < 1:
                raise SchedulerError(f"{name}={width!r} must be at least 1")
        self.num_inputs = num_inputs
        self.num_outputs = num_outputs
        self.num_hidden_layers = num_hidden_layers
        self.hidden_layer_width = hidden_layer_width
        self.batch_size = batch_size
        self.bs_exponent = 1.0 if bs_exponent is None else bs_exponent
        self.extra_mlp = extra_mlp
        self.c0_mlp_feature = c0_mlp_feature
        self.expected_hidden_layer_width = expected_hidden_layer_width

    def _num_weights(self, hidden: Sequence[float]) -> float:
        widths = [self.num_inputs, *hidden, self.num_outputs]
        return float(sum(a * b for a, b in pairwise(widths)))

    def _mlp_feature(self, config: Config) -> float:
        """s(x), divided by its expectation if that is known."""
        layers = range(self.num_hidden_layers(config))
        feature = self._num_weights([self.hidden_layer_width(config, layer) for layer in layers])
        expected = self.expected_hidden_layer_width
        if expected is None:
            return feature
        # Widths of different layers are drawn independently, so that expectations multiply.
        return feature / self._num_weights([expected(layer) for layer in layers])

    def _checked_batch_size(self, config: Config) -> float:
        size = float(self.batch_size(config))
        if not size > 0:
            raise SchedulerError(f"batch_size of {dict(config)} must be above 0, got {size!r}")
        return size

    def feature_matrices(self, candidates: Sequence[Config]) -> tuple[np.ndarray, np.ndarray]:
        """See `LinearCostModel.feature_matrices`, and the class for what the features are."""
        mlp = np.array([self._mlp_feature(config) for config in candidates], dtype=np.float64)
        size = np.array([self._checked_batch_size(config) for config in candidates])
        ones = np.ones(len(candidates))
        features1 = [ones, mlp * size ** (self.bs_exponent - 1.0), 1.0 / size]
        if self.extra_mlp:
            features1.append(mlp / size)
        features0 = [ones, mlp] if self.c0_mlp_feature else [ones]
        return np.stack(features0, axis=1), np.stack(features1, axis=1)


class FixedLayersMLPCostModel(MLPLinearCostModel):
    """`MLPLinearCostModel` of networks that all have the same number of layers.

    Args:
        num_inputs: See `MLPLinearCostModel`.
        num_outputs: See `MLPLinearCostModel`.
        num_units_keys: Names of the widths in a configuration, one a hidden layer. None stands for
            `n_units_1` and `n_units_2`. The batch size is `batch_size`.
        bs_exponent: See `MLPLinearCostModel`.
        extra_mlp: See `MLPLinearCostModel`.
        c0_mlp_feature: See `MLPLinearCostModel`.
        expected_hidden_layer_width: See `MLPLinearCostModel`;
            `get_expected_hidden_layer_width` makes it.
    """

    def __init__(
        self,
        num_inputs: int,
        num_outputs: int,
        num_units_keys: Sequence[str] | None = None,
        bs_exponent: float | None = None,
        extra_mlp: bool = False,
        c0_mlp_feature: bool = False,
        expected_hidden_layer_width: Callable[[int], float] | None = None,
    ) -> None:
        self.num_units_keys = tuple(_DEFAULT_KEYS if num_units_keys is None else num_units_keys)
        super().__init__(
            num_inputs,
            num_outputs,
            self._layers_of,
            self._width_of,
            _batch_size_of,
            bs_exponent,
            extra_mlp,
            c0_mlp_feature,
            expected_hidden_layer_width,
        )

    def _layers_of(self, config: Config) -> int:
        del config
        return len(self.num_units_keys)

    def _width_of(self, config: Config, layer: int) -> float:
        return float(config[self.num_units_keys[layer]])

    @staticmethod
    def get_expected_hidden_layer_width(
        config_space: Mapping[str, Any], num_units_keys: Sequence[str]
    ) -> tuple[Callable[[int], float], list[float]]:
        """Expected widths of the hidden layers in random configurations.

        They are those of the configuration that is tried first by default: the middle of each
        range, which is the mean of a random draw if the range is uniform.

        Args:
            config_space: Configuration space.
            num_units_keys: Names of the widths there, one a hidden layer.

        Returns:
            From a layer (from 0) to its expected width, and all of them as a list.

        Raises:
            SchedulerError: If a name is not in the space.
        """
        missing = [name for name in num_units_keys if name not in config_space]
        if missing:
            raise SchedulerError(
                f"num_units_keys: {missing} are not in config_space, which has {list(config_space)}"
            )
        (middle,) = impute_points_to_evaluate(None, config_space)
        values = [float({**config_space, **middle}[name]) for name in num_units_keys]
        return values.__getitem__, values


def _batch_size_of(config: Config) -> float:
    return float(config["batch_size"])
