"""What an import pulls in, seen from the list of loaded modules of a fresh process.

Training scripts import `Reporter` once a trial, so whatever it pulls in is paid for each trial.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

PROGRAM = """
import json, sys
before = set(sys.modules)
{statement}
print(json.dumps(sorted({{name.split(".")[0] for name in set(sys.modules) - before}})))
"""


def packages_loaded_by(statement: str) -> set[str]:
    answer = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(statement=statement)],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(answer.stdout))


@pytest.mark.parametrize(
    ("statement", "unwanted"),
    [
        (
            "from synetune_lab import Reporter",
            {"numpy", "pandas", "scipy", "dill", "plotly", "ipywidgets", "psutil", "asyncio"},
        ),
        (
            "from synetune_lab.report import Reporter",
            {"numpy", "pandas", "scipy", "dill", "plotly", "ipywidgets", "psutil", "asyncio"},
        ),
        (
            "import synetune_lab",
            {"numpy", "pandas", "scipy", "dill", "plotly", "ipywidgets", "anywidget", "IPython"},
        ),
        (
            "from synetune_lab import StoppingCriterion, Tuner",
            {"pandas", "plotly", "ipywidgets", "anywidget", "sklearn", "jupyterlab"},
        ),
        (
            "import synetune_lab.cli.runs, synetune_lab.cli.quickstart",
            {"numpy", "pandas", "scipy", "dill", "plotly", "ipywidgets", "jupyterlab"},
        ),
    ],
)
def test_an_import_leaves_the_heavy_packages_alone(statement: str, unwanted: set[str]) -> None:
    assert packages_loaded_by(statement) & unwanted == set()


def test_the_check_sees_what_is_loaded() -> None:
    assert "numpy" in packages_loaded_by("import numpy")
