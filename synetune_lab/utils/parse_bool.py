"""Booleans on command lines."""

from __future__ import annotations

__all__ = ["parse_bool"]


def parse_bool(val: str | bool) -> bool:
    """Read a boolean, for `parser.add_argument(..., type=parse_bool)`.

    Args:
        val: `True` or `False` in any spelling of upper and lower case, or a bool.

    Raises:
        ValueError: If it is neither; argparse makes a message of it.
    """
    text = str(val).strip().lower()
    if text not in ("true", "false"):
        raise ValueError(f"{val!r} is not a boolean: write True or False")
    return text == "true"
