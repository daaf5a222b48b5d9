"""The place of `register_trainable` in Ray Tune."""

from __future__ import annotations

from typing import Any

from synetune_lab.tune.foreign import refuse_name
from synetune_lab.tune.wrappers import register_trainable

__all__ = ["register_trainable"]

_HINTS = {
    "register_env": "environments are of RLlib; make yours in setup() of a tune.Trainable",
    "get_trainable_cls": "give tune.run the name that the trainable was registered by",
}


def __getattr__(name: str) -> Any:
    raise refuse_name(__name__, name, _HINTS)
