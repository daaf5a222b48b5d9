"""Rung levels and promotion quantiles of the documents' examples."""

from __future__ import annotations

import logging

import pytest

from synetune_lab.errors import SchedulerError
from synetune_lab.optimizer.schedulers.rungs import successive_halving_rung_levels
from synetune_lab.optimizer.schedulers.rungs.levels import promote_quantiles


@pytest.mark.parametrize(
    ("grace_period", "eta", "max_t", "levels"),
    [
        (1, 3, 81, [1, 3, 9, 27]),
        (1, 3, 56, [1, 3, 9, 27]),
        (1, 3, 200, [1, 3, 9, 27, 81]),
        (1, 3, 100, [1, 3, 9, 27, 81]),
        (2, 3, 100, [2, 6, 18, 54]),
        (1, 3, 27, [1, 3, 9]),
        (1, 2, 81, [1, 2, 4, 8, 16, 32, 64]),
        (1, 2.5, 20, [1, 2, 6, 16]),
        (5, 3, 5, []),
        (1, None, 81, [1, 3, 9, 27]),
    ],
)
def test_geometric_levels(
    grace_period: int, eta: float | None, max_t: int, levels: list[int]
) -> None:
    assert successive_halving_rung_levels(None, grace_period, eta, None, max_t) == levels


def test_levels_at_equal_distances() -> None:
    assert successive_halving_rung_levels(None, 2, None, 3, 11) == [2, 5, 8]
    # The ratio goes before the distance.
    assert successive_halving_rung_levels(None, 1, 3, 3, 10) == [1, 3, 9]


def test_given_levels_lose_the_maximum_and_overrule_the_rest(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert successive_halving_rung_levels([2, 5, 10], 1, None, None, 10) == [2, 5]
    assert not caplog.records
    with caplog.at_level(logging.WARNING):
        assert successive_halving_rung_levels([2, 5], 3, 4.0, 2, 10) == [2, 5]
    assert "are ignored" in caplog.text


@pytest.mark.parametrize(
    ("levels", "max_t", "quantiles"),
    [
        ([1, 3, 9, 27], 81, [1 / 3] * 4),
        ([1, 3, 9, 27], 56, [1 / 3, 1 / 3, 1 / 3, 27 / 56]),
        ([1, 3, 9, 27, 81], 200, [1 / 3, 1 / 3, 1 / 3, 1 / 3, 81 / 200]),
        ([2, 5, 8], 11, [2 / 5, 5 / 8, 8 / 11]),
        ([], 5, []),
    ],
)
def test_promotion_quantiles(levels: list[int], max_t: int, quantiles: list[float]) -> None:
    assert promote_quantiles(levels, max_t) == pytest.approx(quantiles)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"grace_period": 0}, "grace_period must be a positive integer, got 0"),
        ({"grace_period": 11}, "grace_period=11 must not be above the maximum resource, 10"),
        ({"reduction_factor": 1.5}, "reduction_factor must be a number of at least 2, got 1.5"),
        ({"reduction_factor": float("nan")}, "reduction_factor must be"),
        ({"reduction_factor": "3"}, "reduction_factor must be"),
        ({"rung_increment": 0}, "rung_increment must be a positive integer, got 0"),
        ({"rung_levels": []}, "rung_levels must name at least one level"),
        ({"rung_levels": [3, 3]}, r"rung_levels must be strictly increasing, got \[3, 3\]"),
        ({"rung_levels": [1, 11]}, "must not go beyond the maximum resource, 10"),
        ({"rung_levels": [1, 2.5]}, "each of rung_levels must be a positive integer, got 2.5"),
    ],
)
def test_impossible_levels_are_refused(kwargs: dict[str, object], message: str) -> None:
    arguments = {
        "rung_levels": None,
        "grace_period": 1,
        "reduction_factor": None,
        "rung_increment": None,
        "max_t": 10,
        **kwargs,
    }
    with pytest.raises(SchedulerError, match=message):
        successive_halving_rung_levels(**arguments)  # type: ignore[arg-type]
