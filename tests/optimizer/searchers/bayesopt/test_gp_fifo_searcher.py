"""Bayesian optimisation of trials that run to their end."""

from __future__ import annotations

import json
import logging
import math
from typing import Any

import autograd.numpy as anp
import dill
import numpy as np
import pytest

from synetune_lab.config_space import (
    choice,
    finrange,
    lograndint,
    loguniform,
    ordinal,
    randint,
    uniform,
    validate_config,
)
from synetune_lab.errors import SchedulerError
from synetune_lab.gp import Kernel, Mean, Parameter
from synetune_lab.optimizer.schedulers.searchers.bayesopt.gp_fifo_searcher import GPFIFOSearcher
from synetune_lab.optimizer.schedulers.searchers.random_searcher import RandomSearcher
from tests.optimizer.searchers.bayesopt.searcher_helpers import (
    QUICK,
    SPACE,
    best_of,
    bowl,
    run,
    suggest,
    tell,
)

MIXED = {
    "lr": loguniform(1e-5, 1.0),
    "units": randint(1, 64),
    "kind": choice(["a", "b", "c"]),
    "size": ordinal([8, 16, 32, 64]),
    "depth": finrange(0.0, 1.0, 5),
    "epochs": 9,
}


def mixed(config: dict[str, Any]) -> float:
    value = (math.log10(config["lr"]) + 3.0) ** 2 / 10 + 0.01 * config["units"] + config["depth"]
    return float(value + (config["kind"] == "b") + config["size"] / 64)


def make(space: Any = None, **kwargs: Any) -> GPFIFOSearcher:
    own = {"random_seed": 3, **QUICK, **kwargs}
    return GPFIFOSearcher(SPACE if space is None else space, "loss", **own)


# The beginning


@pytest.mark.parametrize("space", [SPACE, MIXED], ids=["continuous", "mixed"])
@pytest.mark.parametrize("points", [None, [], [{}, {}]], ids=["default", "none", "two"])
def test_it_begins_like_random_search(space: Any, points: Any) -> None:
    arguments: Any = {"points_to_evaluate": points, "random_seed": 11}
    searcher = make(space, num_init_random=6, **arguments)
    random = RandomSearcher(space, "loss", **arguments)
    for trial_id in range(6):
        config = searcher.get_config(trial_id=str(trial_id))
        assert config == random.get_config(trial_id=str(trial_id))
        assert searcher.explain_last()["kind"] in ("points_to_evaluate", "random")
        assert config is not None
        tell(searcher, trial_id, config, float(trial_id))
    searcher.get_config(trial_id="6")
    assert searcher.explain_last()["kind"] == "model"


def test_without_a_result_it_goes_on_at_random() -> None:
    searcher = make(num_init_random=1)
    for trial_id in range(4):
        assert suggest(searcher, trial_id) is not None
        assert searcher.explain_last()["kind"] != "model"


def test_the_model_can_be_used_from_the_first_result_on() -> None:
    searcher = make(num_init_random=0, points_to_evaluate=[{"x": 0.1, "y": 0.0}])
    run(searcher, 2)
    assert searcher.explain_last()["kind"] == "model"


# How good it is


def test_it_is_much_better_than_random_search() -> None:
    own = [best_of(make(random_seed=seed), 15) for seed in range(3)]
    random = [best_of(RandomSearcher(SPACE, "loss", random_seed=seed), 15) for seed in range(3)]
    assert max(own) < 1e-3
    assert max(own) < min(random)


def test_it_is_better_than_random_search_on_a_mixed_space() -> None:
    own = [best_of(make(MIXED, random_seed=seed), 20, mixed) for seed in range(3)]
    random = [
        best_of(RandomSearcher(MIXED, "loss", random_seed=seed), 20, mixed) for seed in range(3)
    ]
    assert np.mean(own) < np.mean(random) - 0.1


@pytest.mark.parametrize(
    "options",
    [
        {"acq_function": "lcb"},
        {"acq_function": "lcb", "acq_function_kwargs": {"kappa": 0.5}},
        {"initial_scoring": "thompson_indep"},
        {"skip_local_optimization": True, "num_init_candidates": 250},
        {"input_warping": True},
        {"gp_base_kernel": "matern52-noard"},
        {"has_covariance_scale": False},
        {"no_fantasizing": True},
        {"opt_warmstart": True},
        {"opt_skip_init_length": 5, "opt_skip_period": 3},
        {"max_size_data_for_model": 8},
    ],
    ids=lambda options: ",".join(f"{k}={v}" for k, v in options.items()),
)
def test_each_option_leaves_it_better_than_random_search(options: Any) -> None:
    searcher = make(**{"random_seed": 1, **options})
    assert best_of(searcher, 15) < 0.01
    reason = searcher.explain_last()
    assert reason["acquisition"] == options.get("acq_function", "ei")
    assert all(np.isfinite(value) for value in searcher.model_parameters().values())


def test_sampled_parameters() -> None:
    searcher = make(gp_inference="mcmc")
    assert best_of(searcher, 9) < 0.05
    assert searcher.explain_last()["kind"] == "model"


def test_warping_has_parameters_of_numbers_only() -> None:
    searcher = make(MIXED, input_warping=True)
    run(searcher, 5, mixed)
    ranges = searcher._data.space.ranges.encoded_ranges
    begin, end = ranges["kind"]
    bent = {name for name in searcher.model_parameters() if name.startswith("power_a")}
    assert len(bent) == searcher._data.space.ranges.ndarray_size - (end - begin)


# What it does not suggest


def test_nothing_comes_twice_and_at_the_end_nothing() -> None:
    space = {"kind": choice(["a", "b"]), "units": randint(1, 6), "epochs": 9}
    searcher = make(space)
    configs = run(searcher, 14, lambda config: config["units"])
    given = [json.dumps(config, sort_keys=True) for config in configs[:12]]
    assert len(set(given)) == 12
    assert configs[12:] == [None, None]


def test_with_duplicates_allowed_it_comes_back_to_the_best() -> None:
    space = {"kind": choice(["a", "b"]), "units": randint(1, 3), "epochs": 9}
    searcher = make(space, allow_duplicates=True)
    configs = run(searcher, 20, lambda config: config["units"])
    assert None not in configs
    assert (
        configs.count({"kind": "a", "units": 1, "epochs": 9})
        + configs.count({"kind": "b", "units": 1, "epochs": 9})
        > 2
    )


@pytest.mark.parametrize("domain", [choice(["a"]), randint(3, 3), uniform(0.5, 0.5), ordinal([1])])
def test_a_space_of_one_point_has_one_trial(domain: Any) -> None:
    configs = run(make({"only": domain, "epochs": 9}), 3, lambda config: 1.0)
    assert configs[0] is not None
    assert configs[1:] == [None, None]


def test_a_space_without_hyperparameters_is_refused() -> None:
    with pytest.raises(SchedulerError, match="no hyperparameter"):
        make({"epochs": 9})


def test_a_single_value_beside_others_is_no_problem() -> None:
    searcher = make({**SPACE, "kind": choice(["a"]), "n": randint(4, 4)})
    configs = run(searcher, 8)
    assert {(config["kind"], config["n"]) for config in configs} == {("a", 4)}
    assert searcher.explain_last()["kind"] == "model"


def test_a_failed_trial_does_not_come_again() -> None:
    space = {"units": randint(1, 4), "epochs": 9}
    searcher = make(space, allow_duplicates=True, points_to_evaluate=[{"units": 1}])
    config = suggest(searcher, 0)
    assert config is not None
    searcher.evaluation_failed("0")
    searcher.exclude_config(config)
    later = run(searcher, 12, lambda config: config["units"], start=1)
    assert all(config["units"] != 1 for config in later)


def least_gap(configs: list[Any]) -> float:
    """The distance of the two configurations that are closest."""
    points = np.array([[config["x"], config["y"] / 4] for config in configs])
    gaps = np.linalg.norm(points[:, None] - points[None], axis=2)
    return float(gaps[np.triu_indices(len(points), 1)].min())


def test_pending_trials_are_avoided() -> None:
    gaps = []
    for blind in (False, True):
        searcher = make(random_seed=5, no_fantasizing=blind)
        run(searcher, 8)
        pending = [suggest(searcher, trial_id) for trial_id in range(8, 14)]
        assert searcher.explain_last()["num_pending"] == (0 if blind else 5)
        gaps.append(least_gap(pending))
    assert gaps[0] > max(1e-3, 20 * gaps[1])


def test_a_pending_trial_that_ends_without_a_result_is_forgotten() -> None:
    searcher = make()
    run(searcher, 5)
    for trial_id, end in enumerate(["cleanup_pending", "evaluation_failed"], start=5):
        assert suggest(searcher, trial_id) is not None
        getattr(searcher, end)(str(trial_id))
        assert suggest(searcher, 20 + trial_id) is not None
        assert searcher.explain_last()["num_pending"] == 0
        searcher.cleanup_pending(str(20 + trial_id))


@pytest.mark.parametrize("num_init_candidates", [5, 100])
def test_only_given_configurations_come(num_init_candidates: int) -> None:
    random = np.random.RandomState(0)
    allowed = [{"x": float(x), "y": float(4 * y - 2)} for x, y in random.random_sample((25, 2))]
    searcher = make(restrict_configurations=allowed, num_init_candidates=num_init_candidates)
    configs = run(searcher, 27)
    given = [{"x": c["x"], "y": c["y"]} for c in configs[:25]]
    assert sorted(given, key=str) == sorted(allowed, key=str)
    assert configs[25:] == [None, None]
    best = min(map(bowl, allowed))
    if num_init_candidates == 100:
        assert min(map(bowl, given[:12])) == best


# Values that are hard


@pytest.mark.parametrize("value", [0.0, 3.5, -1e300, 1e308, 5e-324])
def test_with_a_constant_metric_it_goes_on_at_random_and_says_so(value: float) -> None:
    searcher = make()
    run(searcher, 10, lambda config: value)
    reason = searcher.explain_last()
    assert (reason["kind"], reason["note"]) == ("random", "all values so far are the same")
    config = suggest(searcher, 10)
    assert config is not None
    tell(searcher, 10, config, value / 2 or 1.0)
    suggest(searcher, 11)
    assert searcher.explain_last()["kind"] == "model"


def test_it_finds_what_is_hidden_in_a_plateau() -> None:
    def hidden(config: Any) -> float:
        return bowl(config) if abs(config["x"] - 0.3) < 0.15 and config["y"] > 0.2 else 1.0

    assert max(best_of(make(random_seed=seed), 30, hidden) for seed in range(3)) < 0.01


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("boxcox", [False, True])
@pytest.mark.filterwarnings("error")
def test_metrics_that_are_not_finite_count_as_the_worst(value: float, boxcox: bool) -> None:
    def function(config: Any) -> float:
        return value if config["x"] > 0.5 else bowl(config) + 1.0

    searcher = make(boxcox_transform=boxcox)
    configs = run(searcher, 15, function)
    assert min(map(bowl, configs)) < 0.01
    assert sum(config["x"] > 0.5 for config in configs[6:]) <= 3


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("boxcox", [False, True])
def test_nothing_but_failures_so_far(value: float, boxcox: bool) -> None:
    searcher = make(boxcox_transform=boxcox)
    run(searcher, 7, lambda config: value)
    assert searcher.explain_last()["note"] == "all values so far are the same"


@pytest.mark.parametrize("outlier", [1e6, 1e12, 1e300, math.inf])
def test_an_outlier_does_not_spoil_the_choices(outlier: float) -> None:
    def function(config: Any) -> float:
        return outlier if config["x"] > 0.9 else bowl(config)

    worst = [
        best_of(make(random_seed=seed, points_to_evaluate=[{"x": 0.99}]), 15, function)
        for seed in range(2)
    ]
    assert max(worst) < 0.005


@pytest.mark.parametrize("scale", [2.0**-40, 2.0**40])
def test_the_unit_of_the_metric_does_not_matter(scale: float) -> None:
    plain, scaled = make(), make()
    configs = run(plain, 9)
    assert run(scaled, 9, lambda config: scale * bowl(config)) == configs
    one, two = plain.explain_last(), scaled.explain_last()
    for name in ("mean", "std", "incumbent"):
        assert two[name] == pytest.approx(scale * one[name])
    assert two["value"] == pytest.approx(one["value"])


def test_an_offset_hardly_matters() -> None:
    assert best_of(make(), 14, lambda config: bowl(config) + 1e6) == pytest.approx(1e6, abs=0.01)


def test_the_largest_values_of_the_mirrored_metric_are_sought() -> None:
    searcher = make(mode="max")
    configs = run(searcher, 10, lambda config: -bowl(config))
    assert configs == run(make(), 10)
    mirrored, plain = searcher.explain_last(), make()
    run(plain, 10)
    reason = plain.explain_last()
    for name in ("mean", "incumbent"):
        assert mirrored[name] == pytest.approx(-reason[name])
    assert mirrored["std"] == pytest.approx(reason["std"])


def test_the_newest_report_of_a_trial_counts_and_can_be_taken_out() -> None:
    searcher = make()
    config = suggest(searcher, 0)
    assert config is not None
    for value in (5.0, 2.0):
        tell(searcher, 0, config, value)
    assert searcher.dataset_size() == 1
    assert searcher._data.of("loss").values == [2.0]
    searcher.remove_case("0")
    assert searcher.dataset_size() == 0
    searcher.remove_case("0")
    searcher.remove_case("never seen")


def test_a_report_that_is_for_information_is_not_learnt() -> None:
    searcher = make()
    config = suggest(searcher, 0)
    assert config is not None
    searcher.on_trial_result("0", config, {"loss": 1.0}, update=False)
    assert searcher.dataset_size() == 0


# Box-Cox


def test_box_cox_finds_the_optimum_and_speaks_the_metric_s_language() -> None:
    searcher = make(boxcox_transform=True)
    assert best_of(searcher, 16, lambda config: bowl(config) + 1000.0) < 1000.005
    reason = searcher.explain_last()
    assert -1.0 <= searcher.model_parameters()["boxcox_lambda"] <= 2.0
    assert 999.9 < reason["mean"] < 1001.0
    assert 999.9 < reason["incumbent"] < 1000.1
    assert 0.0 < reason["std"] < 1.0


def test_box_cox_in_mode_max_maps_rewards() -> None:
    searcher = make(boxcox_transform=True, mode="max", map_reward="2_minus_x")
    configs = run(searcher, 14, lambda config: 1.0 - bowl(config))
    assert min(map(bowl, configs)) < 0.01
    assert 0.5 < searcher.explain_last()["mean"] < 1.2
    assert searcher.explain_last()["incumbent"] == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize(("mode", "level"), [("min", -1.0), ("max", 95.0)])
def test_box_cox_of_values_that_are_not_positive_is_shifted_and_said_once(
    mode: str, level: float, caplog: pytest.LogCaptureFixture
) -> None:
    sign = 1.0 if mode == "min" else -1.0
    searcher = make(boxcox_transform=True, mode=mode)
    configs = run(searcher, 16, lambda config: level + sign * bowl(config))
    said = [record.getMessage() for record in caplog.records if "boxcox" in record.getMessage()]
    assert len(said) == 1
    assert ("map_reward" in said[0]) == (mode == "max")
    assert min(map(bowl, configs)) < 0.02
    assert searcher.explain_last()["incumbent"] == pytest.approx(level, abs=0.1)


def test_box_cox_goes_on_when_the_best_possible_value_is_reached() -> None:
    # An accuracy of exactly 1 leaves nothing of 1 - x.
    searcher = make(boxcox_transform=True, mode="max")
    run(searcher, 14, lambda config: min(1.0, round(1.05 - bowl(config), 1)))
    assert searcher.explain_last()["kind"] == "model"


# Reasons


def test_the_reason_of_a_choice_is_in_the_units_of_the_metric() -> None:
    searcher = make()
    run(searcher, 12, lambda config: 100.0 + 10.0 * bowl(config))
    config = suggest(searcher, 12)
    assert config is not None
    reason = searcher.explain_last()
    json.dumps(reason, allow_nan=False)
    assert (reason["kind"], reason["model"], reason["acquisition"]) == ("model", "gp", "ei")
    assert (reason["num_data"], reason["num_pending"]) == (12, 0)
    seen = searcher._data.of("loss").values
    assert reason["incumbent"] == pytest.approx(min(seen), abs=0.3)
    assert abs(reason["mean"] - 100.0 - 10.0 * bowl(config)) < 4 * reason["std"] + 0.3
    assert reason["value"] >= 0.0
    assert len(reason["beaten"]) == 2
    for beaten in reason["beaten"]:
        assert set(beaten) == {"value", "mean", "std"}
        assert beaten["value"] <= reason["value"] * (1 + 1e-9)


def test_parameters_of_the_model_are_told() -> None:
    searcher = make()
    assert searcher.model_parameters() == {}
    run(searcher, 6)
    names = {"inv_bw0", "inv_bw1", "covariance_scale", "mean_value", "noise_variance"}
    assert set(searcher.model_parameters()) == names


def test_fits_and_suggestions_can_be_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        run(make(opt_verbose=True, debug_log=True), 5)
    assert "fit of 3 observations" in caplog.text
    assert "suggestion: {'kind': 'model'" in caplog.text


# How much, and how often


@pytest.mark.parametrize("most", [1, 5, 8])
def test_the_model_gets_no_more_data_than_allowed(most: int) -> None:
    searcher = make(max_size_data_for_model=most, max_size_top_fraction=0.5)
    run(searcher, 12)
    assert searcher.explain_last()["num_data"] == most
    assert searcher.dataset_size() == 12
    values = searcher._data.of("loss").values
    rows = searcher.model_data("loss").rows
    best = np.argsort(values)[: most // 2]
    assert set(best.tolist()) <= set(rows.tolist())


def test_parameters_are_fitted_as_often_as_asked() -> None:
    searcher = make(opt_skip_init_length=5, opt_skip_period=3)
    parameters = []
    for trial_id in range(15):
        config = suggest(searcher, trial_id)
        assert config is not None
        parameters.append(json.dumps(searcher.model_parameters()))
        tell(searcher, trial_id, config, bowl(config))
    changes = [i for i in range(1, 15) if parameters[i] != parameters[i - 1]]
    assert len([i for i in changes if i > 5]) == 3
    # Without new data nothing is fitted.
    before = searcher.model_parameters()
    for trial_id in range(20, 23):
        suggest(searcher, trial_id)
        searcher.cleanup_pending(str(trial_id))
    assert len({json.dumps(before), json.dumps(searcher.model_parameters())}) <= 2


# Edits of the space

EDITS: dict[str, tuple[dict[str, Any], dict[str, Any], bool]] = {
    "narrowed": ({"x": uniform(0.5, 0.9)}, {}, True),
    "widened": ({"x": uniform(-1.0, 3.0)}, {}, False),
    "moved": ({"y": uniform(1.0, 5.0)}, {}, True),
    "fixed": ({"x": 0.25}, {}, False),
    "fixed outside": ({"x": 7.5}, {}, False),
    "choice added": ({"kind": choice(["a", "b", "c"])}, {}, False),
    "choice removed": ({"kind": choice(["b"])}, {}, True),
    "choices replaced": ({"kind": choice(["c", "d"])}, {}, True),
    "choice fixed": ({"kind": "a"}, {}, False),
    "new choice fixed": ({"kind": "z"}, {}, False),
    "hyperparameter added": ({"decay": uniform(0.0, 1.0)}, {"decay": 0.25}, False),
    "choice of options added": ({"way": choice(["u", "v"])}, {"way": "u"}, False),
    "logarithmic": ({"n": lograndint(2, 20)}, {}, False),
    "freed": ({"epochs": randint(1, 20)}, {}, False),
    "several": ({"x": uniform(0.2, 2.0), "kind": choice(["b", "q"]), "n": 5}, {}, True),
}
BEFORE = {**SPACE, "kind": choice(["a", "b"]), "n": randint(1, 20)}


def wavy(config: dict[str, Any]) -> float:
    return bowl(config) + 0.1 * (config["kind"] == "b") + 0.01 * config["n"]


@pytest.mark.parametrize("edit", EDITS)
def test_after_an_edit_suggestions_are_inside_and_old_data_still_count(edit: str) -> None:
    change, defaults, leaves_some_out = EDITS[edit]
    searcher = make(BEFORE, num_init_random=6)
    old = run(searcher, 10, wavy)
    space = {**BEFORE, **change}
    report = searcher.edit_space(space, defaults)
    json.dumps(report.to_json(), allow_nan=False)
    assert report.kept + report.outside + report.dropped == 10
    assert report.dropped == 0
    if leaves_some_out:
        assert report.outside > 0
    new = run(searcher, 6, wavy, start=10)
    for config in new:
        validate_config(config, space)
    reason = searcher.explain_last()
    assert reason["kind"] == "model"
    assert reason["num_data"] == 15
    assert not [config for config in new if config in old]
    # And as a whole in the middle of it all.
    saved = dill.loads(dill.dumps(searcher))
    assert run(saved, 3, wavy, start=16) == run(searcher, 3, wavy, start=16)


def test_back_and_forth_nothing_is_lost() -> None:
    searcher = make(BEFORE)
    run(searcher, 8, wavy)
    narrow = {**BEFORE, "x": uniform(0.5, 0.9), "kind": "b"}
    searcher.edit_space(narrow)
    run(searcher, 3, wavy, start=8)
    report = searcher.edit_space(BEFORE)
    assert (report.kept, report.outside, report.dropped) == (11, 0, 0)
    for config in run(searcher, 4, wavy, start=11):
        validate_config(config, BEFORE)
    assert searcher.explain_last()["num_data"] == 14


def test_values_that_were_fixed_one_after_the_other_are_kept_apart() -> None:
    searcher = make(BEFORE)
    run(searcher, 6, wavy)
    for step, value in enumerate((0.1, 0.7)):
        searcher.edit_space({**BEFORE, "x": value})
        assert {c["x"] for c in run(searcher, 3, wavy, start=6 + 3 * step)} == {value}
    searcher.edit_space(BEFORE)
    data = searcher.model_data("loss")
    begin, _ = searcher._data.space.ranges.encoded_ranges["x"]
    np.testing.assert_allclose(data.x[6:, begin], [0.1] * 3 + [0.7] * 3)


def test_old_data_lead_to_the_optimum_of_the_new_space() -> None:
    searcher = make()
    run(searcher, 12)
    searcher.edit_space({**SPACE, "x": uniform(0.5, 1.0)})
    first = run(searcher, 2, start=12)
    # The best there is at x = 0.5.
    assert min(config["x"] for config in first) < 0.55


def test_a_pending_trial_outside_of_the_new_space_is_no_problem() -> None:
    searcher = make()
    run(searcher, 8)
    pending = suggest(searcher, 8)
    searcher.edit_space(
        {**SPACE, "x": uniform(0.8, 0.9), "kind": choice(["a", "b"])}, {"kind": "a"}
    )
    assert suggest(searcher, 9) is not None
    assert pending is not None
    tell(searcher, 8, pending, bowl(pending))
    assert suggest(searcher, 10) is not None
    assert searcher.explain_last()["num_data"] == 9


@pytest.mark.parametrize(
    ("space", "defaults"),
    [
        ({**SPACE, "new": uniform(0, 1)}, None),
        ({"x": 0.5, "y": 0.5, "epochs": 9}, None),
        ({"x": uniform(0.0, 1.0), "y": "text", "epochs": 9}, None),
        ({**SPACE, "x": choice(["a", "b"])}, None),
    ],
)
def test_a_refused_edit_changes_nothing(space: Any, defaults: Any) -> None:
    searcher, other = make(), make()
    run(searcher, 6)
    run(other, 6)
    with pytest.raises(SchedulerError):
        searcher.edit_space(space, defaults)
    assert run(searcher, 4, start=6) == run(other, 4, start=6)


def test_configurations_of_a_list_can_not_be_edited() -> None:
    searcher = make(restrict_configurations=[{"x": 0.5, "y": 0.5}], points_to_evaluate=[])
    with pytest.raises(SchedulerError, match="restrict_configurations"):
        searcher.edit_space(SPACE)


# State

VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "extended factors": {"opt_skip_init_length": 4, "opt_skip_period": 4},
    "boxcox": {"boxcox_transform": True},
    "warped": {"input_warping": True},
    "capped": {"max_size_data_for_model": 6},
    "thompson": {"initial_scoring": "thompson_indep"},
    "warm": {"opt_warmstart": True},
}


@pytest.mark.parametrize(
    ("variant", "way"),
    [*((variant, "dill") for variant in VARIANTS), ("plain", "state"), ("boxcox", "state, dill")],
)
def test_saved_in_the_middle_it_suggests_the_same_later(variant: str, way: str) -> None:
    def function(config: Any) -> float:
        return mixed(config) + 1.0

    def new() -> GPFIFOSearcher:
        return make(MIXED, random_seed=1, **VARIANTS[variant])

    searcher, uninterrupted = new(), new()
    for start in (0, 3, 7):
        run(searcher, 3 if start == 0 else 4, function, start)
        suggest(searcher, 100 + start)  # pending for ever
        if way == "dill":
            searcher = dill.loads(dill.dumps(searcher))
        elif way == "state":
            searcher = searcher.clone_from_state(searcher.get_state())
        else:
            searcher = new().clone_from_state(dill.loads(dill.dumps(searcher.get_state())))
        run(uninterrupted, 3 if start == 0 else 4, function, start)
        suggest(uninterrupted, 100 + start)
    assert run(searcher, 4, function, 11) == run(uninterrupted, 4, function, 11)
    assert searcher.explain_last() == uninterrupted.explain_last()


def test_a_saved_state_is_not_changed_by_what_comes_after() -> None:
    searcher = make()
    run(searcher, 6)
    state = searcher.get_state()
    expected = run(searcher, 4, start=6)
    assert run(make().clone_from_state(state), 4, start=6) == expected
    assert run(make().clone_from_state(state), 4, start=6) == expected


# Tasks that were tuned before


TASKS = {**SPACE, "task": choice(["old", "new"])}


def transferred(model: str, **kwargs: Any) -> GPFIFOSearcher:
    searcher = make(
        TASKS,
        points_to_evaluate=[],
        num_init_random=0,
        transfer_learning_task_attr="task",
        transfer_learning_active_task="new",
        transfer_learning_model=model,
        **kwargs,
    )
    random = np.random.RandomState(0)
    for trial_id in range(20):
        x, y = random.random_sample(2)
        config = {"x": float(x), "y": float(4 * y - 2), "task": "old", "epochs": 9}
        tell(searcher, 1000 + trial_id, config, bowl(config))
    return searcher


@pytest.mark.parametrize("model", ["matern52_product", "matern52_same"])
def test_input_warping_goes_with_tasks(model: str) -> None:
    searcher = transferred(model, input_warping=True)
    run(searcher, 1)
    # The task comes first; of two values it is one coordinate.
    assert {"power_a1", "power_a2"} <= set(searcher.model_parameters())
    assert "power_a0" not in searcher.model_parameters()


@pytest.mark.parametrize("model", ["matern52_product", "matern52_same"])
def test_what_another_task_taught_is_used(model: str) -> None:
    searcher = transferred(model)
    configs = run(searcher, 4)
    assert {config["task"] for config in configs} == {"new"}
    assert min(map(bowl, configs)) < 0.02
    assert searcher.explain_last()["kind"] == "model"


def test_the_active_task_may_have_a_narrower_space() -> None:
    searcher = transferred(
        "matern52_product",
        transfer_learning_active_config_space={**TASKS, "x": uniform(0.4, 0.6)},
    )
    configs = run(searcher, 4)
    assert all(0.4 <= config["x"] <= 0.6 for config in configs)
    assert searcher.explain_last()["num_data"] == 23


def test_the_first_configuration_is_of_the_active_task() -> None:
    searcher = make(
        TASKS,
        points_to_evaluate=[{}, {"y": 1.0}, {"task": "old"}],
        transfer_learning_task_attr="task",
        transfer_learning_active_task="new",
        transfer_learning_active_config_space={"x": uniform(0.4, 0.6)},
    )
    middle = {"x": 0.5, "y": 0.0, "task": "new", "epochs": 9}
    assert run(searcher, 3) == [middle, {**middle, "y": 1.0}, {**middle, "task": "old"}]


def test_tasks_may_be_numbers() -> None:
    space = {"x": uniform(0.0, 1.0), "task": choice([0, 1])}
    searcher = make(space, transfer_learning_task_attr="task", transfer_learning_active_task=1)
    for trial_id in range(6):
        config = searcher.get_config(trial_id=str(trial_id))
        assert config is not None
        assert config["task"] == 1
        tell(searcher, trial_id, config, config["x"])


def test_restricted_configurations_of_other_tasks_do_not_come() -> None:
    allowed = [{"x": i / 10, "y": 0.5, "task": task} for i in range(5) for task in ("old", "new")]
    tasks = {"transfer_learning_task_attr": "task", "transfer_learning_active_task": "new"}
    searcher = make(TASKS, restrict_configurations=allowed, **tasks)
    configs = run(searcher, 5)
    assert sorted(config["x"] for config in configs) == [0.0, 0.1, 0.2, 0.3, 0.4]
    assert {config["task"] for config in configs} == {"new"}
    assert searcher.get_config(trial_id="5") is None
    with pytest.raises(SchedulerError, match="no configuration of transfer_learning_active_task"):
        make(TASKS, restrict_configurations=allowed[::2], **tasks)


def test_tasks_and_edits_do_not_go_together() -> None:
    with pytest.raises(SchedulerError, match="transfer_learning_task_attr"):
        transferred("matern52_same").edit_space(TASKS)


@pytest.mark.parametrize(
    ("options", "name"),
    [
        (
            {"transfer_learning_task_attr": "job", "transfer_learning_active_task": "new"},
            "transfer_learning_task_attr='job'",
        ),
        (
            {"transfer_learning_task_attr": "task", "transfer_learning_active_task": "newer"},
            "transfer_learning_active_task='newer' is no value of task",
        ),
        (
            {"transfer_learning_task_attr": "x", "transfer_learning_active_task": 0.5},
            "transfer_learning_active_task=0.5 is no value of x",
        ),
    ],
)
def test_tasks_that_are_not_there_are_refused(options: Any, name: str) -> None:
    with pytest.raises(ValueError, match=name):
        make(TASKS, **options)


# Parts of a user's own, as the documentation has them


class RationalQuadratic(Kernel):
    def __init__(self, dimension: int) -> None:
        super().__init__(dimension, (Parameter("length", 1.0, 1e-3, 1e3),))

    def forward(self, theta: Any, x1: Any, x2: Any) -> Any:
        gap = anp.sum((x1[:, None, :] - x2[None, :, :]) ** 2, axis=2)
        return 1.0 / (1.0 + 0.5 * gap / theta[0] ** 2)


class LinearMean(Mean):
    def __init__(self, dimension: int) -> None:
        super().__init__(
            [Parameter(f"slope{k}", 0.0, -10, 10, encoding="identity") for k in range(dimension)]
        )

    def forward(self, theta: Any, x: Any) -> Any:
        return anp.dot(x, theta)


def test_a_kernel_and_a_mean_of_ones_own() -> None:
    searcher = make(gp_kernel=RationalQuadratic, gp_mean=LinearMean)
    assert best_of(searcher, 10) < 0.05
    assert set(searcher.model_parameters()) == {"length", "slope0", "slope1", "noise_variance"}
    searcher.edit_space({**SPACE, "z": uniform(0, 1)}, {"z": 0.5})
    run(searcher, 1, start=10)
    assert "slope2" in searcher.model_parameters()
