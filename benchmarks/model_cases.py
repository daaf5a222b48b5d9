"""Measurements of Bayesian optimisation: suggestions, simulated runs, memory."""

from __future__ import annotations

from benchmarks.engine_cases import Figures, compare, pick
from benchmarks.peer import BOTORCH, OPTUNA, OURS, PEER, measure
from benchmarks.study import DATA
from benchmarks.table import Row

# Observations -> suggestions to take the median of, and the figure to reach. With 500, it is a
# share of the faster peer's.
_SUGGESTIONS: dict[int, tuple[int, float | None]] = {50: (15, 0.03), 200: (9, 0.10), 500: (5, None)}
_SHARE = 1 / 5
_PEERS = {PEER: "", OPTUNA: " (peer: GPSampler of Optuna)", BOTORCH: " (peer: BoTorch)"}
_REPORTS = 1_500
_SIMULATIONS = {"MOBSTER": ("MOBSTER", 2.0), "HYPERTUNE": ("Hyper-Tune", 5.0)}
_OBSERVATIONS = 1_000


def gp_suggestion(peer: bool) -> list[Row]:
    """A suggestion with a refit, by the number of observations."""
    rows = []
    for observations, (count, reach) in _SUGGESTIONS.items():
        ours = measure("gp_suggestion", OURS, observations, count)
        theirs: dict[str, Figures] = {PEER: None}
        if peer:
            theirs = {name: measure("gp_suggestion", name, observations, count) for name in _PEERS}
        goal = reach
        if goal is None:
            seconds = [pick(theirs.get(name), "s") for name in (PEER, OPTUNA)]
            known = [one for one in seconds if one is not None]
            goal = _SHARE * min(known) if known else None
        what = f"GP suggestion with refit, 6 hyperparameters, {observations} observations"
        for name, figures in theirs.items():
            own_goal = goal if name == PEER else None
            rows.append(compare(f"{what}{_PEERS[name]}", "s", own_goal, ours, figures, "s"))
    return rows


def model_based_simulations(peer: bool) -> list[Row]:
    """A simulated run on the recorded digits benchmark; trials beside it, as each is a suggestion.

    Reports are those that the results have: both packages end at the first look after the limit.
    """
    rows = []
    for method, (name, reach) in _SIMULATIONS.items():
        ours, theirs = (
            measure("model_simulation", package, method, _REPORTS, DATA["digits-mlp"])
            if wanted
            else None
            for package, wanted in ((OURS, True), (PEER, peer))
        )
        what = f"simulated run of {_REPORTS:,} reports, 4 workers, {name}"
        rows.append(compare(what, "s", reach, ours, theirs, "s"))
        rows.append(compare(f"{what}: reports", "", None, ours, theirs, "reports"))
        rows.append(compare(f"{what}: trials", "", None, ours, theirs, "trials"))
        paces = [_a_trial(figures) for figures in (ours, theirs)]
        rows.append(Row(f"{what}: a trial", "s", *paces, None))
    return rows


def gp_memory(peer: bool) -> list[Row]:
    """Peak memory of a process with a run of Bayesian optimisation."""
    ours = measure("gp_memory", OURS, _OBSERVATIONS)
    theirs = measure("gp_memory", PEER, _OBSERVATIONS) if peer else None
    what = f"peak memory of a process that suggests at {_OBSERVATIONS:,} observations"
    return [compare(what, "MB", 300, ours, theirs, "memory_mb")]


def _a_trial(figures: Figures) -> float | None:
    return None if figures is None else float(figures["s"]) / float(figures["trials"])
