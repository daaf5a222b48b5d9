"""Fixtures and settings that every test shares."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Two settings: a quick one for every run, and a deep one (HYPOTHESIS_PROFILE=deep) to hunt with.
# No deadline: an example that is slow on a busy machine is not a failure.
settings.register_profile(
    "quick",
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("deep", settings.get_profile("quick"), max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


CLOUD = [
    Path(__file__).parent / name
    for name in (
        "backend/ray",
        "backend/sagemaker",
        "browser/test_remote.py",
        "optimizer/schedulers/test_ray_tune_scheduler.py",
        "remote",
    )
]
"""Tests that need a server that speaks AWS's services, or a Ray cluster."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if any(item.path.is_relative_to(place) for place in CLOUD):
            item.add_marker(pytest.mark.cloud)


@pytest.fixture(autouse=True)
def experiments_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folders of its own for each test, so that none writes to ``~/syne-tune`` or ``~/.config``."""
    folder = tmp_path / "syne-tune"
    monkeypatch.setenv("SYNETUNE_FOLDER", str(folder))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return folder
