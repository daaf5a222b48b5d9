"""The contract of schedulers, for methods that choose by a Gaussian process."""

from __future__ import annotations

from typing import Any, ClassVar

from synetune_lab.optimizer.baselines import (
    MOBSTER,
    BayesianOptimization,
    DyHPO,
    HyperTune,
    SyncMOBSTER,
)
from synetune_lab.testing.scheduler_contract import SchedulerContract

QUICK = {"num_init_candidates": 30, "opt_maxiter": 8, "opt_nstarts": 1, "num_fantasy_samples": 5}


class TestBayesianOptimization(SchedulerContract):
    n_steps = 100

    def make_scheduler(self, config_space: Any, random_seed: int, mode: str) -> Any:
        return BayesianOptimization(
            config_space, "loss", mode=mode, random_seed=random_seed, search_options=QUICK
        )


class RungContract(SchedulerContract):
    n_steps = 80
    cls: ClassVar[Any]
    model: ClassVar[str | None] = None
    kwargs: ClassVar[dict[str, Any]] = {}

    def make_scheduler(self, config_space: Any, random_seed: int, mode: str) -> Any:
        options = QUICK if self.model is None else {**QUICK, "model": self.model}
        return self.cls(
            config_space,
            "loss",
            "epoch",
            max_resource_attr="epochs",
            mode=mode,
            random_seed=random_seed,
            search_options=options,
            **self.kwargs,
        )


class TestMOBSTER(RungContract):
    cls = MOBSTER


class TestMOBSTERPromotion(RungContract):
    cls = MOBSTER
    kwargs: ClassVar[dict[str, Any]] = {"type": "promotion", "searcher_data": "rungs_and_last"}


class TestMOBSTERIndependent(RungContract):
    cls = MOBSTER
    model = "gp_independent"


class TestMOBSTERCurves(RungContract):
    cls = MOBSTER
    model = "gp_issm"
    kwargs: ClassVar[dict[str, Any]] = {"searcher_data": "all"}


class TestHyperTune(RungContract):
    cls = HyperTune
    kwargs: ClassVar[dict[str, Any]] = {"brackets": 2}


class TestDyHPO(RungContract):
    cls = DyHPO


class TestSyncMOBSTER(RungContract):
    cls = SyncMOBSTER


del RungContract
