"""Random search and grid search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from synetune_lab.tune.search.algorithm import SearchAlgorithm
from synetune_lab.tune.variants import VariantSearcher

if TYPE_CHECKING:
    from synetune_lab.tune.convert import SearchSpace

__all__ = ["BasicVariantGenerator"]


class BasicVariantGenerator(SearchAlgorithm):
    """Random search and grid search, the default.

    Args:
        points_to_evaluate: See `SearchAlgorithm`.
        max_concurrent: See `SearchAlgorithm`.
        constant_grid_search: Whether all points of a grid get the same random values.
        random_state: See `SearchAlgorithm`.
    """

    def __init__(
        self,
        points_to_evaluate: Sequence[Mapping[str, Any]] | None = None,
        max_concurrent: int = 0,
        constant_grid_search: bool = False,
        random_state: int | None = None,
    ) -> None:
        super().__init__(
            points_to_evaluate=points_to_evaluate,
            max_concurrent=max_concurrent,
            random_state=random_state,
        )
        self.constant_grid_search = constant_grid_search

    def is_model_based(self) -> bool:
        """False: it draws."""
        return False

    def converted(self, space: SearchSpace) -> SearchSpace:
        """The space as it is."""
        return space

    def arguments(
        self,
        space: SearchSpace,
        config_space: Mapping[str, Any],
        metric: str,
        mode: str,
        num_samples: int | None,
    ) -> dict[str, Any]:
        """See `SearchAlgorithm.arguments`."""
        searcher = VariantSearcher(
            space,
            config_space,
            metric,
            mode,
            num_samples=num_samples,
            presets=[space.point(point) for point in self.points_to_evaluate],
            constant_grid_search=self.constant_grid_search,
            random_seed=self.random_state,
        )
        return {"searcher": searcher, "random_seed": self.random_state}
