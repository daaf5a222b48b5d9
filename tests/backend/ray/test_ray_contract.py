"""The Ray backend holds to the contract of all backends."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import pytest

from synetune_lab.backend.ray_backend import RayBackend
from synetune_lab.testing import trial_bodies
from synetune_lab.testing.backend_contract import BackendContract

pytestmark = [
    pytest.mark.skipif(
        find_spec("ray") is None, reason="ray is not installed: pip install 'synetune_lab[ray]'"
    ),
    pytest.mark.usefixtures("cluster"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning"),
    pytest.mark.slow,
    pytest.mark.timeout(180),  # the first test starts the cluster
]


class TestRayBackendWithAFunction(BackendContract):
    def make_backend(self, **kwargs: Any) -> RayBackend:
        space = {"behaviour": "report", "steps": 1}
        return RayBackend(trial_bodies.trial_body, space, **kwargs)
