"""Arguments and names that Ray Tune has and this package has not: what changes nothing is taken.

Everything else is refused by its name, with what is there instead.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from synetune_lab.errors import TuneError

__all__ = ["refuse_foreign", "refuse_name", "without_foreign"]

_Class = TypeVar("_Class", bound=type)

_FILES = "files are where the run is; see local_dir"
_PANEL = "the panel steers a run"
_HINTS = {
    "trial_dirname_creator": "the folder of a trial is its number",
    "sync_config": _FILES,
    "storage_filesystem": _FILES,
    "upload_dir": _FILES,
    "log_to_file": "what a trial prints is always in std.out and std.err of its folder",
    "export_formats": "save what you need in save_checkpoint()",
    "loggers": "give callbacks",
    "queue_trials": "trials beyond what there is room for always wait",
    "chdir_to_trial_dir": "use tune.get_trial_dir() for the folder of the trial",
    "trial_executor": "give a backend",
    "server_port": _PANEL,
    "with_server": _PANEL,
    "global_checkpoint_period": "the run is saved all the time",
    "trial_backend": "it is called backend",
    "checkpoint_keep_all_ranks": "a trial is one process",
    "checkpoint_upload_from_workers": "a trial is one process",
    "max_report_frequency": "give it to the progress reporter",
    "optimizer": "it chooses by a method of this package; for another one, take another search",
    "sampler": "it chooses by a method of this package; for another one, take another search",
    "ax_client": "give the space as config, and metric and mode",
    "bohb_config": "options of the searcher go into search_options",
    "evaluated_rewards": "points_to_evaluate are tried; what they gave before can't be told",
    "parameter_constraints": "the space has no constraints between hyperparameters",
    "metric_constraints": "see ConstrainedBayesianOptimization of synetune_lab.optimizer",
    "policy": "population-based training has no recorded policies",
}
"""What is there instead of an argument."""

_ANY: Any = object()
_CHANGES_NOTHING: dict[str, dict[str, tuple[Any, ...]]] = {
    "run": {
        "log_to_file": (True, False),  # it always is
        "queue_trials": (_ANY,),
        "global_checkpoint_period": (_ANY,),
        "chdir_to_trial_dir": (False,),
        "with_server": (False,),
        "checkpoint_keep_all_ranks": (False,),
        "checkpoint_upload_from_workers": (False,),
    },
    "scheduler": {
        "log_config": (_ANY,),  # the log of a run has all configurations
        "min_time_slice": (_ANY,),  # of trials that are paused; here they are stopped
    },
    "search": {
        "verbose": (_ANY,),  # the run has it as an argument of its own
        "patience": (_ANY,),  # of looking for a configuration that was not tried yet
        "skip_duplicate": (_ANY,),
    },
}
"""Arguments with the values that mean what is the case anyway; None does for each with a hint."""


def refuse_foreign(who: str, kind: str, given: Mapping[str, Any], hint: str = "") -> None:
    """Take arguments that change nothing, and refuse others that are not known.

    Args:
        who: Whose arguments they are.
        kind: What that is: `run`, `scheduler` or `search`.
        given: Names and values.
        hint: What is said of an argument of which nothing else is known.

    Raises:
        TuneError: If there is one that would mean something.
    """
    for name, value in given.items():
        harmless = _CHANGES_NOTHING[kind].get(name, ())
        if any(value is one or one is _ANY for one in harmless):
            continue
        if value is None and name in _HINTS:
            continue
        instead = _HINTS.get(name, hint)
        raise TuneError(f"{who} has no argument {name!r} here{f': {instead}' if instead else ''}")


def without_foreign(cls: _Class, kind: str = "run") -> _Class:
    """Class decorator: such arguments are taken or refused before `__init__` sees the others."""
    original: Callable[..., None] = cls.__init__  # type: ignore[misc]
    parameters = inspect.signature(original).parameters
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return cls  # it sees to them itself

    @functools.wraps(original)
    def checked(self: Any, *args: Any, **kwargs: Any) -> None:
        foreign = {name: value for name, value in kwargs.items() if name not in parameters}
        if foreign:
            refuse_foreign(type(self).__name__, kind, foreign)
            kwargs = {name: value for name, value in kwargs.items() if name in parameters}
        original(self, *args, **kwargs)

    cls.__init__ = checked  # type: ignore[misc]
    return cls


def refuse_name(module: str, name: str, hints: Mapping[str, str]) -> AttributeError | ImportError:
    """What to raise for a name that a module has not.

    Args:
        module: The module.
        name: The name.
        hints: What is there instead of some names.

    Returns:
        For names with a hint an `ImportError`: of an `AttributeError`, an import statement would
        swallow the text.
    """
    if name in hints:
        return ImportError(f"{module} has no {name!r}: {hints[name]}", name=module)
    return AttributeError(f"module {module!r} has no attribute {name!r}")
