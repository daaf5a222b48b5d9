"""The regret study: Bayesian optimisation of several packages on functions with known optima.

    python -m benchmarks.regret [--methods synetune_lab,syne_tune] [--functions branin]
        [--seeds 20] [--evaluations 50] [--jobs 2] [--table-only]

Runs that `benchmarks/results/regret.json` has already are not done again; for this package they
count for the sources that they were done with. Each job is a process with a single thread.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from pathlib import Path
from statistics import median

from benchmarks.peer import HERE, OURS, interpreter
from benchmarks.regret_study import store
from benchmarks.regret_study.figures import as_text
from benchmarks.regret_study.functions import FUNCTIONS
from benchmarks.regret_study.methods import METHODS

RESULT = HERE / "results" / "regret.json"
# Those of the study; Hartmann's function of 3 variables can be asked for.
DEFAULT_FUNCTIONS = tuple(name for name in FUNCTIONS if name != "hartmann3")
# A process takes so many seeds in turn: loading torch takes longer than a run of some methods.
SEEDS_A_PROCESS = 5
_MODEL_SOURCES = ("gp", "optimizer")

Job = tuple[str, str, str, list[int]]


def version(method: str) -> str:
    """What tells runs of a method apart: the release; of this package the models' sources."""
    distribution, package, _ = METHODS[method]
    if distribution is None:
        return "1"
    if distribution == OURS:
        digest = hashlib.sha256()
        for part in _MODEL_SOURCES:
            for file in sorted((HERE.parent / OURS / part).rglob("*.py")):
                digest.update(file.read_bytes())
        return digest.hexdigest()[:12]
    command = f"import importlib.metadata as m; print(m.version('{distribution}'))"
    done = subprocess.run(
        [interpreter(package), "-c", command], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def missing(
    methods: dict[str, str], functions: list[str], seeds: int, evaluations: int
) -> Iterator[Job]:
    """The jobs to do: first seeds first, so that a study that is cut short has some of all."""
    runs = store.load(RESULT)
    for first in range(0, seeds, SEEDS_A_PROCESS):
        for function in functions:
            for method, own in methods.items():
                wanted = range(first, min(first + SEEDS_A_PROCESS, seeds))
                known = (runs.get((method, own, function, seed)) for seed in wanted)
                left = [
                    seed
                    for seed, run in zip(wanted, known, strict=True)
                    if run is None or len(run.values) < evaluations
                ]
                if left:
                    yield method, own, function, left


def work(job: Job, evaluations: int) -> None:
    """Run a job and keep its runs as they come."""
    method, own, function, seeds = job
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent)}
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        environment[name] = "1"
    module = "benchmarks.regret_study.run"
    command = [str(interpreter(METHODS[method][1])), "-m", module, method, function]
    command += [str(evaluations), *map(str, seeds)]
    # Somewhere else: Syne Tune leaves a log in the folder that it is started in.
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile("w+") as errors:
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, text=True, cwd=folder, env=environment
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if line.startswith("RUN "):
                    keep(method, own, function, json.loads(line[4:]))
        if process.returncode != 0:
            errors.seek(0)
            print(f"{method} on {function} failed:\n{errors.read()[-2000:]}", file=sys.stderr)


def keep(method: str, own: str, function: str, entry: dict[str, object]) -> None:
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    run = store.Run(method, own, function, at=now, **entry)  # type: ignore[arg-type]
    store.add(RESULT, run)
    print(f"{now} {method} {function} seed {run.seed}: {run.seconds:.1f} s", flush=True)


def shown(methods: list[str], functions: list[str], evaluations: int, seeds: int) -> str:
    """The tables, with the version of each method that was run last."""
    runs = store.load(RESULT)
    found: dict[str, dict[str, dict[int, list[float]]]] = {}
    titles = []
    for method in methods:
        own = store.latest_version(runs, method)
        if own is None:
            continue
        paces = []
        found[method] = {function: {} for function in functions}
        for run in runs.values():
            if (run.method, run.version) != (method, own) or run.function not in functions:
                continue
            if len(run.values) >= evaluations and run.seed < seeds:
                found[method][run.function][run.seed] = run.values[:evaluations]
                paces.append(run.seconds / len(run.values))
        if paces:
            titles.append(f"{method} {own}, {median(paces):.3g} s an evaluation")
    return f"{'; '.join(titles)}\n\n{as_text(found, functions, evaluations)}"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.regret", description=__doc__)
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--functions", default=",".join(DEFAULT_FUNCTIONS))
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--evaluations", type=int, default=50)
    parser.add_argument("--jobs", type=int, default=1, help="processes at a time")
    parser.add_argument("--table-only", action="store_true", help="run nothing")
    parser.add_argument("--out", type=Path, help="write the tables there, too")
    args = parser.parse_args()
    methods, functions = args.methods.split(","), args.functions.split(",")
    for what, names, known in (("method", methods, METHODS), ("function", functions, FUNCTIONS)):
        unknown = [name for name in names if name not in known]
        if unknown:
            parser.error(f"no {what} {', '.join(unknown)}; there are {', '.join(known)}")
    if not args.table_only:
        versions = {method: version(method) for method in methods}
        jobs = missing(versions, functions, args.seeds, args.evaluations)
        with ThreadPoolExecutor(args.jobs) as pool:
            list(pool.map(lambda job: work(job, args.evaluations), jobs))
    text = shown(methods, functions, args.evaluations, args.seeds)
    print(text)
    if args.out:
        args.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
