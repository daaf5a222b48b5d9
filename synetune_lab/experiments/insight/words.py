"""Configurations and reasons in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["config_words", "number", "reason_words"]


def number(value: Any) -> str:
    """A number with the digits that matter."""
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value)


def config_words(config: Mapping[str, Any]) -> str:
    """A configuration as `lr=0.01, units=64`."""
    return ", ".join(f"{name}={number(value)}" for name, value in config.items())


def reason_words(reason: Mapping[str, Any]) -> str:
    """The reason of a suggestion in words, without a full stop; empty if it tells nothing."""
    kind = reason.get("kind")
    if kind == "model":
        return _model_words(reason)
    if kind == "promoted":
        return _promotion_words(reason)
    plain = {
        "random": "it is drawn at random",
        "grid": "it is the next point of the grid",
        "points_to_evaluate": "it is one of points_to_evaluate",
        "enqueued": "you have enqueued it",
        "mutant": "it is a good configuration with a change",
        "evolved": "it is evolved from good configurations",
        "exploit": "it goes on from a better trial, with changed hyperparameters",
        "exploited": "it goes on from a better trial, with changed hyperparameters",
        "resumed": "it waits for a free worker",
    }
    return plain.get(str(kind), "")


def _model_words(reason: Mapping[str, Any]) -> str:
    names = {"ei": "expected improvement", "lcb": "lower confidence bound"}
    acquisition = str(reason.get("acquisition") or "")
    shown = names.get(acquisition, acquisition.replace("_", " "))
    if not shown:
        return (
            f"its model of {reason['num_data']} results prefers it"
            if _has(reason, "num_data")
            else "its model prefers it"
        )
    # Values are left out: they are in units of the searcher's own.
    text = "of all configurations"
    if _has(reason, "num_candidates"):
        text = f"of {reason['num_candidates']} candidates"
    text += f", it has the best {shown}"
    if _has(reason, "num_data"):
        text += f", by a model of {reason['num_data']} results"
    return text


def _promotion_words(reason: Mapping[str, Any]) -> str:
    if not (_has(reason, "rank") and _has(reason, "size")):
        return "it is among the best of its rung"
    text = f"it is number {reason['rank']} of {reason['size']}"
    if _has(reason, "level") and _has(reason, "to_level"):
        text += f" at level {reason['level']}, and goes on to level {reason['to_level']}"
    return text


def _has(reason: Mapping[str, Any], name: str) -> bool:
    return reason.get(name) is not None
