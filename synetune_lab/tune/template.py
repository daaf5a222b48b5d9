"""The shape of a user's nested configuration, and the flat one that trials are given.

A tuner knows flat configurations, whose values JSON can hold. Users write nested dictionaries, with
whatever objects they like in them. The template keeps the shape and the objects; a *slot* in it
stands where a value of the flat configuration goes, whose name is the path: `model/layers/0`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Branch", "ConfigTemplate", "Slot", "flatten", "label_of"]

_SLOT_KEY = "$slot"
_BRANCH_KEY = "$branch"
_SIMPLE = (bool, int, float, str, type(None))


@dataclass(frozen=True)
class Slot:
    """Where a value of the flat configuration goes.

    Attributes:
        name: Its name there.
        default: What counts if it is not in there: a constant.
    """

    name: str
    default: Any = None


class NestedConfig(dict[str, Any]):
    """A configuration whose entries are attributes too, as functions of `sample_from` expect."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


@dataclass
class ConfigTemplate:
    """A configuration with slots.

    Attributes:
        shape: Nested dictionaries and lists of slots and of objects of the user's own.
        labels: For each slot whose values JSON can't hold: the value that each text stands for.
    """

    shape: Any = field(default_factory=dict)
    labels: dict[str, dict[str, Any]] = field(default_factory=dict)

    def nest(self, flat: Mapping[str, Any], *, kind: type[dict[str, Any]] = dict) -> dict[str, Any]:
        """The user's configuration with the values of a flat one.

        Args:
            flat: Values by the names of slots; what else it has is left out.
            kind: Type of the dictionaries.

        Raises:
            KeyError: If a slot without a default has no value.
        """
        nested: dict[str, Any] = self._fill(self.shape, flat, kind)
        return nested

    def partly(self, flat: Mapping[str, Any]) -> NestedConfig:
        """As `nest`, but what has no value yet is left out."""
        return NestedConfig(self._fill(self.shape, flat, NestedConfig, strict=False))

    def _fill(
        self, shape: Any, flat: Mapping[str, Any], kind: type[dict[str, Any]], strict: bool = True
    ) -> Any:
        if isinstance(shape, Slot):
            return self._value(shape, flat, kind, strict)
        if isinstance(shape, dict):
            return kind(
                {
                    key: self._fill(entry, flat, kind, strict)
                    for key, entry in shape.items()
                    if strict or self._is_known(entry, flat)
                }
            )
        if isinstance(shape, (list, tuple)):
            known = [entry for entry in shape if strict or self._is_known(entry, flat)]
            return type(shape)(self._fill(entry, flat, kind, strict) for entry in known)
        return shape.value if isinstance(shape, Kept) else shape

    def _value(
        self, slot: Slot, flat: Mapping[str, Any], kind: type[dict[str, Any]], strict: bool
    ) -> Any:
        if slot.name not in flat:
            if slot.default is REQUIRED:
                raise KeyError(slot.name)
            return slot.default
        value = flat[slot.name]
        labels = self.labels.get(slot.name)
        value = labels.get(value, value) if labels else value
        return self._fill(value.shape, flat, kind, strict) if isinstance(value, Branch) else value

    @staticmethod
    def _is_known(entry: Any, flat: Mapping[str, Any]) -> bool:
        return not isinstance(entry, Slot) or entry.name in flat or entry.default is not REQUIRED

    def to_json(self) -> dict[str, Any]:
        """The template as JSON; objects that it can't hold become text."""
        labels = {
            name: {label: _label_to_json(value) for label, value in table.items()}
            for name, table in self.labels.items()
        }
        return {"shape": _shape_to_json(self.shape), "labels": labels}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ConfigTemplate:
        """The template that `to_json` wrote."""
        labels = {
            name: {label: _label_from_json(value) for label, value in table.items()}
            for name, table in data.get("labels", {}).items()
        }
        return cls(_shape_from_json(data.get("shape", {})), labels)


class _Required:
    """Stands for a missing default, also after pickling."""

    def __reduce__(self) -> str:
        return "REQUIRED"


REQUIRED: Any = _Required()


@dataclass(frozen=True)
class Kept:
    """An object of the user's own, which is not to be looked into."""

    value: Any


@dataclass(frozen=True)
class Branch:
    """A value that has hyperparameters of its own, which count only if it is chosen.

    Attributes:
        shape: As the shape of a template.
    """

    shape: Any


def _label_to_json(value: Any) -> Any:
    return {_BRANCH_KEY: _shape_to_json(value.shape)} if isinstance(value, Branch) else plain(value)


def _label_from_json(data: Any) -> Any:
    if isinstance(data, dict) and list(data) == [_BRANCH_KEY]:
        return Branch(_shape_from_json(data[_BRANCH_KEY]))
    return data


def _shape_to_json(shape: Any) -> Any:
    if isinstance(shape, Slot):
        given = {} if shape.default is REQUIRED else {"default": plain(shape.default)}
        return {_SLOT_KEY: shape.name, **given}
    if isinstance(shape, dict):
        return {str(key): _shape_to_json(entry) for key, entry in shape.items()}
    if isinstance(shape, (list, tuple)):
        return [_shape_to_json(entry) for entry in shape]
    return plain(shape.value if isinstance(shape, Kept) else shape)


def _shape_from_json(data: Any) -> Any:
    if isinstance(data, dict):
        if _SLOT_KEY in data:
            return Slot(data[_SLOT_KEY], data.get("default", REQUIRED))
        return {key: _shape_from_json(entry) for key, entry in data.items()}
    if isinstance(data, list):
        return [_shape_from_json(entry) for entry in data]
    return data


def plain(value: Any) -> Any:
    """A value as JSON can hold it: numbers of arrays as numbers, odd objects as text."""
    if isinstance(value, _SIMPLE):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(entry) for entry in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    return label_of(value)


def label_of(value: Any) -> str:
    """A short text that stands for a value."""
    name = getattr(value, "__name__", None)
    text = name if isinstance(name, str) else str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def flatten(nested: Mapping[str, Any], delimiter: str = "/", before: str = "") -> dict[str, Any]:
    """Nested dictionaries as one, whose names are paths."""
    flat: dict[str, Any] = {}
    for key, value in nested.items():
        name = f"{before}{key}"
        if isinstance(value, Mapping) and value:
            flat.update(flatten(value, delimiter, f"{name}{delimiter}"))
        else:
            flat[name] = value
    return flat
