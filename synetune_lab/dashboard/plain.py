"""Numbers of trials as JSON that every parser takes: neither NaN nor infinities."""

from __future__ import annotations

import math
from typing import Any


def finite(value: Any) -> float | int | None:
    """The number, None for what is none or is not finite."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return value if math.isfinite(value) else None
