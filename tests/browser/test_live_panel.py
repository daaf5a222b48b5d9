"""A running run in JupyterLab: what the panel shows, and that it steers a kernel that computes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.browser.lab import HOSTILE, LabServer, Notebook, Panel, wait_until

BUSY_CELL = 2


def started(
    server: LabServer, open_lab: Callable[..., Notebook], name: str, **more: Any
) -> Notebook:
    """A notebook whose first cell has started a run and shows it; the third one computes."""
    setup = server.setup(name, **more) + "tuner.start()\ntuner"
    report = "print(tuner.n_workers, tuner.session.summary.state, tuner.engine.space_version)"
    lab = open_lab(name, setup, "tuner.dashboard()", server.busy(name, 20), report)
    lab.run(0)
    return lab


def begin_to_compute(lab: Notebook) -> None:
    lab.start(BUSY_CELL)
    wait_until(lab.page, lambda: lab.prompt(BUSY_CELL) == "[*]:", "cell that computes")


def still_computes(lab: Notebook) -> bool:
    return lab.prompt(BUSY_CELL) == "[*]:"


def running(panel: Panel) -> list[int]:
    return [trial for trial, status in panel.statuses().items() if status == "InProgress"]


def test_a_tuner_and_its_dashboard_show_the_run(server: LabServer, open_lab: Any) -> None:
    lab = started(server, open_lab, "shown")
    panel = lab.panel(0)
    panel.wait_live()
    panel.wait_state("Running")
    lab.run(1)
    second = lab.panel(1)
    for one in (panel, second):
        one.wait_live()
        wait_until(lab.page, lambda p=one: p.text("best-value") != "–", "best value")
        wait_until(lab.page, lambda p=one: len(p.statuses()) >= 3, "rows of trials")
        for chart in ("curves", "rungs", "best"):
            wait_until(lab.page, lambda p=one, c=chart: p.painted(c) > 300, f"chart of {chart}")
    wait_until(
        lab.page, lambda: panel.text("best-value") == second.text("best-value"), "the same best"
    )
    panel.shoot("live-light")
    assert lab.page.evaluate("() => window.stlPwned") is None
    assert HOSTILE in panel.root.inner_text()


def test_controls_work_while_a_cell_computes(server: LabServer, open_lab: Any) -> None:
    # Trials that run for half a minute: none of them ends by itself meanwhile.
    lab = started(server, open_lab, "steered", pace=1.0, scheduler="random")
    panel = lab.panel(0)
    panel.wait_live()
    wait_until(lab.page, lambda: len(running(panel)) == 2, "two running trials")
    begin_to_compute(lab)

    trial = running(panel)[0]
    panel.click("pause-trial", trial)
    wait_until(lab.page, lambda: panel.statuses()[trial] == "Paused", "paused trial")
    panel.click("resume-trial", trial)
    wait_until(
        lab.page,
        lambda: "next, when a worker is free" in panel.root.inner_text(),
        "word that it waits for a worker",
    )
    panel.click("workers-more")
    wait_until(lab.page, lambda: panel.text("workers").endswith("of 3"), "third worker")
    wait_until(lab.page, lambda: panel.statuses()[trial] == "InProgress", "resumed trial")
    panel.click("stop-trial", trial)
    panel.confirm()
    wait_until(lab.page, lambda: panel.statuses()[trial] == "Stopped", "stopped trial")
    panel.click("pause-run")
    panel.wait_state("Paused")
    panel.click("resume-run")
    panel.wait_state("Running")
    assert still_computes(lab), "the cell ended before the controls were tried"

    wait_until(lab.page, lambda: not still_computes(lab), "end of the cell", 30)
    assert lab.printed(BUSY_CELL) == "computed True\n"
    lab.run(3)
    assert lab.printed(3) == "3 running 0\n"


def test_the_run_is_stopped_while_a_cell_computes(server: LabServer, open_lab: Any) -> None:
    lab = started(server, open_lab, "stopped")
    panel = lab.panel(0)
    panel.wait_live()
    panel.wait_state("Running")
    begin_to_compute(lab)
    panel.click("stop-run")
    panel.confirm()
    panel.wait_state("Finished")
    assert still_computes(lab)
    panel.shoot("finished")


def test_the_space_is_edited_while_a_cell_computes(server: LabServer, open_lab: Any) -> None:
    lab = started(server, open_lab, "edited")
    panel = lab.panel(0)
    panel.wait_live()
    wait_until(lab.page, lambda: len(panel.statuses()) >= 3, "rows of trials")
    panel.click("drawer-space")
    drawer = panel.role("space-drawer")
    drawer.scroll_into_view_if_needed()
    begin_to_compute(lab)

    upper = drawer.locator('input[data-role="space-upper"][data-name="x"]')
    line, apply = drawer.locator(".stl-space-line"), panel.button("apply-space")
    upper.fill("-1")
    wait_until(lab.page, lambda: drawer.locator(".stl-space-bad").count() == 1, "complaint")
    assert apply.is_disabled()
    upper.fill("0.4")
    # The kernel, though busy, tells what would follow.
    wait_until(lab.page, lambda: "trial" in line.inner_text(), "preview")
    assert drawer.locator(".stl-space-bad").count() == 0
    panel.shoot("space-edit")
    apply.click()
    flags = "() => document.querySelectorAll('dialog[open]').length"
    if lab.page.evaluate(flags):
        panel.confirm()
    known = max(panel.statuses())
    wait_until(
        lab.page,
        lambda: max(panel.statuses()) > known + 2,
        "trials of the new space",
    )
    assert still_computes(lab)
    assert drawer.locator('input[data-role="space-upper"][data-name="x"]').input_value() == "0.4"
    wait_until(lab.page, lambda: not still_computes(lab), "end of the cell", 30)
    lab.run(3)
    assert lab.printed(3) == "2 running 1\n"


def test_several_trials_and_the_keyboard(server: LabServer, open_lab: Any) -> None:
    lab = started(server, open_lab, "several")
    panel = lab.panel(0)
    panel.wait_live()
    wait_until(lab.page, lambda: len(panel.statuses()) >= 5, "rows of trials")
    panel.click("pause-run")
    panel.wait_state("Paused")
    wait_until(lab.page, lambda: not running(panel), "resting trials")

    first, last = min(panel.statuses()), min(panel.statuses()) + 2
    rows = panel.root.locator(".stl-row[data-trial]")
    rows.and_(panel.root.locator(f'[data-trial="{first}"]')).click(modifiers=["Control"])
    rows.and_(panel.root.locator(f'[data-trial="{last}"]')).click(modifiers=["Shift"])
    selected = panel.root.locator('.stl-row[data-trial][aria-selected="true"]')
    wait_until(lab.page, lambda: selected.count() == 3, "three selected rows")
    panel.click("stop-selected")
    panel.confirm()
    wait_until(
        lab.page,
        lambda: [panel.statuses()[i] for i in range(first, last + 1)] == ["Stopped"] * 3,
        "three stopped trials",
    )

    grid = panel.root.locator('[role="grid"]').first
    grid.focus()
    grid.press("Home")
    grid.press("ArrowDown")
    grid.press("Enter")
    panel.role("trial-drawer").wait_for(state="visible")
    lab.page.keyboard.press("Escape")
    panel.role("trial-drawer").wait_for(state="hidden")
    nameless = panel.root.evaluate(
        """(root) => [...root.querySelectorAll('button, input, select, [role=grid], canvas')]
             .filter((one) => one.offsetParent !== null && one.tagName !== 'CANVAS')
             .filter((one) => !(one.getAttribute('aria-label') || one.textContent.trim()
               || one.title || one.labels?.length || one.placeholder))
             .map((one) => one.outerHTML)"""
    )
    assert nameless == []
    assert panel.root.locator("[aria-live]").count() >= 1
