"""Runs that a job drives, over real HTTP, with jobs that really run."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.timeout(120)


def test_a_run_is_launched_followed_and_fetched(launch: Any, cloud: Any) -> None:
    run = launch()
    assert run.wait(90)
    assert run.note.state == "finished", (run.note, run.log())
    experiment = run.load_experiment()
    assert len(experiment.results) >= 12
    assert run.summary().counts["Completed"] >= 3
