"""The network is gone for a while, and jobs go on reporting."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from synetune_lab.config_space import uniform
from synetune_lab.optimizer.baselines import RandomSearch
from synetune_lab.stopping_criterion import StoppingCriterion
from synetune_lab.store import read_log
from synetune_lab.tuner import Tuner
from tests.backend.sagemaker.helpers import until

# Each waits for the file of its own name before it ends.
PATIENT = """
import argparse, time
from pathlib import Path
from synetune_lab import Reporter

parser = argparse.ArgumentParser()
parser.add_argument("--release")
parser.add_argument("--lr", type=float)
args, _ = parser.parse_known_args()
report = Reporter()
epoch = 0
while epoch < 20 or not Path(args.release).exists():
    epoch += 1
    report(epoch=epoch, loss=args.lr / epoch)
    time.sleep(0.02)
"""


def reports_in_log(folder: Path) -> Counter[tuple[int, int]]:
    """How often each report was judged: (trial, epoch)."""
    return Counter(
        (action["trial_id"], action["result"]["epoch"])
        for record in read_log(folder)
        for action in record["a"]
        if action["kind"] == "decision"
    )


@pytest.mark.parametrize("attribute", ["network_is_gone", "credentials_are_expired"])
def test_a_run_goes_on_after_an_outage_with_every_report_of_it(
    make_backend: Callable[..., Any],
    cloud: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    attribute: str,
) -> None:
    monkeypatch.setenv("SYNETUNE_FOLDER", str(tmp_path / "runs"))
    script, release = tmp_path / "patient.py", tmp_path / "release"
    script.write_text(PATIENT)
    tuner = Tuner(
        trial_backend=make_backend(entry_point=str(script)),
        scheduler=RandomSearch(
            {"lr": uniform(0, 1), "release": str(release)}, metric="loss", random_seed=1
        ),
        stop_criterion=StoppingCriterion(max_num_trials_started=6),
        wait_trial_completion_when_stopping=True,
        n_workers=3,
        sleep_time=0.05,
        tuner_name="outage",
        suffix_tuner_name=False,
    )
    tuner.start()
    until(lambda: len(reports_in_log(tuner.tuner_path)) >= 3)
    setattr(cloud, attribute, True)
    jobs = list(cloud.jobs.values())
    known = {job.name: job.lines_written for job in jobs}
    until(lambda: all(job.lines_written >= known[job.name] + 30 for job in jobs))
    # Some end while nobody can ask for them, and some after it.
    release.touch()
    until(lambda: any(job.is_over for job in jobs))
    setattr(cloud, attribute, False)
    assert tuner.wait(timeout=50)
    counts = reports_in_log(tuner.tuner_path)
    assert set(counts.values()) == {1}
    for job in cloud.jobs.values():
        assert (job.status, job.name[-2:]) == ("Completed", "-0"), "no trial was run twice"
        trial_id = int(job.name.split("-")[-2])
        epochs = sorted(epoch for trial, epoch in counts if trial == trial_id)
        assert epochs == list(range(1, job.lines_written + 1))
    assert cloud.running() == []
