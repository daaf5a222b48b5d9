"""Notebook 7, notebooks without a kernel, the launcher and the commands."""

from __future__ import annotations

from typing import Any

from tests.browser.lab import HOSTILE, LabServer, Panel, wait_until


def test_notebook_7_steers_a_busy_kernel(server: LabServer, pages: Any) -> None:
    setup = server.setup("seven") + "tuner.start()\ntuner"
    path = server.write("seven", setup, server.busy("seven", 15))
    notebook = pages.open(server.notebook_url(path), path)
    notebook.run(0)
    panel = notebook.panel(0)
    panel.wait_live()
    panel.wait_state("Running")
    notebook.start(1)
    wait_until(notebook.page, lambda: notebook.prompt(1) == "[*]:", "cell that computes")
    panel.click("pause-run")
    panel.wait_state("Paused")
    assert notebook.prompt(1) == "[*]:"
    wait_until(notebook.page, lambda: panel.painted("curves") > 300, "curves")
    panel.shoot("notebook-7")


def test_a_reopened_notebook_without_kernel_shows_the_picture(
    server: LabServer, open_lab: Any
) -> None:
    setup = server.setup("reopened") + "tuner.start()\ntuner"
    lab = open_lab("reopened", setup, "tuner.stop().result(30); tuner.wait(30)")
    lab.run(0)
    panel = lab.panel(0)
    panel.wait_live()
    wait_until(lab.page, lambda: len(panel.statuses()) >= 4, "trials")
    lab.run(1)
    panel.wait_state("Finished")
    best = panel.text("best-value")
    wait_until(
        lab.page,
        lambda: "finished" in lab.outputs(0)[0]["data"]["text/plain"],
        "the last picture in the notebook",
    )
    lab.page.evaluate(
        """async () => {
          const { commands } = window.jupyterapp;
          await commands.execute('docmanager:save');
          await commands.execute('notebook:shutdown-kernel', { activate: false });
          await commands.execute('application:close');
          await commands.execute('docmanager:open', {
            path: 'reopened.ipynb', kernelPreference: { shouldStart: false, canStart: true },
          });
        }"""
    )
    picture = lab.panel(0)
    assert picture.role("link-path").get_attribute("data-path") == "static"
    assert picture.text("best-value") == best
    assert picture.state == "Finished"
    wait_until(lab.page, lambda: picture.painted("curves") > 300, "curves")
    assert HOSTILE in picture.root.inner_text()
    assert lab.page.evaluate("() => window.stlPwned") is None
    picture.shoot("reopened")


def test_a_run_that_has_ended_is_resumed_from_its_panel(server: LabServer, open_lab: Any) -> None:
    setup = server.setup("resumed") + "tuner.start()\ntuner"
    lab = open_lab("resumed", setup, "print('after')")
    lab.run(0)
    panel = lab.panel(0)
    panel.wait_live()
    wait_until(lab.page, lambda: len(panel.statuses()) >= 4, "trials")
    panel.click("stop-run")
    panel.confirm()
    panel.wait_state("Finished")
    before = max(panel.statuses())
    panel.click("resume-code")
    dialog = panel.root.locator("dialog[open]")
    assert "which may run code" in dialog.inner_text()
    panel.shoot("resume-dialog")
    dialog.locator('[data-action="resume-saved"]').click()
    again = lab.panel(1)
    again.wait_live()
    again.wait_state("Running")
    wait_until(lab.page, lambda: max(again.statuses()) > before + 1, "new trials")
    wait_until(lab.page, lambda: panel.state == "Running", "the old panel following the run")


def test_the_launcher_opens_a_quick_start(server: LabServer, pages: Any) -> None:
    page = pages.new()
    page.goto(server.workspace_url("").replace("/tree/", "/"), wait_until="domcontentloaded")
    page.wait_for_function("() => window.jupyterapp?.commands?.hasCommand('launcher:create')")
    card = page.locator('.jp-LauncherCard[title*="tunes a small neural network"]').first
    card.wait_for(state="visible", timeout=30_000)
    page.locator(".jp-Launcher").screenshot(path=Panel.pictures() / "launcher.png")
    card.click()
    page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget?.context?.path"
        "?.startsWith('synetune-quickstart') === true",
        timeout=30_000,
    )
    assert list(server.root.glob("synetune-quickstart*.ipynb"))


def test_a_saved_run_is_opened_for_reading(server: LabServer, open_lab: Any) -> None:
    setup = server.setup("kept", pace=0.05) + (
        "tuner.start()\nimport time\n"
        "while tuner.tuning_status.num_trials_started < 5: time.sleep(0.1)\n"
        "tuner.stop().result(30); tuner.wait(30); best = tuner.best_config()[0]; print(best)"
    )
    lab = open_lab("kept", setup)
    lab.run(0)
    best = lab.printed(0).strip()
    lab.page.evaluate("() => window.jupyterapp.commands.execute('synetune-lab:open-saved-run')")
    line = lab.page.locator(".stl-saved-run", has_text="kept").first
    line.wait_for(state="visible", timeout=60_000)
    lab.page.screenshot(path=Panel.pictures() / "saved-runs.png")
    line.locator('[data-action="open-saved"]').click()
    root = lab.page.locator(".stl-main-area .stl-panel, .stl-main-area.stl-panel").last
    root.locator('[data-role="best-value"]').wait_for(state="visible", timeout=30_000)
    panel = Panel(root)
    panel.wait_state("Finished")
    assert "reading only" in panel.text("link-path")
    assert f"trial {best}" in panel.root.inner_text()
    assert not panel.button("pause-run").is_visible()
    wait_until(lab.page, lambda: panel.painted("curves") > 300, "curves")
    panel.shoot("saved-run")
