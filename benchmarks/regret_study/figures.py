"""Simple regret and ranks, with bootstrap confidence intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from benchmarks.regret_study.functions import problem

# Method -> function -> seed -> values of the evaluations.
Found = dict[str, dict[str, dict[int, list[float]]]]
_MARKS = (25, 50)
_DRAWS = 2000
_OURS = "synetune_lab"
# Below it regrets are alike.
_LEAST_REGRET = 1e-8


def marks(evaluations: int) -> list[int]:
    """After how many evaluations the figures are told."""
    return sorted({mark for mark in _MARKS if mark < evaluations} | {evaluations})


def regrets(found: Found, method: str, function: str, mark: int) -> dict[int, float]:
    """Simple regret after so many evaluations, by seed."""
    optimum = problem(function).optimum
    runs = found[method].get(function, {})
    return {seed: max(min(values[:mark]) - optimum, 0.0) for seed, values in sorted(runs.items())}


def interval(
    values: Sequence[float], statistic: Callable[..., np.ndarray]
) -> tuple[float, float, float]:
    """A statistic with its 95 % bootstrap interval (percentiles)."""
    own = np.asarray(values, dtype=float)
    random = np.random.default_rng(0)
    drawn = own[random.integers(len(own), size=(_DRAWS, len(own)))]
    low, high = np.percentile(statistic(drawn, axis=1), [2.5, 97.5])
    return float(statistic(own, axis=0)), float(low), float(high)


def ranks(found: Found, functions: Sequence[str], mark: int) -> tuple[np.ndarray, list[str]]:
    """(methods, functions, seeds): 1 for the smallest regret, ties share theirs.

    Only functions on which all methods have runs take part, with the seeds that all have.
    """
    of_functions, used = [], []
    for function in functions:
        own = [regrets(found, method, function, mark) for method in found]
        seeds = sorted(set.intersection(*(set(one) for one in own)))
        if not seeds:
            continue
        table = np.array([[one[seed] for seed in seeds] for one in own])
        smaller = (table[None] < table[:, None]).sum(axis=1)
        alike = (table[None] == table[:, None]).sum(axis=1)
        of_functions.append(smaller + (alike + 1) / 2)
        used.append(function)
    if not of_functions:
        return np.empty((len(found), 0, 0)), used
    fewest = min(table.shape[1] for table in of_functions)
    return np.stack([table[:, :fewest] for table in of_functions], axis=1), used


def rank_intervals(table: np.ndarray) -> list[tuple[float, float, float]]:
    """Average rank of each method; the bootstrap draws seeds anew within each function."""
    _, functions, seeds = table.shape
    random = np.random.default_rng(0)
    chosen = random.integers(seeds, size=(_DRAWS, functions, seeds))
    rows = []
    for own in table:
        drawn = np.take_along_axis(np.broadcast_to(own, chosen.shape), chosen, axis=2)
        low, high = np.percentile(drawn.mean(axis=(1, 2)), [2.5, 97.5])
        rows.append((float(own.mean()), float(low), float(high)))
    return rows


def as_text(found: Found, functions: Sequence[str], evaluations: int) -> str:
    """The tables, as Markdown."""
    if not found:
        return "Nothing was run yet."
    points = marks(evaluations)
    head = " | ".join(f"mean after {mark} | median after {mark}" for mark in points)
    lines = [f"| function | method | seeds | {head} |", "|---|---|---:" + "|---|---" * len(points)]
    lines[1] += "|"
    for function in functions:
        for method in found:
            own = [regrets(found, method, function, mark) for mark in points]
            if not own[0]:
                continue
            cells = []
            for one in own:
                values = list(one.values())
                cells += [cell(*interval(values, of)) for of in (np.mean, np.median)]
            lines.append(f"| {function} | {method} | {len(own[0])} | {' | '.join(cells)} |")
    lines += ["", *rank_lines(found, functions, points)]
    if _OURS in found and len(found) > 1:
        lines += ["", *against_lines(found, functions, points[-1])]
    return "\n".join(lines)


def rank_lines(found: Found, functions: Sequence[str], points: Sequence[int]) -> list[str]:
    """The table of average ranks."""
    of_marks = [ranks(found, functions, mark) for mark in points]
    table, used = of_marks[-1]
    if not used:
        return ["No function has runs of all methods with the same seeds yet."]
    head = " | ".join(f"average rank after {mark}" for mark in points)
    lines = [
        f"Ranks among {len(found)} methods over {', '.join(used)}; {table.shape[2]} seeds each.",
        "",
        f"| method | {head} |",
        "|---" * (len(points) + 1) + "|",
    ]
    intervals = [rank_intervals(one) for one, _ in of_marks]
    for row, method in enumerate(found):
        cells = (f"{own[row][0]:.2f} [{own[row][1]:.2f}, {own[row][2]:.2f}]" for own in intervals)
        lines.append(f"| {method} | {' | '.join(cells)} |")
    return lines


def against_lines(found: Found, functions: Sequence[str], mark: int) -> list[str]:
    """This package against each other method, by function."""
    others = [method for method in found if method != _OURS]
    lines = [
        f"Mean log10 of the regret after {mark}, {_OURS} less the other method (below 0: smaller).",
        "",
        f"| function | {' | '.join(others)} |",
        "|---" * (len(others) + 1) + "|",
    ]
    for function in functions:
        own = list(regrets(found, _OURS, function, mark).values())
        theirs = [list(regrets(found, other, function, mark).values()) for other in others]
        cells = [difference(own, one) if own and one else "-" for one in theirs]
        lines.append(f"| {function} | {' | '.join(cells)} |")
    return lines


def difference(ours: Sequence[float], theirs: Sequence[float]) -> str:
    """Difference of the means of log10, its interval and what it says."""
    random = np.random.default_rng(0)
    means, drawn = [], []
    for values in (ours, theirs):
        own = np.log10(np.maximum(values, _LEAST_REGRET))
        means.append(own.mean())
        drawn.append(own[random.integers(len(own), size=(_DRAWS, len(own)))].mean(axis=1))
    low, high = np.percentile(drawn[0] - drawn[1], [2.5, 97.5])
    verdict = "better" if high < 0 else "worse" if low > 0 else "alike"
    return f"{means[0] - means[1]:+.2f} [{low:+.2f}, {high:+.2f}] {verdict}"


def cell(value: float, low: float, high: float) -> str:
    """A figure with its interval."""
    return f"{value:.3g} [{low:.3g}, {high:.3g}]"
