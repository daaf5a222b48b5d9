"""Each report is delivered once, over gaps, interruptions and resumed runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synetune_lab.backend import SageMakerBackend
from synetune_lab.backend.sagemaker_backend import JobDescription
from synetune_lab.backend.sagemaker_backend.progress import Progress
from synetune_lab.backend.sagemaker_backend.reports import JobReports
from synetune_lab.config_space import uniform
from synetune_lab.optimizer.baselines import ASHA, RandomSearch
from tests.backend.sagemaker.helpers import look, look_until, steps_of, until

Line = tuple[str, str]
SAVES_RARELY = """
import argparse, time
from pathlib import Path
from synetune_lab import Reporter

parser = argparse.ArgumentParser()
parser.add_argument("--steps", type=int)
parser.add_argument("--st_checkpoint_dir")
args, _ = parser.parse_known_args()
state = Path(args.st_checkpoint_dir) / "state"
state.parent.mkdir(parents=True, exist_ok=True)
is_first = not state.exists()
step = int(state.read_text()) if state.exists() else 0
report = Reporter()
while step < args.steps:
    step += 1
    report(step=step)
    if step % 3 == 0:
        state.write_text(str(step))
    if step == 5 and is_first:
        time.sleep(3600)  # until the instance is taken away
"""


def line(step: int, number: int, start: int = 1, **metrics: Any) -> Line:
    """A report of one start of a job: its stream, and its text."""
    told = {"step": step, **metrics, "st_worker_timestamp": 100.0 + step, "st_worker_iter": number}
    return f"job/algo-1-{1_700_000_000 + start}", f"[tune-metric]: {json.dumps(told)}"


def read(reports: JobReports, lines: list[Line]) -> list[tuple[int, int]]:
    """Take in a log that nothing is going to be added to: steps, and what was delivered then."""
    for stream, text in lines:
        reports.add(stream, 0, text)
    return [(report["step"], mark) for report, mark in reports.take(0.0, final=True)]


def test_a_report_that_came_after_its_gap_was_given_up_is_told_by_who_resumes() -> None:
    told = read(JobReports(), [line(n, n) for n in (0, 1, 3)])
    assert [step for step, _ in told] == [0, 1, 3]
    again = JobReports(told[-1][1])
    assert [step for step, _ in read(again, [line(n, n) for n in range(5)])] == [2, 4]


@given(st.data())
def test_whatever_comes_late_and_whenever_a_run_is_resumed_each_report_is_told_once(
    data: st.DataObject,
) -> None:
    log: list[Line] = []
    for start in range(data.draw(st.integers(1, 3), label="attempts")):
        for number in range(data.draw(st.integers(1, 6), label="reports")):
            log.append(line(len(log), number, start))
    # Between two attempts lie minutes: the last words of the first one come before the second.
    last = {n - 1 for n, entry in enumerate(log) if n > 0 and log[n - 1][0] != entry[0]}
    late = data.draw(st.sets(st.integers(1, len(log))), label="late") - last
    first = [entry for n, entry in enumerate(log) if n not in late]
    delivered: list[int] = []
    mark = 0
    reports = JobReports()
    for seen in (first, log):
        for _ in range(2):
            told = read(reports, seen)
            # The process may end after any of its reports.
            ends = data.draw(st.booleans(), label="the process ends")
            count = data.draw(st.integers(0, len(told)), label="after") if ends else len(told)
            delivered += [step for step, _ in told[:count]]
            mark = told[count - 1][1] if count else mark
            if ends:
                reports = JobReports(mark)
    delivered += [step for step, _ in read(reports, log)]
    assert sorted(delivered) == list(range(len(log)))


@given(st.integers(0, 10**6))
def test_a_job_without_gaps_is_known_by_the_number_of_its_reports(count: int) -> None:
    progress = Progress(count)
    assert progress.encode() == count
    for number in range(min(count, 20)):
        assert progress.take(1, number)
    assert progress.encode() == count


def test_what_is_kept_of_a_job_is_small_enough_for_a_log() -> None:
    progress = Progress()
    for start in range(200):
        for number in range(0, 300, 2):
            progress.take(1_700_000_000 + start, number)
    text = json.dumps(progress.encode())
    assert len(text) < 4000
    assert Progress(json.loads(text)).encode() == progress.encode()
    # A number that is not our reporter's leaves no million places.
    progress.take(1_700_000_999, 0)
    progress.take(1_700_000_999, 10**9)
    assert len(json.dumps(progress.encode())) < 4000


def test_what_an_interrupted_job_repeats_is_told_once() -> None:
    before = [line(step, step - 1, loss=0.5) for step in (1, 2, 3, 4)]
    after = [line(step, number, 2, loss=0.5) for number, step in enumerate((3, 4, 5, 6))]
    told = read(JobReports(), before + after)
    assert [step for step, _ in told] == [1, 2, 3, 4, 5, 6]
    # Whoever resumes the run in the middle of it knows what came before.
    for count, (_, mark) in enumerate(told, 1):
        rest = [step for step, _ in read(JobReports(mark), before + after)]
        assert rest == [1, 2, 3, 4, 5, 6][count:]
    # The same in pieces, with a line that comes after the interruption.
    reports = JobReports()
    steps = []
    for lines in (before[:3], after[:1], before[3:], after[1:]):
        steps += [step for step, _ in read(reports, lines)]
    assert steps == [1, 2, 3, 4, 5, 6]


def test_reports_that_count_nothing_are_no_repeats() -> None:
    reports = JobReports()
    for start in (1, 2):
        reports.add(f"job/algo-1-{start}", 1000 * start, '[tune-metric]: {"loss": 0.5}')
    assert len(reports.take(0.0, final=True)) == 2


def test_the_scheduler_tells_which_metric_counts(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("")
    backend = SageMakerBackend(JobDescription(tmp_path / "train.py", image_uri="image"))
    space = {"lr": uniform(0, 1), "epochs": 9}
    backend.check_scheduler(
        ASHA(space, metric="loss", resource_attr="epoch", max_resource_attr="epochs")
    )
    assert backend.resource_attr == "epoch"
    backend.check_scheduler(RandomSearch(space, metric="loss"))
    assert backend.resource_attr is None


def test_a_job_that_lost_its_spot_instance_between_checkpoints_repeats_nothing(
    make_driver: Callable[..., Any], cloud: Any, tmp_path: Path
) -> None:
    (tmp_path / "rarely.py").write_text(SAVES_RARELY)
    driver = make_driver(entry_point=str(tmp_path / "rarely.py"), use_spot_instances=True)
    driver.start(0, {"steps": 9})
    driver.until_reported(0, 5)
    (job,) = cloud.jobs.values()
    until(lambda: job.synced)
    job.interrupt()
    assert driver.until_ended_one(0).cause == "exited"
    assert steps_of(driver, 0) == list(range(1, 10))
    assert job.lines_written == 11, "it went back to its checkpoint"


def test_a_resumed_run_has_what_came_late_and_nothing_twice(
    make_driver: Callable[..., Any], cloud: Any, stepping: Callable[[float], str]
) -> None:
    held: list[str] = []

    def hold(text: str) -> list[tuple[float, str]]:
        if '"step": 3,' not in text and '"step": 6,' not in text:
            return [(0.0, text)]
        held.append(text)
        return []

    cloud.deliver_log = hold
    driver = make_driver(entry_point=stepping(0.0), log_settle_s=3600.0, log_patience_s=0.0)
    driver.start(0, {"steps": 8})
    handle = driver.handle(0)
    look_until(driver, lambda: steps_of(driver, 0) == [1, 2, 4, 5, 7, 8])
    (job,) = cloud.jobs.values()
    until(lambda: job.is_over)
    job.deliver(held[0])
    look_until(driver, lambda: steps_of(driver, 0)[-1] == 3)
    delivered = driver.backend.delivered(0)
    driver.backend.close(leave_running=True)
    job.deliver(held[1])
    other = make_driver()
    other.backend.set_delivered(0, 0, delivered)
    other.backend.adopt({0: (0, handle)})
    other.until_ended_one(0)
    look(other)
    assert steps_of(other, 0) == [6]


@pytest.mark.parametrize("number", [None, 0, 1])
def test_the_first_report_of_a_job_may_have_any_number(number: int | None) -> None:
    progress = Progress()
    assert progress.is_next(1, number) == (number != 1)
    assert not progress.take(1, number)
