"""The Ray backend holds to the contract of all backends."""

from __future__ import annotations

from typing import Any

from synetune_lab.backend.ray_backend import RayBackend
from synetune_lab.testing import trial_bodies
from synetune_lab.testing.backend_contract import BackendContract
from tests.backend.ray.ray_setup import on_a_cluster

pytestmark = on_a_cluster


class TestRayBackendWithAFunction(BackendContract):
    def make_backend(self, **kwargs: Any) -> RayBackend:
        space = {"behaviour": "report", "steps": 1}
        return RayBackend(trial_bodies.trial_body, space, **kwargs)
