"""The backend that tunes a Python function."""

from __future__ import annotations

from synetune_lab.backend.python_backend.python_backend import PythonBackend

__all__ = ["PythonBackend"]
