"""A value of ours without secrets in any text of it, however deep. Before rendering: an escaped or cut secret is not
found any more, and still is one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from types import MappingProxyType
from typing import Any, TypeVar

from greenloop.redact import redact

T = TypeVar("T")


def clean(value: T, keys: tuple[str, ...]) -> T:
    made: T = _clean(value, keys)
    return made


def _clean(value: Any, keys: tuple[str, ...]) -> Any:  # noqa: ANN401 - any value of ours
    if isinstance(value, Enum):
        return value
    if isinstance(value, str):
        return redact(value, keys)
    if isinstance(value, tuple):
        return tuple(_clean(item, keys) for item in value)
    if isinstance(value, Mapping):
        return MappingProxyType({key: _clean(item, keys) for key, item in value.items()})
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{f.name: _clean(getattr(value, f.name), keys) for f in fields(value)})
    return value
