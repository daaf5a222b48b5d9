"""The small JSON files of a run: `run.json` for lists and panels, `metadata.json` as documented."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from synetune_lab.constants import ST_METADATA_FILENAME
from synetune_lab.store.atomic import replace_file

if TYPE_CHECKING:
    from pathlib import Path

logger = logging.getLogger(__name__)

RUN_FILENAME = "run.json"


def to_json(value: Any) -> Any:
    """`value` as what strict JSON can hold: NaN and infinities become None, odd objects text."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(name): to_json(entry) for name, entry in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [to_json(entry) for entry in value]
    if hasattr(value, "tolist"):
        return to_json(value.tolist())
    return str(value)


def write_run_file(folder: Path, header: Mapping[str, Any]) -> None:
    """Replace `run.json`."""
    text = json.dumps(to_json(header), allow_nan=False)
    replace_file(folder / RUN_FILENAME, text.encode(), durable=False)


def read_run_file(folder: Path) -> dict[str, Any] | None:
    """What `run.json` says, None if there is none that can be read."""
    return _read_object(folder / RUN_FILENAME)


def write_metadata(folder: Path, metadata: Mapping[str, Any]) -> None:
    """Replace `metadata.json`."""
    text = json.dumps(to_json(metadata), indent=1, allow_nan=False)
    replace_file(folder / ST_METADATA_FILENAME, text.encode())


def read_metadata(folder: Path) -> dict[str, Any] | None:
    """What `metadata.json` says, None if there is none that can be read."""
    return _read_object(folder / ST_METADATA_FILENAME)


def _read_object(path: Path) -> dict[str, Any] | None:
    try:
        data = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return data if isinstance(data, dict) else None
