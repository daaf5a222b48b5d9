"""Random search as a search algorithm of Ray Tune. Importing this module needs Ray."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ray.tune.search import Searcher

from synetune_lab.optimizer.schedulers.searchers import RandomSearcher

__all__ = ["RandomSearch"]


class RandomSearch(Searcher):  # type: ignore[misc, unused-ignore]
    """Draws configurations at random, none twice.

    Args:
        config_space: Configuration space, in our terms.
        points_to_evaluate: Configurations to begin with; None for none.
        mode: `min` or `max`.
        metric: Name of the metric.
        random_seed: Seed of what is drawn; None draws one.
    """

    def __init__(
        self,
        config_space: Mapping[str, Any],
        points_to_evaluate: Sequence[Mapping[str, Any]] | None = None,
        mode: str | None = None,
        *,
        metric: str | None = None,
        random_seed: int | None = None,
    ) -> None:
        super().__init__(metric=metric, mode=mode)
        self.searcher = RandomSearcher(
            config_space,
            metric or "loss",
            points_to_evaluate=list(points_to_evaluate or []),
            mode=mode or "min",
            random_seed=random_seed,
        )

    def suggest(self, trial_id: str) -> Any:
        """The next configuration; `Searcher.FINISHED` if there is none."""
        config = self.searcher.get_config(trial_id=trial_id)
        return self.FINISHED if config is None else config

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Nothing is learnt from results; the configuration of a failed trial is not drawn again.

        Args:
            trial_id: The trial.
            result: Its last report, if any; may hold NaN.
            error: Whether it failed.
        """
        del result
        if error:
            self.searcher.evaluation_failed(trial_id)

    def save(self, checkpoint_path: str) -> None:
        """Nothing is saved here: the scheduler is pickled as a whole."""

    def restore(self, checkpoint_path: str) -> None:
        """See `save`."""
