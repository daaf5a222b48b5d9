"""The tuner's thread: it drives the engine, and everybody else's commands queue up for it."""

from __future__ import annotations

from synetune_lab.session.inbox import CommandFuture
from synetune_lab.session.replay import ResumeReport
from synetune_lab.session.session import Session
from synetune_lab.session.summary import RunSummary

__all__ = ["CommandFuture", "ResumeReport", "RunSummary", "Session"]
