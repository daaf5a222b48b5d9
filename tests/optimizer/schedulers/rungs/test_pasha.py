"""PASHA: when the maximum resource grows, against a plain reading of the rule."""

from __future__ import annotations

import pickle
import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synetune_lab.optimizer.schedulers.rungs.pasha import PASHARungSystem
from synetune_lab.optimizer.schedulers.rungs.ranking_noise import RankingNoise, largest_shift
from tests.optimizer.schedulers.hyperband_helpers import Hand

Curves = dict[int, dict[int, float]]


def noisy_distances(curves: Curves, above: int, up_to: int) -> list[float]:
    """Distances of all noisy pairs, pair by pair, as the rule says it."""
    found = []
    for one in curves:
        for two in curves:
            if one >= two:
                continue
            both = sorted(set(curves[one]) & set(curves[two]))
            counted = [r for r in both if above < r <= up_to]
            if not counted:
                continue
            at = counted[-1]
            order = [np.sign(curves[one][r] - curves[two][r]) for r in both if r <= at]
            turned, back = False, False
            for sign in reversed(order[:-1]):
                if sign == -order[-1] and sign != 0:
                    turned = True
                elif turned and sign == order[-1]:
                    back = True
            if back:
                found.append(abs(curves[one][at] - curves[two][at]))
    return sorted(found)


def percentile(distances: list[float]) -> float | None:
    return float(np.percentile(distances, 90)) if distances else None


values = st.sampled_from([0.1, 0.2, 0.3, 0.4, 0.5])


@settings(max_examples=60)
@given(lengths=st.lists(st.integers(1, 9), min_size=2, max_size=8), data=st.data())
def test_noisy_pairs_are_those_whose_order_turns_over_and_back(
    lengths: list[int], data: Any
) -> None:
    curves: Curves = {trial_id: {} for trial_id in range(len(lengths))}
    noise = RankingNoise(above=3, up_to=8)
    left = dict(enumerate(lengths))
    last: float | None = None
    while left:
        trial_id = data.draw(st.sampled_from(sorted(left)))
        resource = lengths[trial_id] - left[trial_id] + 1
        curves[trial_id][resource] = data.draw(values)
        left[trial_id] -= 1
        if not left[trial_id]:
            del left[trial_id]
        if resource > 3:
            noise.report(trial_id, resource, curves[trial_id])
            # Only trials that came so far are in the zone; nothing before counts.
            zone = {i: c for i, c in curves.items() if max(c, default=0) > 3}
            last = same_percentile(noise, noisy_distances(zone, 3, 8), last)
    again = RankingNoise(above=3, up_to=8)
    again.add({i: c for i, c in curves.items() if max(c) > 3})
    zone = {i: c for i, c in curves.items() if max(c) > 3}
    if noisy_distances(zone, 3, 8):
        assert again.percentile() == noise.percentile()
    noise.forget(1)
    zone.pop(1, None)
    same_percentile(noise, noisy_distances(zone, 3, 8), last)


def same_percentile(
    noise: RankingNoise, distances: list[float], last: float | None
) -> float | None:
    """Without noisy pairs the last value stays."""
    expected = percentile(distances) if distances else last
    assert noise.percentile() == (None if expected is None else pytest.approx(expected))
    return expected


def test_shifts_are_measured_place_by_place() -> None:
    below = {0: 0.1, 1: 0.2, 2: 0.4}
    assert largest_shift([0, 1, 2], [0, 1, 2], below) == 0.0
    assert largest_shift([1, 0, 2], [0, 1, 2], below) == pytest.approx(0.1)
    assert largest_shift([2, 1, 0], [0, 1, 2], below) == pytest.approx(0.3)
    infinite = {0: float("inf"), 1: float("inf")}
    assert largest_shift([1, 0], [0, 1], infinite) == 0.0


def system(hand: Hand) -> PASHARungSystem:
    (found,) = hand.scheduler.rung_systems
    assert isinstance(found, PASHARungSystem)
    return found


class Trained(Hand):
    """Trials with given curves, one epoch a report, one worker.

    Attributes:
        epochs: How far each trial came.
    """

    def __init__(self, curves: list[list[float]], **kwargs: Any) -> None:
        super().__init__(type="pasha", **kwargs)
        self.curves = curves
        self.epochs: dict[int, int] = {}

    def train(self, n: int | None = None) -> None:
        """Start so many trials (all by default), and resume those that are promoted."""
        wanted = len(self.curves) if n is None else len(self.trials) + n
        while len(self.trials) < wanted:
            suggestion = self.suggest()
            assert suggestion is not None
            new = suggestion.spawn_new_trial_id
            trial_id = len(self.trials) - 1 if new else suggestion.checkpoint_trial_id
            assert trial_id is not None
            self._go_on(trial_id)

    def _go_on(self, trial_id: int) -> None:
        decision = "CONTINUE"
        while decision == "CONTINUE":
            epoch = self.epochs[trial_id] = self.epochs.get(trial_id, 0) + 1
            decision = self.report(trial_id, epoch, self.curves[trial_id][epoch - 1])


def make_curves(n: int, noise: float, seed: int = 0) -> list[list[float]]:
    draw = random.Random(seed)
    levels = [draw.random() for _ in range(n)]
    return [
        [level + 1 / epoch + noise * draw.gauss(0, 1) for epoch in range(1, 82)] for level in levels
    ]


def test_while_rankings_agree_trials_go_no_further_than_the_second_rung() -> None:
    hand = Trained(make_curves(60, noise=0.0))
    hand.train()
    assert system(hand).current_max_t == 3
    assert max(hand.epochs.values()) == 3
    assert system(hand).epsilon == 0.0


def test_where_rankings_disagree_the_maximum_grows_to_the_largest() -> None:
    draw = random.Random(1)
    # Later rungs say the opposite of earlier ones.
    curves = [
        [(level if epoch % 4 < 2 else 1 - level) + draw.random() * 1e-3 for epoch in range(1, 82)]
        for level in (draw.random() for _ in range(200))
    ]
    hand = Trained(curves)
    hand.train()
    assert system(hand).current_max_t == 81
    assert max(hand.epochs.values()) > 3


def test_differences_within_the_noise_do_not_raise_the_maximum() -> None:
    quiet, strict = Hand(type="pasha"), Hand(type="pasha")
    for hand in (quiet, strict):
        for _ in range(4):
            hand.suggest()
    curves = [[0.50, 0.52, 0.50], [0.51, 0.50, 0.51], [0.9, 0.9, 0.9], [0.95, 0.95, 0.95]]
    for hand in (quiet, strict):
        for trial_id in range(4):
            hand.report(trial_id, 1, curves[trial_id][0])
        assert hand.resumed() == 0
    # Order of 0 and 1: turns over at epoch 2, and back at epoch 3.
    one = system(quiet)
    one.on_task_report(1, 2, {"loss": 0.50})
    quiet.report(0, 2, 0.52)
    quiet.report(0, 3, 0.50)
    one.on_task_report(1, 3, {"loss": 0.51})
    assert one.epsilon == pytest.approx(0.01)


def test_a_failed_trial_does_not_count() -> None:
    hand = Trained(make_curves(30, noise=0.2, seed=3))
    hand.train()
    for trial in hand.trials.values():
        hand.scheduler.on_trial_error(trial)
    assert all(len(rung) == 0 for rung in system(hand).rungs)


def test_saved_in_the_middle_it_goes_on_alike() -> None:
    curves = make_curves(80, noise=0.05, seed=5)
    whole, half = Trained(curves), Trained(curves)
    whole.train()
    half.train(40)
    other = pickle.loads(pickle.dumps(half))
    other.train(40)
    assert other.epochs == whole.epochs
    assert system(other).epsilon == system(whole).epsilon
    assert system(other).current_max_t == system(whole).current_max_t


def test_with_one_rung_there_is_nothing_to_raise() -> None:
    hand = Trained(make_curves(9, noise=0.1), rung_levels=[9])
    assert system(hand).current_max_t == 81
    hand.train()
    assert system(hand).current_max_t == 81


class Checked(Trained):
    """Compares the maximum after each report with what a plain reading of the rule gives."""

    def __init__(self, curves: list[list[float]]) -> None:
        super().__init__(curves)
        self.top, self.epsilon = 1, 0.0
        self.reported: Curves = {}
        self.raised = 0

    def report(self, trial_id: int, resource: int, loss: float, **more: Any) -> str:
        decision = super().report(trial_id, resource, loss, **more)
        self.reported.setdefault(trial_id, {})[resource] = loss
        rungs = system(self).rungs
        if self.top < len(rungs) and resource > rungs[self.top - 1].level:
            self._check(rungs)
        limit = rungs[self.top].level if self.top < len(rungs) else 81
        assert system(self).current_max_t == limit
        return decision

    def _check(self, rungs: Any) -> None:
        low, high = rungs[self.top - 1], rungs[self.top]
        zone = {i: c for i, c in self.reported.items() if max(c) > low.level}
        distances = noisy_distances(zone, low.level, high.level)
        self.epsilon = percentile(distances) if distances else self.epsilon  # type: ignore[assignment]
        top = [trial_id for trial_id, _ in high.sorted_entries()]
        values = dict(low)
        below = [trial_id for trial_id, _ in low.sorted_entries() if trial_id in top]
        agrees = all(
            abs(values[one] - values[two]) <= self.epsilon * (1 + 1e-9)
            for one, two in zip(top, below, strict=True)
        )
        if len(top) >= 2 and not agrees:
            self.top += 1
            self.raised += 1


@settings(max_examples=25)
@given(
    seed=st.integers(0, 10_000),
    noise=st.sampled_from([0.0, 0.003, 0.02, 0.1]),
    digits=st.sampled_from([1, 2, 12]),
)
def test_the_maximum_is_raised_exactly_when_the_rule_says_so(
    seed: int, noise: float, digits: int
) -> None:
    curves = make_curves(60, noise, seed)
    rounded = [[round(value, digits) for value in curve] for curve in curves]
    Checked(rounded).train()
