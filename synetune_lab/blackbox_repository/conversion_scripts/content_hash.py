"""Hashes of what files say, whoever wrote them.

Two writers of Parquet, or two versions of one, make different bytes of the same table. What counts
here are names and values: of a table its columns, of an array its shape and numbers, of JSON its
entries.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from synetune_lab.blackbox_repository.serialize import read_frame

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["hash_bytes", "hash_content"]

_BLOCK = 1 << 20


def hash_bytes(path: Path) -> str:
    """SHA-256 of the bytes of a file, as hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def hash_content(path: Path) -> str:
    """SHA-256 of the content of a file: tables, arrays and JSON by names and values.

    Files of other kinds count with their bytes.

    Raises:
        MissingDependencyError: If pyarrow is needed and not installed.
    """
    digest = hashlib.sha256()
    if path.suffix == ".parquet":
        _add_table(digest, read_frame(path))
    elif path.name.endswith((".csv", ".csv.zip")):
        import pandas as pd

        _add_table(digest, pd.read_csv(path))
    elif path.suffix == ".npy":
        _add_array(digest, np.load(path, mmap_mode="r", allow_pickle=False))
    elif path.suffix == ".json":
        digest.update(_json(json.loads(path.read_text(), parse_float=_number)))
    else:
        return hash_bytes(path)
    return digest.hexdigest()


def _add_table(digest: Any, table: pd.DataFrame) -> None:
    """Add the columns in the order of their names; the order of rows counts."""
    digest.update(_json([len(table)]))
    for name in sorted(map(str, table.columns)):
        column = table[name]
        if str(column.dtype) == "category":
            column = column.astype(column.cat.categories.dtype)
        digest.update(_json(name))
        values = column.to_numpy()
        if values.dtype.kind in "biuf":
            _add_array(digest, values)
        else:
            known = column.notna().tolist()
            plain = [v if ok else None for v, ok in zip(column.tolist(), known, strict=True)]
            digest.update(_json(plain))


def _add_array(digest: Any, values: np.ndarray) -> None:
    """Add shape and numbers, whole ones as 64-bit integers, others as 64-bit floats."""
    is_float = values.dtype.kind == "f"
    digest.update(_json(["float" if is_float else "int", *values.shape]))
    flat = values.reshape(-1)
    for start in range(0, flat.size, _BLOCK):
        block = flat[start : start + _BLOCK].astype("<f8" if is_float else "<i8")
        if is_float:
            block += 0.0  # -0 is 0
            block[np.isnan(block)] = np.nan  # there are many
        digest.update(block.tobytes())


def _number(text: str) -> float:
    """10.0 is 10."""
    value = float(text)
    return int(value) if value.is_integer() else value


def _json(content: Any) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), default=str).encode()
