"""The layer contract: a module imports only from its own layer and the layers below it.

`LAYERS` is the one place where the order is written. Every import counts, also those inside
functions and under ``TYPE_CHECKING``: an arrow back is an arrow back. Import cycles are sought
among all imports that run, at import time or later. A module that only re-exports names (a
documented path whose code lives elsewhere) may point anywhere, but our own code must import
from the home of a name and never from such a module.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

import pytest

PACKAGE = "synetune_lab"
ROOT = Path(__file__).resolve().parent.parent / PACKAGE

# From the bottom up. A module belongs to the longest prefix that matches it.
LAYERS: list[tuple[str, list[str]]] = [
    ("foundation", ["constants", "errors", "extras"]),
    (
        "vocabulary",
        [
            "config_space",
            "report",
            "trial",
            "util",
            "utils",
            "num_gpu",
            "optimizer.scheduler",
            "optimizer.schedulers.bracket_distribution",
        ],
    ),
    ("surrogates", ["gp", "surrogates"]),
    ("searchers", ["optimizer.schedulers.searchers"]),
    ("schedulers", ["optimizer"]),
    (
        "engine",
        ["engine", "metrics_statistics", "tuning_status", "stopping_criterion", "termination"],
    ),
    (
        "shells",
        [
            "backend",
            "blackbox_repository",
            "callbacks",
            "results_callback",
            "store",
            "tuner_callback",
        ],
    ),
    ("session", ["session", "tuner"]),
    ("views", ["dashboard", "experiments", "remote"]),
    ("concepts of Ray Tune", ["tune"]),
    ("commands", ["cli", "__main__"]),
    ("facade", [""]),
    ("suites for extenders", ["testing"]),  # they use the package as its users do
]

# Arrows back that are wanted: (from, to) -> why. They must sit inside a function.
EXCEPTIONS: dict[tuple[str, str], str] = {
    ("util", "backend"): "`s3_experiment_path()` asks the account which bucket it has",
    ("tuner", "dashboard"): "`tuner.dashboard()` and a tuner as a cell's last line show the panel",
    ("tuner", "experiments"): "`tuner.insight()` tells what the run has learnt up to now",
}


@dataclass(frozen=True)
class Arrow:
    """One import: module `source` needs module `target`, at `line`."""

    source: str
    target: str
    line: int
    in_function: bool
    for_types: bool


def modules_of(root: Path) -> dict[str, Path]:
    """Dotted names without the package's own; the package itself is ''."""
    found = {}
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


class _ImportVisitor(ast.NodeVisitor):
    def __init__(self, source: str, is_package: bool, modules: set[str]) -> None:
        self.source, self.is_package, self.modules = source, is_package, modules
        self.arrows: list[Arrow] = []
        self._functions = self._types = 0

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._functions += 1
        self.generic_visit(node)
        self._functions -= 1

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_If(self, node: ast.If) -> None:
        for_types = "TYPE_CHECKING" in ast.unparse(node.test)
        self._types += for_types
        for statement in node.body:
            self.visit(statement)
        self._types -= for_types
        for statement in node.orelse:
            self.visit(statement)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._add(alias.name, node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        base = self._absolute(node)
        for alias in node.names:
            if base == PACKAGE and alias.name == "__version__":
                continue  # the version is data that happens to be written in the facade
            submodule = f"{base}.{alias.name}"
            self._add(submodule if self._known(submodule) else base, node)

    def visit_Call(self, node: ast.Call) -> None:
        name = ast.unparse(node.func)
        literal = node.args[0] if node.args else None
        if name.endswith("import_module") and isinstance(literal, ast.Constant):
            self._add(str(literal.value), node)
        self.generic_visit(node)

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        parts = [PACKAGE, *self.source.split(".")] if self.source else [PACKAGE]
        kept = parts[: len(parts) - (node.level - self.is_package)]
        return ".".join([*kept, *([node.module] if node.module else [])])

    def _known(self, dotted: str) -> bool:
        return dotted.startswith(PACKAGE + ".") and dotted[len(PACKAGE) + 1 :] in self.modules

    def _add(self, dotted: str, node: ast.AST) -> None:
        if dotted != PACKAGE and not dotted.startswith(PACKAGE + "."):
            return
        target = dotted[len(PACKAGE) + 1 :]
        line = getattr(node, "lineno", 0)
        self.arrows.append(
            Arrow(self.source, target, line, self._functions > 0, self._types > 0),
        )


def arrows_of(root: Path) -> list[Arrow]:
    """Every import among the package's own modules."""
    modules = modules_of(root)
    arrows = []
    for name, path in modules.items():
        visitor = _ImportVisitor(name, path.name == "__init__.py", set(modules))
        visitor.visit(ast.parse(path.read_text(), str(path)))
        arrows += visitor.arrows
    return arrows


def layer_of(module: str) -> int | None:
    """The index of the module's layer, None if no layer names it."""
    best: tuple[int, int] | None = None
    for index, (_, prefixes) in enumerate(LAYERS):
        for prefix in prefixes:
            if module == prefix or (prefix and module.startswith(prefix + ".")):
                best = max(best or (-1, -1), (len(prefix), index))
    return best[1] if best else None


def is_reexport(path: Path) -> bool:
    """Whether a module holds a docstring, imports and ``__all__`` and nothing else."""
    if path.name == "__init__.py":
        return False
    body = ast.parse(path.read_text()).body
    if body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        body = body[1:]
    imports = [n for n in body if isinstance(n, ast.Import | ast.ImportFrom)]
    rest = [n for n in body if n not in imports]
    is_all = [isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == "__all__" for n in rest]
    from_us = any(isinstance(n, ast.ImportFrom) and n.module != "__future__" for n in imports)
    return from_us and len(is_all) == 1 and all(is_all)


def complaints_about_direction(root: Path) -> list[str]:
    """One line for each import that points up, and for each module without a layer."""
    modules = modules_of(root)
    reexports = {name for name, path in modules.items() if is_reexport(path)}
    lines = [f"{name}: no layer names it, see LAYERS" for name in modules if layer_of(name) is None]
    for arrow in arrows_of(root):
        source, target = layer_of(arrow.source), layer_of(arrow.target)
        where = f"{arrow.source or PACKAGE}:{arrow.line}"
        if arrow.target in reexports and not is_reexport(modules[arrow.source]):
            if modules[arrow.source].name != "__init__.py":
                lines.append(f"{where} imports from the re-export {arrow.target}; import its home")
        elif source is not None and target is not None and target > source:
            wanted = (arrow.source.split(".")[0], arrow.target.split(".")[0]) in EXCEPTIONS
            inside = arrow.in_function or arrow.for_types
            if arrow.source not in reexports and not (wanted and inside):
                lines.append(
                    f"{where} ({LAYERS[source][0]}) imports {arrow.target or PACKAGE} "
                    f"({LAYERS[target][0]}), which is above it",
                )
    return lines


def import_cycles(root: Path) -> list[list[str]]:
    """Groups of modules that import each other, by Tarjan's algorithm.

    Imports for types never run and are left out, as are the wanted exceptions; imports inside
    functions do run and count.
    """
    edges: dict[str, set[str]] = {name: set() for name in modules_of(root)}
    for arrow in arrows_of(root):
        top = (arrow.source.split(".")[0], arrow.target.split(".")[0])
        if not arrow.for_types and arrow.target in edges and top not in EXCEPTIONS:
            edges[arrow.source].add(arrow.target)
    return _strongly_connected(edges)


def _strongly_connected(edges: dict[str, set[str]]) -> list[list[str]]:
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in sorted(edges[node]):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            group = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            if len(group) > 1 or node in edges[node]:
                found.append(sorted(group))

    for node in edges:
        if node not in index:
            visit(node)
    return found


def test_no_module_imports_from_a_layer_above_its_own() -> None:
    complaints = complaints_about_direction(ROOT)
    assert not complaints, "\n" + "\n".join(complaints)


def test_no_import_cycles() -> None:
    assert import_cycles(ROOT) == []


def test_every_exception_is_still_needed() -> None:
    used = {(a.source.split(".")[0], a.target.split(".")[0]) for a in arrows_of(ROOT)}
    assert set(EXCEPTIONS) <= used


def make_package(folder: Path, files: dict[str, str]) -> Path:
    root = folder / PACKAGE
    for name, text in {"__init__.py": "", **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.mark.parametrize(
    "statement",
    [
        "from synetune_lab.engine import engine",
        "import synetune_lab.engine.engine",
        "from ..engine.engine import handle",
        "def f():\n    from synetune_lab.engine.engine import handle",
        "def f():\n    import_module('synetune_lab.engine.engine')",
        "if TYPE_CHECKING:\n    import synetune_lab.engine.engine",
    ],
)
def test_an_arrow_back_is_seen_however_it_is_written(tmp_path: Path, statement: str) -> None:
    files = {
        "engine/__init__.py": "",
        "engine/engine.py": "",
        "optimizer/__init__.py": "",
        "optimizer/asha.py": statement,
    }
    complaints = complaints_about_direction(make_package(tmp_path, files))
    assert len(complaints) == 1
    assert "optimizer.asha" in complaints[0]


def test_a_module_without_a_layer_is_seen(tmp_path: Path) -> None:
    # "" (the facade) names the package itself alone, not whatever lies in it.
    assert complaints_about_direction(make_package(tmp_path, {"stray.py": ""})) == [
        "stray: no layer names it, see LAYERS",
    ]


def test_a_cycle_through_a_function_is_seen(tmp_path: Path) -> None:
    files = {
        "errors.py": "from synetune_lab import constants",
        "constants.py": "def f():\n    import synetune_lab.errors",
    }
    assert import_cycles(make_package(tmp_path, files)) == [["constants", "errors"]]


def test_our_own_code_imports_from_the_home_of_a_name(tmp_path: Path) -> None:
    files = {
        "trial.py": "class Trial: ...",
        "backend/__init__.py": "",
        "backend/trial_status.py": (
            '"""Documented path."""\nfrom synetune_lab.trial import Trial\n__all__ = ["Trial"]\n'
        ),
        "backend/local.py": "from synetune_lab.backend.trial_status import Trial",
    }
    complaints = complaints_about_direction(make_package(tmp_path, files))
    assert len(complaints) == 1
    assert "import its home" in complaints[0]
