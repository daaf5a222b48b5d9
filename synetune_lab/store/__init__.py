"""What is kept of a run on disk: the event log, generations of the tuner's state, the results."""

from __future__ import annotations

from synetune_lab.store.event_log import Record, read_log
from synetune_lab.store.run_files import read_metadata, read_run_file
from synetune_lab.store.run_store import RunStore

__all__ = ["Record", "RunStore", "read_log", "read_metadata", "read_run_file"]
