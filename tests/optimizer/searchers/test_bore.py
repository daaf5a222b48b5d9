"""BORE: every classifier and way to look for the best, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from synetune_lab.config_space import choice, loguniform, randint
from synetune_lab.errors import SchedulerError
from synetune_lab.optimizer.schedulers.searchers.bore import Bore, MultiFidelityBore
from synetune_lab.optimizer.schedulers.searchers.bore.classifiers import make_classifier

SPACE = {
    "lr": loguniform(1e-4, 1.0),
    "units": randint(1, 64),
    "act": choice(["relu", "tanh", "gelu"]),
}


def loss(config: dict[str, Any]) -> float:
    return abs(np.log10(config["lr"]) + 2) + 0.5 * (config["act"] != "tanh")


def filled(count: int, cls: Any = Bore, **kwargs: Any) -> Any:
    searcher = cls(SPACE, "loss", points_to_evaluate=[], random_seed=1, **kwargs)
    for trial_id in range(count):
        config = searcher._get_random_config()
        result = {"loss": loss(config), "epoch": 1 if trial_id % 2 else 3}
        searcher.on_trial_result(str(trial_id), config, result, update=True)
    return searcher


@pytest.mark.parametrize("classifier", ["xgboost", "rf", "mlp", "gp", "logreg"])
@pytest.mark.parametrize("acq_optimizer", ["rs", "de"])
def test_every_classifier_chooses_what_is_good(classifier: str, acq_optimizer: str) -> None:
    if classifier == "xgboost":
        pytest.importorskip("xgboost")
    searcher = filled(60, classifier=classifier, acq_optimizer=acq_optimizer, feval_acq=200)
    found = [searcher.get_config(trial_id=str(100 + i)) for i in range(5)]
    assert searcher.explain_last()["kind"] == "model"
    if classifier == "logreg":
        return  # a linear one does not see a dent in the middle
    state = np.random.RandomState(0)
    everybody = [loss(searcher._ranges.random_config(state)) for _ in range(200)]
    assert np.median([loss(config) for config in found]) < np.quantile(everybody, 0.35)


@pytest.mark.parametrize("calibrate", [False, True])
def test_chances_can_be_calibrated(calibrate: bool) -> None:
    searcher = filled(40, classifier="rf", calibrate=calibrate, feval_acq=50)
    assert searcher.get_config(trial_id="99") is not None
    assert 0.0 <= searcher.explain_last()["score"] <= 1.0


def test_up_to_the_first_observations_it_draws_at_random() -> None:
    for count, kind in ((5, "random"), (6, "model")):
        searcher = filled(count, classifier="logreg")
        searcher.get_config(trial_id="99")
        assert searcher.explain_last()["kind"] == kind


def test_a_share_is_drawn_at_random() -> None:
    searcher = filled(20, classifier="logreg", random_prob=1.0)
    searcher.get_config(trial_id="99")
    assert searcher.explain_last()["kind"] == "random"


def test_it_keeps_to_the_allowed_configurations() -> None:
    allowed = [{"lr": 10.0**-i, "units": 3, "act": "tanh"} for i in range(5)]
    searcher = Bore(
        SPACE,
        "loss",
        points_to_evaluate=[],
        restrict_configurations=allowed,
        classifier="logreg",
        init_random=2,
        random_seed=1,
    )
    for trial_id in range(5):
        config = searcher.get_config(trial_id=str(trial_id))
        assert config in allowed
        searcher.on_trial_result(str(trial_id), config, {"loss": loss(config)}, update=True)
    assert searcher.get_config(trial_id="5") is None


def test_no_configuration_comes_twice() -> None:
    searcher = filled(20, classifier="logreg", feval_acq=20)
    keys = [searcher._keyer.key(searcher.get_config(trial_id=str(50 + i))) for i in range(30)]
    assert len(set(keys)) == 30


def test_the_form_with_levels_learns_at_the_highest_with_enough_data() -> None:
    searcher = filled(30, MultiFidelityBore, classifier="logreg")
    searcher.get_config(trial_id="99")
    assert searcher.explain_last()["level"] == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"gamma": 1.0}, "gamma"),
        ({"classifier": "tree"}, "classifier='tree'"),
        ({"acq_optimizer": "bo"}, "acq_optimizer='bo'"),
        ({"feval_acq": 0}, "feval_acq"),
        ({"random_prob": -0.1}, "random_prob"),
        ({"init_random": 0}, "init_random"),
        (
            {
                "acq_optimizer": "de",
                "restrict_configurations": [{"lr": 0.1, "units": 1, "act": "relu"}],
            },
            "restrict_configurations",
        ),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(SchedulerError, match=message):
        Bore(SPACE, "loss", **{"classifier": "logreg", **arguments})


def test_the_documented_arguments_of_the_network_are_taken() -> None:
    options = {"n_hidden": 7, "epochs": 5, "learning_rate": 0.01, "activation": "tanh"}
    network = make_classifier("mlp", options, 0)
    assert network.hidden_layer_sizes == (7,)
    assert (network.max_iter, network.learning_rate_init) == (5, 0.01)
    for name in ("mlp", "rf", "gp", "logreg"):
        with pytest.raises(SchedulerError, match=f"classifier_kwargs of classifier='{name}'"):
            Bore(SPACE, "loss", classifier=name, classifier_kwargs={"depth": 3})


def test_the_reason_counts_who_was_scored() -> None:
    allowed = [{"lr": 10.0**-i, "units": 3, "act": "tanh"} for i in range(4)]
    searcher = Bore(
        SPACE, "loss", points_to_evaluate=[], restrict_configurations=allowed, classifier="logreg",
        init_random=2, random_seed=1,
    )  # fmt: skip
    for trial_id in range(3):
        config = searcher.get_config(trial_id=str(trial_id))
        searcher.on_trial_result(str(trial_id), config, {"loss": loss(config)}, update=True)
    assert searcher.explain_last()["num_candidates"] == 2
