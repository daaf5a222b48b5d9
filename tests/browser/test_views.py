"""The same run in several views: reloaded, beside each other, opened late, in other themes."""

from __future__ import annotations

from typing import Any

from tests.browser.lab import LabServer, Notebook, Panel, wait_until


def computing(lab: Notebook, cell: int) -> None:
    lab.start(cell)
    wait_until(lab.page, lambda: lab.prompt(cell) == "[*]:", "cell that computes")


def facts(panel: Panel) -> dict[str, Any]:
    """What two views of a paused run must agree on."""
    return {
        "state": panel.state,
        "best": panel.text("best-value"),
        "counts": panel.text("counts"),
        "workers": panel.text("workers"),
        "trials": panel.statuses(),
    }


def test_a_reload_and_a_second_view_show_the_same_while_the_kernel_is_busy(
    server: LabServer, pages: Any, open_lab: Any
) -> None:
    setup = server.setup("viewed") + "tuner.start()\ntuner"
    lab = open_lab("viewed", setup, server.busy("viewed", 40))
    lab.run(0)
    lab.save()
    panel = lab.panel(0)
    panel.wait_live()
    wait_until(lab.page, lambda: len(panel.statuses()) >= 5, "trials")
    computing(lab, 1)
    panel.click("pause-run")
    panel.wait_state("Paused")
    wait_until(lab.page, lambda: "run" not in panel.text("counts"), "resting trials")
    before = facts(panel)

    second = pages.open(server.workspace_url("viewed.ipynb"), "viewed.ipynb").panel(0)
    second.wait_live()
    wait_until(second.page, lambda: facts(second) == before, "the same state in a second view")

    lab.page.reload(wait_until="domcontentloaded")
    lab.wait_ready()
    again = lab.panel(0)
    again.wait_live()
    wait_until(lab.page, lambda: facts(again) == before, "the same state after a reload")

    second.click("resume-run")
    for view in (again, second):
        view.wait_state("Running")
    assert not server.has_computed("viewed")


def test_a_panel_that_is_opened_late_while_the_kernel_is_busy(
    server: LabServer, open_lab: Any
) -> None:
    connect = "from synetune_lab.dashboard import show\n_ = show(tuner)"
    setup = server.setup("late") + "tuner.start()\n" + connect
    lab = open_lab("late", setup, server.busy("late", 25))
    lab.run(0)
    computing(lab, 1)
    lab.page.evaluate("() => window.jupyterapp.commands.execute('synetune-lab:show-panel')")
    root = lab.page.locator(".stl-main-area.stl-panel, .stl-main-area .stl-panel").first
    root.wait_for(state="visible", timeout=20_000)
    panel = Panel(root)
    panel.wait_live()
    panel.wait_state("Running")
    wait_until(lab.page, lambda: panel.painted("curves") > 300, "curves")
    panel.click("pause-run")
    panel.wait_state("Paused")
    lab.page.screenshot(path=panel.pictures() / "beside.png")
    assert not server.has_computed("late")


def test_both_themes(server: LabServer, open_lab: Any) -> None:
    setup = server.setup("themes") + "tuner.start()\ntuner"
    lab = open_lab("themes", setup)
    lab.run(0)
    panel = lab.panel(0)
    panel.wait_live()
    wait_until(lab.page, lambda: len(panel.statuses()) >= 6, "trials")

    def colours() -> tuple[list[int], list[int]]:
        found = panel.root.evaluate(
            """(root) => {
              const style = getComputedStyle(root);
              let node = root;
              let back = style.backgroundColor;
              while (node && /^rgba\\(.*, 0\\)$|transparent/.test(back)) {
                node = node.parentElement;
                back = getComputedStyle(node).backgroundColor;
              }
              const numbers = (text) => text.match(/\\d+/g).slice(0, 3).map(Number);
              return [numbers(back), numbers(style.color)];
            }"""
        )
        return found[0], found[1]

    def is_light() -> bool:
        back, front = colours()
        assert abs(sum(back) - sum(front)) > 300, "text can't be read"
        return sum(back) > sum(front)

    assert is_light()
    lab.page.evaluate(
        "() => window.jupyterapp.commands.execute('apputils:change-theme',"
        " { theme: 'JupyterLab Dark' })"
    )
    wait_until(lab.page, lambda: not is_light(), "dark theme")
    wait_until(lab.page, lambda: panel.painted("rungs") > 300, "rungs")
    panel.shoot("live-dark")
    trial = max(panel.statuses())
    row = panel.root.locator(f'.stl-row[data-trial="{trial}"]')
    row.click()
    row.press("Enter")
    panel.role("trial-drawer").wait_for(state="visible")
    wait_until(lab.page, lambda: "x" in panel.role("trial-drawer").inner_text(), "configuration")
    panel.shoot("trial-dark")
