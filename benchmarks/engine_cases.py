"""Measurements of the engine: trials, latency, decisions, imports, saving."""

from __future__ import annotations

from typing import Any

from benchmarks.peer import OURS, PEER, measure
from benchmarks.table import Row

Figures = dict[str, Any] | None


def pick(figures: Figures, *keys: str) -> float | None:
    """A nested entry of what a measurement printed, None where it is missing."""
    value: Any = figures
    for key in keys:
        if value is None or key not in value:
            return None
        value = value[key]
    return None if value is None else float(value)


def compare(
    what: str, unit: str, reach: float | None, ours: Figures, peer: Figures, *keys: str
) -> Row:
    """A row from the same entry of both measurements."""
    return Row(what, unit, pick(ours, *keys), pick(peer, *keys), reach)


def noop_trial(peer: bool) -> list[Row]:
    """A do-nothing trial on the local backend."""
    ours = measure("noop_trial", OURS, 100, "default")
    default = measure("noop_trial", PEER, 6, "default") if peer else None
    tuned = measure("noop_trial", PEER, 20, "0.1") if peer else None
    what = "do-nothing trial, local backend, 2 workers, beyond the bare script"
    return [
        compare(f"{what} (peer at its defaults)", "s", 0.06, ours, default, "s"),
        compare(f"{what} (peer at sleep_time 0.1)", "s", 0.06, ours, tuned, "s"),
    ]


def report_latency(peer: bool) -> list[Row]:
    """Report printed to decision taken."""
    ours = measure("report_latency", OURS, 200, "0.02", 2)
    many = measure("report_latency", OURS, 30, "1.0", 100)
    theirs = measure("report_latency", PEER, 200, "0.1", 2) if peer else None
    printed, at_once = "report printed to decision", "the same with 100 trials at once"
    return [
        compare(f"{printed}, median", "ms", 10, ours, theirs, "median_ms"),
        compare(f"{printed}, 95th percentile", "ms", 40, ours, theirs, "p95_ms"),
        compare(f"{at_once}, median", "ms", 10, many, None, "median_ms"),
        compare(f"{at_once}, 95th percentile", "ms", 40, many, None, "p95_ms"),
    ]


def random_suggestion(peer: bool) -> list[Row]:
    """Random search."""
    ours = measure("random_suggestion", OURS)
    theirs = measure("random_suggestion", PEER) if peer else None
    return [compare("random suggestion, 6 hyperparameters", "µs", 12, ours, theirs, "us")]


def asha_decision(peer: bool) -> list[Row]:
    """ASHA at a rung; the peer up to 10^4 trials, as its promotion grows with their number."""
    rows = []
    for kind in ("stopping", "promotion"):
        ours = measure("asha_decision", OURS, kind, 100_000)
        theirs = measure("asha_decision", PEER, kind, 10_000) if peer else None
        for size in ("1000", "10000", "100000"):
            what = f"ASHA {kind}, decision with {int(size):,} trials in the rung"
            rows.append(compare(what, "µs", 15, ours, theirs, "us", size))
        what = f"ASHA {kind}, suggestion with 10,000 trials in the rung"
        rows.append(compare(what, "µs", None, ours, theirs, "suggest_us", "10000"))
    return rows


def import_reporter(peer: bool) -> list[Row]:
    """Importing the reporter."""
    ours = measure("import_reporter", OURS)
    theirs = measure("import_reporter", PEER) if peer else None
    return [compare("from ... import Reporter", "s", 0.05, ours, theirs, "s")]


def saving(peer: bool) -> list[Row]:
    """Saving after 10^5 reports, and their memory."""
    ours = measure("saving", OURS, 100_000)
    theirs = measure("saving_peer", PEER, 100_000) if peer else None
    return [
        compare("saving after 100,000 reports", "ms", 50, ours, theirs, "save_ms"),
        compare("memory for 100,000 reports of 5 metrics", "MB", 60, ours, theirs, "memory_mb"),
        compare("a report through engine, log and results", "µs", None, ours, None, "us_a_report"),
    ]
