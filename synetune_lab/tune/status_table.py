"""The status of a run: a head, a table of its trials, and what went wrong; as text or HTML."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

from synetune_lab.tune.template import flatten
from synetune_lab.tune.trials import ERROR, PAUSED, PENDING, RUNNING, TERMINATED

if TYPE_CHECKING:
    from synetune_lab.tune.trials import Trial

__all__ = ["DEFAULT_METRICS", "Layout", "Status", "best_of", "status_of", "text_table"]

DEFAULT_METRICS = {"time_total_s": "total time (s)", "training_iteration": "iter"}
"""Metrics that have a column of their own, with its heading."""
_ORDER = (RUNNING, PAUSED, PENDING, ERROR, TERMINATED)

Columns = Sequence[str] | Mapping[str, str] | None


@dataclass(frozen=True)
class Layout:
    """What the table has.

    Attributes:
        metric_columns: Metrics, maybe with headings; None for the metric and the defaults.
        parameter_columns: Hyperparameters, maybe with headings; None for all.
        max_rows: Rows while the run goes on; None for all.
        max_errors: Failed trials whose error is shown.
        max_length: Longer texts in the table are cut, except names of trials.
        best_first: Whether the best trials stand first; else the running ones do.
    """

    metric_columns: Columns = None
    parameter_columns: Columns = None
    max_rows: int | None = 20
    max_errors: int = 20
    max_length: int = 20
    best_first: bool = False


@dataclass(frozen=True)
class Status:
    """The status of a run.

    Attributes:
        lines: The head.
        columns: Headings of the table.
        rows: Cells of the table: numbers or texts.
        optional: Columns that may be left out where there is no room, the first one first.
        notes: What is said below the table.
    """

    lines: list[str]
    columns: list[str] = field(default_factory=list)
    rows: list[list[Any]] = field(default_factory=list)
    optional: list[int] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def as_text(self, width: int | None = None) -> str:
        """The status as text.

        Args:
            width: Columns are left out until the table is no wider than this; None for all.
        """
        text = ["== Status ==", *self.lines]
        notes = list(self.notes)
        if self.rows:
            left_out, table = self._fitting(width)
            text.append(table)
            if left_out:
                notes.insert(0, f"Not shown for want of room: {', '.join(left_out)}")
        return "\n".join([*text, *notes]) + "\n"

    def _fitting(self, width: int | None) -> tuple[list[str], str]:
        """The headings that were left out, and the table."""
        shown = list(range(len(self.columns)))
        for column in [-1, *self.optional]:
            if column >= 0:
                shown.remove(column)
            table = text_table(
                [self.columns[i] for i in shown], [[row[i] for i in shown] for row in self.rows]
            )
            if width is None or table.index("\n") <= width:
                break
        return [name for i, name in enumerate(self.columns) if i not in shown], table

    def as_html(self) -> str:
        """The status as HTML."""
        head = "".join(f"<div>{escape(line)}</div>" for line in self.lines)
        notes = "".join(f"<div>{escape(note)}</div>" for note in self.notes)
        return f"<div>{head}{self._html_table() if self.rows else ''}{notes}</div>"

    def _html_table(self) -> str:
        right = _at_right(self.rows, len(self.columns))
        aligned = ["right" if is_right else "left" for is_right in right]

        def row(tag: str, cells: Sequence[Any]) -> str:
            made = "".join(
                f'<{tag} style="text-align: {side}">{escape(_cell(cell))}</{tag}>'
                for side, cell in zip(aligned, cells, strict=True)
            )
            return f"<tr>{made}</tr>"

        body = "".join(row("td", cells) for cells in self.rows)
        return f"<table><thead>{row('th', self.columns)}</thead><tbody>{body}</tbody></table>"


def best_of(trials: Sequence[Trial], metric: str | None, mode: str) -> tuple[Trial, float] | None:
    """The trial with the best value ever reported, and that value."""
    valued = [(trial, _best_value(trial, metric, mode)) for trial in trials]
    found = [(trial, value) for trial, value in valued if value is not None]
    choose = min if mode == "min" else max
    return choose(found, key=lambda pair: pair[1], default=None)


def _best_value(trial: Trial, metric: str | None, mode: str) -> float | None:
    known = trial.metric_analysis.get(metric or "")
    return None if known is None or known[mode] != known[mode] else known[mode]


def status_of(
    trials: Sequence[Trial],
    *,
    scheduler: str,
    metric: str | None,
    mode: str,
    logdir: str,
    resources: Callable[[int], str],
    total: int | None = None,
    memory: str | None = None,
    done: bool = False,
    layout: Layout | None = None,
) -> Status:
    """The status of a run.

    Args:
        trials: Its trials.
        scheduler: Name of the scheduler.
        metric: The metric, if there is one.
        mode: `min` or `max`.
        logdir: Folder of the run.
        resources: Tells what is used by so many running trials.
        total: Trials that there will be, if it is known.
        memory: Memory in use, in words.
        done: Whether the run is over: all rows are shown then.
        layout: What the table has.
    """
    layout = layout or Layout()
    counts = Counter(trial.status for trial in trials)
    lines = [f"Memory usage on this node: {memory}"] if memory else []
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
    by_status = ", ".join(f"{counts[status]} {status}" for status in _ORDER if counts[status])
    lines.append(f"Number of trials: {number}" + (f" ({by_status})" if by_status else ""))
    status = Status(lines)
    if trials:
        ordered = _ordered(trials, metric, mode, layout.best_first)
        shown = ordered if layout.max_rows is None or done else ordered[: layout.max_rows]
        _fill_table(status, shown, metric, layout)
        left = Counter(trial.status for trial in ordered[len(shown) :])
        if left:
            what = ", ".join(f"{count} {name}" for name, count in left.items())
            status.notes.append(f"... {left.total()} more trials not shown ({what})")
    failed = [trial for trial in trials if trial.status == ERROR]
    if failed:
        status.notes.append(f"Number of errored trials: {len(failed)}")
        for trial in failed[: layout.max_errors]:
            status.notes.append(f"  {trial.trial_name}: {_last_line(trial.error)}")
        if len(failed) > layout.max_errors:
            status.notes.append(f"  ... and {len(failed) - layout.max_errors} more")
    return status


def _ordered(
    trials: Sequence[Trial], metric: str | None, mode: str, best_first: bool
) -> list[Trial]:
    def place(trial: Trial) -> tuple[Any, ...]:
        value = _best_value(trial, metric, mode) if best_first else None
        if value is not None:
            return (0, value if mode == "min" else -value, trial.number)
        return (1, _ORDER.index(trial.status), trial.number)

    return sorted(trials, key=place)


def _fill_table(
    status: Status, trials: Sequence[Trial], metric: str | None, layout: Layout
) -> None:
    parameters = _columns(layout.parameter_columns)
    if layout.parameter_columns is None:
        names = dict.fromkeys(name for trial in trials for name in trial.evaluated_params)
        parameters = {name: name for name in names}
    metrics = _columns(layout.metric_columns)
    if layout.metric_columns is None:
        metrics = {**({metric: metric} if metric else {}), **DEFAULT_METRICS}
    status.columns.extend(["Trial name", "status", "loc", *parameters.values(), *metrics.values()])
    # Where the trial runs is missed least, then the last of many hyperparameters.
    status.optional.extend([2, *range(2 + len(parameters), 2, -1)])
    for trial in trials:
        result, config = trial.last_result, flatten(trial.config)
        place = f"{result['hostname']}:{result['pid']}" if "pid" in result else ""
        values = [trial.evaluated_params.get(name, config.get(name)) for name in parameters]
        values += [result.get(name) for name in metrics]
        cells = [_shortened(value, layout.max_length) for value in values]
        status.rows.append([trial.trial_name, trial.status, place, *cells])


def text_table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A table framed by lines; numbers stand at the right."""
    cells = [[_cell(value) for value in row] for row in rows]
    right = _at_right(rows, len(head))
    widths = [max(len(one) for one in column) for column in zip(head, *cells, strict=True)]
    line = "+".join("-" * (width + 2) for width in widths)
    frame = f"+{line}+"
    body = [_row(row, widths, right) for row in cells]
    return "\n".join([frame, _row(head, widths, right), f"|{line}|", *body, frame])


def _at_right(rows: Sequence[Sequence[Any]], columns: int) -> list[bool]:
    """Whether each column holds numbers only."""
    return [
        all(isinstance(row[i], (int, float, type(None))) for row in rows) for i in range(columns)
    ]


def _row(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    parts = [
        cell.rjust(width) if at_right else cell.ljust(width)
        for cell, width, at_right in zip(cells, widths, right, strict=True)
    ]
    return "| " + " | ".join(parts) + " |"


def _columns(given: Columns) -> dict[str, str]:
    return dict(given) if isinstance(given, Mapping) else {name: name for name in given or ()}


def _parameters(trial: Trial) -> str:
    inner = ", ".join(f"{name}: {_cell(value)}" for name, value in trial.evaluated_params.items())
    return "{" + inner + "}"


def _shortened(value: Any, most: int) -> Any:
    """A number as it is; anything else as a text that is not too long."""
    if value is None or isinstance(value, (int, float)):
        return value
    text = " ".join(str(value).split())
    return text if len(text) <= most else f"{text[: most - 3]}..."


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _last_line(error: str | None) -> str:
    lines = [line for line in (error or "").splitlines() if line.strip()]
    return lines[-1].strip() if lines else "no error was logged"
