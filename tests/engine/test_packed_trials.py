"""Readers on other threads while the engine packs and wakes its trials."""

from __future__ import annotations

import threading
from datetime import datetime, timezone
from typing import Any

import pytest

from synetune_lab.engine.trial_table import TrialRecord, TrialsOfTable, TrialTable
from synetune_lab.metrics_statistics import MetricsStatistics, StatisticsTable
from synetune_lab.trial import Trial
from synetune_lab.utils import packed_table


def record(trial_id: int) -> TrialRecord:
    return TrialRecord(Trial(trial_id, {"x": trial_id}, datetime(2026, 1, 1, tzinfo=timezone.utc)))


def test_a_reader_finds_every_trial_at_any_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed_table, "_KEPT", 8)
    monkeypatch.setattr(packed_table, "_BATCH", 64)
    table, errors, over = TrialTable(), list[BaseException](), threading.Event()
    view = TrialsOfTable(table)

    def read() -> None:
        place = 0
        while not over.is_set():
            count = len(table)
            for _ in range(50):
                place = (place * 7919 + 13) % max(count, 1)
                try:
                    assert not count or view[place].config == {"x": place}
                except BaseException as error:
                    errors.append(error)
                    return

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for trial_id in range(6000):
        table.add(record(trial_id))
        table.rest(())
        table.wake(trial_id * 31 % (trial_id + 1)).run += 1
    over.set()
    for reader in readers:
        reader.join()
    assert not errors


def test_a_look_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed_table, "_KEPT", 2)
    monkeypatch.setattr(packed_table, "_BATCH", 2)
    table, statistics = TrialTable(), StatisticsTable()
    for trial_id in range(20):
        table.add(record(trial_id))
        table.rest(())
        entry: Any = MetricsStatistics()
        entry.add({"loss": float(trial_id)})
        statistics.put(trial_id, entry)
        statistics.rest(())
    view, look = TrialsOfTable(table).look(), statistics.look()
    for trial_id in range(20):
        table.wake(trial_id)
        statistics.wake(trial_id).add({"loss": -5.0})
    for trial_id in range(20, 40):
        table.add(record(trial_id))
        table.rest(())
    assert [view[i].config["x"] for i in view] == list(range(20))
    assert [look[i].extreme("loss", "min") for i in look] == [float(i) for i in range(20)]
