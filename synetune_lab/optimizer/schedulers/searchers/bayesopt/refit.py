"""When the parameters of a model are fitted again."""

from __future__ import annotations

from dataclasses import dataclass, field

from synetune_lab.gp.warm_start import FitMemory

__all__ = ["RefitRule"]

_GROWTH = 1.25
_ALWAYS_FULL = 12


@dataclass
class RefitRule:
    """Decides before each suggestion whether parameters are fitted, and how thoroughly.

    They are fitted only if there are new data. Up to `init_length` observations that is enough;
    beyond, they are fitted each `period`-th time that there are, or, with `only_at_max`, when there
    is a new one at the maximum resource.

    A full fit begins at several places. It is made as long as there are few observations, and then
    when their number has grown by a quarter; between, a fit begins at the last parameters, which
    are near their new place.

    Attributes:
        init_length: See above.
        period: See above.
        only_at_max: See above.
        always_warm: Begin all fits but the first at the last parameters.
        memory: What fits leave for the next one.
    """

    init_length: int = 150
    period: int = 1
    only_at_max: bool = False
    always_warm: bool = False
    memory: FitMemory = field(default_factory=FitMemory)
    _counter: int = 0
    _num_at_max: int = 0
    _num_full: int = 0

    def is_due(self, num_observed: int, num_at_max: int = 0) -> bool:
        """Whether to fit now that there are new data.

        Args:
            num_observed: Number of observations.
            num_at_max: How many of them are at the maximum resource.
        """
        grew_at_max = num_at_max > self._num_at_max
        self._num_at_max = num_at_max
        if num_observed < self.init_length:
            return True
        if self.only_at_max:
            return grew_at_max
        self._counter += 1
        return self._counter % self.period == 0

    def is_full(self, num_observed: int) -> bool:
        """Whether a fit that is due begins at several places; counts it if so."""
        if self.always_warm and self._num_full:
            return False
        if num_observed > _ALWAYS_FULL and num_observed < _GROWTH * self._num_full:
            return False
        self._num_full = num_observed
        return True
