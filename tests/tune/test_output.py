"""Hooks, the status of a run, and what is said when it is interrupted."""

from __future__ import annotations

import functools
import io
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from synetune_lab import tune
from tests.tune import trainables

run: Callable[..., tune.ExperimentAnalysis] = functools.partial(
    tune.run, metric="score", mode="max", verbose=0
)
SPACE = {"a": tune.grid_search([1.0, 2.0])}


class _Log(tune.Callback):
    def __init__(self) -> None:
        self.lines: list[Any] = []

    def setup(self, **info: Any) -> None:
        self.lines.append(("setup", info["num_samples"]))

    def on_trial_start(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        self.lines.append(("start", trial.config["a"]))

    def on_trial_result(
        self, iteration: int, trials: Any, trial: Any, result: Any, **info: Any
    ) -> None:
        self.lines.append(("result", result["score"]))

    def on_trial_complete(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        self.lines.append(("complete", trial.status))

    def on_experiment_end(self, trials: Any, **info: Any) -> None:
        self.lines.append(("end", len(trials)))


def test_hooks_are_told_what_happens() -> None:
    log = _Log()
    run(trainables.yields, config={"a": 2.0}, callbacks=[log])
    assert log.lines == [
        ("setup", 1),
        ("start", 2.0),
        ("result", 2.0),
        ("result", 4.0),
        ("result", 6.0),
        ("complete", "TERMINATED"),
        ("end", 1),
    ]


class _Broken(tune.Callback):
    def on_trial_result(self, *args: Any, **info: Any) -> None:
        raise ZeroDivisionError("my hook")


def test_a_hook_that_fails_is_told_in_the_end() -> None:
    with pytest.raises(Exception, match="my hook"):
        run(trainables.yields, config={"a": 2.0}, callbacks=[_Broken()])


def test_the_status_table_is_shown_and_tells_the_best_trial() -> None:
    stream = io.StringIO()
    reporter = tune.CLIReporter(stream=stream, metric_columns={"score": "SCORE"})
    run(trainables.yields, config=SPACE, verbose=3, progress_reporter=reporter)
    text = stream.getvalue()
    assert text.count("Result for") == 6
    assert text.count(" TERMINATED after 3 iterations, score=") == 2
    final = text[text.rindex("== Status ==") :]
    assert "Number of trials: 2 (2 TERMINATED)" in final
    assert "score=6 and parameters={a: 2}" in final
    assert "| Trial name" in final
    assert "SCORE" in final


def test_nothing_is_shown_if_nothing_is_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    run(trainables.returns, config={"a": 1.0})
    assert capsys.readouterr().out == ""


def test_an_interrupt_tells_how_to_go_on(tmp_path: Path) -> None:
    stream = io.StringIO()

    class Interrupt(tune.Callback):
        def on_trial_result(self, *args: Any, **info: Any) -> None:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        run(
            trainables.Counter,
            config={"a": 1.0},
            name="long",
            local_dir=tmp_path,
            stop={"training_iteration": 10**6},
            verbose=1,
            progress_reporter=tune.CLIReporter(stream=stream),
            callbacks=[Interrupt()],
        )
    assert "name='long', resume=True" in stream.getvalue()
