"""Spaces and metadata of blackboxes as JSON files, in the layout that Syne Tune has."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synetune_lab.config_space import config_space_from_json_dict, config_space_to_json_dict
from synetune_lab.errors import BlackboxError

__all__ = [
    "deserialize_configspace",
    "deserialize_metadata",
    "deserialize_space",
    "read_frame",
    "serialize_configspace",
    "serialize_metadata",
    "serialize_space",
    "write_frame",
]

CONFIGSPACE_FILENAME = "configspace.json"
FIDELITYSPACE_FILENAME = "fidelityspace.json"
METADATA_FILENAME = "metadata.json"


def serialize_configspace(
    path: str | Path,
    configuration_space: Mapping[str, Any],
    fidelity_space: Mapping[str, Any] | None = None,
) -> None:
    """Write the spaces into the folder `path`, which is made."""
    folder = Path(path)
    folder.mkdir(parents=True, exist_ok=True)
    serialize_space(folder / CONFIGSPACE_FILENAME, configuration_space)
    if fidelity_space is not None:
        serialize_space(folder / FIDELITYSPACE_FILENAME, fidelity_space)


def deserialize_configspace(path: str | Path) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Configuration space and fidelity space (None if there is none) from the folder `path`.

    Raises:
        BlackboxError: If there is none.
    """
    folder = Path(path)
    space = deserialize_space(folder / CONFIGSPACE_FILENAME)
    fidelity = folder / FIDELITYSPACE_FILENAME
    return space, deserialize_space(fidelity) if fidelity.exists() else None


def serialize_space(file: Path, space: Mapping[str, Any]) -> None:
    """Write one space as a JSON file."""
    _write(file, config_space_to_json_dict(space))


def deserialize_space(file: Path) -> dict[str, Any]:
    """The space in a JSON file.

    Raises:
        BlackboxError: If it is not there, or not JSON.
    """
    return config_space_from_json_dict(_read(file))


def serialize_metadata(path: str | Path, metadata: Mapping[str, Any]) -> None:
    """Write metadata into the folder `path`, which is made."""
    folder = Path(path)
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / METADATA_FILENAME, dict(metadata))


def deserialize_metadata(path: str | Path) -> dict[str, Any]:
    """The metadata in the folder `path`; empty if there are none."""
    file = Path(path) / METADATA_FILENAME
    return dict(_read(file)) if file.exists() else {}


def write_frame(frame: Any, path: Path) -> None:
    """Write a data frame as a Parquet file.

    Raises:
        MissingDependencyError: If pyarrow is not installed.
    """
    _require_parquet()
    frame.to_parquet(path, index=False, compression="gzip", engine="pyarrow")


def read_frame(path: Path) -> Any:
    """Read a data frame from a Parquet file.

    Raises:
        MissingDependencyError: If pyarrow is not installed.
    """
    import pandas as pd

    _require_parquet()
    return pd.read_parquet(path, engine="pyarrow")


def _require_parquet() -> None:
    from synetune_lab.extras import require

    require("pyarrow", extra="blackbox", purpose="reading and writing Parquet files")


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content))


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        raise BlackboxError(f"there is no {path.name} in {path.parent}") from None
    except ValueError as error:
        raise BlackboxError(f"{path} is not JSON: {error}") from error
