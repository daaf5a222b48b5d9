"""Backends on simulated time whose trials are looked up in a blackbox."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synetune_lab.blackbox_repository.blackbox_simulator_backend import BlackboxSimulatorBackend
from synetune_lab.blackbox_repository.blackbox_tabular import BlackboxTabular
from synetune_lab.blackbox_repository.make_surrogate import make_surrogate
from synetune_lab.blackbox_repository.table_file import keep_table, load_table
from synetune_lab.errors import BackendError

if TYPE_CHECKING:
    from synetune_lab.blackbox_repository.blackbox import Blackbox

__all__ = ["BlackboxRepositoryBackend", "UserBlackboxBackend", "make_surrogate"]

_LARGE = 1 << 20


class UserBlackboxBackend(BlackboxSimulatorBackend):
    """Simulates trials of a blackbox of one's own.

    Args:
        blackbox: The blackbox.
        elapsed_time_attr: Name of the objective that holds the seconds from the start of training
            to each fidelity.
        max_resource_attr: Name of the entry of configurations with the largest fidelity.
        seed: Which repetition is used; None for one that is drawn for each trial.
        support_checkpointing: Whether a trial that is resumed goes on where it was paused.
        simulatorbackend_kwargs: `simulator_config`, `tuner_sleep_time`, `speed` and
            `delete_checkpoints` of `SimulatedBackend`.

    Raises:
        BackendError: If the blackbox lacks the objective, or its times go back.
    """

    def __init__(
        self,
        blackbox: Blackbox,
        elapsed_time_attr: str,
        max_resource_attr: str | None = None,
        seed: int | None = None,
        support_checkpointing: bool = True,
        **simulatorbackend_kwargs: Any,
    ) -> None:
        super().__init__(
            elapsed_time_attr,
            max_resource_attr,
            seed,
            support_checkpointing,
            **simulatorbackend_kwargs,
        )
        self._blackbox = blackbox
        self._take(blackbox)
        self._kept: Path | None = None

    def __getstate__(self) -> dict[str, Any]:
        """A large table is kept in a file of its own, instead of in every saved state."""
        blackbox = self._blackbox
        is_large = isinstance(blackbox, BlackboxTabular) and blackbox.nbytes > _LARGE
        if self._kept is None and is_large:
            self._kept = keep_table(blackbox)  # type: ignore[arg-type]
        state = super().__getstate__()
        if self._kept is not None:
            state["_blackbox"] = None
        return state

    def _load(self) -> Blackbox:
        if self._kept is None or not self._kept.exists():
            raise BackendError(f"the table of this run, {self._kept}, is not there any more")
        return load_table(self._kept)

    def _title(self) -> str:
        return "blackbox"


class BlackboxRepositoryBackend(BlackboxSimulatorBackend):
    """Simulates trials of a benchmark of the repository (see `blackbox_list`).

    Args:
        blackbox_name: Name of the benchmark.
        elapsed_time_attr: Name of the objective that holds the seconds from the start of training
            to each fidelity.
        max_resource_attr: Name of the entry of configurations with the largest fidelity.
        seed: Which repetition is used; None for one that is drawn for each trial.
        support_checkpointing: Whether a trial that is resumed goes on where it was paused.
        dataset: Which of the benchmark's data sets, for one that has several.
        surrogate: What predicts values between the recorded configurations: a class name of
            `make_surrogate`, or a regressor as scikit-learn has them. None looks them up.
        surrogate_kwargs: Its arguments. For benchmarks of YAHPO, what goes to them.
        add_surrogate_kwargs: Arguments of `add_surrogate`.
        config_space_surrogate: The space of the surrogate. Default is that of the benchmark, which
            for a table often has only the recorded values.
        simulatorbackend_kwargs: `simulator_config`, `tuner_sleep_time`, `speed` and
            `delete_checkpoints` of `SimulatedBackend`.
    """

    def __init__(
        self,
        blackbox_name: str,
        elapsed_time_attr: str,
        max_resource_attr: str | None = None,
        seed: int | None = None,
        support_checkpointing: bool = True,
        dataset: str | None = None,
        surrogate: Any = None,
        surrogate_kwargs: Mapping[str, Any] | None = None,
        add_surrogate_kwargs: Mapping[str, Any] | None = None,
        config_space_surrogate: Mapping[str, Any] | None = None,
        **simulatorbackend_kwargs: Any,
    ) -> None:
        super().__init__(
            elapsed_time_attr,
            max_resource_attr,
            seed,
            support_checkpointing,
            **simulatorbackend_kwargs,
        )
        self.blackbox_name = blackbox_name
        self.dataset = dataset
        self._surrogate = surrogate
        self._surrogate_kwargs = dict(surrogate_kwargs or {})
        if isinstance(surrogate, str) and not blackbox_name.startswith("yahpo-"):
            make_surrogate(surrogate, self._surrogate_kwargs)  # refuses what is not known
        self._add_surrogate_kwargs = dict(add_surrogate_kwargs or {})
        self._config_space_surrogate = config_space_surrogate

    def _load(self) -> Blackbox:
        from synetune_lab.blackbox_repository.blackbox_surrogate import add_surrogate
        from synetune_lab.blackbox_repository.repository import load_blackbox

        is_yahpo = self.blackbox_name.startswith("yahpo-")
        loaded = load_blackbox(
            self.blackbox_name, yahpo_kwargs=self._surrogate_kwargs if is_yahpo else None
        )
        blackbox = self._choose(loaded)
        if self._surrogate is not None and not is_yahpo:
            blackbox = add_surrogate(
                blackbox,
                surrogate=make_surrogate(self._surrogate, self._surrogate_kwargs),
                configuration_space=self._config_space_surrogate,
                **self._add_surrogate_kwargs,
            )
        return blackbox

    def _choose(self, loaded: Any) -> Blackbox:
        if not isinstance(loaded, Mapping):
            if self.dataset is not None:
                raise BackendError(
                    f"dataset={self.dataset!r} was given; {self.blackbox_name!r} has just one"
                )
            return loaded  # type: ignore[no-any-return]
        if self.dataset is None and len(loaded) == 1:
            return next(iter(loaded.values()))  # type: ignore[no-any-return]
        if self.dataset not in loaded:
            raise BackendError(
                f"dataset={self.dataset!r} is not one of {self.blackbox_name!r}; there are "
                f"{sorted(loaded)}"
            )
        return loaded[self.dataset]  # type: ignore[no-any-return]

    def _title(self) -> str:
        return (
            self.blackbox_name if self.dataset is None else f"{self.blackbox_name}-{self.dataset}"
        )

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        state["_blackbox"] = None  # it is in the repository
        return state
