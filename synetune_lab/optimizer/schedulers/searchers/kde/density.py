"""Densities of configurations with numbers and categories, as products of kernels.

Numbers have Gaussian kernels, categories those of Aitchison and Aitken (Biometrika 63, 1976).
The logarithm of a product of such kernels is a scalar product of suitable features, so that all
pairs of points are one product of matrices.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from synetune_lab.config_space import Categorical, Domain, Ordinal, make_hyperparameter_ranges

if TYPE_CHECKING:
    from numpy.random import RandomState

__all__ = ["KernelDensity", "MixedEncoding"]

_RULE = 1.06
"""Of the normal reference rule for bandwidths, Silverman (1986)."""


class MixedEncoding:
    """Numbers as coordinates of [0, 1], categories as their positions.

    Args:
        config_space: Configuration space.
    """

    def __init__(self, config_space: Mapping[str, Any]) -> None:
        self._categories: dict[str, dict[Any, int]] = {}
        self._values: dict[str, list[Any]] = {}
        numbers: dict[str, Domain] = {}
        for name, entry in config_space.items():
            if isinstance(entry, Categorical) and not isinstance(entry, Ordinal):
                self._values[name] = list(entry.categories)
                self._categories[name] = {v: i for i, v in enumerate(entry.categories)}
            elif isinstance(entry, Domain):
                numbers[name] = entry
        self._ranges = make_hyperparameter_ranges(numbers) if numbers else None
        self.num_numbers = self._ranges.ndarray_size if self._ranges is not None else 0
        self.sizes = [len(values) for values in self._values.values()]

    def encode(self, configs: Sequence[Mapping[str, Any]]) -> np.ndarray:
        """Shape (configurations, numbers + categories)."""
        encoded = np.empty((len(configs), self.num_numbers + len(self.sizes)))
        if self._ranges is not None:
            encoded[:, : self.num_numbers] = self._ranges.to_ndarray_matrix(configs)
        for column, (name, positions) in enumerate(self._categories.items(), self.num_numbers):
            encoded[:, column] = [positions[config[name]] for config in configs]
        return encoded

    def decode(self, vector: np.ndarray) -> dict[str, Any]:
        """The configuration of a vector."""
        config: dict[str, Any] = {}
        if self._ranges is not None:
            config = self._ranges.from_ndarray(vector[: self.num_numbers])
        for column, (name, values) in enumerate(self._values.items(), self.num_numbers):
            config[name] = values[int(vector[column])]
        return config


class KernelDensity:
    """A density estimated from points.

    Args:
        points: Shape (n, d), as `MixedEncoding` gives them.
        num_numbers: How many coordinates are numbers; the others are categories.
        sizes: Number of values of each category.
        min_bandwidth: Least bandwidth.
    """

    def __init__(
        self, points: np.ndarray, num_numbers: int, sizes: Sequence[int], min_bandwidth: float
    ) -> None:
        self.points = points
        self.num_numbers = num_numbers
        self.sizes = sizes
        count, dimension = points.shape
        shrinking = _RULE * count ** (-1.0 / (4 + dimension))
        spread = points[:, :num_numbers].std(axis=0)
        self.bandwidths = np.maximum(shrinking * spread, min_bandwidth)
        # A category counts as spread by the chance that two draws differ; at most it is uniform.
        self.category_bandwidths = np.array(
            [
                min(max(shrinking * self._category_spread(i), min_bandwidth), (size - 1) / size)
                if size > 1
                else 0.0
                for i, size in enumerate(sizes)
            ]
        )
        self._features = self._make_features(points)
        self._constant = float(
            -np.log(count)
            - np.log(self.bandwidths).sum()
            - 0.5 * num_numbers * np.log(2 * np.pi)
            + sum(self._log_different(i) for i in range(len(sizes)))
        )

    def _category_spread(self, index: int) -> float:
        codes = self.points[:, self.num_numbers + index].astype(np.int64)
        shares = np.bincount(codes, minlength=self.sizes[index]) / len(codes)
        return float(np.sqrt(np.sum(shares * (1 - shares))))

    def _log_different(self, index: int) -> float:
        size, bandwidth = self.sizes[index], self.category_bandwidths[index]
        return float(np.log(bandwidth / (size - 1))) if size > 1 else 0.0

    def _make_features(self, points: np.ndarray) -> np.ndarray:
        """Features of `points` whose products are the sums that depend on both of a pair."""
        numbers = points[:, : self.num_numbers] / self.bandwidths
        parts = [numbers]
        for index, size in enumerate(self.sizes):
            if size < 2:
                continue
            same = np.log(1.0 - self.category_bandwidths[index]) - self._log_different(index)
            codes = points[:, self.num_numbers + index].astype(np.int64)
            one_hot = np.zeros((len(points), size))
            # At equal categories the logarithm of the kernel is higher by `same`, which is not
            # negative for bandwidths that are at most uniform.
            one_hot[np.arange(len(points)), codes] = np.sqrt(max(same, 0.0))
            parts.append(one_hot)
        return np.concatenate(parts, axis=1)

    def log_density(self, points: np.ndarray) -> np.ndarray:
        """Logarithm of the density at points, shape (m,)."""
        features = self._make_features(points)
        k = self.num_numbers
        own = 0.5 * np.sum(self._features[:, :k] ** 2, axis=1)
        asked = 0.5 * np.sum(features[:, :k] ** 2, axis=1)
        logs = features @ self._features.T - own - asked[:, None]
        highest = logs.max(axis=1)
        sums = np.exp(logs - highest[:, None]).sum(axis=1)
        result: np.ndarray = highest + np.log(sums) + self._constant
        return result

    def draw(self, count: int, factor: float, random_state: RandomState) -> np.ndarray:
        """Draw points around those of the density, with bandwidths that are larger by `factor`.

        Numbers come from normal distributions truncated to [0, 1].
        """
        from scipy.special import ndtr, ndtri

        chosen = self.points[random_state.randint(len(self.points), size=count)].copy()
        k = self.num_numbers
        if k:
            center, scale = chosen[:, :k], factor * self.bandwidths
            low, high = ndtr((0.0 - center) / scale), ndtr((1.0 - center) / scale)
            levels = low + random_state.uniform(size=center.shape) * (high - low)
            chosen[:, :k] = np.clip(center + scale * ndtri(levels), 0.0, 1.0)
        for index, size in enumerate(self.sizes):
            changes = random_state.uniform(size=count) < self.category_bandwidths[index]
            fresh = random_state.randint(size, size=count)
            chosen[:, k + index] = np.where(changes, fresh, chosen[:, k + index])
        drawn: np.ndarray = chosen
        return drawn
