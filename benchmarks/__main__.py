"""Measure, print the table, write the JSON."""

from __future__ import annotations

import argparse
import json
import os
import platform
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path

from benchmarks import engine_cases, model_cases, ray_cases, sagemaker_case, simulator_cases
from benchmarks.panel_case import panel
from benchmarks.table import Row, as_text

CASES: dict[str, Callable[[bool], list[Row]]] = {
    "noop_trial": engine_cases.noop_trial,
    "report_latency": engine_cases.report_latency,
    "random_suggestion": engine_cases.random_suggestion,
    "asha_decision": engine_cases.asha_decision,
    "import_reporter": engine_cases.import_reporter,
    "saving": engine_cases.saving,
    "simulated_report": simulator_cases.simulated_report,
    "many_reports": simulator_cases.many_reports,
    "kde_suggestion": simulator_cases.kde_suggestion,
    "nasbench_study": simulator_cases.nasbench_study,
    "gp_suggestion": model_cases.gp_suggestion,
    "model_based_simulations": model_cases.model_based_simulations,
    "gp_memory": model_cases.gp_memory,
    "panel": panel,
    "sagemaker_trials": sagemaker_case.sagemaker_trials,
    "ray_noop": ray_cases.ray_noop,
    "ray_reports": ray_cases.ray_reports,
    "ray_lost_node": ray_cases.ray_lost_node,
    "ray_many_trials_simulated": ray_cases.ray_many_trials_simulated,
    "ray_many_trials": ray_cases.ray_many_trials,
}


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", help="comma-separated names of measurements")
    parser.add_argument("--no-peer", action="store_true", help="leave Syne Tune out")
    parser.add_argument("--list", action="store_true", help="list the measurements and end")
    args = parser.parse_args()
    if args.list:
        print("\n".join(CASES))
        return
    names = args.only.split(",") if args.only else list(CASES)
    unknown = [name for name in names if name not in CASES]
    if unknown:
        parser.error(f"no measurement named {', '.join(unknown)}; there are {', '.join(CASES)}")
    rows: list[Row] = []
    for name in names:
        print(f"... {name}", flush=True)
        rows += CASES[name](not args.no_peer)
    print(as_text(rows))
    folder = Path(__file__).parent / "results"
    folder.mkdir(exist_ok=True)
    machine = {
        "cpu_count": os.cpu_count(),
        "python": platform.python_version(),
        "system": platform.platform(),
    }
    result = {
        "at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "machine": machine,
        "rows": [asdict(row) | {"reached": row.reached} for row in rows],
    }
    (folder / "latest.json").write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
