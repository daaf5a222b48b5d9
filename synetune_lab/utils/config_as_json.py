"""Reading a configuration that the backend passes as a JSON file."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synetune_lab.constants import ST_CONFIG_JSON_FNAME_ARG
from synetune_lab.errors import InvalidConfigError

__all__ = ["add_config_json_to_argparse", "load_config_json"]


def add_config_json_to_argparse(parser: ArgumentParser) -> None:
    """Add the argument for the JSON file to the parser of a training script."""
    parser.add_argument(
        f"--{ST_CONFIG_JSON_FNAME_ARG}", type=str, help="JSON file with the configuration"
    )


def load_config_json(args: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration of the JSON file together with the arguments.

    The file wins over arguments of the same name, which can only be defaults of the parser: what
    is in the file is not passed as an argument.

    Args:
        args: Parsed arguments, as `vars(parser.parse_args())`.

    Returns:
        New dictionary, without the name of the file. Without a file, the arguments.

    Raises:
        InvalidConfigError: If the file does not hold a JSON object.
    """
    config = {name: value for name, value in args.items() if name != ST_CONFIG_JSON_FNAME_ARG}
    filename = args.get(ST_CONFIG_JSON_FNAME_ARG)
    if filename is None:
        return config
    try:
        content = json.loads(Path(filename).read_text(encoding="utf-8"))
    except ValueError as error:
        raise InvalidConfigError(f"{filename} is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise InvalidConfigError(f"{filename} must hold a JSON object, got {content!r}")
    return {**config, **content}
