"""A function on its way to other processes: by value, with its source, checked by its MD5 sum."""

from __future__ import annotations

import hashlib
import inspect
import json
import linecache
import sys
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from synetune_lab.constants import ST_CHECKPOINT_DIR
from synetune_lab.errors import BackendError

__all__ = ["StoredFunction", "by_value", "check_arguments", "file_md5"]

FUNCTION_FILENAME = "tune_function.dill"
CONTEXT_FILENAME = "tune_function.json"


def file_md5(filename: str | Path) -> str:
    """MD5 sum of a file, as hexadecimal digits."""
    return hashlib.md5(Path(filename).read_bytes(), usedforsecurity=False).hexdigest()


def check_arguments(function: Callable[..., Any], config_space: Mapping[str, Any]) -> None:
    """Check that a configuration holds what a function needs.

    Raises:
        BackendError: If the function has an argument without default that is not in the space; the
            message names what is missing and what is there instead.
    """
    if not callable(function):
        raise BackendError(f"tune_function is {function!r:.100}; give a function")
    parameters = inspect.signature(function).parameters.values()
    positional = [p.name for p in parameters if p.kind is p.POSITIONAL_ONLY]
    if positional:
        raise BackendError(
            f"tune_function takes {positional} by position only; arguments are passed by name, "
            "remove the '/'"
        )
    named = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    known = {*config_space, ST_CHECKPOINT_DIR}
    missing = [p.name for p in named if p.default is p.empty and p.name not in known]
    if missing:
        names = {p.name for p in named}
        unused = [name for name in config_space if name not in names]
        hint = f"; the function has no arguments {unused}" if unused else ""
        raise BackendError(
            f"tune_function has arguments {missing} that are not in config_space{hint}; its "
            "arguments must be a subset of the names in config_space"
        )


class StoredFunction:
    """The bytes of a function and what it needs to be run and understood elsewhere.

    Args:
        function: It is taken by value, together with those variables of its module that it uses,
            also if its module could be imported.

    Raises:
        BackendError: If something that the function uses can't be serialized.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        from synetune_lab.store.pickling import dumps_by_value

        try:
            self.data: bytes = dumps_by_value(by_value(function))
        except Exception as error:
            raise BackendError(
                f"tune_function {_name(function)!r} can't be serialized: {error}. It must be "
                "self-contained: import what it needs inside its body and refer to nothing else "
                "that can't be copied (locks, files, running tuners)"
            ) from error
        self.md5 = hashlib.md5(self.data, usedforsecurity=False).hexdigest()
        self.sources = _sources(function)

    def write(self, folder: Path) -> None:
        """Write it to files below `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        context = {"sources": self.sources, "sys_path": [path for path in sys.path if path]}
        for name, data in (
            (FUNCTION_FILENAME, self.data),
            (CONTEXT_FILENAME, json.dumps(context).encode()),
        ):
            draft = folder / f"{name}.new"
            draft.write_bytes(data)
            draft.replace(folder / name)

    @staticmethod
    def read(folder: Path, md5: str) -> Callable[..., Any]:
        """The function that was written, ready to be called; its source shows in tracebacks.

        Raises:
            BackendError: If the file is not the one that was written.
        """
        path = folder / FUNCTION_FILENAME
        found = file_md5(path)
        if found != md5:
            raise BackendError(
                f"{path} has the MD5 sum {found}, but {md5} was expected: it was changed since the "
                "tuner wrote it"
            )
        import dill

        context = json.loads((folder / CONTEXT_FILENAME).read_text())
        sys.path += [entry for entry in context["sys_path"] if entry not in sys.path]
        for filename, text in context["sources"].items():
            lines = text.splitlines(keepends=True)
            linecache.cache[filename] = (len(text), None, lines, filename)
        function: Callable[..., Any] = dill.loads(path.read_bytes())
        return function


def _name(function: Callable[..., Any]) -> str:
    return getattr(function, "__name__", repr(function))


def by_value(function: Callable[..., Any]) -> Callable[..., Any]:
    """A twin of a function that its module does not know: so it can't be sent by name."""
    if not isinstance(function, types.FunctionType):
        return function
    twin = types.FunctionType(
        function.__code__,
        function.__globals__,
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    twin.__kwdefaults__ = function.__kwdefaults__
    twin.__dict__.update(function.__dict__)
    twin.__doc__ = function.__doc__
    twin.__qualname__ = function.__qualname__
    twin.__module__ = "__main__"
    return twin


def _sources(function: Callable[..., Any]) -> dict[str, str]:
    """Text of the cell or file where a function was written, by name."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    if code is None:
        return {}
    text = "".join(linecache.getlines(code.co_filename))
    return {code.co_filename: text} if text else {}
