"""The place of loggers in Ray Tune, which are not here: the results of a run are always kept."""

from __future__ import annotations

from typing import Any

from synetune_lab.tune.foreign import refuse_name

__all__: list[str] = []

_KEPT = (
    "all results are kept in results.csv.zip of the run's folder and are in the data frames of "
    "tune.ExperimentAnalysis; for anything else, subclass tune.Callback"
)
_HINTS = {
    **dict.fromkeys(
        (
            "CSVLogger",
            "CSVLoggerCallback",
            "DEFAULT_LOGGERS",
            "JsonLogger",
            "JsonLoggerCallback",
            "Logger",
            "LoggerCallback",
            "TBXLogger",
            "TBXLoggerCallback",
            "UnifiedLogger",
        ),
        _KEPT,
    ),
    "pretty_print": "use pprint of Python",
}


def __getattr__(name: str) -> Any:
    raise refuse_name(__name__, name, _HINTS)
