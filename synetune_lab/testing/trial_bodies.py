"""What the trials of a backend's tests do: one self-contained function, also runnable as a script.

Behaviours: `report` (report `steps` times), `fail` (report once, then raise), `hang` (report once,
then wait to be ended), `graceful` (report, then ask whether to end, and write a checkpoint when
asked), `checkpoint` (count on from the checkpoint for `steps` steps, writing it before reporting).
"""

from __future__ import annotations

__all__ = ["trial_body"]


def trial_body(behaviour: str, steps: int, st_checkpoint_dir: str) -> None:
    """Behave as told.

    Args:
        behaviour: One of those above.
        steps: See there.
        st_checkpoint_dir: Folder of checkpoints.
    """
    import json
    import sys
    import time
    from pathlib import Path

    from synetune_lab import Reporter

    report = Reporter()
    checkpoint = Path(st_checkpoint_dir) / "state.json"

    def save(step: int) -> None:
        checkpoint.parent.mkdir(parents=True, exist_ok=True)
        checkpoint.write_text(json.dumps(step))

    first = json.loads(checkpoint.read_text()) + 1 if checkpoint.exists() else 1
    if behaviour in ("report", "checkpoint"):
        for step in range(first, first + steps):
            if behaviour == "checkpoint":
                save(step)
            report(step=step, loss=1.0 / step)
        return
    if behaviour == "graceful":
        report.stop_requested()
    report(step=first, loss=1.0)
    sys.stderr.write("a line for the error log\n")
    sys.stderr.flush()
    if behaviour == "fail":
        raise RuntimeError("the trial failed as it was told to")
    while True:
        time.sleep(0.01)
        if behaviour == "graceful" and report.stop_requested() is not None:
            save(first)
            (checkpoint.parent / "request").write_text(str(report.stop_requested()))
            return


if __name__ == "__main__":
    import argparse

    parser = argparse.ArgumentParser()
    parser.add_argument("--behaviour")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--st_checkpoint_dir")
    known, _ = parser.parse_known_args()
    trial_body(known.behaviour, known.steps, known.st_checkpoint_dir)
