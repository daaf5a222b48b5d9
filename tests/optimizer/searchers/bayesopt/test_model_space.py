"""The space of a model, through edits."""

from __future__ import annotations

from typing import Any

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
from synetune_lab.optimizer.schedulers.searchers.bayesopt.encoded_space import EncodedSpace
from synetune_lab.optimizer.schedulers.searchers.bayesopt.model_space import ModelSpace

SPACE: dict[str, Any] = {
    "lr": loguniform(1e-4, 1e-1),
    "units": randint(1, 64),
    "kind": choice(["a", "b"]),
    "size": ordinal([8, 16, 32]),
    "epochs": 9,
}
OLD = {"lr": 1e-3, "units": 8, "kind": "b", "size": 16, "epochs": 9}


def drawn(space: ModelSpace, count: int = 40) -> list[dict[str, Any]]:
    """Draws, as searchers give them out."""
    encoded = EncodedSpace(space.ranges)
    configs = encoded.decode(encoded.draw(count, np.random.RandomState(0)))
    return [space.without_fixed(config) for config in configs]


def edited(change: dict[str, Any], **defaults: Any) -> ModelSpace:
    return ModelSpace(SPACE).edit({**SPACE, **change}, defaults)


def test_without_edits_it_is_the_space() -> None:
    space = ModelSpace(SPACE)
    assert space.complete(OLD) == {k: v for k, v in OLD.items() if k != "epochs"}
    assert space.is_searched(OLD)
    for config in drawn(space):
        validate_config(config, SPACE)


@pytest.mark.parametrize(
    ("change", "is_inside"),
    [
        ({"lr": loguniform(1e-3, 1e-2)}, True),
        ({"lr": loguniform(1e-2, 1.0)}, False),
        ({"lr": uniform(0.0, 1.0)}, True),
        ({"units": randint(10, 20)}, False),
        ({"units": lograndint(1, 128)}, True),
        ({"units": finrange(1.0, 9.0, 9, cast_int=True)}, True),
        ({"kind": choice(["b", "c"])}, True),
        ({"kind": choice(["a"])}, False),
        ({"kind": choice(["c", "d"])}, False),
        ({"size": ordinal([8, 16, 32, 64])}, True),
        ({"size": ordinal([16, 32])}, True),
    ],
    ids=str,
)
def test_after_an_edit_draws_are_inside_and_old_configurations_are_encoded(
    change: dict[str, Any], is_inside: bool
) -> None:
    space, before = edited(change), ModelSpace(SPACE)
    for config in drawn(space):
        validate_config(config, {**SPACE, **change})
    completed = space.complete(OLD)
    assert completed is not None
    assert space.is_searched(completed) is is_inside
    assert np.isfinite(space.ranges.to_ndarray(completed)).all()
    # The space before does not change.
    for config in drawn(before):
        validate_config(config, SPACE)


def test_values_that_a_new_order_does_not_have_can_not_be_encoded() -> None:
    assert edited({"size": ordinal([32, 64])}).complete(OLD) is None


def test_choices_keep_their_coordinates() -> None:
    before = ModelSpace(SPACE)
    space = edited({"kind": choice(["c", "b"])})
    begin, end = space.ranges.encoded_ranges["kind"]
    assert end - begin == 3
    config = space.complete(OLD)
    assert config is not None
    np.testing.assert_array_equal(space.ranges.to_ndarray(config)[begin:end], [0, 1, 0])
    start, _ = before.ranges.encoded_ranges["kind"]
    assert start == begin


@pytest.mark.parametrize("value", [1e-2, 5.0, 1e-9])
def test_a_fixed_value_is_not_given_out_and_the_old_ones_stay_apart(value: float) -> None:
    space = edited({"lr": value})
    configs = drawn(space)
    assert all("lr" not in config for config in configs)
    completed = space.complete({**configs[0], "lr": value})
    old = space.complete(OLD)
    assert completed is not None
    assert old is not None
    assert space.is_searched(completed)
    assert not space.is_searched(old)
    # Without the value it has the fixed one.
    assert space.complete(configs[0]) == completed


@pytest.mark.parametrize("value", ["a", "new"])
def test_a_choice_can_be_fixed(value: str) -> None:
    space = edited({"kind": value})
    assert all("kind" not in config for config in drawn(space))
    completed = space.complete(OLD)
    assert completed is not None
    assert completed["kind"] == "b"


def test_what_was_added_has_its_default_in_old_configurations() -> None:
    space = edited({"decay": uniform(0.0, 1.0)}, decay=0.25)
    completed = space.complete(OLD)
    assert completed is not None
    assert completed["decay"] == 0.25
    assert space.complete({**OLD, "decay": 0.75}) == {**completed, "decay": 0.75}
    again = space.edit({**SPACE, "decay": uniform(0.0, 2.0)}, {})
    assert again.complete(OLD) == completed


def test_without_a_default_old_configurations_are_not_used() -> None:
    assert edited({"decay": uniform(0.0, 1.0)}).complete(OLD) is None


def test_edits_add_up() -> None:
    first = {**SPACE, "lr": loguniform(1e-2, 1.0)}
    second = {**SPACE, "lr": loguniform(1e-6, 1e-5)}
    space = ModelSpace(SPACE).edit(first, {}).edit(second, {})
    for lr in (1e-4, 0.5, 5e-6):
        config = space.complete({**OLD, "lr": lr})
        assert config is not None
        assert space.is_searched(config) is (lr == 5e-6)
    for config in drawn(space):
        validate_config(config, second)
    back = space.edit(SPACE, {})
    assert {len(drawn(back)), len({config["lr"] for config in drawn(back)})} == {40}
    for config in drawn(back):
        validate_config(config, SPACE)


def test_a_part_to_draw_from_and_values_that_always_hold() -> None:
    space = ModelSpace(SPACE, {"units": randint(5, 6)}, {"kind": "b"}, ["kind"])
    assert space.ranges.encoded_ranges["kind"] == (0, 1)
    configs = drawn(space)
    assert {config["kind"] for config in configs} == {"b"}
    assert {config["units"] for config in configs} == {5, 6}
    config = space.complete({**OLD, "kind": "a"})
    assert config is not None
    assert not space.is_searched(config)


@pytest.mark.parametrize("values", [[16, 32, 64], [0.1, 0.5, 0.9], ["a", "b", "c"]])
def test_of_a_choice_that_is_fixed_the_other_values_stay_known(values: list[Any]) -> None:
    space = ModelSpace({**SPACE, "batch": choice(values)}).edit({**SPACE, "batch": values[1]}, {})
    vectors = set()
    for value in values:
        config = space.complete({**OLD, "batch": value})
        assert config is not None
        assert space.is_searched(config) is (value == values[1])
        vectors.add(tuple(space.ranges.to_ndarray(config)))
    assert len(vectors) == 3
    random = np.random.RandomState(0)
    assert {space.ranges.random_config(random)["batch"] for _ in range(20)} == {values[1]}
