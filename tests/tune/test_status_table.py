"""The status as text, and checkpoint folders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from synetune_lab import tune
from synetune_lab.tune.checkpoint import CheckpointFolder, CheckpointNote
from synetune_lab.tune.status_table import status_text, text_table


def trial(number: int, status: str, score: float | None = None) -> tune.Trial:
    made = tune.Trial(number, f"abc_{number:05d}", "train", {"a": number}, {"a": number}, "/x")
    made.status = status
    if score is not None:
        result = {"score": score, "training_iteration": 2, "time_total_s": 1.5}
        made.add({**result, "pid": 7, "hostname": "here"}, keep=False)
    return made


def text(trials: list[tune.Trial], **arguments: Any) -> str:
    fixed: dict[str, Any] = {
        "scheduler": "FIFO",
        "metric": "score",
        "mode": "min",
        "logdir": "/runs/x",
        "resources": lambda running: f"{running}/8 CPUs, 0/0 GPUs",
    }
    return status_text(trials, **{**fixed, **arguments})


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
    assert "... 25 more trials not shown (25 TERMINATED)" in text(trials, max_rows=5)
    assert text(trials, max_rows=5, done=True).count("| train_") == 30


def test_failures_are_told_with_the_last_line_of_their_error() -> None:
    failed = trial(0, "ERROR")
    failed.error = "Traceback\n  somewhere\nValueError: too bad\n"
    assert "train_abc_00000: ValueError: too bad" in text([failed])


def test_a_run_without_trials_has_a_head_only() -> None:
    assert text([], metric=None).endswith("Number of trials: 0\n")


def test_columns_may_be_chosen_and_named() -> None:
    shown = text(
        [trial(0, "RUNNING", 1.0)],
        parameter_columns=["a"],
        metric_columns={"score": "the score"},
    )
    assert "| a | the score |" in shown
    assert "iter" not in shown


def test_tables_put_numbers_at_the_right_and_cut_long_text() -> None:
    lines = text_table(["n", "t"], [[1, "x" * 50], [100, "short"]]).splitlines()
    assert lines[3].startswith("|   1 | xxx")
    assert "..." in lines[3]


def test_a_reporter_waits_between_tables() -> None:
    times = iter([0.0, 1.0, 5.0, 6.0])
    reporter = tune.CLIReporter(max_report_frequency=5, clock=lambda: next(times))
    assert [reporter.is_due() for _ in range(4)] == [True, False, True, False]


def test_a_notebook_shows_the_table_in_the_place_of_the_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown: list[Any] = []

    class Handle:
        def update(self, data: Any, raw: bool) -> None:
            shown.append(("update", data["text/plain"]))

    def display(data: Any, raw: bool, display_id: bool) -> Handle:
        shown.append(("display", data["text/plain"]))
        return Handle()

    monkeypatch.setattr("IPython.display.display", display)
    reporter = tune.JupyterNotebookReporter()
    reporter.show("one")
    reporter.show("two")
    assert shown == [("display", "one"), ("update", "two")]


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
