"""The tables of a `pyproject.toml`, read without trust: whatever has another shape than it should is not there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from greenloop.environment.lines import normal

EXTRAS = ("test", "tests", "testing", "dev")


def table(outer: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    found = at(outer, *keys)
    return found if isinstance(found, dict) else {}


def at(outer: Any, *keys: str) -> Any:  # noqa: ANN401 - TOML of any shape
    for key in keys:
        outer = outer.get(key) if isinstance(outer, dict) else None
    return outer


def texts(value: object) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def chosen(optional: Mapping[str, Any]) -> tuple[str, ...]:
    """The first of test, tests, testing, dev that there is."""
    by_name = {normal(name): name for name in optional}
    return next(((by_name[name],) for name in EXTRAS if name in by_name), ())


def members_of_group(groups: Mapping[str, Any], name: str, above: frozenset[str]) -> Iterator[str]:
    by_name = {normal(key): value for key, value in groups.items()}
    items = by_name.get(normal(name))
    for item in items if isinstance(items, list) and normal(name) not in above else ():
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict) and isinstance(item.get("include-group"), str):
            yield from members_of_group(groups, item["include-group"], above | {normal(name)})


def dependency_files(file: Mapping[str, Any]) -> tuple[str, ...]:
    """Setuptools' way to say that the dependencies are in a requirements file."""
    found = at(file, "tool", "setuptools", "dynamic", "dependencies", "file")
    return (found,) if isinstance(found, str) else texts(found)
