"""Early removal of checkpoints: the estimate, and that a limit is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synetune_lab import StoppingCriterion, Tuner
from synetune_lab.blackbox_repository import UserBlackboxBackend, add_surrogate
from synetune_lab.callbacks.hyperband_remove_checkpoints_callback import (
    HyperbandRemoveCheckpointsBaselineCallback,
    HyperbandRemoveCheckpointsCallback,
    HyperbandRemoveCheckpointsCommon,
)
from synetune_lab.callbacks.hyperband_remove_checkpoints_score import (
    BetaBinomialEstimator,
    compute_probabilities_of_getting_resumed,
)
from synetune_lab.config_space import choice, uniform
from synetune_lab.errors import SchedulerError
from synetune_lab.optimizer.baselines import ASHA
from synetune_lab.optimizer.schedulers import MedianStoppingRule
from tests.blackbox_repository.tables import small_table


def test_the_estimator_is_conjugate() -> None:
    estimator = BetaBinomialEstimator(0.33, 2)
    assert estimator.posterior_mean() == pytest.approx(0.33)
    estimator.update([1, 1, 1, 0, 0, 0, 0, 0])
    assert estimator.posterior_mean() == pytest.approx((0.66 + 3) / 10)


def simulated(rank: int, size: int, quantile: float, p: float, ratio: float) -> float:
    state = np.random.RandomState(0)
    arrivals = round(size * ratio)
    hits = 0
    for _ in range(4000):
        better = np.cumsum(state.uniform(size=arrivals) < p)
        entries = size + np.arange(1, arrivals + 1)
        hits += rank <= quantile * size or bool(np.any(rank + better <= quantile * entries))
    return hits / 4000


@pytest.mark.parametrize(
    ("rank", "size", "p", "ratio"),
    [(3, 6, 0.2, 2.0), (5, 9, 0.3, 1.0), (4, 12, 0.05, 0.5), (10, 30, 0.33, 2.0), (2, 9, 0.9, 1.0)],
)
def test_chances_agree_with_simulation(rank: int, size: int, p: float, ratio: float) -> None:
    found = compute_probabilities_of_getting_resumed([rank], [size], [1 / 3], [p], ratio, 200)
    assert found[0] == pytest.approx(simulated(rank, size, 1 / 3, p, ratio), abs=0.03)
    coarse = compute_probabilities_of_getting_resumed([rank], [size], [1 / 3], [p], ratio, 25)
    assert coarse[0] == pytest.approx(found[0], abs=0.1)


def test_chances_fall_with_the_rank_and_rise_with_the_time_left() -> None:
    ranks = list(range(1, 20))
    same = [20] * 19, [1 / 3] * 19, [0.3] * 19
    short = compute_probabilities_of_getting_resumed(ranks, *same, time_ratio=0.2)
    long = compute_probabilities_of_getting_resumed(ranks, *same, time_ratio=3.0)
    assert (np.diff(short) <= 1e-9).all()
    assert (long >= short - 1e-9).all()
    assert short[0] == 1.0
    assert (compute_probabilities_of_getting_resumed(ranks, *same, time_ratio=0.0) <= 1).all()


class _Failing(UserBlackboxBackend):
    """Every other trial fails after its first report."""

    def _course_of(self, trial_id: int, config: Any, level: int) -> Any:
        course = super()._course_of(trial_id, config, level)
        if trial_id % 2:
            course.error = "out of memory"
        return course


def run(
    limit: int,
    around: Any = lambda scheduler: scheduler,
    backend: type[UserBlackboxBackend] = UserBlackboxBackend,
    **kwargs: Any,
) -> tuple[Tuner, HyperbandRemoveCheckpointsCommon]:
    box = add_surrogate(
        small_table(), configuration_space={"a": uniform(1, 3), "b": choice(["x", "y"])}
    )
    space = box.configuration_space_with_max_resource_attr("epochs")
    scheduler = ASHA(
        space,
        "metric_loss",
        "epoch",
        type="promotion",
        max_resource_attr="epochs",
        random_seed=1,
        early_checkpoint_removal_kwargs={"max_num_checkpoints": limit, **kwargs},
    )
    tuner = Tuner(
        backend(box, "metric_time", max_resource_attr="epochs", delete_checkpoints=True),
        around(scheduler),
        StoppingCriterion(max_wallclock_time=3000),
        n_workers=4,
        save_tuner=False,
        max_failures=10**6,
    )
    tuner.run(progress=False)
    (callback,) = [c for c in tuner.callbacks if isinstance(c, HyperbandRemoveCheckpointsCommon)]
    return tuner, callback


@pytest.mark.parametrize("baseline", [None, "random", "by_level"])
def test_a_limit_is_kept(
    baseline: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNETUNE_FOLDER", str(tmp_path))
    tuner, callback = run(10, baseline=baseline)
    assert tuner.tuning_status.num_trials_started > 30
    assert callback.num_checkpoints_removed > 10
    kept = len(callback._paused) + len(callback._running)
    assert kept <= 10
    frame = tuner.callbacks[0].dataframe()  # type: ignore[attr-defined]
    from_scratch = {i for i, rows in frame.groupby("trial_id") if (rows.epoch.diff() < 0).any()}
    # A trial that was resumed without its checkpoint started from scratch, and only such a one.
    assert from_scratch <= {
        trial_id for trial_id, _ in callback.trials_resumed_without_checkpoint()
    }
    assert set(callback.extra_results()) == set(callback.extra_results_keys())


def test_the_estimate_removes_better_than_chance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNETUNE_FOLDER", str(tmp_path))
    lost = {}
    for baseline in (None, "random"):
        _, callback = run(8, baseline=baseline)
        lost[baseline] = callback.extra_results()["cost_of_resuming_without_checkpoint"]
    assert lost[None] <= lost["random"]


def test_a_limit_below_the_number_of_workers_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNETUNE_FOLDER", str(tmp_path))
    with pytest.raises(SchedulerError, match="max_num_checkpoints=3 must exceed"):
        run(3)


def test_it_works_inside_of_another_scheduler(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNETUNE_FOLDER", str(tmp_path))
    _, callback = run(10, lambda inner: MedianStoppingRule(inner, "epoch", grace_time=2))
    assert isinstance(callback, HyperbandRemoveCheckpointsCallback)
    assert callback.num_checkpoints_removed > 0
    assert len(callback._paused) + len(callback._running) <= 10


def test_it_takes_the_documented_arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNETUNE_FOLDER", str(tmp_path))
    common: dict[str, Any] = {
        "max_num_checkpoints": 6,
        "max_wallclock_time": 100,
        "metric": "metric_loss",
        "resource_attr": "epoch",
        "mode": "min",
    }
    assert HyperbandRemoveCheckpointsCallback(**common, prior_beta_mean=0.4).approx_steps == 25
    assert HyperbandRemoveCheckpointsBaselineCallback(**common).baseline == "by_level"
    with pytest.raises(SchedulerError, match="baseline='best' must be"):
        HyperbandRemoveCheckpointsBaselineCallback(**common, baseline="best")
    with pytest.raises(SchedulerError, match="max_wallclock_time='x' must be a number"):
        run(10, max_wallclock_time="x")


def test_trials_that_failed_need_no_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNETUNE_FOLDER", str(tmp_path))
    tuner, callback = run(10, backend=_Failing)
    assert tuner.tuning_status.num_trials_failed > 10
    assert len(callback._running) <= 4
    assert len(callback._paused) >= 4
