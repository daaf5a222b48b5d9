"""The table that keeps what is at rest as bytes."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synetune_lab.utils import packed_table
from synetune_lab.utils.packed_table import PackedTable, pack_date, unpack_date


@dataclass
class Entry:
    config: dict[str, Any] = field(default_factory=dict)
    count: int = 0


class Table(PackedTable[Entry]):
    def __getitem__(self, number: int) -> Entry:
        return self.peek(number)

    def _pack(self, entry: Entry) -> tuple[Any, ...]:
        return self._split(entry.config), entry.count

    def _unpack(self, number: int, packed: tuple[Any, ...]) -> Entry:
        del number
        return Entry(self._joined(packed[0]) or {}, packed[1])


@pytest.fixture(autouse=True)
def few_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed_table, "_KEPT", 3)
    monkeypatch.setattr(packed_table, "_BATCH", 2)


def is_awake(table: Table, number: int) -> bool:
    return table.peek(number) is table.peek(number)


numbers = st.integers(0, 12)
values = st.one_of(st.floats(allow_nan=False), st.integers(), st.text(max_size=3), st.none())
configs = st.dictionaries(st.sampled_from("abc"), values)
steps = st.one_of(
    st.tuples(st.just("put"), numbers, configs),
    st.tuples(st.just("change"), numbers, configs),
    st.tuples(st.just("drop"), numbers, st.none()),
    st.tuples(st.just("rest"), st.frozensets(numbers), st.none()),
    st.tuples(st.just("save"), st.none(), st.none()),
)


@settings(max_examples=150)
@given(st.lists(steps, max_size=60))
def test_it_is_a_mapping_whatever_is_packed(todo: list[Any]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packed_table, "_KEPT", 2)
        patch.setattr(packed_table, "_BATCH", 2)
        table, model = Table(), dict[int, Entry]()
        for what, number, config in todo:
            if what == "put":
                table.put(number, Entry(config))
                model[number] = Entry(config)
            elif what == "change" and number in model:
                entry = table.wake(number)
                entry.config, entry.count = config, entry.count + 1
                model[number] = Entry(config, model[number].count + 1)
            elif what == "drop":
                table.drop(number)
                model.pop(number, None)
            elif what == "rest":
                held = {i: table.wake(i) for i in number if i in table}
                table.rest(number)
                assert all(table.peek(i) is entry for i, entry in held.items())
            elif what == "save":
                table = pickle.loads(pickle.dumps(table))
            assert dict(table) == model
            assert dict(table.peek_all()) == model
            assert len(table) == len(model)
            assert sorted(table) == sorted(model)


def test_those_used_last_stay_objects_and_busy_ones_too() -> None:
    table = Table()
    for number in range(10):
        table.put(number, Entry({"a": number}))
    table.rest({0})
    assert [n for n in range(10) if is_awake(table, n)] == [0, 7, 8, 9]
    table.wake(4)
    assert is_awake(table, 4)


def test_a_copy_stays_as_it_is() -> None:
    table = Table()
    for number in range(10):
        table.put(number, Entry(count=number))
    table.rest(())
    look = table.look()
    table.wake(0).count = 100
    table.drop(1)
    table.put(20, Entry())
    assert [look[n].count for n in look] == list(range(10))


def test_what_a_plain_pickle_cannot_carry_stays_an_object() -> None:
    class OfANotebook:
        pass

    OfANotebook.__module__ = "__main__"
    table = Table()
    odd = OfANotebook()
    table.put(0, Entry({"a": odd}))
    table.put(1, Entry({"a": lambda: 0}))
    for number in range(2, 12):
        table.put(number, Entry())
    table.rest(())
    assert table[0].config["a"] is odd
    assert is_awake(table, 1)
    assert not is_awake(table, 2)


def test_a_number_that_is_not_there() -> None:
    table = Table()
    with pytest.raises(KeyError):
        table.wake(3)
    with pytest.raises(KeyError):
        table.peek(-1)
    with pytest.raises(ValueError, match="at least 0, got -1"):
        table.put(-1, Entry())


@given(st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1)))
def test_dates_are_exact(date: datetime) -> None:
    zone = timezone(timedelta(hours=3))
    for one in (date, date.replace(tzinfo=timezone.utc), date.replace(tzinfo=zone), None):
        assert unpack_date(pack_date(one)) == one
