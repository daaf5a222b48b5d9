"""The status of a run as text: a head, and a table of its trials."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from synetune_lab.tune.template import flatten
from synetune_lab.tune.trials import ERROR, PAUSED, PENDING, RUNNING, TERMINATED

if TYPE_CHECKING:
    from synetune_lab.tune.trials import Trial

__all__ = ["DEFAULT_METRICS", "best_of", "status_text", "text_table"]

DEFAULT_METRICS = {"time_total_s": "total time (s)", "training_iteration": "iter"}
"""Metrics that have a column of their own, with its heading."""
_ORDER = (RUNNING, PAUSED, PENDING, ERROR, TERMINATED)
_WIDEST = 24


def best_of(trials: Sequence[Trial], metric: str | None, mode: str) -> tuple[Trial, float] | None:
    """The trial with the best value ever reported, and that value."""
    best: tuple[Trial, float] | None = None
    for trial in trials:
        known = trial.metric_analysis.get(metric or "")
        if known is None or known[mode] != known[mode]:
            continue
        value = known[mode]
        if best is None or (value < best[1] if mode == "min" else value > best[1]):
            best = trial, value
    return best


def status_text(
    trials: Sequence[Trial],
    *,
    scheduler: str,
    metric: str | None,
    mode: str,
    logdir: str,
    resources: Callable[[int], str],
    total: int | None = None,
    parameter_columns: Sequence[str] | Mapping[str, str] | None = None,
    metric_columns: Sequence[str] | Mapping[str, str] | None = None,
    max_rows: int | None = 20,
    memory: str | None = None,
    done: bool = False,
) -> str:
    """The status of a run.

    Args:
        trials: Its trials.
        scheduler: Name of the scheduler.
        metric: The metric, if there is one.
        mode: `min` or `max`.
        logdir: Folder of the run.
        resources: Tells what is used by so many running trials.
        total: Trials that there will be, if it is known.
        parameter_columns: Hyperparameters to show, maybe with headings; None for all.
        metric_columns: Metrics to show, maybe with headings; None for the metric and the defaults.
        max_rows: Rows of the table; None for all.
        memory: Memory in use, in words.
        done: Whether the run is over: all rows are shown then.
    """
    counts = Counter(trial.status for trial in trials)
    lines = ["== Status =="]
    if memory:
        lines.append(f"Memory usage on this node: {memory}")
    lines.append(f"Using {scheduler} scheduling algorithm.")
    lines.append(f"Resources requested: {resources(counts[RUNNING])}")
    best = best_of(trials, metric, mode)
    if best is not None:
        trial, value = best
        lines.append(
            f"Current best trial: {trial.trial_id} with {metric}={_cell(value)} and "
            f"parameters={_parameters(trial)}"
        )
    lines.append(f"Result logdir: {logdir}")
    number = f"{len(trials)}/{total}" if total and total > len(trials) else str(len(trials))
    told = ", ".join(f"{counts[status]} {status}" for status in _ORDER if counts[status])
    lines.append(f"Number of trials: {number}" + (f" ({told})" if told else ""))
    if trials:
        ordered = sorted(trials, key=lambda trial: (_ORDER.index(trial.status), trial.number))
        shown = ordered if max_rows is None or done else ordered[:max_rows]
        lines.append(_table(shown, metric, parameter_columns, metric_columns))
        left = Counter(trial.status for trial in ordered[len(shown) :])
        if left:
            what = ", ".join(f"{count} {status}" for status, count in left.items())
            lines.append(f"... {sum(left.values())} more trials not shown ({what})")
    failed = [trial for trial in trials if trial.status == ERROR]
    if failed:
        lines.append(f"Number of errored trials: {len(failed)}")
        lines += [f"  {trial.trial_name}: {_last_line(trial.error)}" for trial in failed[:5]]
    return "\n".join(lines) + "\n"


def text_table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A table framed by lines; numbers stand at the right."""
    cells = [[_cell(value) for value in row] for row in rows]
    right = [
        all(isinstance(row[i], (int, float)) or row[i] in (None, "") for row in rows)
        for i in range(len(head))
    ]
    widths = [max(len(one) for one in column) for column in zip(head, *cells, strict=True)]
    line = "+" + "+".join("-" * (width + 2) for width in widths) + "+"
    text = [line, _row(head, widths, [False] * len(head)), line.replace("+", "|", 1)]
    text[2] = "|" + "+".join("-" * (width + 2) for width in widths) + "|"
    text += [_row(row, widths, right) for row in cells]
    return "\n".join([*text, line])


def _row(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    parts = [
        cell.rjust(width) if at_right else cell.ljust(width)
        for cell, width, at_right in zip(cells, widths, right, strict=True)
    ]
    return "| " + " | ".join(parts) + " |"


def _table(
    trials: Sequence[Trial],
    metric: str | None,
    parameter_columns: Sequence[str] | Mapping[str, str] | None,
    metric_columns: Sequence[str] | Mapping[str, str] | None,
) -> str:
    parameters = _columns(parameter_columns)
    if parameter_columns is None:
        names = dict.fromkeys(name for trial in trials for name in trial.evaluated_params)
        parameters = {name: name for name in names}
    metrics = _columns(metric_columns)
    if metric_columns is None:
        metrics = {**({metric: metric} if metric else {}), **DEFAULT_METRICS}
    head = ["Trial name", "status", "loc", *parameters.values(), *metrics.values()]
    rows = []
    for trial in trials:
        result, config = trial.last_result, flatten(trial.config)
        place = f"{result['hostname']}:{result['pid']}" if "pid" in result else ""
        values = [trial.evaluated_params.get(name, config.get(name)) for name in parameters]
        row = [trial.trial_name, trial.status, place, *values]
        rows.append([*row, *(result.get(name) for name in metrics)])
    return text_table(head, rows)


def _columns(given: Sequence[str] | Mapping[str, str] | None) -> dict[str, str]:
    return dict(given) if isinstance(given, Mapping) else {name: name for name in given or ()}


def _parameters(trial: Trial) -> str:
    inner = ", ".join(f"{name}: {_cell(value)}" for name, value in trial.evaluated_params.items())
    return "{" + inner + "}"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    text = str(value).replace("\n", " ")
    # Names of trials are never cut: they are what one looks for.
    return text if len(text) <= _WIDEST or "_" in text else f"{text[: _WIDEST - 3]}..."


def _last_line(error: str | None) -> str:
    lines = [line for line in (error or "").splitlines() if line.strip()]
    return lines[-1].strip() if lines else "no error was logged"
