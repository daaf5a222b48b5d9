"""The rows of the benchmark's table, and how they are printed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One figure: smaller is better.

    Attributes:
        what: What was measured.
        unit: Its unit.
        ours: Our figure; None if the measurement failed.
        peer: The peer's figure in the same run; None if it has no such part, or failed.
        reach: The figure to stay under.
    """

    what: str
    unit: str
    ours: float | None
    peer: float | None
    reach: float | None

    @property
    def reached(self) -> bool | None:
        """Whether our figure is under the one to reach; None if there is none."""
        if self.ours is None or self.reach is None:
            return None
        return self.ours < self.reach


def show(value: float | None) -> str:
    """Three significant digits."""
    if value is None:
        return "-"
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def as_text(rows: list[Row]) -> str:
    """The rows as a Markdown table."""
    lines = [
        "| what | unit | Syne Tune 0.13.0 | synetune_lab | reach | |",
        "|---|---|---:|---:|---:|---|",
    ]
    for row in rows:
        verdict = {True: "reached", False: "MISSED", None: ""}[row.reached]
        cells = [row.what, row.unit, show(row.peer), show(row.ours), show(row.reach), verdict]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)
