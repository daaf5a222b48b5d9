"""Hyper-Tune: levels count as much as they predict the order at the highest one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from synetune_lab.gp.hypertune import EnsemblePosterior, bracket_distribution, fit_ensemble
from synetune_lab.optimizer.schedulers.bracket_distribution import (
    DefaultHyperbandBracketDistribution,
)
from synetune_lab.optimizer.schedulers.searchers.bayesopt.gp_multifidelity_searcher import (
    GPMultiFidelitySearcher,
)
from synetune_lab.optimizer.schedulers.searchers.bayesopt.metric_model import (
    AtLevel,
    encoded_resource,
)
from synetune_lab.optimizer.schedulers.searchers.bayesopt.options import HyperTuneOptions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from synetune_lab.optimizer.schedulers.searchers.bayesopt.metric_model import (
        Conditioned,
        ModelData,
    )

__all__ = ["HyperTuneBracketDistribution", "HyperTuneSearcher"]


class HyperTuneSearcher(GPMultiFidelitySearcher):
    """Chooses by an ensemble of a model's levels, and says in which bracket trials begin.

    Li, Shen, Jiang, Zhang, Li, Liu, Zhang, Cui: Hyper-Tune: Towards Efficient Hyper-parameter
    Tuning at Scale, https://arxiv.org/abs/2201.06834.

    Args: See `GPMultiFidelitySearcher`; options are fields of `HyperTuneOptions`.

    Attributes:
        ensemble_weights: Weight of each level, of the last suggestion; empty before the first.
        bracket_distribution: What the scheduler draws brackets from.
    """

    options_class: ClassVar[type[HyperTuneOptions]] = HyperTuneOptions
    options: HyperTuneOptions

    _STATE: ClassVar[tuple[str, ...]] = (
        *GPMultiFidelitySearcher._STATE,
        "ensemble_weights",
        "_weighted_version",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ensemble_weights: dict[int, float] = {}
        self._weighted_version = -1
        self.bracket_distribution = HyperTuneBracketDistribution(self)

    def clone_from_state(self, state: Mapping[str, Any]) -> Any:
        """See `BaseSearcher.clone_from_state`."""
        other = super().clone_from_state(state)
        other.bracket_distribution.searcher = other
        return other

    def _with_fantasies(self, conditioned: Conditioned) -> Conditioned:
        # Levels are weighted by what was observed, before anything is imagined.
        if self._weighted_version != self._version:
            self._weighted_version = self._version
            posterior: Any = conditioned.at(self._r_max).posterior
            self.ensemble_weights = fit_ensemble(
                posterior,
                self._levels,
                self._r_max,
                self.options.hypertune_distribution_num_samples,
                self.random_state,
            )
        return ConditionedEnsemble(
            super()._with_fantasies(conditioned), dict(self.ensemble_weights), self._r_max
        )

    def _acquisition_level(self, data: ModelData, context: Mapping[str, Any]) -> int:  # noqa: ARG002
        return self._r_max

    def _explain(self, *args: Any) -> dict[str, Any]:
        reason = super()._explain(*args)
        reason.pop("level", None)
        weights = {str(level): share for level, share in self.ensemble_weights.items() if share}
        return {**reason, "ensemble": weights}


@dataclass(frozen=True)
class ConditionedEnsemble:
    """A model of levels given data, as an ensemble of them (see `Conditioned`)."""

    inner: Conditioned
    weights: dict[int, float]
    r_max: int

    def at(self, level: int) -> Any:
        """The ensemble, whatever the level."""
        posterior = self.inner.at(level).posterior
        ensemble = EnsemblePosterior(posterior, self.weights, self.r_max)
        return AtLevel(ensemble, encoded_resource(level, self.r_max))

    def with_fantasies(self, *args: Any) -> Conditioned:
        """See `Conditioned.with_fantasies`."""
        return ConditionedEnsemble(self.inner.with_fantasies(*args), self.weights, self.r_max)


class HyperTuneBracketDistribution:
    """Brackets whose lowest level predicts well, for its cost, are drawn more often.

    Args:
        searcher: Whose weights of levels count; while there are none, the default holds.
    """

    def __init__(self, searcher: HyperTuneSearcher) -> None:
        self.searcher = searcher
        self._default = DefaultHyperbandBracketDistribution()
        self._levels: list[int] = []

    def configure(self, scheduler: Any) -> None:
        """Take the lowest level of each bracket from the scheduler."""
        self._default.configure(scheduler)
        levels = [*scheduler.rung_levels, scheduler.max_resource_level]
        self._levels = levels[: scheduler.num_brackets]

    def __call__(self) -> Sequence[float]:
        """Probabilities, one a bracket."""
        weights = self.searcher.ensemble_weights
        if not weights:
            return self._default()
        return bracket_distribution(weights, self._levels, self._default())
