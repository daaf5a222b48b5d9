"""Results are never lost between the saved state and the results file."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from synetune_lab import StoppingCriterion, Tuner
from synetune_lab.backend.simulator_backend import SimulatorCallback
from synetune_lab.blackbox_repository import UserBlackboxBackend
from synetune_lab.errors import StoreError, SynetuneLabError
from synetune_lab.optimizer.baselines import ASHA
from synetune_lab.store.csv_zip import ResultsFile
from tests.blackbox_repository.tables import small_table


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNETUNE_FOLDER", str(tmp_path / "home"))


def simulated(**criterion: Any) -> Tuner:
    space = small_table().configuration_space_with_max_resource_attr("epochs")
    return Tuner(
        UserBlackboxBackend(small_table(), "metric_time", max_resource_attr="epochs"),
        ASHA(
            space, "metric_loss", "epoch", max_resource_attr="epochs", random_seed=1,
            search_options={"allow_duplicates": True},
        ),
        StoppingCriterion(**criterion),
        n_workers=4,
        callbacks=[SimulatorCallback()],
    )  # fmt: skip


def frame_of(tuner: Tuner) -> Any:
    return tuner.callbacks[0].dataframe()  # type: ignore[attr-defined]


def test_a_copy_that_is_saved_during_a_run_has_its_results(tmp_path: Path, wait_until: Any) -> None:
    tuner = simulated(max_num_evaluations=10**7)
    tuner.start()
    try:
        wait_until(lambda: tuner.tuning_status.num_reports > 3000, "reports")
        tuner.save(str(tmp_path / "copy"))
    finally:
        tuner.stop()
        tuner.wait()
    shutil.rmtree(tuner.tuner_path)
    again = Tuner.load(tmp_path / "copy")
    frame = frame_of(again)
    assert len(frame) == again.tuning_status.num_reports >= 3000
    assert frame["metric_loss"].notna().all()


def test_what_could_not_be_written_is_kept_with_the_state(monkeypatch: pytest.MonkeyPatch) -> None:
    write, calls = ResultsFile.write, []

    def fails_later(self: ResultsFile, columns: Any) -> None:
        calls.append(len(columns))
        if len(calls) > 1:
            raise StoreError("the disk is full")
        write(self, columns)

    monkeypatch.setattr(ResultsFile, "write", fails_later)
    tuner = simulated(max_num_evaluations=9000)
    tuner.results_update_interval = 0.01
    with pytest.raises(SynetuneLabError, match="the disk is full"):
        tuner.run(progress=False)
    before = frame_of(tuner)
    assert len(calls) > 1
    monkeypatch.setattr(ResultsFile, "write", write)
    again = Tuner.load(tuner.tuner_path)
    assert len(frame_of(again)) == len(before) == again.tuning_status.num_reports
    assert frame_of(again).equals(before)


def test_of_a_file_that_lost_rows_the_others_are_kept(caplog: pytest.LogCaptureFixture) -> None:
    tuner = simulated(max_num_evaluations=600)
    tuner.run(progress=False)
    whole = frame_of(tuner)
    other = simulated(max_num_evaluations=200)
    other.run(progress=False)
    shutil.copy(other.tuner_path / "results.csv.zip", tuner.tuner_path / "results.csv.zip")
    again = Tuner.load(tuner.tuner_path)
    found = frame_of(again)
    assert len(found) == len(frame_of(other))
    assert f"of {len(whole)}, {len(found)} were found" in caplog.text
