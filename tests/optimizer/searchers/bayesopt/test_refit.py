"""When parameters are fitted again."""

from __future__ import annotations

from itertools import pairwise

from synetune_lab.optimizer.schedulers.searchers.bayesopt.refit import RefitRule


def due(rule: RefitRule, sizes: range, at_max: dict[int, int] | None = None) -> list[int]:
    """Numbers of observations at which a fit is due."""
    return [n for n in sizes if rule.is_due(n, (at_max or {}).get(n, 0))]


def test_with_few_observations_all_new_data_are_fitted() -> None:
    assert due(RefitRule(init_length=10, period=100), range(1, 10)) == list(range(1, 10))


def test_beyond_each_so_many_th_time() -> None:
    assert due(RefitRule(init_length=10, period=4), range(10, 22)) == [13, 17, 21]
    assert due(RefitRule(init_length=0, period=1), range(5)) == list(range(5))


def test_beyond_only_with_a_new_one_at_the_top() -> None:
    rule = RefitRule(init_length=3, only_at_max=True)
    assert due(rule, range(1, 8), {4: 1, 5: 1, 6: 2, 7: 2}) == [1, 2, 4, 6]


def test_full_fits_become_rare() -> None:
    rule = RefitRule()
    full = [n for n in range(1, 101) if rule.is_full(n)]
    assert full[:12] == list(range(1, 13))
    assert all(later >= 1.25 * earlier for earlier, later in pairwise(full[11:]))
    assert 6 < len(full[12:]) < 12


def test_always_warm_after_the_first() -> None:
    rule = RefitRule(always_warm=True)
    assert [rule.is_full(n) for n in (4, 5, 6, 100)] == [True, False, False, False]


def test_rules_do_not_share_their_memory() -> None:
    assert RefitRule().memory is not RefitRule().memory
