"""A simulated run in JupyterLab: its speed and single steps, from the panel."""

from __future__ import annotations

from typing import Any

from tests.browser.lab import wait_until

SETUP = """
from synetune_lab import StoppingCriterion, Tuner
from synetune_lab.blackbox_repository import BlackboxRepositoryBackend
from synetune_lab.optimizer.baselines import ASHA

backend = BlackboxRepositoryBackend(
    "digits-mlp",
    elapsed_time_attr="metric_elapsed_time",
    max_resource_attr="epochs",
    surrogate="KNeighborsRegressor",
    surrogate_kwargs={"n_neighbors": 1},
    speed=2.0,
)
space = backend.blackbox.configuration_space_with_max_resource_attr("epochs")
tuner = Tuner(
    backend,
    ASHA(space, "metric_valid_error", "epoch", max_resource_attr="epochs", random_seed=1),
    StoppingCriterion(max_wallclock_time=40),
    n_workers=4,
)
tuner.start()
tuner
"""


def printed(lab: Any) -> int:
    """What the second cell has printed."""
    return int("".join(lab.outputs(1)[0]["text"]))


def test_a_simulated_run_is_slowed_down_stopped_and_stepped(open_lab: Any) -> None:
    lab = open_lab("simulated", SETUP, "print(tuner.tuning_status.num_reports)")
    lab.run(0)
    panel = lab.panel(0)
    panel.wait_live()
    wait_until(lab.page, lambda: panel.text("best-value") != "–", "best value")
    speed = panel.button("set-speed")
    assert speed.input_value() == "2"
    panel.shoot("simulated")
    speed.select_option("0")
    wait_until(lab.page, lambda: panel.button("step").is_enabled(), "a run that stands still")
    lab.page.wait_for_timeout(300)
    before = panel.text("counts"), panel.text("best-value")
    lab.run(1)
    still = printed(lab)
    for _ in range(6):
        panel.click("step")
        wait_until(lab.page, lambda: panel.button("step").is_enabled(), "the step taken")
    lab.page.wait_for_timeout(300)
    lab.run(1)
    assert still < printed(lab) <= still + 6, before
    speed.select_option("max")
    panel.wait_state("Finished")
    panel.shoot("simulated-finished")
