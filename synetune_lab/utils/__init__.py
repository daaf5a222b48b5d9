"""Helpers for training scripts and for configuration spaces."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from synetune_lab.utils.checkpoint import (
    add_checkpointing_to_argparse,
    checkpoint_model_at_rung_level,
    pytorch_load_save_functions,
    resume_from_checkpointed_model,
)
from synetune_lab.utils.config_as_json import add_config_json_to_argparse, load_config_json
from synetune_lab.utils.parse_bool import parse_bool

if TYPE_CHECKING:
    from synetune_lab.utils.convert_domain import streamline_config_space

__all__ = [
    "add_checkpointing_to_argparse",
    "add_config_json_to_argparse",
    "checkpoint_model_at_rung_level",
    "load_config_json",
    "parse_bool",
    "pytorch_load_save_functions",
    "resume_from_checkpointed_model",
    "streamline_config_space",
]


def __getattr__(name: str) -> Any:
    # Training scripts import this package, and have no need of configuration spaces.
    if name != "streamline_config_space":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module("synetune_lab.utils.convert_domain")
    value = module.streamline_config_space
    globals()[name] = value
    return value
