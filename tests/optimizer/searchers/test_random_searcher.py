"""Random search: no configuration twice, the same seed the same choices, edits and saves."""

from __future__ import annotations

import copy
import logging
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synetune_lab.config_space import (
    Domain,
    Float,
    Sampler,
    choice,
    config_space_size,
    finrange,
    grid_search,
    lograndint,
    loguniform,
    randint,
    sample_from,
    uniform,
    validate_config,
)
from synetune_lab.errors import ConfigSpaceError, InvalidConfigError, SchedulerError
from synetune_lab.optimizer.schedulers.searchers import RandomSearcher
from tests.config_space.strategies import seeds, spaces, spaces_with_constants

SPACE = {
    "lr": loguniform(1e-6, 1),
    "units": lograndint(4, 1024),
    "act": choice(["relu", "tanh"]),
    "epochs": 9,
}
SMALL = {"a": randint(1, 3), "b": choice(["x", "y"])}


def make_searcher(space: dict[str, Any] | None = None, **arguments: Any) -> RandomSearcher:
    arguments = {"points_to_evaluate": [], "random_seed": 0, **arguments}
    return RandomSearcher(SPACE if space is None else space, metric="loss", **arguments)


def take(searcher: RandomSearcher, number: int, first: int = 0) -> list[dict[str, Any] | None]:
    return [searcher.get_config(trial_id=str(i)) for i in range(first, first + number)]


def as_set(configs: list[dict[str, Any] | None]) -> set[tuple[Any, ...]]:
    return {tuple(sorted(config.items())) for config in configs if config is not None}


def is_narrow(entry: Any) -> bool:
    if not isinstance(entry, Float):
        return not isinstance(entry, Domain) or entry.num_values() is not None
    return entry.upper - entry.lower < 1e-9 * max(abs(entry.upper), 1e-300)


@given(spaces_with_constants, seeds)
def test_suggestions_belong_to_the_space(space: dict[str, Any], seed: int) -> None:
    searcher = make_searcher(space, random_seed=seed)
    for config in take(searcher, 20):
        if config is None:
            # An interval of reals may be so narrow that it holds no more than a few numbers.
            assert config_space_size(space) is not None or all(map(is_narrow, space.values()))
        else:
            validate_config(config, space)
            assert all(isinstance(space[name], Domain) for name in config)


@given(spaces, seeds, st.integers(0, 600))
def test_a_save_in_the_middle_changes_nothing(space: dict[str, Any], seed: int, taken: int) -> None:
    searcher = make_searcher(space, random_seed=seed)
    take(searcher, taken)
    restored = pickle.loads(pickle.dumps(searcher))
    cloned = make_searcher(space, random_seed=1).clone_from_state(searcher.get_state())
    expected = take(searcher, 300)
    assert take(restored, 300) == expected
    assert take(cloned, 300) == expected


def test_same_seed_same_choices_and_another_seed_others() -> None:
    assert take(make_searcher(), 600) == take(make_searcher(), 600)
    assert take(make_searcher(), 5) != take(make_searcher(random_seed=1), 5)


def test_a_saved_state_is_not_shared() -> None:
    searcher = make_searcher()
    state = searcher.get_state()
    expected = take(copy.deepcopy(searcher), 5)
    take(searcher, 400)
    assert take(make_searcher(random_seed=9).clone_from_state(state), 5) == expected


def test_a_finite_space_is_exhausted_exactly() -> None:
    configs = take(make_searcher(SMALL), 10)
    assert len(as_set(configs)) == 6
    assert configs[6:] == [None] * 4


def test_a_large_finite_space_is_exhausted_exactly() -> None:
    space = {"a": randint(1, 30), "b": lograndint(1, 40), "c": finrange(0, 1, 3)}
    configs = take(make_searcher(space), 30 * 40 * 3 + 1)
    assert len(as_set(configs)) == 30 * 40 * 3
    assert configs[-1] is None


def test_points_to_evaluate_come_first_and_count_as_tried() -> None:
    searcher = make_searcher(SMALL, points_to_evaluate=[{"a": 1, "b": "y"}, {"b": "x"}])
    configs = take(searcher, 7)
    assert configs[:2] == [{"a": 1, "b": "y"}, {"a": 2, "b": "x"}]
    assert len(as_set(configs)) == 6
    assert configs[6] is None


def test_reasons() -> None:
    searcher = make_searcher(SMALL, points_to_evaluate=[{"a": 1}, {"a": 2}])
    reasons = []
    for i in range(3):
        searcher.get_config(trial_id=str(i))
        reasons.append(searcher.explain_last())
    assert reasons == [
        {"kind": "points_to_evaluate", "index": 0},
        {"kind": "points_to_evaluate", "index": 1},
        {"kind": "random"},
    ]


def test_default_point_is_the_midpoint() -> None:
    searcher = RandomSearcher(SMALL, metric="loss", random_seed=0)
    assert searcher.get_config(trial_id="0") == {"a": 2, "b": "x"}


def test_duplicates_on_wish_but_never_those_of_failed_trials() -> None:
    searcher = make_searcher({"a": choice(["x", "y"])}, allow_duplicates=True)
    assert searcher.allow_duplicates
    first = searcher.get_config(trial_id="0")
    assert len(as_set(take(searcher, 50, 1))) == 2
    searcher.evaluation_failed("0")
    other = take(searcher, 600, 100)
    assert as_set(other) == {(("a", "y" if first == {"a": "x"} else "x"),)}
    assert searcher.should_not_suggest(first)
    searcher.evaluation_failed("100")
    assert take(searcher, 2, 900) == [None, None]


def test_a_configuration_that_the_user_put_in_is_not_drawn_again() -> None:
    searcher = make_searcher(SMALL)
    searcher.register_pending("7", {"a": 1, "b": "x"})
    configs = take(searcher, 6)
    assert len(as_set(configs)) == 5
    assert configs[5] is None
    assert (("a", 1), ("b", "x")) not in as_set(configs)


def test_a_failed_trial_that_the_user_put_in_does_not_come_back() -> None:
    searcher = make_searcher(SMALL, allow_duplicates=True)
    searcher.register_pending("7", {"a": 1, "b": "x"})
    searcher.evaluation_failed("7")
    searcher.evaluation_failed("unknown")
    assert (("a", 1), ("b", "x")) not in as_set(take(searcher, 300))


def test_restricted_configurations_are_used_up() -> None:
    allowed = [{"a": 1, "b": "x"}, {"a": 2, "b": "x"}, {"a": 3.0, "b": "y"}, {"a": 1, "b": "x"}]
    points = [{"a": 2, "b": "y"}, {"a": 3, "b": "y"}]
    searcher = make_searcher(SMALL, restrict_configurations=allowed, points_to_evaluate=points)
    configs = take(searcher, 5)
    assert configs[0] == {"a": 3, "b": "y"}
    assert as_set(configs[1:3]) == as_set(allowed[:2])
    assert configs[3:] == [None, None]
    assert searcher.should_not_suggest({"a": 2, "b": "y"})


def test_restricted_configurations_come_again_with_duplicates() -> None:
    allowed = [{"a": 1, "b": "x"}, {"a": 2, "b": "x"}]
    searcher = make_searcher(SMALL, restrict_configurations=allowed, allow_duplicates=True)
    assert as_set(take(searcher, 40)) == as_set(allowed)
    config = searcher.get_config(trial_id="40")
    searcher.evaluation_failed("40")
    assert as_set(take(searcher, 40, 50)) == as_set(allowed) - as_set([config])


@pytest.mark.parametrize("bad", [{"a": 9, "b": "x"}, {"a": 1}])
def test_restricted_configurations_must_fit(bad: dict[str, Any]) -> None:
    with pytest.raises(InvalidConfigError, match=r"^restrict_configurations\[1\]"):
        make_searcher(SMALL, restrict_configurations=[{"a": 1, "b": "x"}, bad])


def test_an_empty_list_of_restricted_configurations_is_refused() -> None:
    with pytest.raises(SchedulerError, match="restrict_configurations is empty"):
        make_searcher(SMALL, restrict_configurations=[])


def test_functions_see_the_rest_of_the_configuration() -> None:
    space = {
        "a": randint(1, 3),
        "k": 10,
        "b": sample_from(lambda spec: spec.config.a * spec.config.k),
    }
    configs = take(make_searcher(space), 5)
    assert as_set(configs) == {(("a", i), ("b", 10 * i)) for i in (1, 2, 3)}
    assert configs[3:] == [None, None]


def test_functions_draw_from_the_searchers_generator() -> None:
    space = {"a": uniform(0, 1), "b": sample_from(lambda spec, random_state: random_state.rand())}
    assert take(make_searcher(space), 300) == take(make_searcher(space), 300)


class Half(Sampler):
    """A user's prior."""

    def sample(self, domain, spec=None, size=1, random_state=None):
        values = 0.5 * random_state.random(size)
        return values[0] if size == 1 else values.tolist()


def test_a_users_own_prior_is_drawn_from() -> None:
    domain = Float(0, 1)
    domain.set_sampler(Half())
    configs = take(make_searcher({"x": domain, "y": uniform(0, 1)}), 300)
    assert max(config["x"] for config in configs) < 0.5
    assert max(config["y"] for config in configs) > 0.9


def test_a_space_of_constants_has_one_configuration() -> None:
    assert take(make_searcher({"epochs": 3}), 2) == [{}, None]


def test_grid_marks_are_refused_by_name() -> None:
    with pytest.raises(ConfigSpaceError, match=r"^b: .*grid"):
        make_searcher({"a": uniform(0, 1), "b": grid_search([1, 2])})


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5, "x", True])
def test_bad_seeds(seed: object) -> None:
    with pytest.raises(SchedulerError, match="random_seed"):
        make_searcher(random_seed=seed)


def test_a_seed_may_come_from_a_generator_or_be_drawn() -> None:
    given_seed = make_searcher(random_seed=5)
    generated = make_searcher(random_seed=None, random_seed_generator=lambda: 5)
    assert take(given_seed, 3) == take(generated, 3)
    drawn = make_searcher(random_seed=None)
    assert take(drawn, 3) == take(make_searcher(random_seed=drawn.random_seed), 3)
    shared = make_searcher(random_seed=7)
    shared.set_random_state(np.random.RandomState(5))
    assert take(shared, 3) == take(make_searcher(random_seed=5), 3)


def test_modes() -> None:
    with pytest.raises(SchedulerError, match="mode='best'"):
        make_searcher(mode="best")
    with pytest.raises(SchedulerError, match="one entry for each"):
        make_searcher(mode=["min", "max"])
    assert RandomSearcher(SMALL, ["a", "b"], mode=["min", "max"]).mode == ["min", "max"]


def test_the_log_is_written_on_wish(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    quiet, loud = make_searcher(SMALL), make_searcher(SMALL, debug_log=True, resource_attr="epoch")
    for searcher in (quiet, loud):
        config = searcher.get_config(trial_id="3")
        searcher.on_trial_result("3", config, {"loss": 0.25, "epoch": 1}, update=False)
        searcher.on_trial_result("3", config, {"loss": 0.5, "epoch": 2}, update=True)
    assert quiet.debug_log is None
    assert [record.message for record in caplog.records] == [
        f"trial 3: {config}",
        "trial 3: {'loss': 0.5, 'epoch': 2}",
    ]


def test_there_is_no_model() -> None:
    searcher = make_searcher(SMALL)
    searcher.on_trial_result("0", {"a": 1, "b": "x"}, {"loss": 1.0}, update=True)
    searcher.remove_case("0")
    searcher.cleanup_pending("0")
    searcher.configure_scheduler(None)
    assert searcher.dataset_size() == 0
    assert searcher.model_parameters() == {}


# Edits of the space


def test_after_an_edit_all_draws_are_from_the_new_space() -> None:
    searcher = make_searcher()
    take(searcher, 3)
    new = {**SPACE, "lr": loguniform(1e-3, 1e-2), "act": "tanh"}
    report = searcher.edit_space(new)
    assert report.to_json() == dict(report)
    assert report.kept == report.outside == report.dropped == 0
    for config in take(searcher, 300):
        validate_config(config, new)
        assert set(config) == {"lr", "units"}


def test_an_edit_of_a_finite_space_leaves_out_what_was_tried() -> None:
    searcher = make_searcher(SMALL)
    tried = take(searcher, 3)
    searcher.edit_space({"a": randint(1, 4), "b": choice(["z", "y", "x"])})
    later = take(searcher, 10)
    assert later[9] is None
    assert not as_set(tried) & as_set(later)
    assert len(as_set(tried) | as_set(later)) == 12


def test_fixing_and_freeing_keeps_track_of_what_was_tried() -> None:
    space = {"a": randint(1, 3), "b": choice(["x", "y"]), "c": 1}
    searcher = make_searcher(space)
    tried = take(searcher, 2)
    searcher.edit_space({"a": randint(1, 3), "b": "x", "c": randint(1, 2)})
    tried_with_x = [config for config in tried if config["b"] == "x"]
    later = take(searcher, 7)
    assert len(as_set(later)) == 6 - len(tried_with_x)
    for config in tried_with_x:
        assert {"a": config["a"], "c": 1} not in later
    searcher.edit_space(space)
    again = as_set(take(searcher, 7))
    expected = {(("a", a), ("b", b)) for a in (1, 2, 3) for b in ("x", "y")} - as_set(tried)
    # c is 1 again, so that what was tried with b = "x" and c = 1 does not come back.
    expected -= {(("a", c["a"]), ("b", "x")) for c in later if c is not None and c["c"] == 1}
    assert again == expected


def test_an_edit_drops_points_that_are_outside() -> None:
    points = [{"a": 1, "b": "x"}, {"a": 3, "b": "x"}, {"a": 3, "b": "y"}]
    searcher = make_searcher(SMALL, points_to_evaluate=points)
    report = searcher.edit_space({"a": randint(2, 5), "b": "y"})
    assert report.points_dropped == 2
    assert searcher.get_config(trial_id="0") == {"a": 3}
    assert searcher.explain_last() == {"kind": "points_to_evaluate", "index": 2}


def test_a_refused_edit_changes_nothing() -> None:
    searcher, other = make_searcher(), make_searcher()
    take(searcher, 3)
    take(other, 3)
    for bad in (
        {"lr": SPACE["lr"]},
        {**SPACE, "new": uniform(0, 1)},
        {**SPACE, "act": uniform(0, 1)},
        {**SPACE, "lr": grid_search([0.1])},
    ):
        with pytest.raises((SchedulerError, ConfigSpaceError)):
            searcher.edit_space(bad)
    assert take(searcher, 300) == take(other, 300)
    assert searcher.config_space == SPACE


def test_edits_are_deterministic_and_survive_a_save() -> None:
    def run(save: bool) -> list[dict[str, Any] | None]:
        searcher = make_searcher()
        take(searcher, 5)
        searcher.edit_space({**SPACE, "lr": uniform(0, 1)})
        if save:
            searcher = pickle.loads(pickle.dumps(searcher))
        return take(searcher, 300)

    assert run(save=True) == run(save=False)


def test_restricted_searchers_refuse_edits() -> None:
    searcher = make_searcher(SMALL, restrict_configurations=[{"a": 1, "b": "x"}])
    with pytest.raises(SchedulerError, match="restrict_configurations"):
        searcher.edit_space(SMALL)


@given(spaces, spaces, seeds)
def test_any_allowed_edit_draws_from_the_new_space(
    old: dict[str, Domain], new: dict[str, Domain], seed: int
) -> None:
    merged = {name: new.get(name, domain) for name, domain in old.items()}
    searcher = make_searcher(old, random_seed=seed)
    tried = as_set(take(searcher, 5))
    try:
        searcher.edit_space(merged)
    except SchedulerError:
        return
    later = [config for config in take(searcher, 5) if config is not None]
    for config in later:
        validate_config(config, merged)
    assert not tried & as_set(later)
