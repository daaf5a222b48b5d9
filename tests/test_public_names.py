"""Scripts written for Syne Tune find every name that they import."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

LINES = (Path(__file__).parent / "public_names.txt").read_text("utf-8").splitlines()
NAMES = [tuple(line.split()) for line in LINES if line and not line.startswith("#")]


@pytest.mark.parametrize(("module", "name"), NAMES)
def test_name_imports_from_its_documented_path(module: str, name: str) -> None:
    assert hasattr(import_module(module), name)
