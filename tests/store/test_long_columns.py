"""Columns of many rows: numbers in blocks, few different texts in bytes."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synetune_lab.store import columns as columns_module
from synetune_lab.store import numbers as numbers_module
from synetune_lab.store.columns import ResultColumns
from synetune_lab.store.numbers import Numbers
from synetune_lab.store.words import Words

parts = st.lists(st.lists(st.integers(-5, 5), max_size=9), max_size=6)


@given(parts, st.integers(0, 60), st.integers(0, 60))
def test_numbers_are_a_list(parts: list[list[int]], start: int, stop: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(numbers_module, "_BLOCK", 4)
        numbers, model = Numbers("q"), list[int]()
        for part in parts:
            numbers.extend(part[1:])
            model += part[1:]
            for number in part[:1]:
                numbers.append(number)
                model.append(number)
        assert list(numbers) == model
        assert len(numbers) == len(model)
        assert list(numbers[start:stop]) == model[start:stop]
        assert [numbers[i] for i in range(-len(model), len(model))] == model + model
        assert numbers.to_numpy().tolist() == model
        numbers.truncate(start)
        assert list(numbers) == model[:start]


def test_a_number_that_does_not_fit_changes_nothing() -> None:
    numbers = Numbers("q", [1, 2])
    for bad, error in ((2**70, OverflowError), (1.5, TypeError), ("x", TypeError)):
        with pytest.raises(error):
            numbers.append(bad)  # type: ignore[arg-type]
    with pytest.raises(IndexError):
        numbers[2]
    assert list(numbers) == [1, 2]


def test_words_take_texts_only_and_not_too_many_different_ones() -> None:
    words = Words(["a", "b", "a"])
    words.append("c")
    with pytest.raises(ValueError, match="only texts fit"):
        words.append(1)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="only 255 different"):
        words.extend([str(i) for i in range(300)])
    assert list(words) == ["a", "b", "a", "c"]
    assert (words[1], words[1:3], len(words)) == ("b", ["b", "a"], 4)
    words.truncate(2)
    assert list(words) == ["a", "b"]


@pytest.mark.parametrize("late", [None, 1.5, "another text", True, 7])
def test_long_columns_have_the_same_rows_as_short_ones(
    late: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columns_module, "_LONG", 16)
    monkeypatch.setattr(numbers_module, "_BLOCK", 8)
    draw = random.Random(0)
    rows = [
        {"n": i, "x": draw.random(), "word": draw.choice("abc"), "any": draw.choice([1, "a", None])}
        for i in range(100)
    ]
    rows[80]["word"] = late
    long = ResultColumns()
    long._next_look = 16
    for at in range(0, 100, 10):
        part = rows[at : at + 10]
        long.extend({name: [row[name] for row in part] for name in rows[0]})
    assert list(long.rows()) == [tuple(row.values()) for row in rows]
    assert list(long.rows(33, 77)) == [tuple(row.values()) for row in rows[33:77]]
    assert long.kinds() == {"n": "q", "x": "d", "word": "O", "any": "O"}
    assert long.dataframe()["n"].tolist() == list(range(100))
    long.truncate(50)
    assert list(long.rows()) == [tuple(row.values()) for row in rows[:50]]
