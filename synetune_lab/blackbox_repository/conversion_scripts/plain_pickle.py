"""Reads pickled data without running what else may be pickled."""

from __future__ import annotations

import pickle
from typing import IO, Any

from synetune_lab.errors import BlackboxError

__all__ = ["load_plain"]

_BUILTINS = {"bytearray", "complex", "frozenset", "range", "set", "slice"}
_NUMPY = {"_reconstruct", "dtype", "ndarray", "scalar"}
_NUMPY_MODULES = {"numpy", "numpy.core.multiarray", "numpy._core.multiarray"}


class _PlainUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """The few names that data of numbers, texts and arrays need."""
        is_plain = (
            (module == "collections" and name == "OrderedDict")
            or (module == "builtins" and name in _BUILTINS)
            or (module in _NUMPY_MODULES and name in _NUMPY)
        )
        if not is_plain:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which is not plain data")
        return super().find_class(module, name)


def load_plain(file: IO[bytes], name: str) -> Any:
    """Content of a pickle of numbers, texts, containers and arrays.

    Args:
        file: The pickle.
        name: What to call it in messages.

    Raises:
        BlackboxError: If it is no such pickle; what else is in it is not run.
    """
    try:
        return _PlainUnpickler(file).load()
    except Exception as error:  # a broken pickle may raise anything
        raise BlackboxError(f"{name} can't be read as pickled data: {error}") from error
