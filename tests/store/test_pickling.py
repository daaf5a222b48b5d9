"""Fast where it can be, dill where it must: what a notebook defines survives the kernel."""

from __future__ import annotations

import importlib
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any

import dill
import pytest

from synetune_lab.errors import StoreError
from synetune_lab.store.pickling import dumps, dumps_by_value, loads


def test_plain_objects_come_back() -> None:
    shared = [1, 2]
    value = {"a": shared, "b": shared, "t": (1.5, "x", None), "path": Path("x")}
    loaded = loads(dumps(value))
    assert loaded == value
    assert loaded["a"] is loaded["b"]


def test_lambdas_and_closures_come_back() -> None:
    factor = 3
    (function,) = loads(dumps([lambda x: factor * x]))
    assert function(14) == 42


def test_functions_and_modules_with_a_name_go_by_name() -> None:
    assert loads(dumps(textwrap.dedent)) is textwrap.dedent
    assert loads(dumps(textwrap)) is textwrap
    assert b"textwrap" in bytes(dumps(textwrap.dedent))
    assert len(dumps(textwrap.dedent)) < 100


def test_a_module_beside_the_notebook_goes_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "beside_the_notebook.py").write_text("rows = (n for n in ())\nfactor = 3\n")
    monkeypatch.syspath_prepend(tmp_path)
    beside = importlib.import_module("beside_the_notebook")

    def function(x: int) -> Any:
        return beside.factor * x

    assert dill.loads(dumps_by_value(function))(14) == 42


SCRIPT = """
import sys
from synetune_lab.store.pickling import dumps

limit = 5

class Callback:
    def __init__(self):
        self.rows = []
    def above(self, value):
        return value > limit

def helper(x):
    return Callback().above(x)

a, b = Callback(), Callback()
sys.stdout.buffer.write(bytes(dumps({"callbacks": [a, b, a], "function": helper})))
"""


def test_what_main_defines_comes_back_in_another_process() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, check=True)
    loaded = dill.loads(done.stdout)
    first, second, again = loaded["callbacks"]
    assert first is again
    assert type(first) is type(second)
    assert first.above(6)
    assert not first.above(4)
    assert loaded["function"](6)


def test_what_only_dill_can_take_goes_through_dill() -> None:
    lock = loads(dumps({"lock": threading.Lock()}))["lock"]
    with lock:
        pass


class Stubborn:
    def __reduce__(self) -> object:
        raise TypeError("never")


def test_what_nothing_can_take_is_named() -> None:
    with pytest.raises(StoreError, match=r"Stubborn can't be pickled: never"):
        dumps(Stubborn())
