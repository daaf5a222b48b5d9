"""Hyper-Tune's weights of levels, and what they do."""

from __future__ import annotations

from typing import Any

import dill
import numpy as np
import pytest

from synetune_lab.optimizer.baselines import HyperTune
from synetune_lab.testing.scheduler_contract import curve
from tests.optimizer.searchers.bayesopt.rung_helpers import SPACE, driver_of, quality, reasons_of

# Parameters are fitted seldom, as only weights matter.
SELDOM = {"opt_skip_init_length": 5, "opt_skip_period": 10, "num_init_candidates": 10}


def hypertune(options: Any = None, function: Any = curve, **kwargs: Any) -> Any:
    return driver_of(HyperTune, options, function, **kwargs)


def misleading(config: dict[str, Any], trial_id: int, resource: int) -> float:
    """The first levels say nothing of the last one."""
    if resource < 9:
        return float(np.sin(1e4 * config["dropout"]))
    return curve(config, trial_id, resource)


@pytest.mark.parametrize("model", ["gp_independent", "gp_multitask"])
@pytest.mark.parametrize("kind", ["stopping", "promotion"])
def test_it_chooses_better_than_chance(model: str, kind: str) -> None:
    driver = hypertune({"model": model}, type=kind)
    driver.run(90)
    reasons = reasons_of(driver)
    assert {reason["model"] for reason in reasons} == {model}
    assert quality(driver, 10, 30) < quality(driver, 0, 4)
    for reason in reasons:
        assert sum(reason["ensemble"].values()) == pytest.approx(1.0)
        assert {int(level) for level in reason["ensemble"]} <= {1, 3, 9}


def test_while_there_is_little_only_the_lowest_level_counts() -> None:
    driver = hypertune()
    driver.run(12)
    assert [reason["ensemble"] for reason in reasons_of(driver)][:1] == [{"1": 1.0}]


def test_levels_count_as_much_as_they_predict_the_highest() -> None:
    weights = []
    for function in (curve, misleading):
        driver = hypertune(SELDOM, function, type="promotion", reduction_factor=2, random_seed=3)
        driver.run(140)
        weights.append(driver.scheduler.searcher.ensemble_weights)
        assert sum(weights[-1].values()) == pytest.approx(1.0)
    # Where all levels tell the same, the lowest counts as the others; else the highest counts most.
    assert weights[0][1] > weights[1][1]
    assert weights[1][9] > weights[0][9]
    assert max(weights[1], key=lambda level: weights[1][level]) == 9


@pytest.mark.parametrize("brackets", [1, 2, 3])
def test_brackets_are_drawn_by_the_weights(brackets: int) -> None:
    driver = hypertune(brackets=brackets)
    searcher = driver.scheduler.searcher
    default = list(searcher.bracket_distribution())
    assert len(default) == brackets
    assert sum(default) == pytest.approx(1.0)
    driver.run(90)
    later = list(searcher.bracket_distribution())
    assert len(later) == brackets
    assert sum(later) == pytest.approx(1.0)
    assert min(later) >= 0.0
    # While one level has all the weight, its bracket is the only one.
    searcher.ensemble_weights = {1: 1.0, 3: 0.0, 9: 0.0}
    assert next(iter(searcher.bracket_distribution())) == pytest.approx(1.0)
    if brackets > 1:
        used = {entry[3]["bracket"] for entry in driver.log if entry[0] == "start"}
        assert used <= set(range(brackets))


def test_a_clone_from_a_state_goes_on_with_its_weights() -> None:
    driver = hypertune(brackets=2)
    driver.run(70)
    searcher = driver.scheduler.searcher
    other = dill.loads(dill.dumps(driver)).scheduler.searcher
    clone = other.clone_from_state(dill.loads(dill.dumps(searcher.get_state())))
    assert clone.ensemble_weights == searcher.ensemble_weights
    assert list(clone.bracket_distribution()) == list(searcher.bracket_distribution())
    for trial_id in range(100, 103):
        config = searcher.get_config(trial_id=str(trial_id))
        assert clone.get_config(trial_id=str(trial_id)) == config
    assert clone.explain_last() == searcher.explain_last()


def test_weights_are_made_of_what_was_observed_not_of_what_is_imagined() -> None:
    driver = hypertune()
    driver.run(60)
    searcher = driver.scheduler.searcher
    before = dict(searcher.ensemble_weights)
    for trial_id in range(100, 103):
        config = searcher.get_config(trial_id=str(trial_id))
        searcher.register_pending(str(trial_id), {**config, "epochs": 9}, 1)
    # Nothing new was observed since the first of them.
    weights = dict(searcher.ensemble_weights)
    searcher.get_config(trial_id="103")
    assert searcher.ensemble_weights == weights
    assert set(before) == set(weights)


def test_after_an_edit_it_goes_on() -> None:
    driver = hypertune(brackets=2)
    driver.run(50)
    narrow = {**SPACE, "units": 8}
    report = driver.scheduler.edit_space(narrow)
    assert report["dropped"] == 0
    before = len(driver.configs)
    driver.run(30)
    assert {driver.configs[i]["units"] for i in range(before, len(driver.configs))} == {8}
    assert reasons_of(driver)[-1]["num_data"] > 20
