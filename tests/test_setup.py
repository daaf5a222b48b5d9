"""The two commands: what they say when something is missing, what they do not do twice."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from _setup import browser, environment, frontend, runner, steps  # noqa: E402


def make_program(folder: Path, name: str, *, prints: str = "", status: int = 0) -> Path:
    program = folder / name
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(f"#!/bin/sh\necho '{prints}'\nexit {status}\n")
    program.chmod(0o755)
    return program


@pytest.mark.parametrize("script", ["start.py", "test.py"])
def test_an_old_python_gets_a_clear_message(script: str) -> None:
    # What an old interpreter would see: the check comes before any import that it cannot read.
    program = (
        "import runpy, sys\n"
        "sys.version_info = (3, 8, 0, 'final', 0)\n"
        f"sys.argv = ['scripts/{script}']\n"
        f"runpy.run_path({str(ROOT / 'scripts' / script)!r}, run_name='__main__')\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert answer.returncode == 1
    assert "needs Python 3.10 or newer" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_missing_node_gets_a_clear_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(steps.SetupError, match=r"Node was not found.*Node 20"):
        frontend.ensure(steps.Steps(total=2))


def test_a_node_too_old_gets_a_clear_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_program(tmp_path, "node", prints="v18.19.0")
    make_program(tmp_path, "npm", prints="10.0.0")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(steps.SetupError, match=r"Node 20 or newer is needed.*18\.19\.0"):
        frontend.ensure(steps.Steps(total=2))


def test_a_failed_step_shows_the_end_of_its_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "LOGS", tmp_path / "logs")
    program = make_program(tmp_path, "fails", prints="the reason", status=3)
    with pytest.raises(steps.SetupError, match="status 3") as caught:
        steps.Step("Something").run([str(program)], log="something", hint="Try harder.")
    assert "the reason" in str(caught.value)
    assert str(tmp_path / "logs" / "something.log") in str(caught.value)
    assert "Try harder." in str(caught.value)


def test_a_program_that_is_missing_is_a_setup_error() -> None:
    with pytest.raises(steps.SetupError, match="cannot run"):
        steps.Step("Something").run(["/no/such/program"], log="missing")


def test_a_digest_sees_names_and_contents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "ROOT", tmp_path)
    folder = tmp_path / "src"
    folder.mkdir()
    (folder / "a.ts").write_text("1")
    seen = {steps.digest([folder])}
    (folder / "a.ts").write_text("2")
    seen.add(steps.digest([folder]))
    (folder / "a.ts").rename(folder / "b.ts")
    seen.add(steps.digest([folder]))
    seen.add(steps.digest([folder], "more"))
    assert len(seen) == 4
    assert steps.digest([folder]) in seen


def test_packages_are_installed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "VENV", tmp_path)
    monkeypatch.setattr(environment, "_is_usable", lambda: True)
    commands: list[list[str]] = []
    monkeypatch.setattr(
        steps.Step, "run", lambda self, command, *, log, hint: commands.append(command)
    )

    def ensure(*extras: str) -> int:
        environment.ensure(steps.Steps(total=1), extras)
        return len(commands)

    assert [ensure("check"), ensure("check"), ensure()] == [1, 1, 1]
    assert [ensure("dev"), ensure("dev"), ensure("check")] == [2, 2, 2]
    assert commands[0][-1] == ".[check]"


def test_packages_are_installed_again_after_the_requirements_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "VENV", tmp_path)
    monkeypatch.setattr(environment, "_is_usable", lambda: True)
    commands: list[list[str]] = []
    monkeypatch.setattr(
        steps.Step, "run", lambda self, command, *, log, hint: commands.append(command)
    )
    environment.ensure(steps.Steps(total=1))
    monkeypatch.setattr(environment, "_fingerprint", lambda: "another")
    environment.ensure(steps.Steps(total=1))
    assert len(commands) == 2


def test_a_python_without_venv_names_the_package_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = make_program(tmp_path, "python", prints="ensurepip is not available", status=1)
    monkeypatch.setattr(environment, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(environment, "PYTHON", tmp_path / ".venv" / "bin" / "python")
    monkeypatch.setattr(environment.sys, "executable", str(fake))
    with pytest.raises(steps.SetupError, match=r"apt-get install python3\.\d+-venv") as caught:
        environment.ensure(steps.Steps(total=1))
    assert "ensurepip is not available" in str(caught.value)


def test_the_browser_that_the_user_names_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = make_program(tmp_path, "mine", prints="Chromium 120.0.1")
    monkeypatch.setenv(browser.VARIABLE, str(mine))
    assert browser.find() == mine
    monkeypatch.setenv(browser.VARIABLE, str(tmp_path / "absent"))
    with pytest.raises(steps.SetupError, match="no such file"):
        browser.find()


def test_a_browser_on_the_path_is_found_if_it_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(browser.VARIABLE, raising=False)
    monkeypatch.setattr(browser, "PLACES", [])
    monkeypatch.setattr(browser, "_playwrights_own", lambda: None)
    make_program(tmp_path, "chromium-browser", prints="run: snap install chromium", status=1)
    chrome = make_program(tmp_path, "google-chrome", prints="Google Chrome 131.0.6778.85")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert browser.find() == chrome


def test_no_browser_at_all_gets_a_clear_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(browser.VARIABLE, raising=False)
    monkeypatch.setattr(browser, "PLACES", [])
    monkeypatch.setattr(browser, "_playwrights_own", lambda: None)
    monkeypatch.setattr(browser, "_may_use_apt", lambda: False)
    monkeypatch.setattr(browser, "PYTHON", make_program(tmp_path, "python", status=1))
    monkeypatch.setattr(steps, "LOGS", tmp_path / "logs")
    monkeypatch.setenv("PATH", f"{tmp_path / 'empty'}")
    with pytest.raises(steps.SetupError, match=r"No browser was found.*Chromium or Chrome"):
        browser.ensure(steps.Step("Browser"))


def test_the_summary_shows_closing_lines_and_fails_if_one_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    good = make_program(tmp_path, "good", prints="12 passed in 3.4s")
    bad = make_program(tmp_path, "bad", prints="1 failed, 2 passed", status=1)
    checks = [
        runner.Check("python", "first", [str(bad)]),
        runner.Check("python", "second", [str(good)]),
        runner.Check("style", "unwanted", [str(bad)]),
    ]
    monkeypatch.setattr(runner, "checks", lambda: checks)
    assert runner.sum_up(runner.run(["python"], None)) == 1
    summary = capsys.readouterr().out.split("=== Summary")[1]
    assert "FAIL first" in summary
    assert "1 failed, 2 passed" in summary
    assert "12 passed in 3.4s" in summary
    assert "unwanted" not in summary
    monkeypatch.setattr(runner, "checks", lambda: checks[1:2])
    assert runner.sum_up(runner.run(["python"], None)) == 0


def test_ci_runs_the_very_command_of_the_readme() -> None:
    command = (ROOT / ".ci" / "run").read_text().splitlines()[-1].removeprefix("exec ")
    assert f"{command} " in (ROOT / "README.md").read_text()


def test_what_the_cloud_part_needs_is_installed_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "VENV", tmp_path)
    steps.write_stamp(environment._stamp("dev"), environment._fingerprint())
    assert environment._is_installed(("dev",))
    assert environment._is_installed(("check",))  # `dev` holds it, too
    assert not environment._is_installed(("dev", "dev-cloud"))
    steps.write_stamp(environment._stamp("dev-cloud"), environment._fingerprint())
    assert environment._is_installed(("dev", "dev-cloud"))
