"""Cost model of the cells of NASBench-201."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

from synetune_lab.errors import SchedulerError
from synetune_lab.surrogates.cost_models.linear import LinearCostModel

if TYPE_CHECKING:
    from synetune_lab.surrogates.cost_models.base import Config

__all__ = ["NASBench201LinearCostModel"]

# Edges that lead into nodes 1, 2 and 3, by their position among the config_keys.
_EDGES_INTO = ((0,), (1, 2), (3, 4, 5))
# Multiplications of a 3x3 convolution for each of a 1x1 convolution.
_KERNEL_RATIO = 9.0


class _Op(IntEnum):
    """What an edge of the cell does."""

    SKIP_CONNECT = 0
    NONE = 1
    NOR_CONV_1x1 = 2
    NOR_CONV_3x3 = 3
    AVG_POOL_3x3 = 4


class NASBench201LinearCostModel(LinearCostModel):
    """Cost of training a network of NASBench-201, from the operations in its cell.

    The cell has four nodes: n1 = x0(n0), n2 = x1(n0) + x2(n1), n3 = x3(n0) + x4(n1) + x5(n2). The
    features of an epoch are 1, the numbers of convolutions 1x1 and 3x3, and the number of poolings;
    that of c0 is 1. Dong, Yang: NAS-Bench-201, https://arxiv.org/abs/2001.00326.

    Args:
        config_keys: Names of x0, ..., x5 in a configuration, in this order.
        map_config_values: From the values there to entries of `Op`.
        conv_separate_features: Whether the two kinds of convolutions are features of their own
            (four features), or one, in which a 3x3 counts for nine 1x1 (three features).
        count_sum: Whether the number of sums of two terms is one more feature, from 0 to 3. Edges
            that are `NONE` are no terms.

    Raises:
        SchedulerError: If there are not six names, or a value is not an entry of `Op`.
    """

    Op = _Op

    def __init__(
        self,
        config_keys: Sequence[str],
        map_config_values: Mapping[str, int],
        conv_separate_features: bool,
        count_sum: bool,
    ) -> None:
        super().__init__()
        if len(config_keys) != 6:
            raise SchedulerError(
                f"config_keys must name the six edges of the cell, got {list(config_keys)}"
            )
        try:
            self._op_of = {value: _Op(op) for value, op in map_config_values.items()}
        except ValueError as error:
            raise SchedulerError(f"map_config_values must map to entries of Op: {error}") from None
        self.config_keys = tuple(config_keys)
        self.conv_separate_features = conv_separate_features
        self.count_sum = count_sum

    def _ops(self, config: Config) -> list[_Op]:
        try:
            return [self._op_of[config[key]] for key in self.config_keys]
        except KeyError as error:
            raise SchedulerError(
                f"{error} is neither a key of the configuration {dict(config)} nor one of "
                f"map_config_values, {list(self._op_of)}"
            ) from None

    def _features(self, config: Config) -> list[float]:
        ops = self._ops(config)
        small, large = ops.count(_Op.NOR_CONV_1x1), ops.count(_Op.NOR_CONV_3x3)
        features: list[float] = [1.0]
        if self.conv_separate_features:
            features += [small, large]
        else:
            features.append(small + _KERNEL_RATIO * large)
        features.append(ops.count(_Op.AVG_POOL_3x3))
        if self.count_sum:
            terms = [sum(ops[edge] != _Op.NONE for edge in edges) for edges in _EDGES_INTO]
            features.append(sum(max(count - 1, 0) for count in terms))
        return features

    def feature_matrices(self, candidates: Sequence[Config]) -> tuple[np.ndarray, np.ndarray]:
        """See `LinearCostModel.feature_matrices`, and the class for what the features are."""
        features1 = np.array([self._features(config) for config in candidates], dtype=np.float64)
        return np.ones((len(candidates), 1)), features1
