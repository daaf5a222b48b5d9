"""The contract of schedulers, for searchers with models of good and bad configurations."""

from __future__ import annotations

from typing import Any

from synetune_lab.optimizer.baselines import ASHABORE, BOHB, BORE, KDE, SyncBOHB
from synetune_lab.testing.scheduler_contract import SchedulerContract

QUICK = {"classifier": "logreg", "feval_acq": 50}


class TestKDE(SchedulerContract):
    def make_scheduler(self, config_space: Any, random_seed: int, mode: str) -> Any:
        return KDE(config_space, "loss", mode=mode, random_seed=random_seed)


class TestBOHB(SchedulerContract):
    def make_scheduler(self, config_space: Any, random_seed: int, mode: str) -> Any:
        return BOHB(
            config_space,
            "loss",
            "epoch",
            mode=mode,
            random_seed=random_seed,
            max_resource_attr="epochs",
            type="promotion",
            searcher_data="rungs_and_last",
        )


class TestSyncBOHB(SchedulerContract):
    def make_scheduler(self, config_space: Any, random_seed: int, mode: str) -> Any:
        return SyncBOHB(
            config_space,
            "loss",
            "epoch",
            mode=mode,
            random_seed=random_seed,
            max_resource_attr="epochs",
        )


class TestBORE(SchedulerContract):
    n_steps = 150

    def make_scheduler(self, config_space: Any, random_seed: int, mode: str) -> Any:
        return BORE(config_space, "loss", mode=mode, random_seed=random_seed, search_options=QUICK)


class TestASHABORE(SchedulerContract):
    n_steps = 100

    def make_scheduler(self, config_space: Any, random_seed: int, mode: str) -> Any:
        return ASHABORE(
            config_space,
            "loss",
            "epoch",
            mode=mode,
            random_seed=random_seed,
            max_resource_attr="epochs",
            search_options=QUICK,
        )
