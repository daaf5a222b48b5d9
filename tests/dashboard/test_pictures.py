"""The picture that a notebook keeps: small, strict JSON, everything escaped."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from synetune_lab.dashboard import table
from synetune_lab.dashboard.columns import ReportColumns, thin
from synetune_lab.dashboard.display import MIME_TYPE, Panels
from synetune_lab.dashboard.saved_feed import SavedFeed
from synetune_lab.dashboard.small_snapshot import MOST_BYTES, small_snapshot
from synetune_lab.store.run_files import RUN_FILENAME
from tests.dashboard.histories import Drive

HOSTILE = "<img src=x onerror=alert(1)>\"'&</script>"


def saved_feed(folder: Path, drive: Drive) -> SavedFeed:
    """A feed of a run that was driven in memory."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / RUN_FILENAME).write_text(json.dumps({**drive.header, "name": HOSTILE}))
    feed = SavedFeed(folder)
    feed.view.fold(drive.records)
    return feed


def test_it_is_strict_json_of_at_most_200_kb(tmp_path: Path) -> None:
    feed = saved_feed(tmp_path / "run", Drive(n_workers=40, odd=0.1).run(12_000))
    assert len(feed.view.reports) > 5000
    text = json.dumps(small_snapshot(feed, None), allow_nan=False)
    assert len(text.encode()) <= MOST_BYTES
    told = json.loads(text)
    assert told["reports"]["thinned"]
    columns = {column["name"]: column["values"] for column in told["reports"]["columns"]}
    assert {len(values) for values in columns.values()} == {told["reports"]["n"]}
    assert set(columns["trial"]) <= {row["id"] for row in told["trials"]}


class Tags(HTMLParser):
    """Collects the elements of a document."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.found.add(tag)
        assert not attrs, (tag, attrs)


def test_nothing_of_a_trial_is_ever_html(tmp_path: Path) -> None:
    drive = Drive()
    drive.run(60)
    for record in drive.records:
        for action in record["a"]:
            if "config" in action:
                action["config"]["act"] = HOSTILE
    feed = saved_feed(tmp_path / "run", drive)
    html = table.as_html(small_snapshot(feed, None))
    tags = Tags()
    tags.feed(html)
    assert tags.found <= {"p", "table", "thead", "tbody", "tr", "th", "td"}
    assert "onerror=alert" in html  # it is shown, as text


def test_a_cell_outside_of_a_notebook_shows_a_line(tmp_path: Path) -> None:
    panels = Panels()
    feed = saved_feed(tmp_path / "run", Drive().run(60))
    bundle = panels.bundle(feed)
    assert "needs a notebook" in bundle["text/plain"]
    assert bundle[MIME_TYPE]["header"]["counts"]
    json.dumps(bundle, allow_nan=False)


@given(
    lengths=st.lists(st.integers(1, 60), min_size=1, max_size=6),
    most=st.integers(1, 120),
    data=st.data(),
)
def test_thinned_curves_keep_first_last_and_extremes(
    lengths: list[int], most: int, data: Any
) -> None:
    columns = ReportColumns(["loss"])
    left = dict(enumerate(lengths))
    while left:
        trial = data.draw(st.sampled_from(sorted(left)))
        value = data.draw(st.floats(0, 1))
        columns.append(trial, 0, float(len(columns)), float(len(columns)), [value])
        left[trial] -= 1
        if not left[trial]:
            del left[trial]
    kept = thin(columns, most)
    assert kept == sorted(set(kept))
    for trial in range(len(lengths)):
        mine = [i for i, t in enumerate(columns.trial) if t == trial]
        chosen = [i for i in kept if columns.trial[i] == trial]
        assert chosen[0] == mine[0]
        assert chosen[-1] == mine[-1]
        assert len(chosen) <= max(2, most // len(lengths)) + 2
        if most // len(lengths) >= 4:
            values = [columns.metrics[0][i] for i in mine]
            assert {min(values), max(values)} <= {columns.metrics[0][i] for i in chosen}
