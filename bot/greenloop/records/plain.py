"""Our frozen values as plain data (what JSON has) and back, by their type annotations. Strict both ways.

Fields that hide from `repr` hold secrets: they are left out, and not accepted either.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from typing import Any, TypeVar

T = TypeVar("T")


class Misfit(ValueError):
    """Data that is not the value it should be; the text says where and why, without a full stop."""


def flatten(value: object) -> Any:  # noqa: ANN401 - any plain data
    """Dictionaries, lists and scalars. A value with a single field that is not keyword-only becomes that field."""
    if isinstance(value, Enum):
        return value.name.lower()
    if is_dataclass(value):
        shown = [f for f in fields(value) if f.repr]
        if _bare(type(value)):
            return flatten(getattr(value, shown[0].name))
        return {f.name: flatten(getattr(value, f.name)) for f in shown}
    if isinstance(value, Mapping):
        return {str(key): flatten(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [flatten(item) for item in value]
    return value


def build(kind: type[T], data: object, where: str = "") -> T:
    """The value of this type. Raises `Misfit`."""
    made: T = _make(kind, data, where)
    return made


def _make(kind: Any, data: object, where: str) -> Any:  # noqa: ANN401 - driven by annotations
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in {types.UnionType, typing.Union}:
        return _optional(inner, data, where)
    if origin is tuple:
        return tuple(_make(inner[0], item, f"{where}[{i}]") for i, item in enumerate(_of(list, data, where)))
    if origin is not None:  # the only other one is Mapping
        rows = _of(dict, data, where).items()
        return types.MappingProxyType({key: _make(inner[1], item, f"{where}.{key}") for key, item in rows})
    if isinstance(kind, type) and is_dataclass(kind):
        return _value(kind, data, where)
    if issubclass(kind, Enum):
        return _member(kind, data, where)
    return _scalar(kind, data, where)


def _optional(kinds: tuple[Any, ...], data: object, where: str) -> Any:  # noqa: ANN401 - driven by annotations
    """`X | None` is the only union there is."""
    if data is None:
        return None
    return _make(next(k for k in kinds if k is not types.NoneType), data, where)


def _value(kind: type[Any], data: object, where: str) -> Any:  # noqa: ANN401 - driven by annotations
    known: dict[str, Field[Any]] = {f.name: f for f in fields(kind) if f.repr}
    if _bare(kind):
        data = {next(iter(known)): data}
    rows = _of(dict, data, where)
    for name in rows:
        if name not in known:
            raise Misfit(f"{_at(where, name)} is unknown; {kind.__name__} has {', '.join(known)}")
    for name, one in known.items():
        if name not in rows and one.default is MISSING and one.default_factory is MISSING:
            raise Misfit(f"{_at(where, name)} is missing")
    hints = typing.get_type_hints(kind)
    return kind(**{name: _make(hints[name], item, _at(where, name)) for name, item in rows.items()})


def _member(kind: type[Enum], data: object, where: str) -> Enum:
    found = next((member for member in kind if member.name.lower() == data), None)
    if found is None:
        raise Misfit(f"{where} is {data!r}, not one of {', '.join(m.name.lower() for m in kind)}")
    return found


def _scalar(kind: type[Any], data: object, where: str) -> Any:  # noqa: ANN401 - driven by annotations
    if kind is float and type(data) is int:
        return float(data)
    if type(data) is not kind:
        raise Misfit(f"{where} is {type(data).__name__}, not {kind.__name__}")
    return data


def _of(kind: type[T], data: object, where: str) -> T:
    if not isinstance(data, kind):
        raise Misfit(f"{where or 'it'} is {type(data).__name__}, not {kind.__name__}")
    return data


def _at(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _bare(kind: type[Any]) -> bool:
    """`Tree("…")`: a name for one scalar."""
    found = fields(kind)
    return len(found) == 1 and not found[0].kw_only
