"""What chooses the configurations of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from synetune_lab.errors import TuneError
from synetune_lab.tune.checks import check_count
from synetune_lab.tune.foreign import refuse_foreign

if TYPE_CHECKING:
    from synetune_lab.tune.convert import SearchSpace

__all__ = ["SearchAlgorithm"]


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
        random_state_seed: Another name of `random_state`.
        foreign: Arguments of Ray Tune that change nothing here. Any other is refused by name.

    Raises:
        TuneError: If an argument is unknown or not possible.
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
        random_state_seed: int | None = None,
        **foreign: Any,
    ) -> None:
        refuse_foreign(
            type(self).__name__,
            "search",
            foreign,
            f"it stands for the searcher {self.searcher!r} of this package, whose own options go "
            "into search_options",
        )
        self._check(space, mode, max_concurrent)
        self.space = space
        self.metric = metric
        self.mode = mode
        self.points_to_evaluate = list(points_to_evaluate or [])
        seeds = (random_state, seed, random_state_seed)
        self.random_state = next((one for one in seeds if one is not None), None)
        self.max_concurrent = max_concurrent
        self.search_options = dict(search_options or {})

    def _check(self, space: Any, mode: Any, max_concurrent: Any) -> None:
        who = type(self).__name__
        if space is not None and not isinstance(space, Mapping):
            raise TuneError(
                f"{who}: space={space!r:.100} must be a dictionary, as for config of tune.run"
            )
        if mode not in (None, "min", "max"):
            raise TuneError(f"{who}: mode={mode!r} must be 'min' or 'max'")
        check_count(f"{who}: max_concurrent", max_concurrent, least=0)

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
