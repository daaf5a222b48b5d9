"""Regularised evolution."""

from __future__ import annotations

from typing import Any

import pytest

from synetune_lab.config_space import choice, randint, uniform, validate_config
from synetune_lab.errors import SchedulerError
from synetune_lab.optimizer.schedulers.searchers import RegularizedEvolution

SPACE = {"x": uniform(0.0, 1.0), "n": randint(1, 100), "c": choice(["a", "b", "c"]), "epochs": 3}


def searcher(**kwargs: Any) -> RegularizedEvolution:
    arguments = {"population_size": 5, "sample_size": 3, "random_seed": 1, **kwargs}
    return RegularizedEvolution(SPACE, "loss", points_to_evaluate=[], **arguments)


def finish(one: RegularizedEvolution, number: int, config: dict[str, Any], loss: float) -> None:
    one.on_trial_result(str(number), {**config, "epochs": 3}, {"loss": loss}, update=True)


def run(one: RegularizedEvolution, n: int, sign: float = 1.0) -> list[dict[str, Any]]:
    configs = []
    for number in range(n):
        config = one.get_config(trial_id=str(number))
        assert config is not None
        finish(one, number, config, sign * (abs(config["x"] - 0.3) + config["n"] / 100))
        configs.append(config)
    return configs


def test_after_the_first_ones_a_suggestion_differs_in_one_value_from_a_member() -> None:
    one = searcher()
    run(one, 5)
    for number in range(5, 60):
        members = [member.config for member in one.population]
        config = one.get_config(trial_id=str(number))
        assert config is not None
        assert one.explain_last() == {"kind": "mutant"}
        validate_config(config, {k: v for k, v in SPACE.items() if k != "epochs"})
        changes = [sum(config[k] != member[k] for k in config) for member in members]
        assert min(changes) <= 1
        finish(one, number, config, 1.0)


def test_it_finds_better_configurations_than_the_first_ones() -> None:
    for sign, mode in ((1.0, "min"), (-1.0, "max")):
        configs = run(searcher(population_size=20, sample_size=5, mode=mode), 300, sign)
        loss = [abs(c["x"] - 0.3) + c["n"] / 100 for c in configs]
        assert sum(loss[-50:]) / 50 < 0.5 * sum(loss[:20]) / 20


def test_the_oldest_leave() -> None:
    one = searcher()
    configs = run(one, 12)
    assert [member.config for member in one.population] == configs[-5:]
    assert one.dataset_size() == 5


def test_the_best_of_the_sample_becomes_the_parent() -> None:
    one = searcher(population_size=3, sample_size=50)
    for number, loss in enumerate([0.5, 0.1, float("nan")]):
        finish(one, number, {"x": number / 10, "n": number + 1, "c": "a"}, loss)
    for number in range(3, 20):
        config = one.get_config(trial_id=str(number))
        assert config is not None
        assert sum(config[k] != {"x": 0.1, "n": 2, "c": "a"}[k] for k in config) <= 1


def test_configurations_of_failed_trials_do_not_come_again() -> None:
    space = {"c": choice(["a", "b"])}
    one = RegularizedEvolution(
        space, "loss", points_to_evaluate=[], population_size=2, sample_size=1, random_seed=0
    )
    one.register_pending("9", {"c": "a"})
    one.evaluation_failed("9")
    for number in range(20):
        config = one.get_config(trial_id=str(number))
        assert config == {"c": "b"}
        one.on_trial_result(str(number), config, {"loss": 1.0}, update=True)


def test_members_outside_of_an_edited_space_leave() -> None:
    one = searcher()
    run(one, 5)
    inside = [m.config for m in one.population if m.config["n"] <= 50]
    report = one.edit_space({**SPACE, "n": randint(1, 50)})
    assert (report.kept, report.dropped) == (len(inside), 5 - len(inside))
    assert [member.config for member in one.population] == inside


def test_a_saved_state_goes_on_alike() -> None:
    one = searcher()
    run(one, 8)
    other = searcher().clone_from_state(one.get_state())
    assert run(one, 10) == run(other, 10)


@pytest.mark.parametrize("name", ["population_size", "sample_size"])
@pytest.mark.parametrize("value", [0, 2.0, True])
def test_sizes_are_positive_integers(name: str, value: Any) -> None:
    with pytest.raises(SchedulerError, match=f"{name} must be an integer of at least 1"):
        searcher(**{name: value})


def test_a_mutant_is_never_a_plain_copy_of_its_parent() -> None:
    space = {"a": choice([0, 1]), "b": choice([0, 1])}
    one = RegularizedEvolution(
        space, "loss", points_to_evaluate=[], population_size=1, sample_size=1, random_seed=0
    )
    for number in range(60):
        parent = one.population[0].config if number else None
        config = one.get_config(trial_id=str(number))
        assert config is not None
        if parent is not None:
            assert sum(config[name] != parent[name] for name in space) == 1
        finish(one, number, config, 1.0)
