"""Measurements of the simulator and of the schedulers on it."""

from __future__ import annotations

from benchmarks.engine_cases import compare, pick
from benchmarks.peer import OURS, PEER, measure
from benchmarks.table import Row

_REPORTS = 20_000
# Method -> what it is called, the figure to reach, reports that the peer can be asked for.
_METHODS = {
    "RS": ("random search", 8.0, _REPORTS),
    "ASHA-STOP": ("ASHA, stopping", 25.0, _REPORTS),
    "ASHA-PROM": ("ASHA, promotion", 35.0, _REPORTS),
    "SYNCHB": ("synchronous Hyperband", 25.0, _REPORTS),
    "PASHA": ("PASHA (the peer at 2,000 reports: it slows down with each)", 60.0, 2_000),
    "MSR": ("median stopping rule", 30.0, _REPORTS),
    "DEHB": ("DEHB", None, _REPORTS),
}


def simulated_report(peer: bool) -> list[Row]:
    """A report of a simulated run, by method."""
    rows = []
    for method, (name, reach, peer_reports) in _METHODS.items():
        ours = measure("simulated_report", OURS, method, _REPORTS)
        theirs = measure("simulated_report", PEER, method, peer_reports) if peer else None
        rows.append(compare(f"simulated report, {name}", "µs", reach, ours, theirs, "us"))
    return rows


def many_reports(peer: bool) -> list[Row]:
    """10^6 reports against 10^4 and 10^5, and the memory that they take.

    A run begins with few trials for many reports, and stops most trials early later on. So it is
    told, too, how many trials a report stands for.
    """
    del peer
    rows = []
    for method in ("RS", "ASHA-STOP", "ASHA-PROM", "MSR"):
        name = _METHODS[method][0]
        figures = measure("simulated_report", OURS, method, 1_000_000)
        for power in (4, 5):
            fewer = measure("simulated_report", OURS, method, 10**power)
            few, many = pick(fewer, "us"), pick(figures, "us")
            ratio = None if few is None or many is None else many / few
            reach = 1.3 if power == 4 else None
            rows.append(
                Row(f"a report at 10^6 against 10^{power}, {name}", "times", ratio, None, reach)
            )
            per = pick(fewer, "trials_per_report")
            rows.append(Row(f"trials a report at 10^{power}, {name}", "", per, None, None))
        per = pick(figures, "trials_per_report")
        rows.append(Row(f"trials a report at 10^6, {name}", "", per, None, None))
        memory = pick(figures, "memory_mb")
        rows.append(Row(f"memory at 10^6 reports, {name}", "MB", memory, None, 400))
    return rows


def kde_suggestion(peer: bool) -> list[Row]:
    """A suggestion by densities."""
    ours = measure("kde_suggestion", OURS)
    theirs = measure("kde_suggestion", PEER) if peer else None
    return [compare("KDE suggestion at 1,000 observations", "ms", 2, ours, theirs, "ms")]


def nasbench_study(peer: bool) -> list[Row]:
    """The study of the multi-fidelity tutorial."""
    del peer
    ours = measure("nasbench_study", OURS)
    what = "study: 7 methods x 50 seeds x 6 simulated hours, 2 processes"
    return [compare(what, "s", 180, ours, None, "s")]
