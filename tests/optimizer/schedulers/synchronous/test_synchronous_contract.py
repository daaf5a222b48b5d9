"""The contract of schedulers, for those with rungs of fixed size."""

from __future__ import annotations

from typing import Any

from synetune_lab.optimizer.baselines import DEHB, SyncHyperband
from synetune_lab.testing.scheduler_contract import SchedulerContract


class TestSyncHyperband(SchedulerContract):
    def make_scheduler(self, config_space: Any, random_seed: int, mode: str) -> Any:
        return SyncHyperband(
            config_space,
            "loss",
            "epoch",
            mode=mode,
            random_seed=random_seed,
            max_resource_attr="epochs",
        )


class TestSyncSuccessiveHalving(SchedulerContract):
    def make_scheduler(self, config_space: Any, random_seed: int, mode: str) -> Any:
        return SyncHyperband(
            config_space,
            "loss",
            "epoch",
            mode=mode,
            random_seed=random_seed,
            brackets=1,
            searcher_data="all",
        )


class TestDEHB(SchedulerContract):
    def make_scheduler(self, config_space: Any, random_seed: int, mode: str) -> Any:
        return DEHB(
            config_space,
            "loss",
            "epoch",
            mode=mode,
            random_seed=random_seed,
            max_resource_attr="epochs",
        )


class TestDEHBFromScratch(SchedulerContract):
    def make_scheduler(self, config_space: Any, random_seed: int, mode: str) -> Any:
        return DEHB(
            config_space,
            "loss",
            "epoch",
            mode=mode,
            random_seed=random_seed,
            support_pause_resume=False,
            brackets=2,
        )
