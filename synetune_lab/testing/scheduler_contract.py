"""What every scheduler has to hold to, as a pytest suite."""

from __future__ import annotations

# ruff: noqa: D102 - the name of a test says what it promises
import json
import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import dill
import pytest

from synetune_lab.config_space import loguniform, randint, uniform, validate_config
from synetune_lab.errors import InvalidReportError, SchedulerError
from synetune_lab.testing.scheduler_driver import Mishaps, SchedulerDriver

if TYPE_CHECKING:
    from synetune_lab.optimizer.scheduler import TrialScheduler

__all__ = ["SchedulerContract", "curve"]

_MISHAPS = Mishaps(fails=0.02, completes=0.02, user_stops=0.02, user_pauses=0.03, repeats=0.03)


def curve(config: dict[str, Any], trial_id: int, resource: int) -> float:
    """A learning curve that falls to a level that depends on the configuration."""
    level = abs(math.log10(config["lr"]) + 3) + 0.02 * config["units"] + 0.001 * (trial_id % 7)
    return float(level) + 2.0 / resource


class SchedulerContract(ABC):
    """Subclass it as `Test...` and make your scheduler, to have it tested.

    Attributes:
        edits_space: Whether the scheduler can take another space during a run.
        adds_hyperparameters: Whether such a space may have more hyperparameters.
        n_steps: How long each run is.
    """

    edits_space = True
    adds_hyperparameters = True
    n_steps = 400

    @abstractmethod
    def make_scheduler(
        self, config_space: dict[str, Any], random_seed: int, mode: str
    ) -> TrialScheduler:
        """A new scheduler for the metric `loss` and the resource `epoch`."""

    @property
    def config_space(self) -> dict[str, Any]:
        """The space that it is tested on; the maximum resource is 27."""
        return {
            "lr": loguniform(1e-6, 1.0),
            "units": randint(1, 64),
            "dropout": uniform(0.0, 0.9),
            "epochs": 27,
        }

    def make_driver(
        self, random_seed: int = 7, mode: str = "min", **kwargs: Any
    ) -> SchedulerDriver:
        """A new experiment with a new scheduler."""
        scheduler = self.make_scheduler(self.config_space, random_seed, mode)
        return SchedulerDriver(scheduler, curve, **kwargs)

    def test_suggests_configurations_of_the_space(self) -> None:
        driver = self.make_driver()
        driver.run(self.n_steps)
        assert driver.configs
        for config in driver.configs.values():
            # The maximum resource may have been set to a milestone.
            assert 1 <= config["epochs"] <= 27
            validate_config({**config, "epochs": 27}, self.config_space)

    def test_the_same_seed_gives_the_same_decisions(self) -> None:
        logs = [self.make_driver(mishaps=_MISHAPS).run(self.n_steps) for _ in range(2)]
        assert logs[0] == logs[1]

    def test_another_seed_gives_other_configurations(self) -> None:
        first, second = (self.make_driver(random_seed=seed) for seed in (1, 2))
        first.run(self.n_steps)
        second.run(self.n_steps)
        assert first.configs != second.configs

    def test_saved_in_the_middle_it_decides_as_if_nothing_had_happened(self) -> None:
        driver = self.make_driver(mishaps=_MISHAPS)
        uninterrupted = self.make_driver(mishaps=_MISHAPS)
        for _ in range(4):
            driver.run(self.n_steps // 4)
            driver = dill.loads(dill.dumps(driver))
        assert driver.log == uninterrupted.run(4 * (self.n_steps // 4))

    @pytest.mark.parametrize("report_every", [1, 2, 4])
    def test_takes_all_that_happens_to_trials(self, report_every: int) -> None:
        # The driver checks each answer: that who is resumed waits, that reasons are JSON, ...
        driver = self.make_driver(mishaps=_MISHAPS, report_every=report_every)
        log = driver.run(3 * self.n_steps)
        assert {entry[0] for entry in log} >= {"start", "report", "fails", "user_pauses", "repeats"}

    def test_a_suggestion_has_a_reason(self) -> None:
        log = self.make_driver().run(self.n_steps)
        reasons = [entry[3] for entry in log if entry[0] in ("start", "resume")]
        assert reasons
        assert all(reason is not None and reason["kind"] for reason in reasons)

    def test_describes_itself_as_json(self) -> None:
        scheduler = self.make_driver().scheduler
        description = json.loads(json.dumps(scheduler.describe(), allow_nan=False))
        assert description["name"] == type(scheduler).__name__
        assert description["metric_names"] == scheduler.metric_names()
        assert description["metric_mode"] == ["min"]
        assert scheduler.metadata()["scheduler_name"] == type(scheduler).__name__

    def test_only_pauses_trials_if_it_says_so(self) -> None:
        driver = self.make_driver(mishaps=_MISHAPS)
        decisions = {entry[3] for entry in driver.run(2 * self.n_steps) if entry[0] == "report"}
        if not driver.scheduler.describe().get("pauses_trials", False):
            assert "PAUSE" not in decisions

    @pytest.mark.parametrize("result", [{}, {"epoch": 1}, {"epoch": 1, "loss": "0.3"}])
    def test_refuses_a_report_without_the_metric_and_goes_on(self, result: dict[str, Any]) -> None:
        driver, undisturbed = self.make_driver(n_workers=1), self.make_driver(n_workers=1)
        driver.run(1)
        with pytest.raises(InvalidReportError, match=r"trial 0 .*(loss|epoch)"):
            driver.scheduler.on_trial_result(driver.trial(0), result)
        assert driver.run(self.n_steps) == undisturbed.run(self.n_steps + 1)

    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
    def test_takes_metrics_that_are_not_finite(self, value: float) -> None:
        driver = self.make_driver()
        usual = driver.value
        driver.value = lambda config, trial_id, resource: (
            value if trial_id % 3 == 0 else usual(config, trial_id, resource)
        )
        assert len(driver.run(self.n_steps)) > self.n_steps // 2

    @pytest.mark.parametrize("mode", ["min", "max"])
    def test_both_modes_decide_alike_on_mirrored_values(self, mode: str) -> None:
        mirrored = self.make_driver(mode=mode)
        if mode == "max":
            mirrored.value = lambda *args: -curve(*args)
        plain = self.make_driver().run(self.n_steps)
        log = mirrored.run(self.n_steps)
        assert [entry[:2] for entry in log] == [entry[:2] for entry in plain]
        assert [e[3] for e in log if e[0] == "report"] == [e[3] for e in plain if e[0] == "report"]

    def test_another_space_holds_from_the_next_new_trial(self) -> None:
        driver = self.make_driver()
        driver.run(self.n_steps // 2)
        narrow = {**self.config_space, "lr": loguniform(1e-4, 1e-3)}
        if not self.edits_space:
            with pytest.raises(SchedulerError):
                driver.scheduler.edit_space(narrow)
            return
        before = len(driver.configs)
        report = driver.scheduler.edit_space(narrow)
        json.dumps(report, allow_nan=False)
        driver.run(self.n_steps)
        new = [config for trial_id, config in driver.configs.items() if trial_id >= before]
        assert new
        assert all(1e-4 <= config["lr"] <= 1e-3 for config in new)

    @pytest.mark.parametrize("first", ["as a constant", "with a default"])
    def test_trials_go_on_while_a_hyperparameter_is_added(self, first: str) -> None:
        driver = self.make_driver()
        driver.run(self.n_steps // 2)
        wider = {**self.config_space, "decay": uniform(0.0, 1.0)}
        if not self.edits_space or not self.adds_hyperparameters:
            with pytest.raises(SchedulerError):
                driver.scheduler.edit_space(wider, {"decay": 0.5})
            return
        before = len(driver.configs)
        if first == "as a constant":
            driver.scheduler.edit_space({**self.config_space, "decay": 0.5})
            driver.scheduler.edit_space(wider)
        else:
            driver.scheduler.edit_space(wider, {"decay": 0.5})
        driver.run(2 * self.n_steps)
        new = [config for trial_id, config in driver.configs.items() if trial_id >= before]
        assert any(0.0 <= config.get("decay", -1.0) <= 1.0 for config in new)

    def test_a_refused_space_changes_nothing(self) -> None:
        driver, undisturbed = self.make_driver(), self.make_driver()
        driver.run(self.n_steps // 2)
        with pytest.raises(ValueError, match="lr"):
            driver.scheduler.edit_space({**self.config_space, "lr": math.log})
        assert driver.run(self.n_steps) == undisturbed.run(self.n_steps + self.n_steps // 2)
