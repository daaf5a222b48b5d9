"""The searcher inside of neural bandits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from synetune_lab.config_space import make_hyperparameter_ranges
from synetune_lab.optimizer.schedulers.arguments import require_positive_int
from synetune_lab.optimizer.schedulers.neuralbands.networks import Exploitation
from synetune_lab.optimizer.schedulers.searchers.observing import ObservingSearcher

if TYPE_CHECKING:
    from synetune_lab.optimizer.schedulers.neuralbands.rules import BanditRule
    from synetune_lab.optimizer.schedulers.searchers.base import Config

__all__ = ["NeuralBanditSearcher"]


class NeuralBanditSearcher(ObservingSearcher):
    """Draws configurations at random, and suggests the one that a bandit chooses among them.

    A network predicts the loss of a configuration at a share of the maximum resource. It is trained
    on what was reported at rung levels, once every `step_size` suggestions; configurations before
    the first time are random. Candidates are judged at the highest resource that any trial has
    reported so far.

    Args:
        config_space: See `BaseSearcher`.
        metric: See `BaseSearcher`.
        rule: How the bandit chooses.
        step_size: Suggestions from one training to the next.
        max_while_loop: At most so many configurations are drawn for a suggestion.
        points_to_evaluate: See `BaseSearcher`.
        allow_duplicates: See `StochasticAndFilterDuplicatesSearcher`.
        restrict_configurations: See `StochasticAndFilterDuplicatesSearcher`.
        resource_attr: Name of the resource in reports.
        mode: See `BaseSearcher`.
        random_seed: See `StochasticSearcher`.

    Raises:
        SchedulerError: If an argument is out of range.
    """

    _STATE: ClassVar[tuple[str, ...]] = (
        *ObservingSearcher._STATE,
        "_since_training",
        "_model",
        "_information",
        "_centre",
        "_scale",
        "_lowest_known",
        "_level",
    )

    def __init__(
        self,
        config_space: Mapping[str, Any],
        metric: str,
        rule: BanditRule,
        step_size: int,
        max_while_loop: int,
        points_to_evaluate: Sequence[Mapping[str, Any]] | None = None,
        allow_duplicates: bool | None = None,
        restrict_configurations: Sequence[Mapping[str, Any]] | None = None,
        *,
        resource_attr: str = "epoch",
        mode: str = "min",
        random_seed: int | None = None,
    ) -> None:
        super().__init__(
            config_space,
            metric,
            points_to_evaluate,
            allow_duplicates,
            restrict_configurations,
            resource_attr=resource_attr,
            mode=mode,
            random_seed=random_seed,
        )
        self.rule = rule
        self.step_size = require_positive_int("step_size", step_size)
        self.max_while_loop = require_positive_int("max_while_loop", max_while_loop)
        self._max_resource = 1
        self._since_training = 0
        self._model: Exploitation | None = None
        self._information = np.empty(0)  # the diagonal of Z
        self._centre, self._scale = 0.0, 1.0  # of the losses that were observed
        self._lowest_known = 0.0
        self._level = 1
        self._ranges = make_hyperparameter_ranges(self.config_space)

    def configure_scheduler(self, scheduler: Any) -> None:
        """Take the maximum resource."""
        self._max_resource = int(scheduler.max_resource_level)

    def _space_edited(self) -> None:
        self._ranges = make_hyperparameter_ranges(self.config_space)
        if self._model is not None:
            self._model = None  # its inputs are others now
            self._since_training = self.step_size

    def clone_from_state(self, state: Mapping[str, Any]) -> Any:
        """See `BaseSearcher.clone_from_state`."""
        other = super().clone_from_state(state)
        other._ranges = make_hyperparameter_ranges(other.config_space)
        return other

    def get_config(self, trial_id: str | None = None, **kwargs: Any) -> Config | None:
        """The next configuration to try (see `BaseSearcher.get_config`)."""
        if self._since_training >= self.step_size and self._train():
            self._since_training = 0
        self._since_training += 1
        return super().get_config(trial_id=trial_id, **kwargs)

    def _get_config(self, **kwargs: Any) -> Config | None:
        del kwargs
        if self._model is None:
            return self._random()
        return self._choose(self._model) or self._random()

    # Choosing

    def _choose(self, model: Exploitation) -> Config | None:
        configs = self._candidates()
        if not configs:
            return None
        x = self._ranges.to_ndarray_matrix(configs)
        budgets = np.full(len(configs), self._level / self._max_resource)
        losses = model.predict((x, budgets))
        spreads = np.zeros(len(configs))
        squares = np.empty((0, 0))
        width = model.network.hidden_size
        if self.rule.regularization is not None:
            squares = np.square(model.network.gradients(x, budgets)) / width
            spreads = np.sqrt(squares @ (1.0 / self._information))
        chosen, score = self.rule.choose(losses, spreads, self._lowest_known, self.random_state)
        if len(squares):
            # Known from now on, so that the next suggestions go elsewhere.
            self._information = self._information + squares[chosen]
        sign = 1.0 if self.mode == "min" else -1.0
        self._reason = {
            "kind": "model",
            "model": "neural bandit",
            "rule": self.rule.name,
            "score": score,
            "mean": sign * (self._centre + self._scale * float(losses[chosen])),
            "level": self._level,
            "num_candidates": len(configs),
        }
        return configs[chosen]

    def _candidates(self) -> list[Config]:
        """Random configurations that may be suggested."""
        if self._restricted is not None:
            rows = self.random_state.permutation(len(self._restricted))[: self.max_while_loop]
            return [dict(self._restricted[int(row)][0]) for row in rows]
        drawn = self._ranges.random_configs(self.random_state, self.max_while_loop)
        return [config for config in drawn if self._keyer.key(config) not in self._excluded]

    # Learning

    def _train(self) -> bool:
        """Train the network on all observations; whether there is enough of them."""
        configs: list[Config] = []
        levels: list[int] = []
        values: list[float] = []
        for level, data in self.observations.levels.items():
            for _, config, value in data.items():
                configs.append(config)
                levels.append(level)
                values.append(value)
        raw = np.array(values)
        finite = raw[np.isfinite(raw)]
        if not len(finite) or finite.min() == finite.max():
            return False
        # A value that is not a number is as bad as the worst.
        losses = np.clip(raw, finite.min(), finite.max())
        self._centre = float(losses.mean())
        self._scale = float(losses.std()) or 1.0
        losses = (losses - self._centre) / self._scale
        if self.rule.perturbation:
            noise = self.random_state.standard_normal(len(losses))
            losses = losses + self.rule.perturbation * noise
        x = self._ranges.to_ndarray_matrix(configs)
        budgets = np.array(levels) / self._max_resource
        if self._model is None:
            seed = int(self.random_state.randint(2**31 - 1))
            self._model = Exploitation(self._ranges.ndarray_size, random_seed=seed)
        self._model.replace_data(x, budgets, losses)
        self._model.train()
        self._level = max(levels)
        self._take_stock(self._model, x, budgets)
        return True

    def _take_stock(self, model: Exploitation, x: np.ndarray, budgets: np.ndarray) -> None:
        """What follows from the weights after a training."""
        top = np.full(len(x), self._level / self._max_resource)
        self._lowest_known = float(model.predict((x, top)).min())
        if self.rule.regularization is None:
            return
        network = model.network
        information = np.full(len(network.theta), self.rule.regularization)
        for begin in range(0, len(x), 256):  # gradients of all at once could be large
            rows = slice(begin, begin + 256)
            gradients = network.gradients(x[rows], budgets[rows])
            information += np.square(gradients).sum(axis=0) / network.hidden_size
        self._information = information
