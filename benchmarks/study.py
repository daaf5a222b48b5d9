"""Side by side with Syne Tune on the same recorded data: best value over simulated time.

    python -m benchmarks.study [--seeds 60] [--methods RS,KDE] [--no-peer]
    python -m benchmarks.study --methods models --seeds 20 --horizon 100 --keep-peer

Each method runs with so many seeds in either package. The table gives the mean best value at some
times with 95 % confidence intervals (normal), and the difference of the means with its interval.
`models` stands for the methods with a Gaussian process over configurations and resources, which
take the peer minutes a run: `--keep-peer` goes on with what the file has of it.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.peer import OURS, PEER, measure

METHODS = (
    "RS",
    "MSR",
    "REA",
    "KDE",
    "ASHA-STOP",
    "ASHA-PROM",
    "PASHA",
    "SYNCHB",
    "BOHB",
    "DEHB",
    "BORE",
)
# Those with a Gaussian process, and their classes.
MODEL_METHODS = {
    "MOBSTER": "MOBSTER",
    "HYPERTUNE": "HyperTune",
    "DYHPO": "DyHPO",
    "SYNCMOBSTER": "SyncMOBSTER",
}
_BUNDLED = Path(__file__).parents[1] / "synetune_lab" / "blackbox_repository" / "bundled"
DATA = {
    "digits-mlp": _BUNDLED / "digits-mlp-digits.npz",
    "tumor-boosting": _BUNDLED / "tumor-boosting-all.npz",
}
RESULTS = Path(__file__).parent / "results"
HORIZON_S = 600.0
# Seeds that are run before the figures are written.
_SEEDS_AT_ONCE = 5
_Z = 1.96


def interval(values: list[float]) -> tuple[float, float]:
    """Mean and half width of its 95 % confidence interval."""
    spread = statistics.stdev(values) if len(values) > 1 else 0.0
    return statistics.fmean(values), _Z * spread / math.sqrt(len(values))


@dataclass(frozen=True)
class Plan:
    """What to run.

    Attributes:
        methods: Names of methods.
        seeds: How many each runs with.
        fewer: Other numbers of seeds for the peer, by method.
        data: Name of the recorded benchmark.
        horizon_s: Simulated time of a run.
        packages: Whose methods to run.
        keep_peer: Whether the peer's runs in the file are kept.
        out: The file.
    """

    methods: list[str]
    seeds: int
    fewer: dict[str, str]
    data: str
    horizon_s: float
    packages: tuple[str, ...]
    keep_peer: bool
    out: Path


def study(plan: Plan) -> dict[str, Any]:
    """Run all; `{method: {package: figures}}`."""
    before = json.loads(plan.out.read_text()) if plan.out.exists() else {}
    found: dict[str, Any] = {method: {} for method in plan.methods}
    for method in plan.methods:
        of_peer = before.get(method, {}).get(PEER)
        if plan.keep_peer and of_peer is not None:
            found[method][PEER] = of_peer
    for method in plan.methods:
        for package in plan.packages:
            if package == OURS and not is_there(method):
                print(f"... {method}: not in {OURS}, left out", flush=True)
                continue
            count = int(plan.fewer.get(method, plan.seeds)) if package == PEER else plan.seeds
            for first in range(done(found[method].get(package)), count, _SEEDS_AT_ONCE):
                last = min(first + _SEEDS_AT_ONCE, count)
                print(f"... {method}, {package}, seeds {first} to {last - 1}", flush=True)
                more = measure(
                    "simulated_study",
                    package,
                    method,
                    first,
                    last,
                    DATA[plan.data],
                    plan.horizon_s,
                    limit_s=7200,
                )
                if more is None:
                    break
                found[method][package] = joined(found[method].get(package), more)
                plan.out.parent.mkdir(exist_ok=True)
                whole = {one: {**before.get(one, {}), **own} for one, own in found.items()}
                plan.out.write_text(json.dumps({**before, **whole}) + "\n")
    return found


def is_there(method: str) -> bool:
    """Whether this package has the method."""
    baselines = import_module(f"{OURS}.optimizer.baselines")
    return method not in MODEL_METHODS or hasattr(baselines, MODEL_METHODS[method])


def done(figures: dict[str, Any] | None) -> int:
    """Number of seeds that figures are of."""
    return 0 if figures is None else len(figures["trials"])


def joined(figures: dict[str, Any] | None, more: dict[str, Any]) -> dict[str, Any]:
    """Figures of some seeds and of further ones."""
    if figures is None:
        return more
    return {
        "best": {mark: figures["best"][mark] + own for mark, own in more["best"].items()},
        "trials": figures["trials"] + more["trials"],
        "seconds": figures["seconds"] + more["seconds"],
    }


def as_text(found: dict[str, Any]) -> str:
    """The table, as Markdown."""
    lines = [
        "| method | after (s) | Syne Tune 0.13.0 | synetune_lab | difference | |",
        "|---|---:|---:|---:|---:|---|",
    ]
    for method, of_packages in found.items():
        ours, theirs = of_packages.get(OURS), of_packages.get(PEER)
        if ours is None:
            for mark in theirs["best"] if theirs else ():
                mean, width = interval(theirs["best"][mark])
                lines.append(f"| {method} | {float(mark):g} | {mean:.4f} ± {width:.4f} | - | - | |")
            continue
        for mark in ours["best"]:
            mean, width = interval(ours["best"][mark])
            own = f"{mean:.4f} ± {width:.4f}"
            if theirs is None or mark not in theirs["best"]:
                lines.append(f"| {method} | {float(mark):g} | - | {own} | - | |")
                continue
            peer_mean, peer_width = interval(theirs["best"][mark])
            between = math.hypot(width, peer_width)
            verdict = "alike"
            if min(done(ours), done(theirs)) < 2:
                verdict = ""
            elif abs(mean - peer_mean) > between:
                verdict = "better" if mean < peer_mean else "worse"
            lines.append(
                f"| {method} | {float(mark):g} | {peer_mean:.4f} ± {peer_width:.4f} | {own} | "
                f"{mean - peer_mean:+.4f} ± {between:.4f} | {verdict} |"
            )
    return "\n".join(lines)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.study", description=__doc__)
    parser.add_argument("--seeds", type=int, default=60)
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument(
        "--peer-seeds", help="fewer seeds for the peer, by method: PASHA=4 (it is slow there)"
    )
    parser.add_argument("--data", choices=list(DATA), default="digits-mlp")
    parser.add_argument("--horizon", type=float, default=HORIZON_S, help="simulated seconds")
    parser.add_argument("--out", type=Path, help="where to write the figures")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--no-peer", action="store_true", help="leave Syne Tune out")
    which.add_argument("--only-peer", action="store_true", help="run nothing but Syne Tune")
    parser.add_argument("--keep-peer", action="store_true", help="keep the peer's runs in the file")
    args = parser.parse_args()
    fewer = (
        dict(entry.split("=") for entry in args.peer_seeds.split(",")) if args.peer_seeds else {}
    )
    models = args.methods == "models"
    name = "model_study" if models else "simulated_study"
    if (args.data, args.horizon) != ("digits-mlp", HORIZON_S):
        name += f"-{args.data}-{args.horizon:.0f}"
    plan = Plan(
        methods=list(MODEL_METHODS) if models else args.methods.split(","),
        seeds=args.seeds,
        fewer=fewer,
        data=args.data,
        horizon_s=args.horizon,
        packages=(PEER,) if args.only_peer else (OURS,) if args.no_peer else (OURS, PEER),
        keep_peer=args.keep_peer,
        out=args.out or RESULTS / f"{name}.json",
    )
    print(as_text(study(plan)))


if __name__ == "__main__":
    main()
