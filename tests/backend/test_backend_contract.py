"""Both backends of this machine hold to the contract."""

from __future__ import annotations

from typing import Any

from synetune_lab.backend import LocalBackend, PythonBackend
from synetune_lab.testing import trial_bodies
from synetune_lab.testing.backend_contract import BackendContract


class TestLocalBackend(BackendContract):
    def make_backend(self, **kwargs: Any) -> LocalBackend:
        return LocalBackend(trial_bodies.__file__, **kwargs)


class TestPythonBackend(BackendContract):
    def make_backend(self, **kwargs: Any) -> PythonBackend:
        space = {"behaviour": "report", "steps": 1}
        return PythonBackend(trial_bodies.trial_body, space, **kwargs)


class TestPythonBackendWithoutPrestart(BackendContract):
    def make_backend(self, **kwargs: Any) -> PythonBackend:
        space = {"behaviour": "report", "steps": 1}
        return PythonBackend(trial_bodies.trial_body, space, prestart=False, **kwargs)
