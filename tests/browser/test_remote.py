"""A run on SageMaker in JupyterLab: followed live, steered, and found again after a restart."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.backend.sagemaker.conftest import bucket, cloud, moto
from tests.browser.lab import LabServer, Notebook, Panel, wait_until

__all__ = ["bucket", "cloud", "moto"]

LAUNCH = """
{environment}
from synetune_lab.remote import RemoteLauncher

{setup}
launcher = RemoteLauncher(tuner, s3_path="s3://{bucket}/experiments")
launcher.interval_s = 0.2
run = launcher.run(wait=False)
run.look_every_s = 0.2
run
"""
FIND = """
{environment}
from synetune_lab.remote import RemoteRun

run = RemoteRun.attach({name!r})
run.look_every_s = 0.2
run
"""
RESTART = "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()"


@pytest.fixture
def begin(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """SageMaker has no instance for jobs before it is set."""
    from tests.backend.sagemaker.job_runner import FakeJob

    event, download = threading.Event(), FakeJob._download_source

    def wait(job: FakeJob) -> None:
        event.wait()
        download(job)

    monkeypatch.setattr(FakeJob, "_download_source", wait)
    yield event
    event.set()


@pytest.fixture
def open_remote(
    server: LabServer, open_lab: Callable[..., Notebook], cloud: Any, bucket: str
) -> Callable[..., Notebook]:
    """A notebook whose first cell launches a run, and whose second finds it again."""
    from tests.backend.sagemaker.fake_cloud import ENVIRONMENT

    folder = server.root.parent
    names = {
        **ENVIRONMENT,
        "AWS_ENDPOINT_URL": cloud.url,
        "AWS_CONFIG_FILE": str(folder / "no-config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(folder / "no-credentials"),
    }
    environment = f"import os\nos.environ.update({names!r})"

    def open_(name: str, **more: Any) -> Notebook:
        setup = server.setup(name, **more)
        launch = LAUNCH.format(environment=environment, setup=setup, bucket=bucket)
        return open_lab(name, launch, FIND.format(environment=environment, name=name))

    return open_


def running(panel: Panel) -> list[int]:
    return [trial for trial, status in panel.statuses().items() if status == "InProgress"]


def theme(panel: Panel, name: str) -> None:
    change = "(theme) => window.jupyterapp.commands.execute('apputils:change-theme', { theme })"
    panel.page.evaluate(change, name)
    panel.page.wait_for_timeout(1000)  # the picture is for people


def test_a_run_on_sagemaker_is_followed_and_steered(
    open_remote: Any, begin: threading.Event, cloud: Any
) -> None:
    lab = open_remote("far", pace=0.4)
    lab.run(0)
    panel = lab.panel(0)
    panel.wait_live()
    panel.wait_state("Starting")
    banner = panel.root.locator(".stl-banner")
    wait_until(
        lab.page, lambda: "waits for an instance" in banner.inner_text(), "what SageMaker does"
    )
    link = panel.role("remote").locator("a")
    assert "console.aws.amazon.com" in str(link.get_attribute("href"))
    assert link.get_attribute("target") == "_blank"
    assert "noopener" in str(link.get_attribute("rel"))
    panel.shoot("remote-starting")
    begin.set()

    panel.wait_state("Running", timeout=60)
    wait_until(lab.page, lambda: panel.text("best-value") != "–", "best value", 60)
    wait_until(lab.page, lambda: len(panel.statuses()) >= 4, "rows of trials", 60)
    for chart in ("curves", "rungs", "best"):
        wait_until(lab.page, lambda c=chart: panel.painted(c) > 300, f"chart of {chart}")
    assert "heard" in panel.text("heard")
    panel.shoot("remote-light")

    wait_until(lab.page, lambda: running(panel), "running trial", 30)
    trial = running(panel)[0]
    panel.click("stop-trial", trial)
    panel.confirm()
    wait_until(
        lab.page,
        lambda: "the job answers within a few seconds" in panel.root.inner_text(),
        "word that the job was asked",
    )
    panel.shoot("remote-asked")
    wait_until(lab.page, lambda: panel.statuses()[trial] == "Stopped", "stopped trial", 30)
    panel.root.locator(f'.stl-row[data-trial="{trial}"] .stl-cell-mark').click()
    log = panel.role("trial-drawer").locator(".stl-log").first
    wait_until(
        lab.page,
        lambda: any(word in log.inner_text() for word in ("calm", "onerror")),
        "log of the trial",
        30,
    )
    theme(panel, "JupyterLab Dark")
    panel.shoot("remote-dark")
    lab.page.keyboard.press("Escape")

    cloud.network_is_gone = True
    wait_until(lab.page, lambda: "can't be reached" in banner.inner_text(), "trouble", 60)
    panel.shoot("remote-trouble-dark")
    theme(panel, "JupyterLab Light")
    panel.shoot("remote-trouble")
    cloud.network_is_gone = False
    wait_until(lab.page, lambda: not banner.is_visible(), "end of the trouble", 60)

    panel.click("stop-run")
    panel.confirm()
    panel.wait_state("Finished", timeout=60)
    wait_until(lab.page, lambda: not panel.button("stop-run").is_visible(), "no controls")
    assert panel.text("remote").startswith("ran as SageMaker job")
    panel.shoot("remote-finished")
    assert cloud.running() == []
    panel.click("resume-code")
    dialog = panel.root.locator("dialog")
    wait_until(lab.page, lambda: "load_tuner(trust=True)" in dialog.inner_text(), "code to resume")
    panel.shoot("remote-resume")
    assert lab.page.evaluate("() => window.stlPwned") is None


def test_a_run_on_sagemaker_outlives_the_kernel(open_remote: Any, cloud: Any) -> None:
    lab = open_remote("found", pace=0.4)
    lab.run(0)
    panel = lab.panel(0)
    panel.wait_live()
    wait_until(lab.page, lambda: len(panel.statuses()) >= 3, "rows of trials", 60)
    lab.page.evaluate(RESTART)
    banner = panel.root.locator(".stl-banner")
    wait_until(lab.page, lambda: "The job goes on" in banner.inner_text(), "word of the job", 60)
    panel.shoot("remote-restarted")
    lab.run(1)
    found = lab.panel(1)
    found.wait_live()
    found.wait_state("Running")
    wait_until(lab.page, lambda: found.text("heard").startswith("heard "), "word of the run", 30)
    assert len(found.statuses()) >= 3

    found.click("drawer-saved")
    lines = found.root.locator(".stl-saved-run")
    mine = lines.filter(has_text="found")
    wait_until(lab.page, lambda: mine.count() == 1, "the run in the list of saved runs")
    assert "on SageMaker" in mine.inner_text()
    found.shoot("remote-saved")
    mine.locator('[data-action="open-saved"]').click()
    found.wait_state("Running")
    found.click("stop-run")
    found.confirm()
    found.wait_state("Finished", timeout=60)
    # The panel of the first cell shows the same run, and follows as well.
    wait_until(lab.page, lambda: panel.state == "Finished", "the same in both", 30)
    assert cloud.running() == []
