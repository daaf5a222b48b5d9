"""Search algorithms under the names of Ray Tune, each one a searcher of this package.

| name | searcher | method |
|---|---|---|
| `BasicVariantGenerator` | `VariantSearcher` | random and grid search |
| `BayesOptSearch`, `SkOptSearch`, `HEBOSearch`, `DragonflySearch` | `bayesopt` | Gaussian process |
| `TuneBOHB`, `HyperOptSearch`, `OptunaSearch` | `kde` | density estimators, as in BOHB and TPE |
| `AxSearch` | `botorch` | Gaussian process of BoTorch (an extra) |
| `NevergradSearch` | `rea` | regularised evolution |
| `BORESearch` | `bore` | a classifier of good and bad |

With a scheduler that has rungs, `bayesopt`, `kde` and `bore` model all levels of the resource.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from synetune_lab.errors import TuneError
from synetune_lab.tune.variants import VariantSearcher

if TYPE_CHECKING:
    from synetune_lab.tune.convert import SearchSpace

__all__ = [
    "SEARCH_ALGORITHMS",
    "AxSearch",
    "BORESearch",
    "BasicVariantGenerator",
    "BayesOptSearch",
    "ConcurrencyLimiter",
    "DragonflySearch",
    "HEBOSearch",
    "HyperOptSearch",
    "NevergradSearch",
    "OptunaSearch",
    "SearchAlgorithm",
    "SkOptSearch",
    "TuneBOHB",
    "create_searcher",
]


class SearchAlgorithm:
    """Chooses the configurations of a run.

    Args:
        space: Search space, if it is not given as the `config` of the run.
        metric: Metric to optimise, if it is not given to the run.
        mode: `min` or `max`, if it is not given to the run.
        points_to_evaluate: Configurations to try first, as nested as the space; what they lack is
            filled in.
        random_state: Seed; None draws one.
        max_concurrent: At most so many trials run at once; 0 for no limit.
        search_options: Options of the searcher that it stands for.
        seed: Another name of `random_state`.
    """

    searcher: ClassVar[str] = ""
    """Name of the searcher of this package."""

    def __init__(
        self,
        space: Mapping[str, Any] | None = None,
        metric: str | None = None,
        mode: str | None = None,
        *,
        points_to_evaluate: Sequence[Mapping[str, Any]] | None = None,
        random_state: int | None = None,
        max_concurrent: int = 0,
        search_options: Mapping[str, Any] | None = None,
        seed: int | None = None,
    ) -> None:
        self.space = space
        self.metric = metric
        self.mode = mode
        self.points_to_evaluate = list(points_to_evaluate or [])
        self.random_state = seed if random_state is None else random_state
        self.max_concurrent = max_concurrent
        self.search_options = dict(search_options or {})

    def is_model_based(self) -> bool:
        """Whether it learns from reports."""
        return True

    def converted(self, space: SearchSpace) -> SearchSpace:
        """The space as the searcher takes it.

        Raises:
            ConfigSpaceError: If it has what the searcher can't choose from.
        """
        return space.bounded()

    def arguments(
        self,
        space: SearchSpace,
        config_space: Mapping[str, Any],  # noqa: ARG002 - only the default algorithm needs it
        metric: str,  # noqa: ARG002
        mode: str,  # noqa: ARG002
        num_samples: int | None,  # noqa: ARG002 - the scheduler is told
    ) -> dict[str, Any]:
        """Arguments of a scheduler with this searcher.

        Args:
            space: The search space, as `converted` gives it.
            config_space: What the scheduler works with.
            metric: The metric.
            mode: `min` or `max`.
            num_samples: Samples, None for no limit.
        """
        return {
            "searcher": self.searcher,
            "search_options": self.search_options,
            "points_to_evaluate": [space.point(point) for point in self.points_to_evaluate],
            "random_seed": self.random_state,
        }


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


class BayesOptSearch(SearchAlgorithm):
    """Bayesian optimisation with a Gaussian process, see `BayesianOptimization`."""

    searcher = "bayesopt"


class SkOptSearch(BayesOptSearch):
    """Bayesian optimisation with a Gaussian process, see `BayesianOptimization`."""


class HEBOSearch(BayesOptSearch):
    """Bayesian optimisation with a Gaussian process, see `BayesianOptimization`."""


class DragonflySearch(BayesOptSearch):
    """Bayesian optimisation with a Gaussian process, see `BayesianOptimization`."""


class TuneBOHB(SearchAlgorithm):
    """Density estimators of good and of bad configurations, see `KDE`."""

    searcher = "kde"


class HyperOptSearch(TuneBOHB):
    """Density estimators of good and of bad configurations, see `KDE`."""


class OptunaSearch(TuneBOHB):
    """Density estimators of good and of bad configurations, see `KDE`."""


class AxSearch(SearchAlgorithm):
    """Bayesian optimisation with BoTorch, see `BoTorch`; needs the extra `botorch`."""

    searcher = "botorch"


class NevergradSearch(SearchAlgorithm):
    """Regularised evolution, see `REA`."""

    searcher = "rea"


class BORESearch(SearchAlgorithm):
    """A classifier of good and bad configurations, see `BORE`."""

    searcher = "bore"


def ConcurrencyLimiter(  # noqa: N802 - a class in Ray Tune
    searcher: SearchAlgorithm, max_concurrent: int, batch: bool = False
) -> SearchAlgorithm:
    """The search algorithm, for at most `max_concurrent` trials at once.

    Raises:
        TuneError: For `batch=True`, which is not supported.
    """
    if batch:
        raise TuneError("ConcurrencyLimiter(batch=True) is not supported; trials start one by one")
    searcher.max_concurrent = max_concurrent
    return searcher


SEARCH_ALGORITHMS: dict[str, type[SearchAlgorithm]] = {
    "variant_generator": BasicVariantGenerator,
    "random": BasicVariantGenerator,
    "bayesopt": BayesOptSearch,
    "skopt": SkOptSearch,
    "hebo": HEBOSearch,
    "dragonfly": DragonflySearch,
    "bohb": TuneBOHB,
    "kde": TuneBOHB,
    "hyperopt": HyperOptSearch,
    "optuna": OptunaSearch,
    "ax": AxSearch,
    "botorch": AxSearch,
    "nevergrad": NevergradSearch,
    "rea": NevergradSearch,
    "bore": BORESearch,
}
"""Search algorithms by their short names."""


def create_searcher(search_alg: str, **kwargs: Any) -> SearchAlgorithm:
    """A search algorithm by its short name.

    Args:
        search_alg: The name.
        kwargs: Its arguments.

    Raises:
        TuneError: If there is none of this name.
    """
    cls = SEARCH_ALGORITHMS.get(search_alg)
    if cls is None:
        known = ", ".join(sorted(SEARCH_ALGORITHMS))
        raise TuneError(f"search_alg={search_alg!r} is not known here; known are {known}")
    return cls(**kwargs)
