"""What `run.json` says of a run, for lists and panels that load no pickle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from synetune_lab.constants import ST_TUNER_CREATION_TIMESTAMP

if TYPE_CHECKING:
    from synetune_lab.session.loop import RunLoop
    from synetune_lab.session.summary import RunSummary

FORMAT = 1


def run_header(loop: RunLoop, summary: RunSummary) -> dict[str, Any]:
    """The header: names, state, counts, best value, times, entry point, scheduler and space."""
    tuner, engine = loop.tuner, loop.engine
    described = tuner.scheduler.describe()
    best = None
    if summary.best is not None:
        best = {"trial_id": summary.best[0], "value": summary.best[1]}
    return {
        "format": FORMAT,
        "name": summary.name,
        "state": summary.state,
        "why": summary.why,
        "best": best,
        "counts": dict(summary.counts),
        "num_reports": summary.num_reports,
        "metric_names": described.get("metric_names"),
        "metric_modes": described.get("metric_mode"),
        "created_at": tuner.metadata.get(ST_TUNER_CREATION_TIMESTAMP),
        "started_at": loop.state.started_at,
        "tuner_time": summary.tuner_time,
        "saved_at": loop.store.saved_at,
        "problem": loop.store.problem,
        "seq": loop.state.seq,
        "n_workers": summary.n_workers,
        "progress": summary.progress,
        "entrypoint": tuner.entrypoint_name,
        "backend": type(tuner.trial_backend).__name__,
        "scheduler": described,
        "space_version": engine.space_version,
        "config_space": engine.spaces[-1],
    }
