"""Measurements of SageMaker trials: seconds of the tuner, and calls of AWS."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from benchmarks.engine_cases import compare
from benchmarks.peer import OURS, measure

if TYPE_CHECKING:
    from benchmarks.table import Row

NEEDED = ("boto3", "moto", "flask", "flask_cors")
TRIALS, LIVE_TRIALS = 200, 20
# Of each trial: started, its end learned, its log read to the end; and the looks at all of them.
MOST_CALLS_A_TRIAL = 8


def sagemaker_trials(with_peer: bool) -> list[Row]:  # noqa: ARG001 - the peer needs an account
    """Trials against a local server that plays AWS."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        print(
            f"no SageMaker trials without {', '.join(missing)}: pip install boto3 "
            "'moto[server,s3,sagemaker,logs,iam,sts]'"
        )
        return []
    ours = measure("sagemaker_trials", OURS, TRIALS, LIVE_TRIALS)
    what = f"{TRIALS} SageMaker trials, local server"
    looks = "list calls a look at 100 jobs"
    return [
        compare(f"{what}, 20 workers, no waits", "s", 60, ours, None, "eager", "s"),
        compare(f"{what}, 100 workers, default waits", "s", 60, ours, None, "default", "s"),
        compare(
            f"{what}, calls of AWS in all",
            "",
            MOST_CALLS_A_TRIAL * TRIALS,
            ours,
            None,
            "default",
            "calls",
        ),
        compare(f"{looks} that run", "", 2.1, ours, None, "look", "running_lists"),
        compare(f"{looks}, half of which stop", "", 2.1, ours, None, "look", "stopping_lists"),
        compare("a look at 100 jobs that run", "ms", None, ours, None, "look", "running_ms"),
        compare(
            f"{LIVE_TRIALS} SageMaker trials that are processes, 2 workers",
            "s",
            None,
            ours,
            None,
            "live",
            "s",
        ),
    ]
