"""A value of ours without secrets in any text of it, however deep. Before rendering: an escaped or cut secret is not
found any more, and still is one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from functools import partial
from types import MappingProxyType
from typing import Any, TypeVar

from greenloop.hygiene.redact import redact
from greenloop.hygiene.secrets import scrub

T = TypeVar("T")


def clean(value: T, keys: tuple[str, ...] = ()) -> T:
    """Without these keys, authorisation headers and shapes of credentials; without `keys` the shapes alone."""
    made: T = _clean(value, partial(redact, keys=keys) if keys else scrub)
    return made


def _clean(value: Any, words: Callable[[str], str]) -> Any:  # noqa: ANN401 - any value of ours
    if isinstance(value, Enum):
        return value
    if isinstance(value, str):
        return words(value)
    if isinstance(value, tuple):
        return tuple(_clean(item, words) for item in value)
    if isinstance(value, Mapping):
        return MappingProxyType({key: _clean(item, words) for key, item in value.items()})
    if is_dataclass(value) and not isinstance(value, type):
        parts = {f.name: getattr(value, f.name) for f in fields(value)}
        cleaned = {name: _clean(part, words) for name, part in parts.items()}
        changed = {name: part for name, part in cleaned.items() if part is not parts[name] and part != parts[name]}
        return replace(value, **changed) if changed else value
    return value
