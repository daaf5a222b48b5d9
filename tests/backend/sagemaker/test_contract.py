"""The SageMaker backend holds to the contract of backends, with jobs that really run."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from synetune_lab.testing.backend_contract import BackendContract, config
from synetune_lab.testing.backend_driver import BackendDriver


class TestSageMakerBackend(BackendContract):
    @pytest.fixture(autouse=True)
    def _backends(self, make_backend: Callable[..., Any], cloud: Any) -> None:
        self._make, self._cloud = make_backend, cloud

    def make_backend(self, **kwargs: Any) -> Any:
        self._cloud.grace_s = kwargs.pop("grace_period_s", 10.0)
        return self._make(**kwargs)

    def test_logs_are_there_while_it_runs(self, driver: BackendDriver) -> None:
        # SageMaker keeps one log for both outputs.
        driver.start(0, config("hang"))
        driver.until_reported(0)
        deadline = time.monotonic() + 30
        while not driver.backend.log_tail(0)["stderr"] and time.monotonic() < deadline:
            time.sleep(0.005)
        tail = driver.backend.log_tail(0)
        assert tail["stderr"] == ["a line for the error log"]
        assert tail["stdout"][0].startswith("[tune-metric]: {")
        assert tail["stdout"][-1] == "a line for the error log"
        assert driver.backend.log_tail(0, 0) == {"stdout": [], "stderr": []}
        assert driver.backend.log_tail(7) == {"stdout": [], "stderr": []}
        assert driver.backend.stdout(0)[0].endswith("\n")
