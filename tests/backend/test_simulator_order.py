"""What a simulated run does not depend on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synetune_lab import StoppingCriterion, Tuner
from synetune_lab.backend.simulator_backend import SimulatorCallback, SimulatorConfig
from synetune_lab.blackbox_repository import UserBlackboxBackend
from synetune_lab.blackbox_repository.blackbox_tabular import BlackboxTabular
from synetune_lab.config_space import choice, randint
from synetune_lab.optimizer.baselines import ASHA, SyncHyperband
from synetune_lab.optimizer.schedulers import MedianStoppingRule

EPOCHS = 9
SPACE = {"a": choice(list(range(12))), "epochs": EPOCHS}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNETUNE_FOLDER", str(tmp_path))


def schedulers(seed: int) -> dict[str, Any]:
    common: dict[str, Any] = {
        "metric": "loss",
        "resource_attr": "epoch",
        "max_resource_attr": "epochs",
        "random_seed": seed,
    }
    return {
        "stopping": lambda: ASHA(SPACE, **common),
        "promotion": lambda: ASHA(SPACE, type="promotion", **common),
        "synchronous": lambda: SyncHyperband(SPACE, **common),
        "median": lambda: MedianStoppingRule(ASHA(SPACE, **common), "epoch", grace_population=2),
    }


def run(scheduler: Any, losses: np.ndarray, times: np.ndarray, order: list[int]) -> pd.DataFrame:
    values = np.stack([losses, np.cumsum(times, axis=1)], axis=2)[:, None]
    table = BlackboxTabular(
        hyperparameters=pd.DataFrame({"a": order}),
        configuration_space={"a": SPACE["a"]},
        fidelity_space={"epoch": randint(1, EPOCHS)},
        objectives_evaluations=values[order].astype(float),
        objectives_names=["loss", "time"],
    )
    tuner = Tuner(
        UserBlackboxBackend(
            table, "time", max_resource_attr="epochs",
            simulator_config=SimulatorConfig(0.0, 0.0, 0.0, 0.0, 0.0),
        ),
        scheduler,
        StoppingCriterion(max_num_trials_started=12),
        n_workers=4,
        callbacks=[SimulatorCallback()],
        save_tuner=False,
    )  # fmt: skip
    tuner.run(progress=False)
    frame = tuner.callbacks[0].dataframe()  # type: ignore[attr-defined]
    assert isinstance(frame, pd.DataFrame)
    return frame


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    data=st.data(),
    kind=st.sampled_from(["stopping", "promotion", "synchronous", "median"]),
    seed=st.integers(0, 50),
)
def test_equal_times_are_judged_alike_however_they_are_listed(
    data: st.DataObject, kind: str, seed: int
) -> None:
    """Many times are equal; who started first is told first, wherever it stands in the table."""
    state = np.random.RandomState(seed)
    losses = state.randint(0, 6, size=(12, EPOCHS)) / 6
    times = state.randint(1, 3, size=(12, EPOCHS))
    order = data.draw(st.permutations(list(range(12))))
    make = schedulers(seed)[kind]
    listed = run(make(), losses, times, list(range(12)))
    permuted = run(make(), losses, times, order)
    assert listed["st_tuner_time"].duplicated().any()
    pd.testing.assert_frame_equal(listed, permuted)


def test_of_equal_times_the_trial_that_started_first_is_first() -> None:
    times, losses = np.ones((12, EPOCHS)), np.zeros((12, EPOCHS))
    frame = run(schedulers(0)["stopping"](), losses, times, list(range(12)))
    for _, rows in frame.groupby("st_tuner_time"):
        assert rows["trial_id"].is_monotonic_increasing
