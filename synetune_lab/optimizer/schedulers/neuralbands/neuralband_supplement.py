"""The base of neural bandits, and those with well-known rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from synetune_lab.errors import SchedulerError
from synetune_lab.optimizer.schedulers.arguments import nearest_name
from synetune_lab.optimizer.schedulers.hyperband import HyperbandScheduler, is_continue_decision
from synetune_lab.optimizer.schedulers.neuralbands.bandit_searcher import NeuralBanditSearcher
from synetune_lab.optimizer.schedulers.neuralbands.rules import (
    BanditRule,
    EpsilonGreedy,
    ThompsonSampling,
    UpperConfidenceBound,
)
from synetune_lab.optimizer.schedulers.random_seeds import generate_random_seed

__all__ = [
    "NeuralbandEGreedyScheduler",
    "NeuralbandSchedulerBase",
    "NeuralbandTSScheduler",
    "NeuralbandUCBScheduler",
    "is_continue_decision",
]

_SEARCH_OPTIONS = ("allow_duplicates", "restrict_configurations")


class NeuralbandSchedulerBase(HyperbandScheduler):
    """Asynchronous Hyperband whose configurations are chosen by a neural bandit.

    For each new trial, configurations are drawn at random, a network predicts their losses, and the
    bandit's rule chooses one; the bracket in which the trial will run does not matter. The network
    has one hidden layer of 100 units, reads the encoded configuration and the share of the maximum
    resource, and is trained by Adam with learning rate 1e-3 on what trials report at rungs (see
    `searcher_data`). It is written in numpy, so that no library for deep learning is needed.

    Args:
        config_space: Configuration space.
        step_size: The network is trained once in so many new trials. Until the first time
            configurations are random.
        max_while_loop: At most so many configurations are drawn for a new trial.
        metric: See `HyperbandScheduler`.
        rule: How the bandit chooses. None: what has the lowest predicted loss.
        mode: See `HyperbandScheduler`.
        resource_attr: See `HyperbandScheduler`.
        search_options: `allow_duplicates` and `restrict_configurations` of
            `StochasticAndFilterDuplicatesSearcher`.
        points_to_evaluate: See `HyperbandScheduler`.
        random_seed: See `HyperbandScheduler`.
        kwargs: Other arguments of `HyperbandScheduler`, except for `searcher`.

    Raises:
        SchedulerError: If an argument is unknown or out of range.
    """

    def __init__(
        self,
        config_space: Mapping[str, Any],
        step_size: int,
        max_while_loop: int,
        *,
        metric: str,
        rule: BanditRule | None = None,
        mode: str = "min",
        resource_attr: str = "epoch",
        search_options: Mapping[str, Any] | None = None,
        points_to_evaluate: Sequence[Mapping[str, Any]] | None = None,
        random_seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        name = self.__class__.__name__
        if "searcher" in kwargs:
            raise SchedulerError(
                f"{name} has a searcher of its own, got searcher={kwargs['searcher']!r}; for "
                "another one use HyperbandScheduler"
            )
        for option in search_options or ():
            if option not in _SEARCH_OPTIONS:
                raise SchedulerError(
                    f"search_options: {option!r} is no option of {name}; "
                    f"{nearest_name(str(option), _SEARCH_OPTIONS)}"
                )
        if random_seed is None:
            random_seed = generate_random_seed()
        searcher = NeuralBanditSearcher(
            config_space,
            metric,
            EpsilonGreedy(0.0) if rule is None else rule,
            step_size,
            max_while_loop,
            points_to_evaluate,
            resource_attr=resource_attr,
            mode=mode,
            random_seed=random_seed,
            **(search_options or {}),
        )
        super().__init__(
            config_space,
            metric=metric,
            searcher=searcher,
            mode=mode,
            resource_attr=resource_attr,
            random_seed=random_seed,
            **kwargs,
        )


class NeuralbandEGreedyScheduler(NeuralbandSchedulerBase):
    """The baseline that explores now and then (see `EpsilonGreedy`).

    Args:
        config_space: Configuration space.
        epsilon: Share of suggestions that are random, in [0, 1].
        step_size: See `NeuralbandSchedulerBase`.
        max_while_loop: See `NeuralbandSchedulerBase`.
        kwargs: See `NeuralbandSchedulerBase`.
    """

    def __init__(
        self,
        config_space: Mapping[str, Any],
        epsilon: float = 0.1,
        step_size: int = 30,
        max_while_loop: int = 100,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            config_space, step_size, max_while_loop, rule=EpsilonGreedy(epsilon), **kwargs
        )


class NeuralbandTSScheduler(NeuralbandSchedulerBase):
    """The baseline that draws losses from its posterior (see `ThompsonSampling`).

    Args:
        config_space: Configuration space.
        lamdba: Regularisation λ, above 0. The name is spelled like this.
        nu: Scale of exploration.
        step_size: See `NeuralbandSchedulerBase`.
        max_while_loop: See `NeuralbandSchedulerBase`.
        kwargs: See `NeuralbandSchedulerBase`.
    """

    def __init__(
        self,
        config_space: Mapping[str, Any],
        lamdba: float = 0.1,
        nu: float = 0.01,
        step_size: int = 30,
        max_while_loop: int = 100,
        **kwargs: Any,
    ) -> None:
        rule = ThompsonSampling(lamdba, nu)
        super().__init__(config_space, step_size, max_while_loop, rule=rule, **kwargs)


class NeuralbandUCBScheduler(NeuralbandSchedulerBase):
    """The baseline that is optimistic about what it does not know (see `UpperConfidenceBound`).

    Args:
        config_space: Configuration space.
        lamdba: Regularisation λ, above 0. The name is spelled like this.
        nu: Scale of exploration.
        step_size: See `NeuralbandSchedulerBase`.
        max_while_loop: See `NeuralbandSchedulerBase`.
        kwargs: See `NeuralbandSchedulerBase`.
    """

    def __init__(
        self,
        config_space: Mapping[str, Any],
        lamdba: float = 0.01,
        nu: float = 0.01,
        step_size: int = 30,
        max_while_loop: int = 100,
        **kwargs: Any,
    ) -> None:
        rule = UpperConfidenceBound(lamdba, nu)
        super().__init__(config_space, step_size, max_while_loop, rule=rule, **kwargs)
