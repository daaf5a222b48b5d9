"""Who goes on at a rung, who pauses or stops, and why."""

from __future__ import annotations

import math
import random

import dill
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synetune_lab.testing.scheduler_driver import Mishaps, SchedulerDriver
from tests.optimizer.schedulers.hyperband_helpers import SPACE, Hand

LOSSES = st.lists(st.floats(0, 10).map(lambda x: round(x, 2)), min_size=1, max_size=30)


@pytest.mark.parametrize("mode", ["min", "max"])
def test_stopping_compares_with_all_before_and_itself(mode: str) -> None:
    sign = 1 if mode == "min" else -1
    hand = Hand(type="stopping", mode=mode)
    losses = [sign * loss for loss in (1, 2, 0.5, 0.7, 0.4, 0.45, 3)]
    decisions = hand.start_and_report(losses)
    # Third: 0.5 of (0.5, 1, 2). Fourth: cutoff 0.7 of (0.5, 0.7, 1, 2) at position 1.
    # Sixth: of six values the cutoff lies two thirds of the way from 0.45 to 0.5.
    assert decisions == ["CONTINUE", "STOP", *["CONTINUE"] * 4, "STOP"]
    assert hand.scheduler.reason() == {
        "kind": "rung",
        "bracket": 0,
        "level": 1,
        "goes_on": False,
        "value": sign * 3,
        "cutoff": sign * 0.5,
        "rank": 7,
        "size": 7,
    }


@given(losses=LOSSES)
def test_stopping_is_the_quantile_rule(losses: list[float]) -> None:
    decisions = Hand(type="stopping").start_and_report(losses)
    for count in range(2, len(losses) + 1):
        cutoff = float(np.quantile(losses[:count], 1 / 3))
        loss = losses[count - 1]
        if abs(loss - cutoff) > 1e-9:
            assert decisions[count - 1] == ("CONTINUE" if loss < cutoff else "STOP")
    assert decisions[0] == "CONTINUE"


def test_a_trial_that_goes_on_is_judged_again_at_each_level_and_stops_at_the_maximum() -> None:
    hand = Hand(type="stopping")
    hand.suggest()
    for epoch in range(1, 81):
        assert hand.report(0, epoch, 1.0) == "CONTINUE"
        reason = hand.scheduler.reason()
        if epoch in (1, 3, 9, 27):
            assert reason is not None
            assert (reason["kind"], reason["level"], reason["cutoff"]) == ("rung", epoch, None)
        else:
            assert reason is None
    assert hand.report(0, 81, 1.0) == "STOP"
    assert hand.scheduler.reason() == {
        "kind": "max_resource", "bracket": 0, "level": 81, "value": 1.0, "ends_by_itself": True
    }  # fmt: skip


def test_promotion_pauses_everybody_and_resumes_the_best_third() -> None:
    hand = Hand()
    suggestion = hand.suggest()
    assert suggestion is not None
    assert suggestion.config is not None
    assert suggestion.config["epochs"] == 1
    assert hand.report(0, 1, 5.0) == "PAUSE"
    # One entry alone is never promoted.
    assert hand.resumed() is None
    assert hand.report(1, 1, 4.0) == "PAUSE"
    suggestion = hand.suggest()
    assert suggestion is not None
    assert (suggestion.spawn_new_trial_id, suggestion.checkpoint_trial_id) == (False, 1)
    assert suggestion.config == {**hand.trials[1].config, "epochs": 3}
    assert hand.scheduler.reason() == {
        "kind": "promoted",
        "bracket": 0,
        "level": 1,
        "to_level": 3,
        "value": 4.0,
        "cutoff": pytest.approx(4 + 1 / 3),
        "rank": 1,
        "size": 2,
    }
    # Promoted entries count: of two, only the better one goes on.
    assert hand.resumed() is None


def test_promotion_looks_at_the_highest_rung_first() -> None:
    hand = Hand()
    hand.start_and_report([5.0, 4.0, 3.0, 2.0, 1.0, 0.5, 0.4])
    climbed = [hand.resumed() for _ in range(3)]
    assert climbed == [6, 5, 4]  # of seven, position 2 is the cutoff
    assert hand.report(6, 3, 0.4) == "PAUSE"
    assert hand.report(5, 3, 0.3) == "PAUSE"
    assert hand.resumed() == 5
    assert hand.scheduler.reason()["level"] == 3  # type: ignore[index]
    assert hand.scheduler.reason()["to_level"] == 9  # type: ignore[index]


def test_a_promoted_trial_climbs_to_the_maximum() -> None:
    hand = Hand(rung_levels=[1, 2], max_t=4)
    hand.start_and_report([1.0, 2.0, 3.0])
    assert hand.resumed() == 0
    assert hand.report(0, 2, 1.0) == "PAUSE"
    assert hand.resumed() == 1  # the cutoff is the value in the middle
    assert hand.report(1, 2, 2.0) == "PAUSE"
    suggestion = hand.suggest()
    assert suggestion is not None
    assert suggestion.checkpoint_trial_id == 0
    assert suggestion.config is not None
    assert suggestion.config["epochs"] == 4
    assert hand.report(0, 3, 1.0) == "CONTINUE"
    assert hand.report(0, 4, 1.0) == "STOP"


def test_without_max_resource_attr_configurations_stay_as_they_are() -> None:
    hand = Hand(max_resource_attr=None, max_t=81)
    hand.start_and_report([1.0, 2.0])
    assert hand.trials[0].config["epochs"] == 81
    suggestion = hand.suggest()
    assert suggestion is not None
    assert (suggestion.checkpoint_trial_id, suggestion.config) == (0, None)


@pytest.mark.parametrize("type_", ["stopping", "promotion"])
def test_nan_is_stopped_and_never_promoted(type_: str) -> None:
    hand = Hand(type=type_)
    assert hand.start_and_report([math.nan, math.nan, 1.0])[:2] == ["STOP", "STOP"]
    reason = hand.scheduler.reason()
    assert reason is not None
    assert (reason["rank"], reason["size"]) == (1, 3)
    if type_ == "promotion":
        assert hand.resumed() == 2
        assert hand.resumed() is None


def test_infinite_values_are_ranked() -> None:
    hand = Hand(type="stopping")
    losses = [math.inf, 1.0, -math.inf, math.inf]
    assert hand.start_and_report(losses) == ["CONTINUE", "CONTINUE", "CONTINUE", "STOP"]
    assert hand.scheduler.reason()["value"] is None  # type: ignore[index] # JSON has no infinity


@pytest.mark.parametrize("type_", ["stopping", "promotion"])
@given(seed=st.integers(0, 10_000), brackets=st.integers(1, 4), per_bracket=st.booleans())
def test_whoever_goes_on_was_among_the_best_and_goes_on_once(
    type_: str, seed: int, brackets: int, per_bracket: bool
) -> None:
    hand = Hand(type=type_, brackets=brackets, rung_system_per_bracket=per_bracket)
    driver = SchedulerDriver(
        hand.scheduler,
        lambda config, trial_id, resource: round(random.Random(trial_id + resource).random(), 2),
        max_resource=81,
        seed=seed,
        mishaps=Mishaps(user_stops=0.02, user_pauses=0.02, repeats=0.02),
    )
    entries: dict[tuple[int, int], dict[int, float]] = {}
    promoted: set[tuple[int, int, int]] = set()
    for entry in driver.run(400):
        if entry[0] == "report" and (entry[4] or {}).get("kind") == "rung":
            _, trial_id, result, decision, reason = entry
            rung = entries.setdefault((reason["bracket"], reason["level"]), {})
            assert trial_id not in rung, "a trial enters a rung once"
            rung[trial_id] = result["loss"]
            assert reason["goes_on"] == (decision == "CONTINUE")
            if reason["goes_on"]:
                _check_among_best(rung, reason)
        elif entry[0] == "resume":
            _, trial_id, _, reason = entry
            key = (reason["bracket"], reason["level"], trial_id)
            assert key not in promoted, "a trial is promoted from a rung once"
            promoted.add(key)
            _check_among_best(entries[key[:2]], reason)


def _check_among_best(rung: dict[int, float], reason: dict[str, float]) -> None:
    values = list(rung.values())
    assert reason["size"] == len(values)
    assert reason["rank"] == 1 + sum(value < reason["value"] for value in values)
    if len(values) > 1:
        quantile = {1: 1 / 3, 3: 1 / 3, 9: 1 / 3, 27: 1 / 3}[int(reason["level"])]
        assert reason["value"] <= np.quantile(values, quantile) + 1e-9
        assert reason["cutoff"] == pytest.approx(np.quantile(values, quantile))


def test_a_saved_scheduler_of_a_thousand_trials_goes_on_alike() -> None:
    hand = Hand(config_space={**SPACE, "epochs": 27})
    losses = random.Random(5)
    for _ in range(1000):
        suggestion = hand.suggest()
        assert suggestion is not None
        if suggestion.spawn_new_trial_id:
            hand.report(len(hand.trials) - 1, 1, losses.random())
    copy = dill.loads(dill.dumps(hand))
    for _ in range(200):
        first, second = hand.suggest(), copy.suggest()
        assert first == second
        assert hand.scheduler.reason() == copy.scheduler.reason()
        if first is not None and first.spawn_new_trial_id:
            loss = losses.random()
            trial_id = len(hand.trials) - 1
            assert hand.report(trial_id, 1, loss) == copy.report(trial_id, 1, loss)
