"""The picture of a run without a program: plain text and plain HTML, everything escaped."""

from __future__ import annotations

from html import escape
from typing import Any

MOST_ROWS = 20


def headline(header: dict[str, Any], best: list[list[float]]) -> str:
    """One line: the run, its state, its best value."""
    parts = [f"{header['name']}: {header['state']}"]
    if best and header["metric_names"]:
        _, trial, value, *_ = best[-1]
        parts.append(f"best {header['metric_names'][0]} {value:.4g} (trial {int(trial)})")
    counts = [f"{n} {status}" for status, n in header["counts"].items() if n]
    parts.append(f"{sum(header['counts'].values())} trials ({', '.join(counts) or 'none yet'})")
    return " | ".join(parts)


def best_rows(snapshot: dict[str, Any], most: int = MOST_ROWS) -> list[dict[str, Any]]:
    """The best trials, best first."""
    header = snapshot["header"]
    sign = -1.0 if header["metric_modes"][:1] == ["max"] else 1.0
    known = [row for row in snapshot["trials"] if row["best"] is not None]
    return sorted(known, key=lambda row: sign * row["best"])[:most]


def as_html(snapshot: dict[str, Any]) -> str:
    """A table of the best trials."""
    header = snapshot["header"]
    names = header["hyperparameters"]
    metric = header["metric_names"][0] if header["metric_names"] else "best"
    heads = "".join(f"<th>{escape(str(n))}</th>" for n in ["trial", "status", metric, *names])
    rows = []
    for row in best_rows(snapshot):
        config = row["config"]
        cells = [row["id"], row["status"], f"{row['best']:.6g}"]
        cells += [_short(config.get(name)) for name in names]
        rows.append("<tr>" + "".join(f"<td>{escape(str(c))}</td>" for c in cells) + "</tr>")
    title = escape(headline(header, snapshot["best"]))
    body = "".join(rows)
    return f"<p>{title}</p><table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
