"""The status as text, and checkpoint folders."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, cast

import pytest

from synetune_lab import tune
from synetune_lab.tune.checkpoint import CheckpointFolder, CheckpointNote
from synetune_lab.tune.status_table import Layout, Status, status_of, text_table


def trial(number: int, status: str, score: float | None = None) -> tune.Trial:
    made = tune.Trial(number, f"abc_{number:05d}", "train", {"a": number}, {"a": number}, "/x")
    made.status = status
    if score is not None:
        result = {"score": score, "training_iteration": 2, "time_total_s": 1.5}
        made.add({**result, "pid": 7, "hostname": "here"}, keep=False)
    return made


def status(trials: list[tune.Trial], **arguments: Any) -> Status:
    fixed: dict[str, Any] = {
        "scheduler": "FIFO",
        "metric": "score",
        "mode": "min",
        "logdir": "/runs/x",
        "resources": lambda running: f"{running}/8 CPUs, 0/0 GPUs",
    }
    return status_of(trials, **{**fixed, **arguments})


def text(trials: list[tune.Trial], **arguments: Any) -> str:
    return status(trials, **arguments).as_text()


def test_the_status_has_head_counts_and_a_row_a_trial() -> None:
    trials = [trial(0, "TERMINATED", 0.5), trial(1, "RUNNING", 0.25), trial(2, "RUNNING")]
    assert text(trials, total=10, memory="1/2 GiB") == (
        "== Status ==\n"
        "Memory usage on this node: 1/2 GiB\n"
        "Using FIFO scheduling algorithm.\n"
        "Resources requested: 2/8 CPUs, 0/0 GPUs\n"
        "Current best trial: abc_00001 with score=0.25 and parameters={a: 1}\n"
        "Result logdir: /runs/x\n"
        "Number of trials: 3/10 (2 RUNNING, 1 TERMINATED)\n"
        "+-----------------+------------+--------+---+-------+----------------+------+\n"
        "| Trial name      | status     | loc    | a | score | total time (s) | iter |\n"
        "|-----------------+------------+--------+---+-------+----------------+------|\n"
        "| train_abc_00001 | RUNNING    | here:7 | 1 |  0.25 |            1.5 |    2 |\n"
        "| train_abc_00002 | RUNNING    |        | 2 |       |                |      |\n"
        "| train_abc_00000 | TERMINATED | here:7 | 0 |   0.5 |            1.5 |    2 |\n"
        "+-----------------+------------+--------+---+-------+----------------+------+\n"
    )


def test_a_long_table_is_cut_until_the_end() -> None:
    trials = [trial(i, "TERMINATED", float(i)) for i in range(30)]
    layout = Layout(max_rows=5)
    assert "... 25 more trials not shown (25 TERMINATED)" in text(trials, layout=layout)
    assert text(trials, layout=layout, done=True).count("| train_") == 30


def test_failures_are_told_with_the_last_line_of_their_error() -> None:
    failed = trial(0, "ERROR")
    failed.error = "Traceback\n  somewhere\nValueError: too bad\n"
    assert "train_abc_00000: ValueError: too bad" in text([failed])


def test_a_run_without_trials_has_a_head_only() -> None:
    assert text([], metric=None).endswith("Number of trials: 0\n")


def test_columns_may_be_chosen_and_named() -> None:
    shown = text(
        [trial(0, "RUNNING", 1.0)],
        layout=Layout(parameter_columns=["a"], metric_columns={"score": "the score"}),
    )
    assert "| a | the score |" in shown
    assert "iter" not in shown


def test_tables_put_numbers_at_the_right() -> None:
    lines = text_table(["n", "t"], [[1, "x"], [100, "short"]]).splitlines()
    assert lines[1:4] == ["|   n | t     |", "|-----+-------|", "|   1 | x     |"]


def test_long_texts_are_cut_but_names_of_trials_are_not() -> None:
    long = trial(0, "RUNNING")
    long.evaluated_params["a"] = "under_score_" * 10
    long.given_name = "a name that is longer than any cell may be"
    shown = text([long])
    assert "| under_score_under... |" in shown
    assert "| a name that is longer than any cell may be |" in shown


def test_columns_are_left_out_where_the_terminal_is_narrow() -> None:
    whole = status([trial(0, "RUNNING", 1.0)])
    assert "Not shown" not in whole.as_text()
    narrow = whole.as_text(70)
    table = [line for line in narrow.splitlines() if line.startswith(("|", "+"))]
    assert max(map(len, table)) <= 70
    assert "Not shown for want of room: loc" in narrow
    assert "train_abc_00000" in whole.as_text(1)


def test_the_best_trials_may_stand_first() -> None:
    trials = [trial(0, "RUNNING"), trial(1, "TERMINATED", 3.0), trial(2, "TERMINATED", 1.0)]
    rows = status(trials, layout=Layout(best_first=True)).rows
    assert [row[0][-1] for row in rows] == ["2", "1", "0"]


def test_only_so_many_errors_are_shown() -> None:
    shown = text([trial(i, "ERROR") for i in range(3)], layout=Layout(max_errors=1))
    assert "Number of errored trials: 3" in shown
    assert "... and 2 more" in shown


def test_a_notebook_gets_a_table_of_its_own_with_texts_made_harmless() -> None:
    odd = trial(0, "RUNNING", 1.0)
    odd.evaluated_params["a"] = "<b>"
    html = status([odd]).as_html()
    assert "<table>" in html
    assert "&lt;b&gt;" in html
    assert "<b>" not in html


def test_a_reporter_waits_between_tables() -> None:
    times = iter([0.0, 1.0, 5.0, 6.0])
    reporter = tune.CLIReporter(max_report_frequency=5, clock=lambda: next(times))
    assert [reporter.is_due() for _ in range(4)] == [True, False, True, False]


def test_a_terminal_tells_how_wide_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("COLUMNS", "60")
    terminal, file = Terminal(), io.StringIO()
    for stream in (terminal, file):
        tune.CLIReporter(stream=stream).show(status([trial(0, "RUNNING", 1.0)]))
    assert "Not shown" in terminal.getvalue()
    assert "Not shown" not in file.getvalue()


class _Notebook:
    """Stands for a notebook's displays."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.shown: list[tuple[str, str]] = []
        monkeypatch.setattr("IPython.display.display", self.display)

    def display(self, data: Any, raw: bool, display_id: bool) -> Any:
        self.shown.append(("display", data["text/plain"]))
        return self

    def update(self, data: Any, raw: bool) -> None:
        assert "<table>" in data["text/html"]
        self.shown.append(("update", data["text/plain"]))


def test_a_notebook_shows_the_table_in_the_place_of_the_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    notebook = _Notebook(monkeypatch)
    reporter, now = tune.JupyterNotebookReporter(), status([trial(0, "RUNNING")])
    tuner: Any = None
    reporter.begin(tuner)
    reporter.show(now)
    reporter.show(now)
    assert notebook.shown == [("display", "starting")] + [("update", now.as_text())] * 2


@pytest.mark.parametrize("in_notebook", [True, False])
def test_the_panel_takes_the_place_of_the_table_in_a_notebook(
    in_notebook: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[str] = []

    class Panel:
        def _ipython_display_(self) -> None:
            shown.append("panel")

    class Tuner:
        def dashboard(self) -> Panel:
            return Panel()

    monkeypatch.setattr("synetune_lab.session.progress.in_kernel", lambda: in_notebook)
    stream = io.StringIO()
    reporter, tuner = tune.PanelReporter(stream=stream), cast("Any", Tuner())
    reporter.begin(tuner)
    reporter.show(status([trial(0, "RUNNING")]))
    assert shown == (["panel"] if in_notebook else [])
    assert ("== Status ==" in stream.getvalue()) is not in_notebook


# Checkpoints


def test_a_checkpoint_that_was_not_finished_does_not_count(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path / "checkpoints")
    with folder.writing(CheckpointNote("first", 1)) as path:
        (path / "a").write_text("1")
    with pytest.raises(ZeroDivisionError), folder.writing(CheckpointNote("second", 2)) as path:
        raise ZeroDivisionError
    latest = folder.latest()
    assert latest is not None
    assert latest[1].name == "first"
    assert (latest[0] / "a").read_text() == "1"
    (folder.root / ".draft-1").mkdir()
    folder.remove_drafts()
    assert sorted(p.name for p in folder.root.iterdir()) == ["first", "index.json"]


def test_a_checkpoint_that_was_removed_meanwhile_is_passed_over(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path)
    for number in (1, 2):
        with folder.writing(CheckpointNote(f"c{number}", number)):
            pass
    (tmp_path / "c2" / ".tune.json").unlink()
    (tmp_path / "c2").rmdir()
    latest = folder.latest()
    assert latest is not None
    assert latest[1].iteration == 1


def test_a_checkpoint_can_be_copied(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "file").write_text("x")
    found = tune.Checkpoint.from_directory(tmp_path / "one")
    with found.as_directory() as path:
        assert (Path(path) / "file").exists()
    copy = found.to_directory(tmp_path / "two")
    assert (Path(copy) / "file").read_text() == "x"
    assert repr(found) == f"Checkpoint({str(tmp_path / 'one')!r})"
    assert hash(found) == hash(tune.Checkpoint(tmp_path / "one"))
