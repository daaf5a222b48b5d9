"""Regularised evolution: mutants of good configurations, and the oldest die."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING, Any, ClassVar

from synetune_lab.config_space import Domain
from synetune_lab.errors import SchedulerError
from synetune_lab.optimizer.schedulers.searchers.base import SpaceEditReport
from synetune_lab.optimizer.schedulers.searchers.stochastic import (
    StochasticAndFilterDuplicatesSearcher,
)

if TYPE_CHECKING:
    from synetune_lab.optimizer.schedulers.searchers.base import Config

__all__ = ["PopulationElement", "RegularizedEvolution"]

_MUTATIONS = 20
"""Mutants that are tried before a configuration is drawn at random instead."""


@dataclass
class PopulationElement:
    """A member of the population.

    Attributes:
        result: The last report of its trial.
        score: Less is better.
        config: Its configuration.
    """

    result: dict[str, Any] | None = None
    score: float = 0.0
    config: Config = field(default_factory=dict)


class RegularizedEvolution(StochasticAndFilterDuplicatesSearcher):
    """Mutates the best of a random sample of the latest trials.

    Until `population_size` trials have finished, configurations are drawn at random. The population
    is a queue: each finished trial enters, and the oldest member leaves. To suggest,
    `sample_size` members are drawn (with replacement), and one random hyperparameter of the best
    of them gets a new value, drawn from its domain. Real, Aggarwal, Huang, Le: Regularized
    Evolution for Image Classifier Architecture Search, https://arxiv.org/abs/1802.01548.

    A configuration may come again, except those of failed trials, and except that a mutant is never
    a plain copy of its parent.

    Args:
        config_space: See `BaseSearcher`.
        metric: See `BaseSearcher`.
        points_to_evaluate: See `BaseSearcher`.
        population_size: Members of the population, at least 1.
        sample_size: Members that are compared for a suggestion, at least 1.
        mode: See `BaseSearcher`.
        random_seed: See `StochasticSearcher`.
        random_seed_generator: See `StochasticSearcher`.

    Raises:
        SchedulerError: If an argument is out of range.
    """

    _STATE: ClassVar[tuple[str, ...]] = (
        *StochasticAndFilterDuplicatesSearcher._STATE,
        "population",
    )

    def __init__(
        self,
        config_space: Mapping[str, Any],
        metric: str,
        points_to_evaluate: Sequence[Mapping[str, Any]] | None = None,
        population_size: int = 100,
        sample_size: int = 10,
        *,
        mode: str = "min",
        random_seed: int | None = None,
        random_seed_generator: Callable[[], int] | None = None,
    ) -> None:
        super().__init__(
            config_space,
            metric,
            points_to_evaluate,
            allow_duplicates=True,
            mode=mode,
            random_seed=random_seed,
            random_seed_generator=random_seed_generator,
        )
        self.require_hyperparameters()
        self.population_size = _at_least_1("population_size", population_size)
        self.sample_size = _at_least_1("sample_size", sample_size)
        self.population: deque[PopulationElement] = deque(maxlen=population_size)

    def dataset_size(self) -> int:
        """Members of the population."""
        return len(self.population)

    def _get_config(self, **kwargs: Any) -> Config | None:
        del kwargs
        if len(self.population) >= self.population_size:
            parent = self._parent()
            for _ in range(_MUTATIONS):
                mutant = self._mutant(parent.config)
                # A copy of the parent would tell nothing that is not known.
                if mutant != parent.config and not self.should_not_suggest(mutant):
                    self._reason = {"kind": "mutant"}
                    return mutant
        self._reason = {"kind": "random"}
        return self._get_random_config()

    @property
    def _name(self) -> str:
        return self.metric if isinstance(self.metric, str) else self.metric[0]

    def _parent(self) -> PopulationElement:
        """The best of a random sample."""
        drawn = self.random_state.randint(len(self.population), size=self.sample_size)
        return min((self.population[int(i)] for i in drawn), key=lambda one: one.score)

    def _mutant(self, config: Config) -> Config:
        names = [name for name, entry in self.config_space.items() if isinstance(entry, Domain)]
        name = names[int(self.random_state.randint(len(names)))]
        value = self.config_space[name].sample(random_state=self.random_state)
        return {**config, name: value}

    def _update(self, trial_id: str, config: Config, result: dict[str, Any]) -> None:
        del trial_id
        value = float(result[self._name])
        sign = 1.0 if self.mode == "min" else -1.0
        score = sign * value if value == value else inf
        own = self.in_space(config)
        if own is None:
            return  # it began before the space was edited, and is not in it any more
        self.population.append(PopulationElement(dict(result), score, own))

    def edit_space(
        self, config_space: Mapping[str, Any], defaults: Mapping[str, Any] | None = None
    ) -> SpaceEditReport:
        """Draw from another space; members of the population outside of its ranges leave."""
        report = super().edit_space(config_space, defaults)
        kept = []
        for member in self.population:
            own = self.in_space(member.config)
            if own is not None:
                member.config = own
                kept.append(member)
        dropped = len(self.population) - len(kept)
        self.population = deque(kept, maxlen=self.population_size)
        return SpaceEditReport(
            kept=len(kept),
            dropped=dropped,
            points_dropped=report.points_dropped,
            note="new configurations are drawn from the new space, and mutated inside of it",
        )


def _at_least_1(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise SchedulerError(f"{name} must be an integer of at least 1, got {value!r}")
    return value
