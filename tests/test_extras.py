"""A missing optional dependency names the extra that brings it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from synetune_lab.errors import MissingDependencyError
from synetune_lab.extras import EXTRAS, require

if sys.version_info >= (3, 11):
    import tomllib
else:
    tomllib = pytest.importorskip("tomli")

PYPROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"


def test_an_installed_module_is_returned() -> None:
    assert require("json", extra="aws").loads("1") == 1


def test_a_missing_module_names_its_extra_and_purpose() -> None:
    with pytest.raises(
        MissingDependencyError, match=r'pip install "synetune_lab\[aws\]"'
    ) as caught:
        require("no_such_module.at_all", extra="aws", purpose="reading from the moon")
    assert "no_such_module is needed for reading from the moon" in str(caught.value)
    assert isinstance(caught.value, ImportError)


def test_a_module_that_breaks_for_its_own_reasons_keeps_its_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "half_installed.py").write_text("import no_such_module")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModuleNotFoundError, match="no_such_module") as caught:
        require("half_installed", extra="ray")
    assert not isinstance(caught.value, MissingDependencyError)


def test_every_extra_exists_in_the_package() -> None:
    declared = tomllib.loads(PYPROJECT.read_text())["project"]["optional-dependencies"]
    assert set(EXTRAS) <= set(declared)


def test_an_unknown_extra_is_refused() -> None:
    with pytest.raises(ValueError, match="extra must be one of"):
        require("json", extra="awz")
