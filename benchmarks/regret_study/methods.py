"""The methods of the study: asked for a configuration, told its value, one after the other.

All are at their defaults. None begins with the middle of the space: points at random instead, as
many as each method takes by default (Syne Tune 3, Optuna 10, BoTorch 5 of a Sobol sequence).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from datetime import datetime
from importlib import import_module
from typing import Any, Protocol

import numpy as np

from benchmarks.regret_study.space import Choice, Config, Parameter, config_space


class Method(Protocol):
    """What a study needs of a method."""

    def ask(self) -> Config:
        """The next configuration."""

    def tell(self, config: Config, value: float) -> None:
        """Its value."""


class RandomSearch:
    """Each configuration at random."""

    def __init__(self, space: Sequence[Parameter], seed: int) -> None:
        self._space = space
        self._random = np.random.default_rng(seed)

    def ask(self) -> Config:
        """Another one, whatever was told."""
        return {one.name: one.sample(self._random) for one in self._space}

    def tell(self, config: Config, value: float) -> None:
        """Nothing is learnt."""
        del config, value


class OfScheduler:
    """`BayesianOptimization` of `synetune_lab` or `syne_tune`."""

    def __init__(self, package: str, space: Sequence[Parameter], seed: int) -> None:
        np.random.seed(seed)  # noqa: NPY002 - parts of the peer draw from it
        baselines = import_module(f"{package}.optimizer.baselines")
        self._trial_class = import_module(f"{package}.backend.trial_status").Trial
        self._scheduler = baselines.BayesianOptimization(
            config_space(package, space),
            metric="value",
            random_seed=seed,
            points_to_evaluate=[],
            search_options={"debug_log": False},
        )
        self._trials = 0

    def ask(self) -> Config:
        """The suggestion of the scheduler."""
        return self._scheduler.suggest(self._trials).config  # type: ignore[no-any-return]

    def tell(self, config: Config, value: float) -> None:
        """A trial that reports once and ends."""
        trial = self._trial_class(self._trials, config, datetime.now())
        result = {"value": value, "epoch": 1}
        self._trials += 1
        self._scheduler.on_trial_add(trial)
        self._scheduler.on_trial_result(trial, result)
        self._scheduler.on_trial_complete(trial, result)


class OfOptuna:
    """A sampler of Optuna."""

    def __init__(self, sampler: str, space: Sequence[Parameter], seed: int) -> None:
        import optuna

        warnings.simplefilter("ignore")
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._space = space
        self._study = optuna.create_study(sampler=getattr(optuna.samplers, sampler)(seed=seed))
        self._trial: Any = None

    def ask(self) -> Config:
        """The parameters of a new trial."""
        self._trial = self._study.ask()
        return {one.name: self._of(one) for one in self._space}

    def tell(self, config: Config, value: float) -> None:
        """The value of that trial, or a trial of which there was no suggestion."""
        if self._trial is None:
            self._study.add_trial(self._finished(config, value))
            return
        self._study.tell(self._trial, value)
        self._trial = None

    def _finished(self, config: Config, value: float) -> Any:
        import optuna

        ranges = {one.name: self._range(one) for one in self._space}
        return optuna.create_trial(params=dict(config), distributions=ranges, value=value)

    def _range(self, one: Parameter) -> Any:
        from optuna import distributions

        if isinstance(one, Choice):
            return distributions.CategoricalDistribution(list(one.values))
        if one.whole:
            return distributions.IntDistribution(int(one.low), int(one.high), log=one.log)
        return distributions.FloatDistribution(one.low, one.high, log=one.log)

    def _of(self, one: Parameter) -> Any:
        if isinstance(one, Choice):
            return self._trial.suggest_categorical(one.name, list(one.values))
        if one.whole:
            return self._trial.suggest_int(one.name, int(one.low), int(one.high), log=one.log)
        return self._trial.suggest_float(one.name, one.low, one.high, log=one.log)


def _of_botorch(space: Sequence[Parameter], seed: int) -> Method:
    from benchmarks.regret_study.of_botorch import OfBoTorch

    return OfBoTorch(space, seed)


# Name -> distribution whose version tells runs apart (None: none), package for `benchmarks.peer`,
# the method.
METHODS: dict[str, tuple[str | None, str, Callable[[Sequence[Parameter], int], Method]]] = {
    "synetune_lab": (
        "synetune_lab",
        "synetune_lab",
        lambda space, seed: OfScheduler("synetune_lab", space, seed),
    ),
    "syne_tune": (
        "syne_tune",
        "syne_tune",
        lambda space, seed: OfScheduler("syne_tune", space, seed),
    ),
    "optuna_gp": ("optuna", "optuna", lambda space, seed: OfOptuna("GPSampler", space, seed)),
    "optuna_tpe": ("optuna", "optuna", lambda space, seed: OfOptuna("TPESampler", space, seed)),
    "botorch": ("botorch", "botorch", _of_botorch),
    "random": (None, "synetune_lab", RandomSearch),
}
