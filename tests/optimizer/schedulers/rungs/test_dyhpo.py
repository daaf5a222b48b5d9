"""DyHPO's rung system with a searcher that scores in a simple way."""

from __future__ import annotations

from typing import Any

import pytest

from synetune_lab.errors import SchedulerError
from synetune_lab.optimizer.schedulers import HyperbandScheduler
from synetune_lab.optimizer.schedulers.rungs.dyhpo import ScheduleDecision
from synetune_lab.optimizer.schedulers.searchers.random_searcher import RandomSearcher
from synetune_lab.testing.scheduler_contract import SchedulerContract


class Scoring(RandomSearcher):
    """Promotes the waiting trial with the least even number; else starts a new one."""

    def score_paused_trials_and_new_configs(
        self, paused_trials: list[tuple[str, int, int]], min_resource: int, new_trial_id: str
    ) -> dict[str, Any]:
        assert min_resource == 1
        assert int(new_trial_id) >= 0
        even = [trial for trial, level, after in paused_trials if int(trial) % 2 == 0]
        if even:
            return {"trial_id": min(even, key=int)}
        return {"config": self._get_random_config()}

    def get_config(self, trial_id: str | None = None, **kwargs: Any) -> Any:
        given = kwargs.pop("new_configuration", None)
        return given or super().get_config(trial_id=trial_id, **kwargs)


def make(config_space: Any, random_seed: int = 1, mode: str = "min", **kwargs: Any) -> Any:
    return HyperbandScheduler(
        config_space,
        metric="loss",
        mode=mode,
        searcher=Scoring(config_space, "loss", mode=mode, random_seed=random_seed),
        type="dyhpo",
        random_seed=random_seed,
        max_resource_attr="epochs",
        rung_increment=1,
        **kwargs,
    )


class TestDyHPO(SchedulerContract):
    def make_scheduler(self, config_space: Any, random_seed: int, mode: str) -> Any:
        return make(config_space, random_seed, mode)


def test_all_ways_to_use_a_worker_are_recorded() -> None:
    contract = TestDyHPO()
    driver = contract.make_driver()
    driver.run(400)
    (system,) = driver.scheduler.rung_systems  # type: ignore[attr-defined]
    kinds = {decision for _, _, decision in system.schedule_records}
    assert kinds == {
        ScheduleDecision.PROMOTE_SH,
        ScheduleDecision.PROMOTE_DYHPO,
        ScheduleDecision.START_DYHPO,
    }


def test_a_searcher_that_does_not_score_is_refused() -> None:
    space = TestDyHPO().config_space
    with pytest.raises(SchedulerError, match="RandomSearcher does not"):
        HyperbandScheduler(
            space, metric="loss", type="dyhpo", max_resource_attr="epochs", random_seed=1
        )
    with pytest.raises(SchedulerError, match="probability_sh"):
        make(space, rung_system_kwargs={"probability_sh": 2.0})
