"""Measurements of the engine: trials, latency, decisions, imports."""

from __future__ import annotations

from benchmarks.peer import OURS, PEER, measure
from benchmarks.table import Row


def pick(figures: dict | None, *keys: str) -> float | None:  # type: ignore[type-arg]
    """A nested entry of what a measurement printed, None where it is missing."""
    value = figures
    for key in keys:
        if value is None or key not in value:
            return None
        value = value[key]
    return value  # type: ignore[return-value]


def noop_trial(peer: bool) -> list[Row]:
    """A do-nothing trial on the local backend."""
    ours = measure("noop_trial", OURS, 100, "default")
    default = measure("noop_trial", PEER, 6, "default") if peer else None
    tuned = measure("noop_trial", PEER, 20, "0.1") if peer else None
    what = "do-nothing trial, local backend, 2 workers, beyond the bare script"
    return [
        Row(f"{what} (peer at its defaults)", "s", pick(ours, "s"), pick(default, "s"), 0.06),
        Row(f"{what} (peer at sleep_time 0.1)", "s", pick(ours, "s"), pick(tuned, "s"), 0.06),
    ]


def report_latency(peer: bool) -> list[Row]:
    """Report printed to decision taken."""
    ours = measure("report_latency", OURS, 200, "0.02", 2)
    many = measure("report_latency", OURS, 30, "1.0", 100)
    theirs = measure("report_latency", PEER, 200, "0.1", 2) if peer else None
    return [
        Row(
            "report printed to decision, median",
            "ms",
            pick(ours, "median_ms"),
            pick(theirs, "median_ms"),
            10,
        ),
        Row(
            "report printed to decision, 95th percentile",
            "ms",
            pick(ours, "p95_ms"),
            pick(theirs, "p95_ms"),
            40,
        ),
        Row("the same with 100 trials at once, median", "ms", pick(many, "median_ms"), None, 10),
        Row(
            "the same with 100 trials at once, 95th percentile",
            "ms",
            pick(many, "p95_ms"),
            None,
            40,
        ),
    ]


def random_suggestion(peer: bool) -> list[Row]:
    """Random search."""
    ours = measure("random_suggestion", OURS)
    theirs = measure("random_suggestion", PEER) if peer else None
    return [
        Row("random suggestion, 6 hyperparameters", "µs", pick(ours, "us"), pick(theirs, "us"), 12)
    ]


def asha_decision(peer: bool) -> list[Row]:
    """ASHA at a rung."""
    rows = []
    for kind in ("stopping", "promotion"):
        ours = measure("asha_decision", OURS, kind, 100_000)
        theirs = measure("asha_decision", PEER, kind, 10_000) if peer else None
        for size in ("1000", "10000", "100000"):
            rows.append(
                Row(
                    f"ASHA {kind}, decision with {int(size):,} trials in the rung",
                    "µs",
                    pick(ours, "us", size),
                    pick(theirs, "us", size),
                    15,
                )
            )
        what = f"ASHA {kind}, suggestion with 10,000 trials in the rung"
        rows.append(
            Row(
                what,
                "µs",
                pick(ours, "suggest_us", "10000"),
                pick(theirs, "suggest_us", "10000"),
                None,
            )
        )
    return rows


def import_reporter(peer: bool) -> list[Row]:
    """Importing the reporter."""
    ours = measure("import_reporter", OURS)
    theirs = measure("import_reporter", PEER) if peer else None
    return [Row("from ... import Reporter", "s", pick(ours, "s"), pick(theirs, "s"), 0.05)]


def saving(peer: bool) -> list[Row]:
    """Saving after 10^5 reports, and their memory."""
    ours = measure("saving", OURS, 100_000)
    theirs = measure("saving_peer", PEER, 100_000) if peer else None
    return [
        Row(
            "saving after 100,000 reports", "ms", pick(ours, "save_ms"), pick(theirs, "save_ms"), 50
        ),
        Row(
            "memory for 100,000 reports of 5 metrics",
            "MB",
            pick(ours, "memory_mb"),
            pick(theirs, "memory_mb"),
            60,
        ),
        Row(
            "a report through engine, log and results", "µs", pick(ours, "us_a_report"), None, None
        ),
    ]
