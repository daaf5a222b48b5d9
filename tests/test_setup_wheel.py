"""The archives that users install: whole, and without Node."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BUILT = ROOT / "synetune_lab" / "static" / "widget.js"
EXTENSION = "share/jupyter/labextensions/synetune-lab"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(180),
    pytest.mark.skipif(not BUILT.exists(), reason="the front end is not built"),
]


def run_without_node(*command: str, cwd: Path) -> str:
    env = {**os.environ, "PATH": "/nonexistent", "NO_COLOR": "1"}
    answer = subprocess.run(
        [sys.executable, *command], cwd=cwd, env=env, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("sdist")
    run_without_node(
        *("-m", "build", "--sdist", "--no-isolation", "--outdir", str(out), "."), cwd=ROOT
    )
    (archive,) = out.glob("*.tar.gz")
    return archive


@pytest.fixture(scope="module")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel made from the source archive, as pip does where no wheel fits."""
    folder = tmp_path_factory.mktemp("wheel")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    (source,) = folder.iterdir()
    run_without_node(
        *("-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), "."), cwd=source
    )
    (archive_path,) = folder.glob("*.whl")
    return archive_path


def test_the_wheel_holds_package_panel_extension_and_notebook(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for wanted in (
        "synetune_lab/py.typed",
        "synetune_lab/static/widget.js",
        "synetune_lab/notebooks/quickstart.ipynb",
    ):
        assert wanted in names
    data = [name.split(".data/data/")[1] for name in names if ".data/data/" in name]
    assert f"{EXTENSION}/package.json" in data
    assert f"{EXTENSION}/install.json" in data
    assert any(name.startswith(f"{EXTENSION}/static/remoteEntry.") for name in data)
    assert not [name for name in names if name.startswith("synetune_lab/labextension")]
    assert not [name for name in names if name.startswith(("tests/", "src_ts/", "node_modules/"))]


def test_the_installed_wheel_works_and_jupyterlab_finds_the_extension(
    wheel: Path, tmp_path: Path
) -> None:
    environment = tmp_path / "env"
    run_without_node("-m", "venv", "--without-pip", str(environment), cwd=tmp_path)
    python = environment / "bin" / "python"
    run_without_node(
        *("-m", "pip", "--python", str(python), "install", "--no-deps", "--no-index", str(wheel)),
        cwd=tmp_path,
    )
    manifest = json.loads((environment / EXTENSION / "package.json").read_text())
    entry = manifest["jupyterlab"]["_build"]["load"]
    assert (environment / EXTENSION / entry).exists()

    command = [str(environment / "bin" / "synetune-lab"), "--version"]
    answer = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert answer.stdout.startswith("synetune-lab ")
    place = (
        "from synetune_lab.cli.quickstart import place_notebook; from pathlib import Path;"
        "print(place_notebook(Path('here')))"
    )
    subprocess.run([str(python), "-c", place], cwd=tmp_path, capture_output=True, check=True)
    assert json.loads((tmp_path / "here" / "quickstart.ipynb").read_text())["cells"]


def test_the_version_is_the_same_everywhere(sdist: Path) -> None:
    package = json.loads((ROOT / "package.json").read_text())
    lock = json.loads((ROOT / "package-lock.json").read_text())
    assert package["version"] == lock["version"] == sdist.name[len("synetune_lab-") : -7]


def test_the_lock_file_names_no_registry() -> None:
    assert '"resolved"' not in (ROOT / "package-lock.json").read_text()
