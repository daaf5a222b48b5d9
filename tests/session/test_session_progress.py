"""The progress line: short, in one place, and silent where nobody looks."""

from __future__ import annotations

import io
import sys

import pytest

from synetune_lab.session import progress
from synetune_lab.session.progress import NoProgress, TerminalProgress, make_progress
from synetune_lab.session.summary import RunSummary, progress_of


def make_summary(**more: object) -> RunSummary:
    values = {
        "name": "digits",
        "state": "running",
        "counts": {"InProgress": 2, "Completed": 3, "Failed": 1},
        "n_workers": 2,
        "metric": "loss",
        "best": (4, 0.123456),
        "tuner_time": 3725.0,
        "progress": 0.5,
    }
    return RunSummary(**{**values, **more})  # type: ignore[arg-type]


def test_a_summary_in_one_line() -> None:
    line = make_summary().line()
    assert line == ("1:02:05 | best loss 0.1235 (trial 4) | 6 trials: 2/2 run, 3 ended, 1 failed")
    assert make_summary(state="paused").line().startswith("1:02:05 paused | ")
    assert make_summary().bar(10) == "[#####.....]  50% "
    assert make_summary(progress=None).bar() == ""
    assert make_summary(progress=7.0).bar(4) == "[####] 100% "


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_line_is_updated_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.delenv(progress.PROGRESS_ENV, raising=False)
    shown = make_progress(None)
    assert isinstance(shown, TerminalProgress)
    shown.update(make_summary())
    shown.update(make_summary())  # nothing new: nothing written
    shown.update(make_summary(best=None))
    assert terminal.getvalue().count("\n") == 0
    assert terminal.getvalue().count("\r") == 2
    shown.close(make_summary(state="finished", why="max_wallclock_time was reached"))
    assert terminal.getvalue().endswith("\nmax_wallclock_time was reached\n")


@pytest.mark.parametrize(("wanted", "said"), [(False, ""), (None, "0"), (None, "")])
def test_no_progress_where_it_is_not_wanted_or_nobody_looks(
    monkeypatch: pytest.MonkeyPatch, wanted: bool | None, said: str
) -> None:
    monkeypatch.setenv(progress.PROGRESS_ENV, said)
    stream = Terminal() if said == "0" or wanted is False else io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    shown = make_progress(wanted)
    assert isinstance(shown, NoProgress)
    shown.update(make_summary())
    shown.close(make_summary())
    assert stream.getvalue() == ""


def test_a_closed_standard_error_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    terminal.close()
    monkeypatch.setattr(sys, "stderr", terminal)
    TerminalProgress().update(make_summary())
    monkeypatch.setattr(sys, "stderr", None)
    TerminalProgress().update(make_summary())


class Rules:
    max_wallclock_time = 100.0
    max_num_trials_completed = 4
    max_cost = None


class Status:
    num_trials_completed = 3
    num_trials_started = 9
    num_trials_finished = 3
    cost = 0.0


def test_progress_is_that_of_the_rule_that_is_nearest() -> None:
    assert progress_of(Rules(), Status(), tuner_time=10.0) == 0.75
    assert progress_of(Rules(), Status(), tuner_time=90.0) == 0.9
    assert progress_of(lambda status: False, Status(), tuner_time=90.0) is None
