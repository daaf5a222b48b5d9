"""The whole tuning as one SageMaker job, and its runs as seen from here.

Names are loaded when they are used: none of them needs boto3 before.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["RemoteLauncher", "RemoteRun", "RemoteTuningMetricsCallback"]

_HOMES = {
    "RemoteLauncher": "synetune_lab.remote.remote_launcher",
    "RemoteRun": "synetune_lab.remote.remote_run",
    "RemoteTuningMetricsCallback": "synetune_lab.remote.remote_metrics_callback",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
