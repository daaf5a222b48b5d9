"""Side by side with Syne Tune on the same recorded data: best value over simulated time.

    python -m benchmarks.study [--seeds 60] [--methods RS,KDE] [--no-peer]

Each method runs with so many seeds in either package. The table gives the mean best error at some
times with 95 % confidence intervals (normal), and the difference of the means with its interval.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
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
DATA = (
    Path(__file__).parents[1]
    / "synetune_lab"
    / "blackbox_repository"
    / "bundled"
    / "digits-mlp-digits.npz"
)
RESULT = Path(__file__).parent / "results" / "simulated_study.json"
_Z = 1.96


def interval(values: list[float]) -> tuple[float, float]:
    """Mean and half width of its 95 % confidence interval."""
    spread = statistics.stdev(values) if len(values) > 1 else 0.0
    return statistics.fmean(values), _Z * spread / math.sqrt(len(values))


def study(methods: list[str], seeds: int, peer: bool, fewer: dict[str, str]) -> dict[str, Any]:
    """Run all; `{method: {package: figures}}`."""
    found: dict[str, Any] = {}
    for method in methods:
        found[method] = {}
        for package in (OURS, PEER) if peer else (OURS,):
            print(f"... {method}, {package}", flush=True)
            count = int(fewer.get(method, seeds)) if package == PEER else seeds
            found[method][package] = measure(
                "simulated_study", package, method, 0, count, DATA, limit_s=3600
            )
    return found


def as_text(found: dict[str, Any]) -> str:
    """The table, as Markdown."""
    lines = [
        "| method | after (s) | Syne Tune 0.13.0 | synetune_lab | difference | |",
        "|---|---:|---:|---:|---:|---|",
    ]
    for method, of_packages in found.items():
        ours, theirs = of_packages.get(OURS), of_packages.get(PEER)
        if ours is None:
            lines.append(f"| {method} | - | - | failed | - | |")
            continue
        for mark in ours["best"]:
            mean, width = interval(ours["best"][mark])
            own = f"{mean:.4f} ± {width:.4f}"
            if theirs is None:
                lines.append(f"| {method} | {float(mark):.0f} | - | {own} | - | |")
                continue
            peer_mean, peer_width = interval(theirs["best"][mark])
            between = math.hypot(width, peer_width)
            verdict = "alike"
            if abs(mean - peer_mean) > between:
                verdict = "better" if mean < peer_mean else "worse"
            lines.append(
                f"| {method} | {float(mark):.0f} | {peer_mean:.4f} ± {peer_width:.4f} | {own} | "
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
    parser.add_argument("--out", type=Path, default=RESULT, help="where to write the figures")
    parser.add_argument("--no-peer", action="store_true", help="leave Syne Tune out")
    args = parser.parse_args()
    fewer = (
        dict(entry.split("=") for entry in args.peer_seeds.split(",")) if args.peer_seeds else {}
    )
    found = study(args.methods.split(","), args.seeds, not args.no_peer, fewer)
    print(as_text(found))
    args.out.parent.mkdir(exist_ok=True)
    args.out.write_text(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
