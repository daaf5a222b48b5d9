"""Pickling that is fast for plain objects and still takes what only dill can take.

The C pickler does the work; functions and classes that can't be imported by their name (from
`__main__`, a notebook cell, a closure, a lambda) go to dill, by value. What comes out is an
ordinary pickle: `dill.load` reads it.
"""

from __future__ import annotations

import gc
import io
import pickle
import sys
import types
from importlib import import_module
from typing import Any

from synetune_lab.errors import StoreError
from synetune_lab.store.content import Content


def importable(value: Any) -> bool:
    """Whether another process finds this function or class by its module and name."""
    module_name = getattr(value, "__module__", None)
    name = getattr(value, "__qualname__", None)
    if not module_name or not name or module_name in ("__main__", "__mp_main__"):
        return False
    found: Any = sys.modules.get(module_name)
    for part in name.split("."):
        found = getattr(found, part, None)
        if found is None:
            return False
    return found is value


class _FastPickler(pickle.Pickler):
    """The C pickler with dill for what has no importable name."""

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, (types.FunctionType, type)):
            return NotImplemented if importable(value) else _by_value(value)
        if isinstance(value, types.ModuleType):
            return import_module, (value.__name__,)
        return NotImplemented


def _by_value(value: Any) -> Any:
    # Types of the interpreter (NoneType, functions' own type, ...) name a module in which they
    # are not found; the C pickler knows them.
    if isinstance(value, type) and value.__module__ in ("builtins", "types"):
        return NotImplemented
    import dill

    return dill.loads, (dumps_by_value(value),)


def dumps_by_value(value: Any) -> bytes:
    """The pickle of a function or class of `__main__` with the globals that it uses.

    Modules that it uses are named, not copied: dill would copy those that aren't installed, such as
    one beside the notebook, with all that they have imported.
    """
    import dill

    buffer = io.BytesIO()
    # With `recurse` a function brings the globals that it uses, not all of its module's.
    pickler = dill.Pickler(buffer, recurse=True)
    pickler.reducer_override = _name_module
    pickler.dump(value)
    return buffer.getvalue()


def _name_module(value: Any) -> Any:
    named = isinstance(value, types.ModuleType) and sys.modules.get(value.__name__) is value
    if not named or value.__name__ in ("__main__", "__mp_main__"):
        return NotImplemented
    return import_module, (value.__name__,)


def dumps(value: Any) -> Content:
    """The pickle of `value`.

    Raises:
        StoreError: If neither pickle nor dill can take it. The message says why.
    """
    content = Content()
    # The many objects that pickling makes and drops set the garbage collector going again and
    # again, over all that the process has: half of the time of a large state.
    collecting = gc.isenabled()
    gc.disable()
    try:
        _FastPickler(content, protocol=5).dump(value)
    except Exception as error:
        return Content(_dill_dumps(value, error))
    finally:
        if collecting:
            gc.enable()
    return content


def _dill_dumps(value: Any, first: Exception) -> bytes:
    try:
        return dumps_by_value(value)
    except Exception as error:
        raise StoreError(f"{type(value).__name__} can't be pickled: {first}") from error


def loads(content: bytes | Content) -> Any:
    """What `dumps` wrote. Runs code of whoever wrote it: check trust first."""
    import dill

    return dill.loads(bytes(content))
