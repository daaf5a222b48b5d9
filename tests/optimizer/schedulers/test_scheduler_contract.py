"""Every scheduler passes the suite that the package ships."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from synetune_lab.optimizer.baselines import ASHA, PASHA, REA, GridSearch, RandomSearch
from synetune_lab.optimizer.scheduler import TrialScheduler
from synetune_lab.optimizer.schedulers import (
    HyperbandScheduler,
    MedianStoppingRule,
    PopulationBasedTraining,
)
from synetune_lab.testing.scheduler_contract import SchedulerContract


class TestRandomSearch(SchedulerContract):
    def make_scheduler(
        self, config_space: dict[str, Any], random_seed: int, mode: str
    ) -> TrialScheduler:
        return RandomSearch(config_space, "loss", mode=mode, random_seed=random_seed)


class TestGridSearch(SchedulerContract):
    def make_scheduler(
        self, config_space: dict[str, Any], random_seed: int, mode: str
    ) -> TrialScheduler:
        return GridSearch(config_space, "loss", mode=mode, random_seed=random_seed)


class _Asha(SchedulerContract):
    type = "stopping"

    def make_scheduler(
        self, config_space: dict[str, Any], random_seed: int, mode: str
    ) -> TrialScheduler:
        return ASHA(
            config_space,
            "loss",
            "epoch",
            mode=mode,
            random_seed=random_seed,
            max_resource_attr="epochs",
            type=self.type,
        )

    @pytest.mark.parametrize("epoch", [0, -1, 1.5, "1", None, True])
    def test_refuses_a_resource_that_is_no_positive_integer(self, epoch: Any) -> None:
        driver = self.make_driver()
        driver.run(1)
        with pytest.raises(ValueError, match="'epoch' must be a positive integer"):
            driver.scheduler.on_trial_result(driver.trial(0), {"epoch": epoch, "loss": 1.0})


class TestAshaStopping(_Asha):
    pass


class TestAshaPromotion(_Asha):
    type = "promotion"


class _Hyperband(SchedulerContract):
    type = "stopping"
    options: ClassVar[dict[str, Any]] = {}

    def make_scheduler(
        self, config_space: dict[str, Any], random_seed: int, mode: str
    ) -> TrialScheduler:
        return HyperbandScheduler(
            config_space,
            metric="loss",
            mode=mode,
            random_seed=random_seed,
            max_t=27,
            type=self.type,
            brackets=3,
            **self.options,
        )


class TestHyperbandStopping(_Hyperband):
    options: ClassVar[dict[str, Any]] = {"do_snapshots": True, "searcher_data": "rungs_and_last"}


class TestHyperbandPromotion(_Hyperband):
    type = "promotion"
    options: ClassVar[dict[str, Any]] = {"searcher_data": "all", "register_pending_myopic": True}


class TestHyperbandPromotionPerBracket(_Hyperband):
    type = "promotion"
    options: ClassVar[dict[str, Any]] = {"rung_system_per_bracket": True, "searcher": "grid"}


class TestHyperbandStoppingPerBracket(_Hyperband):
    options: ClassVar[dict[str, Any]] = {"rung_system_per_bracket": True}


class TestRushStopping(_Hyperband):
    type = "rush_stopping"


class TestRushPromotion(_Hyperband):
    type = "rush_promotion"


class TestRea(SchedulerContract):
    def make_scheduler(
        self, config_space: dict[str, Any], random_seed: int, mode: str
    ) -> TrialScheduler:
        return REA(
            config_space,
            "loss",
            population_size=8,
            sample_size=3,
            mode=mode,
            random_seed=random_seed,
        )


class TestMedianStoppingRule(SchedulerContract):
    running_average = True

    def make_scheduler(
        self, config_space: dict[str, Any], random_seed: int, mode: str
    ) -> TrialScheduler:
        wrapped = RandomSearch(config_space, "loss", mode=mode, random_seed=random_seed)
        return MedianStoppingRule(wrapped, "epoch", running_average=self.running_average)


class TestMedianStoppingRuleOfLastValues(TestMedianStoppingRule):
    running_average = False


class TestMedianStoppingRuleAroundPromotion(SchedulerContract):
    def make_scheduler(
        self, config_space: dict[str, Any], random_seed: int, mode: str
    ) -> TrialScheduler:
        wrapped = ASHA(
            config_space,
            "loss",
            "epoch",
            mode=mode,
            random_seed=random_seed,
            max_resource_attr="epochs",
            type="promotion",
        )
        return MedianStoppingRule(wrapped, "epoch", grace_population=3)


class TestPopulationBasedTraining(SchedulerContract):
    def make_scheduler(
        self, config_space: dict[str, Any], random_seed: int, mode: str
    ) -> TrialScheduler:
        return PopulationBasedTraining(
            config_space,
            metric="loss",
            mode=mode,
            random_seed=random_seed,
            resource_attr="epoch",
            max_t=27,
            perturbation_interval=3,
        )


class TestPasha(SchedulerContract):
    def make_scheduler(
        self, config_space: dict[str, Any], random_seed: int, mode: str
    ) -> TrialScheduler:
        return PASHA(
            config_space,
            "loss",
            "epoch",
            mode=mode,
            random_seed=random_seed,
            max_resource_attr="epochs",
        )
