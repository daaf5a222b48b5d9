"""Recorded benchmarks, surrogates over them, and the backends that simulate trials with them."""

from __future__ import annotations

from synetune_lab.blackbox_repository.blackbox import Blackbox, from_function
from synetune_lab.blackbox_repository.blackbox_offline import BlackboxOffline, deserialize
from synetune_lab.blackbox_repository.blackbox_surrogate import BlackboxSurrogate, add_surrogate
from synetune_lab.blackbox_repository.blackbox_tabular import BlackboxTabular
from synetune_lab.blackbox_repository.repository import blackbox_list, load_blackbox
from synetune_lab.blackbox_repository.simulated_tabular_backend import (
    BlackboxRepositoryBackend,
    UserBlackboxBackend,
)

__all__ = [
    "Blackbox",
    "BlackboxOffline",
    "BlackboxRepositoryBackend",
    "BlackboxSurrogate",
    "BlackboxTabular",
    "UserBlackboxBackend",
    "add_surrogate",
    "blackbox_list",
    "deserialize",
    "from_function",
    "load_blackbox",
]
