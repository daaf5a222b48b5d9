"""Measurements of trials on a Ray cluster; the peer is Ray Tune, on the same cluster."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import Any

from benchmarks.engine_cases import pick
from benchmarks.peer import OURS, measure
from benchmarks.table import Row

TRIALS_VARIABLE = "SYNETUNE_BENCHMARK_RAY_TRIALS"
"""Environment variable: how many one-second trials to run in place of 10,000."""
_WORKERS = 16
_TRIAL_S = 1.0
_WITHIN = 1.03


def _measure_on_ray(script: str, *args: object, limit_s: float = 900.0) -> dict[str, Any] | None:
    """What a measurement on Ray prints; None if Ray is missing, which is said."""
    if find_spec("ray") is None:
        print(f"{script} is left out: it needs Ray, pip install 'synetune_lab[ray]'")
        return None
    return measure(script, OURS, *args, limit_s=limit_s)


def ray_noop(with_peer: bool) -> list[Row]:
    """A do-nothing trial; to stay under half of Ray Tune's own time in the same run."""
    figures = _measure_on_ray("ray_noop", 20, 3, "ray_tune" if with_peer else "alone")
    if figures is None:
        return []
    what = "do-nothing trial on Ray, 2 workers"
    ours, rows = pick(figures, "ours_s"), []
    for name, key in (("Ray Tune", "ray_tune_s"), ("Ray Tune, reuse_actors", "reusing_s")):
        peer = pick(figures, key)
        reach = None if peer is None else peer / 2
        rows.append(Row(f"{what} (peer: {name})", "s", ours, peer, reach))
    return rows if with_peer else rows[:1]


def ray_reports(with_peer: bool) -> list[Row]:  # noqa: ARG001 - Ray Tune has no such figure
    """What a report costs the tuner, and how long it is on its way."""
    figures = _measure_on_ray("ray_reports", 500, 0.02)
    if figures is None:
        return []
    named = (
        ("report on Ray, tuner's CPU time", 5.0, ("paced", "cpu_ms_a_report")),
        ("report on Ray, tuner's time when trials flood it", 5.0, ("flood", "wall_ms_a_report")),
        ("report on Ray to decision, median", None, ("paced", "median_ms")),
        ("report on Ray to decision, 95th percentile", None, ("paced", "p95_ms")),
    )
    return [Row(what, "ms", pick(figures, *keys), None, reach) for what, reach, keys in named]


def ray_many_trials(with_peer: bool) -> list[Row]:  # noqa: ARG001 - it takes 11 minutes by itself
    """10,000 one-second trials on 16 workers of a cluster of several local nodes.

    It takes about 11 minutes. The environment variable `SYNETUNE_BENCHMARK_RAY_TRIALS` makes it
    fewer trials; then the start of Ray's processes weighs more.
    """
    trials = int(os.environ.get(TRIALS_VARIABLE, "10000"))
    least = _TRIAL_S * trials / _WORKERS
    figures = _measure_on_ray("ray_many_trials", trials, _WORKERS, limit_s=3 * least + 300)
    if figures is None:
        return []
    what = f"{trials:,} one-second trials on Ray, {_WORKERS} workers"
    return [
        Row(
            f"{what} (the least possible: {least:.0f} s)",
            "s",
            pick(figures, "wall_s"),
            None,
            _WITHIN * least,
        ),
        Row(
            f"{what}: until each worker had a trial",
            "s",
            pick(figures, "until_all_workers_ran_s"),
            None,
            None,
        ),
        Row(
            f"{what}: a trial from then on",
            "s",
            pick(figures, "s_a_trial_from_then_on"),
            None,
            _WITHIN * _TRIAL_S,
        ),
    ]


def ray_many_trials_simulated(with_peer: bool) -> list[Row]:  # noqa: ARG001 - see above
    """The same through the simulator; this one needs no Ray."""
    rows = []
    least = _TRIAL_S * 10_000 / _WORKERS
    for delays, reach in (("zero", _WITHIN * least), ("default", None)):
        figures = measure("ray_simulated", OURS, 10_000, _WORKERS, delays)
        what = f"10,000 one-second trials, simulated, 16 workers, {delays} delays"
        simulated, real = pick(figures, "simulated_s"), pick(figures, "real_s")
        rows.append(Row(f"{what}: simulated time", "s", simulated, None, reach))
        rows.append(Row(f"{what}: real time", "s", real, None, None))
    return rows


def ray_lost_node(with_peer: bool) -> list[Row]:  # noqa: ARG001 - see above
    """From the death of a node to the next report of its trial, and what was lost."""
    figures = _measure_on_ray("ray_lost_node", 3)
    if figures is None:
        return []
    # A figure is reached when it is smaller: none lost is under one.
    lost = "reports lost or repeated with a node, of 90"
    return [
        Row("lost node to next report, worst of 3", "s", pick(figures, "worst_s"), None, 10.0),
        Row(lost, "", pick(figures, "lost_or_repeated"), None, 1.0),
    ]
