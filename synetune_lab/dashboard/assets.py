"""Where the built front end lies; every wheel has it, a checkout builds it."""

from __future__ import annotations

from pathlib import Path

_STATIC = Path(__file__).parent.parent / "static"
SCRIPT = _STATIC / "widget.js"
STYLE = _STATIC / "widget.css"


def is_built() -> bool:
    """Whether the widget's script is there."""
    return SCRIPT.is_file()
