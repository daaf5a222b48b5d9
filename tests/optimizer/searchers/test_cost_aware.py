"""Bayesian optimisation by expected improvement per unit of cost."""

from __future__ import annotations

import json
import logging
import math
from dataclasses import replace
from datetime import datetime
from typing import Any

import dill
import numpy as np
import pytest

from synetune_lab.config_space import choice, randint, uniform
from synetune_lab.errors import InvalidReportError, SchedulerError
from synetune_lab.optimizer.baselines import (
    MOBSTER,
    BayesianOptimization,
    CostAwareCoarseGrained,
    CostAwareFineGrained,
    CostAwareMultiFidelity,
)
from synetune_lab.optimizer.schedulers import FIFOScheduler, HyperbandScheduler
from synetune_lab.optimizer.schedulers.searchers.bayesopt.cost_aware_searcher import (
    CostAwareGPFIFOSearcher,
    CostAwareGPMultiFidelitySearcher,
)
from synetune_lab.optimizer.schedulers.searchers.bayesopt.gp_fifo_searcher import GPFIFOSearcher
from synetune_lab.optimizer.schedulers.searchers.bayesopt.second_models import ConstantPosterior
from synetune_lab.surrogates.cost_models import (
    BiasOnlyLinearCostModel,
    CostModel,
    CostValue,
    LinearCostModel,
    ScikitLearnCostModel,
)
from synetune_lab.testing.scheduler_driver import SchedulerDriver
from synetune_lab.trial import Trial

SPACE = {"size": uniform(0.0, 1.0), "rate": uniform(0.0, 1.0), "epochs": 9}
# Both variants of trials that run to their end, and the searcher for rungs.
VARIANTS = ["coarse", "fine"]


def loss(config: dict[str, Any]) -> float:
    """Two valleys that are about as deep: a cheap one and an expensive one."""
    size, rate = config["size"], config["rate"]
    return float((size - 0.2) ** 2 * (size - 0.9) ** 2 * 8 + 0.5 * (rate - 0.4) ** 2 + 1.0)


def price(config: dict[str, Any]) -> float:
    """Cost of an epoch, which varies by a factor of a thousand."""
    return float(10.0 ** (3.0 * config["size"] - 1.0))


class PriceModel(LinearCostModel):
    def feature_matrices(self, candidates: Any) -> tuple[Any, Any]:
        prices = np.array([[price(config)] for config in candidates]).reshape(-1, 1)
        return np.ones((len(candidates), 1)), prices


def run_trial(scheduler: Any, trial_id: int, cost: Any = price) -> tuple[Any, float]:
    """Runs one trial to its end; its configuration and its cost."""
    config = scheduler.suggest(trial_id).config
    trial = Trial(trial_id, config, datetime(2026, 1, 1))
    scheduler.on_trial_add(trial)
    result: dict[str, Any] = {}
    for epoch in (1, 3, 9):
        result = {"loss": loss(config), "cost": epoch * cost(config), "epoch": epoch}
        scheduler.on_trial_result(trial, result)
    scheduler.on_trial_complete(trial, result)
    return config, result["cost"]


def spent(scheduler: Any, target: float, most: int = 40) -> float:
    """What it costs until a loss is reached."""
    total = 0.0
    for trial_id in range(most):
        config, cost = run_trial(scheduler, trial_id)
        total += cost
        if loss(config) < target:
            break
    return total


def scheduler_of(variant: str, seed: int, model: CostModel | None = None, **kwargs: Any) -> Any:
    if variant == "coarse":
        return CostAwareCoarseGrained(SPACE, "loss", "cost", random_seed=seed, **kwargs)
    return CostAwareFineGrained(
        SPACE, "loss", "epoch", "cost", model or PriceModel(), random_seed=seed, **kwargs
    )


def make(variant: str, **kwargs: Any) -> CostAwareGPFIFOSearcher:
    own: dict[str, Any] = {"cost_attr": "cost", "num_init_random": 0, "random_seed": 1, **kwargs}
    if variant == "fine":
        own = {"resource_attr": "epoch", "cost_model": PriceModel(), **own}
    return CostAwareGPFIFOSearcher(SPACE, "loss", points_to_evaluate=[], **own)


def tell(searcher: Any, trial_id: int, config: Any, cost: Any = None) -> None:
    cost = 9 * price(config) if cost is None else cost
    result = {"loss": loss(config), "cost": cost, "epoch": 9}
    searcher.on_trial_result(str(trial_id), config, result, update=True)


def filled(variant: str, count: int = 8, cost: Any = None, **kwargs: Any) -> Any:
    searcher = make(variant, **kwargs)
    for trial_id in range(count):
        config = searcher._get_random_config()
        tell(searcher, trial_id, config, None if cost is None else cost(config))
    return searcher


def bound_of(searcher: Any) -> Any:
    """The acquisition function of the next suggestion."""
    data = searcher.model_data("loss")
    searcher._fit_models(data)
    return searcher._bind(searcher._condition_models(data), data, 0)[0]


@pytest.mark.parametrize("variant", VARIANTS)
def test_it_spends_less_for_the_same_result(variant: str) -> None:
    # All begin alike, with configurations from which the cost can be told.
    sizes, rates = (0.5, 0.05, 0.7, 0.3), (0.9, 0.0, 0.1, 1.0)
    begin = [{"size": size, "rate": rate} for size, rate in zip(sizes, rates, strict=True)]
    options = {"points_to_evaluate": begin, "search_options": {"num_init_random": 4}}
    ours = [spent(scheduler_of(variant, seed, **options), 1.01) for seed in range(5)]
    plain = [
        spent(BayesianOptimization(SPACE, "loss", random_seed=seed, **options), 1.01)
        for seed in range(5)
    ]
    assert np.mean(ours) < 0.5 * np.mean(plain)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("cost", [0.0, 1.0, 7e-9, 1e9])
def test_a_constant_cost_gives_the_same_choices_as_plain_optimisation(
    variant: str, cost: float
) -> None:
    ours = scheduler_of(variant, 3, ScikitLearnCostModel())
    plain = BayesianOptimization(SPACE, "loss", random_seed=3)
    for trial_id in range(9):
        config, _ = run_trial(ours, trial_id, lambda config: cost)
        assert config == run_trial(plain, trial_id)[0]
    assert ours.searcher.explain_last()["acquisition"] == "eipu"


def curve(config: dict[str, Any], trial_id: int, resource: int) -> float:
    del trial_id
    return loss(config) + 0.2 / resource


class CostDriver(SchedulerDriver):
    """Reports that hold the cost since the trial was started or resumed last."""

    rate: Any = staticmethod(price)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.resumed_at: dict[int, int] = {}

    def _go_on(self, trial_id: int, config: dict[str, Any] | None) -> None:
        super()._go_on(trial_id, config)
        self.resumed_at[trial_id] = self._spent[trial_id]

    def _result(self, trial: Trial) -> dict[str, Any]:
        result = super()._result(trial)
        epochs = result["epoch"] - self.resumed_at.get(trial.trial_id, 0)
        return {**result, "cost": epochs * self.rate(trial.config)}


def test_a_constant_cost_gives_the_same_choices_at_rungs_too() -> None:
    logs = []
    for cls, arguments in (
        (CostAwareMultiFidelity, ("epoch", "cost", BiasOnlyLinearCostModel())),
        (MOBSTER, ("epoch",)),
    ):
        scheduler = cls(SPACE, "loss", *arguments, max_resource_attr="epochs", random_seed=5)
        driver = CostDriver(scheduler, curve, max_resource=9)
        driver.rate = lambda config: 2.0
        driver.run(60)
        logs.append(driver.configs)
    assert logs[0] == logs[1]
    assert len(logs[0]) > 8


@pytest.mark.parametrize("type_", ["stopping", "promotion"])
def test_at_rungs_it_starts_cheaper_trials(type_: str) -> None:
    prices = []
    for cls, arguments in (
        (CostAwareMultiFidelity, ("epoch", "cost", PriceModel())),
        (MOBSTER, ("epoch",)),
    ):
        chosen: list[float] = []
        for seed in range(3):
            scheduler = cls(
                SPACE,
                "loss",
                *arguments,
                type=type_,
                max_resource_attr="epochs",
                random_seed=seed,
            )
            driver = CostDriver(scheduler, curve, max_resource=9)
            driver.run(70)
            chosen += [price(config) for config in list(driver.configs.values())[4:]]
        prices.append(float(np.mean(np.log10(chosen))))
    assert prices[0] < prices[1] - 0.2


def test_costs_of_resumed_trials_are_added_up() -> None:
    scheduler = CostAwareMultiFidelity(
        SPACE,
        "loss",
        "epoch",
        "cost",
        PriceModel(),
        type="promotion",
        max_resource_attr="epochs",
        random_seed=0,
    )
    driver = CostDriver(scheduler, curve, max_resource=9)
    log = driver.run(100)
    assert any(entry[0] == "resume" for entry in log)
    searcher: Any = scheduler.searcher
    observed = searcher._data.of("cost")
    for row, level, cost in zip(observed.rows, observed.levels, observed.values, strict=True):
        assert cost == pytest.approx(level * price(searcher._data.configs[row]))
    assert isinstance(searcher, CostAwareGPMultiFidelitySearcher)
    reason = next(e[3] for e in reversed(log) if e[0] == "start" and e[3]["kind"] == "model")
    assert reason["acquisition"] == "eipu"
    config = next(e[2] for e in reversed(log) if e[0] == "start" and e[3]["kind"] == "model")
    assert reason["cost"] == pytest.approx(reason["level"] * price(config), rel=0.05)


def test_the_cost_up_to_the_maximum_resource_counts() -> None:
    scheduler = scheduler_of("fine", 0)
    for trial_id in range(6):
        _, cost = run_trial(scheduler, trial_id)
    reason = scheduler.searcher.explain_last()
    json.dumps(reason, allow_nan=False)
    assert reason["kind"] == "model"
    assert reason["cost"] == pytest.approx(cost, rel=0.05)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("cost", [0.0, 5.0])
def test_a_constant_cost_is_told_as_it_is(variant: str, cost: float) -> None:
    scheduler = scheduler_of(variant, 0)
    for trial_id in range(6):
        run_trial(scheduler, trial_id, lambda config: cost)
    assert scheduler.searcher.explain_last()["cost"] == 9 * cost


@pytest.mark.parametrize("variant", VARIANTS)
def test_gradients_are_right(variant: str) -> None:
    # The fine variant's cost counts as constant in gradients: it gets a constant model here.
    searcher = filled(
        variant, cost_model=None if variant == "coarse" else BiasOnlyLinearCostModel()
    )
    bound = bound_of(searcher)
    x = np.random.RandomState(0).uniform(0.1, 0.9, (6, 2))
    values, gradient = bound.values_with_gradient(x)
    assert values == pytest.approx(bound.values(x))
    numerical = np.empty_like(gradient)
    for k in range(2):
        step = 1e-5 * np.eye(2)[k]
        numerical[:, k] = (bound.values(x + step) - bound.values(x - step)) / 2e-5
    assert gradient == pytest.approx(numerical, rel=1e-3, abs=1e-3)
    if variant == "coarse":
        only_metric = replace(bound, others={"cost": ConstantPosterior(1.0)})
        assert np.abs(gradient - only_metric.values_with_gradient(x)[1]).max() > 1.0


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("wrong", [-1.0, math.nan, math.inf, -math.inf, 1e300])
def test_impossible_costs_are_passed_over(
    variant: str, wrong: float, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        searcher = filled(variant, 6)
        tell(searcher, 50, {"size": 0.4, "rate": 0.4}, wrong)
    assert f"cost={wrong}" in caplog.text
    assert searcher.dataset_size() == 7
    assert len(searcher._data.of("cost")) == 6
    assert searcher.get_config(trial_id="99") is not None
    assert searcher.explain_last()["kind"] == "model"


@pytest.mark.parametrize("variant", VARIANTS)
def test_without_any_possible_cost_it_goes_on(variant: str) -> None:
    searcher = filled(variant, 6, cost=lambda config: math.nan)
    assert searcher.get_config(trial_id="99") is not None
    assert searcher.explain_last()["kind"] == "model"
    assert "cost" not in searcher.explain_last()


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("wrong", [0.0, 1e-200, 1e99])
def test_a_clock_that_errs_once_does_not_stop_it(variant: str, wrong: float) -> None:
    searcher = filled(variant, 12)
    tell(searcher, 50, {"size": 0.4, "rate": 0.4}, wrong)
    assert searcher.get_config(trial_id="99") is not None
    reason = searcher.explain_last()
    assert reason["kind"] == "model"
    assert math.isfinite(reason["cost"])
    if variant == "coarse" and wrong < 1.0:
        cheap, dear = (
            bound_of(searcher).others["cost"].predict(np.array([[0.1, 0.5], [0.9, 0.5]])).mean
        )
        assert cheap < dear


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(
    ("result", "text"), [({"epoch": 9}, "no 'cost'"), ({"epoch": 9, "cost": "1s"}, "cost='1s'")]
)
def test_a_report_without_the_cost_is_refused(
    variant: str, result: dict[str, Any], text: str
) -> None:
    searcher, undisturbed = filled(variant), filled(variant)
    with pytest.raises(InvalidReportError, match=f"trial 50 .*{text}"):
        searcher.on_trial_result(
            "50", {"size": 0.0, "rate": 0.0}, {"loss": 1.0, **result}, update=True
        )
    assert searcher.get_config(trial_id="99") == undisturbed.get_config(trial_id="99")


@pytest.mark.parametrize("wrong", [{}, {"epoch": 0}, {"epoch": 1.5}, {"epoch": "9"}])
def test_the_fine_variant_needs_the_resource(wrong: dict[str, Any]) -> None:
    searcher = filled("fine")
    with pytest.raises(InvalidReportError, match="epoch"):
        searcher.on_trial_result(
            "50", {"size": 0.0, "rate": 0.0}, {"loss": 1.0, "cost": 1.0, **wrong}, update=False
        )


@pytest.mark.parametrize("variant", VARIANTS)
def test_saved_in_the_middle_it_goes_on_alike(variant: str) -> None:
    searcher = filled(variant)
    saved = dill.loads(dill.dumps(searcher))
    cloned = filled(variant).clone_from_state(searcher.get_state())
    for trial_id in range(100, 104):
        chosen = [s.get_config(trial_id=str(trial_id)) for s in (searcher, saved, cloned)]
        assert chosen[0] is not None
        assert chosen[0] == chosen[1] == chosen[2]
        for other in (searcher, saved, cloned):
            other.register_pending(str(trial_id), chosen[0])
            if trial_id % 2:
                tell(other, trial_id, chosen[0])


@pytest.mark.parametrize("variant", VARIANTS)
def test_costs_are_known_after_an_edit(variant: str) -> None:
    searcher = filled(variant, 12)
    kind = choice(["a", "b"])
    searcher.edit_space({**SPACE, "size": uniform(0.0, 0.5), "kind": kind}, {"kind": "a"})
    config = searcher.get_config(trial_id="99")
    assert config is not None
    assert config["size"] <= 0.5
    assert config["kind"] in ("a", "b")
    reason = searcher.explain_last()
    assert reason["num_data"] == 12
    assert reason["cost"] == pytest.approx(9 * price(config), rel=0.5)


def test_cost_models_see_constants_and_hyperparameters_only() -> None:
    seen: list[dict[str, Any]] = []

    class Spy(BiasOnlyLinearCostModel):
        def feature_matrices(self, candidates: Any) -> Any:
            seen.extend(candidates)
            return super().feature_matrices(candidates)

    searcher = make("fine", cost_model=Spy())
    for trial_id in range(4):
        config = searcher._get_random_config()
        assert config is not None
        # A scheduler may have replaced the maximum resource by a milestone.
        tell(searcher, trial_id, {**config, "epochs": 3})
    searcher.get_config(trial_id="99")
    assert seen
    assert all(set(config) == set(SPACE) and config["epochs"] == 9 for config in seen)


def test_a_random_cost_model_is_drawn_once_for_each_suggestion() -> None:
    class Draws(CostModel):
        draws = 0

        def update(self, data: Any) -> None:
            assert list(data.rows())

        def resample(self) -> None:
            self.draws += 1

        def sample_joint(self, candidates: Any) -> list[CostValue]:
            return [CostValue(0.0, float(self.draws)) for _ in candidates]

    searcher = filled("fine", cost_model=Draws())
    for draw in (1, 2, 3):
        searcher.get_config(trial_id=str(100 + draw))
        assert searcher.explain_last()["cost"] == pytest.approx(9.0 * draw)


def test_many_costs_are_thinned() -> None:
    num_reports: list[int] = []

    class Counting(PriceModel):
        def update(self, data: Any) -> None:
            num_reports.append(len(list(data.rows())))
            super().update(data)

    searcher = make("fine", cost_model=Counting(), max_size_data_for_model=20)
    for trial_id in range(30):
        config = searcher._get_random_config()
        assert config is not None
        for epoch in range(1, 10):
            result = {"loss": loss(config), "cost": epoch * price(config), "epoch": epoch}
            searcher.on_trial_result(str(trial_id), config, result, update=epoch == 9)
    config = searcher.get_config(trial_id="99")
    assert num_reports == [20]
    assert searcher.explain_last()["cost"] == pytest.approx(9 * price(config), rel=0.05)
    # Nothing is new, so nothing is learnt again.
    searcher.get_config(trial_id="100")
    assert num_reports == [20]


def test_integers_and_choices_in_the_fine_variant() -> None:
    space = {"units": randint(1, 64), "kind": choice(["a", "b"]), "rate": uniform(0.0, 1.0)}
    searcher = CostAwareGPFIFOSearcher(
        space,
        "loss",
        cost_attr="cost",
        resource_attr="epoch",
        cost_model=ScikitLearnCostModel(),
        random_seed=0,
    )
    for trial_id in range(8):
        config = searcher.get_config(trial_id=str(trial_id))
        assert config is not None
        for epoch in (1, 2):
            cost = epoch * (config["units"] + 50.0 * (config["kind"] == "b"))
            result = {"loss": (config["rate"] - 0.3) ** 2, "cost": cost, "epoch": epoch}
            searcher.on_trial_result(str(trial_id), config, result, update=epoch == 2)
    assert searcher.explain_last()["kind"] == "model"
    assert config["kind"] == "a"
    assert config["units"] < 32


def test_the_exponent_tempers_costs() -> None:
    weak = filled("coarse", 10, acq_function_kwargs={"exponent_cost": 1e-9})
    plain = GPFIFOSearcher(SPACE, "loss", points_to_evaluate=[], num_init_random=0, random_seed=1)
    for trial_id in range(10):
        tell(plain, trial_id, plain._get_random_config())
    x = np.random.RandomState(0).uniform(0.1, 0.9, (6, 2))
    assert bound_of(weak).values(x) == pytest.approx(bound_of(plain).values(x), rel=1e-3)


def test_wrong_options_are_refused(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(SchedulerError, match="cost_attr=None"):
        make("coarse", cost_attr=None)
    with pytest.raises(SchedulerError, match="cost_attr='loss'"):
        make("coarse", cost_attr="loss")
    with pytest.raises(SchedulerError, match="cost_model=None"):
        make("fine", cost_model=None)
    with pytest.raises(SchedulerError, match="acq_function='lcb'"):
        make("coarse", acq_function="lcb")
    with pytest.raises(SchedulerError, match="exponent_cost"):
        make("coarse", acq_function_kwargs={"exponent_cost": 2.0})
    make("coarse", cost_model=PriceModel())
    assert "cost_model is not used" in caplog.text
    searcher = make("coarse")
    with pytest.raises(SchedulerError, match="CostAwareGPMultiFidelitySearcher"):
        HyperbandScheduler(SPACE, metric="loss", searcher=searcher)
    with pytest.raises(SchedulerError, match="cost_attr"):
        FIFOScheduler(SPACE, metric="loss", searcher="bayesopt_cost")
    with pytest.raises(SchedulerError, match="argument of its own"):
        CostAwareCoarseGrained(SPACE, "loss", "cost", search_options={"cost_attr": "other"})


def test_by_name_the_resource_decides_on_the_variant() -> None:
    options = {"cost_attr": "cost", "resource_attr": "epoch", "cost_model": PriceModel()}
    scheduler: Any = FIFOScheduler(
        SPACE, metric="loss", searcher="bayesopt_cost", search_options=options
    )
    assert scheduler.searcher._costs is not None
    scheduler = FIFOScheduler(
        SPACE, metric="loss", searcher="bayesopt_cost", search_options={"cost_attr": "cost"}
    )
    assert scheduler.searcher._costs is None
    scheduler = HyperbandScheduler(
        SPACE,
        metric="loss",
        searcher="bayesopt_cost",
        max_resource_attr="epochs",
        search_options={"cost_attr": "cost"},
    )
    # Without a cost of the scheduler's own, reports hold totals.
    assert scheduler.searcher._costs.reported_as == "cost"
    assert isinstance(scheduler.searcher._costs.cost_model, ScikitLearnCostModel)
