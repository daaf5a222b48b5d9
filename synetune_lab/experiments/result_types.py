"""Reads results with the types that they had: a CSV file holds texts only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from synetune_lab.config_space import Categorical, Domain, config_space_from_json_dict
from synetune_lab.constants import CONFIG_COLUMN_PREFIX
from synetune_lab.errors import ConfigSpaceError, InvalidConfigError

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

__all__ = ["read_typed_results"]

_WORDS = {"": None, "True": True, "False": False}
_EXACT = 2**53
"""Whole numbers beyond it do not survive as floats."""


def read_typed_results(file: Path, metadata: Mapping[str, Any]) -> pd.DataFrame:
    """The rows of a results file.

    Columns of the configuration get the types of the configuration space: the text `"1"` is not
    read as a number, and the texts `"None"` and `""` of a choice are values. In columns of numbers,
    what is empty is NaN; in other columns it is missing.

    Args:
        file: The file.
        metadata: What `metadata.json` says.

    Raises:
        OSError: If it can't be read.
        ValueError: If it is no such file.
    """
    import pandas as pd

    space = {CONFIG_COLUMN_PREFIX + name: entry for name, entry in _space_of(metadata).items()}
    texts = {column for column, entry in space.items() if _kind_of(entry) is str}
    # Not in blocks, whose types might differ.
    frame: pd.DataFrame = pd.read_csv(file, dtype=dict.fromkeys(texts, object), low_memory=False)
    unclear = [column for column in frame.columns if column in texts or _is_unclear(frame[column])]
    unclear = [column for column in unclear if frame[column].isna().any()]
    if unclear:
        # Words such as "None" were taken for gaps. Read again as they are.
        plain = pd.read_csv(file, usecols=unclear, dtype=object, keep_default_na=False)
        for column in unclear:
            values = _clear(plain[column].tolist(), column in texts, space.get(column))
            if values is not None:
                frame[column] = pd.Series(values, index=frame.index)
    for column, entry in space.items():
        if column in frame.columns:
            frame[column] = _with_type(frame[column], entry)
    return frame


def _space_of(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration space of the metadata, as far as it can be read."""
    stored = metadata.get("config_space")
    with suppress(ValueError):
        stored = json.loads(stored) if isinstance(stored, str) else stored
    space: dict[str, Any] = {}
    for name, entry in stored.items() if isinstance(stored, Mapping) else ():
        with suppress(ConfigSpaceError):
            space.update(config_space_from_json_dict({name: entry}))
    return space


def _kind_of(entry: Any) -> type:
    return entry.value_type if isinstance(entry, Domain) else type(entry)


def _is_unclear(column: pd.Series[Any]) -> bool:
    """Whether gaps of a column may be words."""
    return column.dtype.kind not in "iufb" or bool(column.isna().all())


def _clear(texts: list[str], is_text: bool, entry: Any) -> list[Any] | None:
    """The values of a column that is not one of numbers; None if it has nothing but gaps."""
    if is_text:
        choices = entry.members() if isinstance(entry, Domain) else [entry]
        return texts if "" in (choices or ()) else [text or None for text in texts]
    known = set(texts)
    if known <= {"", "nan"}:
        return None
    words = known <= set(_WORDS)
    return [_WORDS[text] if words else text or None for text in texts]


def _with_type(column: pd.Series[Any], entry: Any) -> pd.Series[Any]:
    """The column in the type of an entry of the configuration space, if it can be."""
    kind, now = _kind_of(entry), column.dtype.kind
    if kind is str:
        return column.infer_objects()
    if kind is float and now in "iu":
        return column.astype("float64")
    if kind is int and now == "f":
        is_whole = (column % 1 == 0) & (column.abs() <= _EXACT)
        return column.astype("int64") if bool(is_whole.all()) else column
    if kind is bool and now != "b" and isinstance(entry, Categorical):
        with suppress(InvalidConfigError):
            return column.map(entry.cast, na_action="ignore").infer_objects()
    return column
