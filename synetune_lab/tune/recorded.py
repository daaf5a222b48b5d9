"""The arguments that a run was begun with, as texts: to tell which of a later call differ."""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from synetune_lab.config_space import Domain, Function
from synetune_lab.optimizer.scheduler import TrialScheduler
from synetune_lab.tune.request import Request
from synetune_lab.tune.resources import PlacementGroupFactory
from synetune_lab.tune.schedulers.base import Scheduler
from synetune_lab.tune.schedulers.registry import create_scheduler
from synetune_lab.tune.search.algorithm import SearchAlgorithm
from synetune_lab.tune.search.registry import create_searcher
from synetune_lab.tune.search_space import AnyChoice
from synetune_lab.tune.stopper import Stopper

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["differences", "recorded"]

_TAKEN_OVER = {
    "run_or_experiment",
    "name",
    "local_dir",
    "verbose",
    "progress_reporter",
    "callbacks",
    "fail_fast",
}
"""What a later call brings along, or where the run is."""
_LONGEST = 300
_DEEPEST = 8
_BY_NAME: dict[str, Callable[[str], Any]] = {
    "scheduler": create_scheduler,
    "search_alg": create_searcher,
}
_LOOKED_INTO = (AnyChoice, Function, PlacementGroupFactory, Scheduler, SearchAlgorithm, Stopper)
"""Objects whose attributes count; of others, which may hold whatever they like, the type does."""
_SAME = {("max_concurrent_trials", 0): None, ("backend", "local"): "python"}
"""Two ways to say the same."""


def recorded(request: Request) -> dict[str, str]:
    """The arguments as texts; two that are alike have the same."""
    given = {**vars(request), "time_budget_s": request.seconds}
    return {name: _text(name, value) for name, value in given.items() if name not in _TAKEN_OVER}


def differences(request: Request, before: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Which arguments a later call gives that are not those of the run.

    Args:
        request: The later call. What it leaves at its default counts as not given.
        before: What `recorded` told when the run began.

    Returns:
        Name, text now and text then of each.
    """
    left_out = {field.name: field.default for field in fields(Request)}
    now = recorded(request)
    return [
        (name, text, before[name])
        for name, text in now.items()
        if name in before and text != before[name] and text != _text(name, left_out[name])
    ]


def _text(name: str, value: Any) -> str:
    if name in _BY_NAME and isinstance(value, str):
        value = _BY_NAME[name](value)
    if isinstance(value, (int, str)) and not isinstance(value, bool):
        value = _SAME.get((name, value), value)
    text = repr(_plain(value, _DEEPEST))
    if len(text) <= _LONGEST:
        return text
    # What was cut off counts, too.
    digest = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()[:8]
    return f"{text[:_LONGEST]}... ({digest})"


def _plain(value: Any, depth: int) -> Any:
    """A value without addresses of objects, which differ from process to process."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if depth == 0:
        return "..."
    if isinstance(value, Mapping):
        return {str(key): _plain(entry, depth - 1) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        more = [f"{len(value)} in all"] if len(value) > _LONGEST else []
        return [_plain(entry, depth - 1) for entry in value[:_LONGEST]] + more
    if isinstance(value, functools.partial):
        parts = [value.func, list(value.args), value.keywords]
        return {"partial": _plain(parts, depth - 1)}
    name = getattr(value, "__qualname__", None)
    if isinstance(name, str):
        return name
    if isinstance(value, Domain) and not value.is_function():
        return repr(value)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if hasattr(value, "tolist") and getattr(value, "size", 0) <= _LONGEST:
        return _plain(value.tolist(), depth - 1)
    inner: dict[str, Any] = {}
    if isinstance(value, TrialScheduler):
        inner = value.describe()
    elif isinstance(value, _LOOKED_INTO):
        inner = {n: v for n, v in vars(value).items() if not n.startswith("_")}
    return {type(value).__name__: _plain(inner, depth - 1)} if inner else type(value).__name__
