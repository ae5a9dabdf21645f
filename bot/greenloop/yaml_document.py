"""YAML → plain data with the line of everything in it. The only module that imports `yaml`; knows no setting by name.

What a settings file does not need is refused rather than bounded: aliases (a few lines of them make gigabytes), tags
other than the plain ones, more than one document, and files that are larger than any settings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from greenloop.errors import Misconfigured

LARGEST = 64 * 1024  # characters
BRACKETS = 500  # beyond them the parser's time grows with their square
TOO_LARGE = "{name}: {size} characters are more than settings need (at most {largest}). Shorten the file."
TOO_DEEP = "{name}: nested too deeply. Settings have at most three levels."
SYNTAX = "{name}:{line}:{column}: not valid YAML: {problem}."
UNREADABLE = "{name}:{line}: not valid YAML: the character {character} is not allowed in a text file."
NOT_MAPPING = "{name}:{line}: settings are lines of `name: value`, for example `attempts: 4`."
ALIAS = "{name}:{line}: anchors and aliases (`&name`, `*name`) are not supported in settings. Write the value out."
TAG = "{name}:{line}: the tag `{tag}` is not supported in settings. Write a plain text, number, list or mapping."
KEY = "{name}:{line}: a setting's name must be plain text."
TWICE = "{name}:{line}: `{key}` is set a second time; the first is on line {first}. Keep one of them."

Place = tuple[str | int, ...]
_PLAIN = "tag:yaml.org,2002:"
_TEXTS = frozenset({"str", "timestamp", "value", "merge"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A file's data, and the line (1-based) of each place in it: ("commands", "jest", "run")."""

    name: str
    data: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    lines: Mapping[Place, int] = field(default_factory=lambda: MappingProxyType({}))

    def where(self, place: Place) -> str:
        """`file:line` of the place, or of the nearest thing around it."""
        while place and place not in self.lines:
            place = place[:-1]
        return f"{self.name}:{self.lines[place]}" if place else self.name


def read(text: str, name: str) -> Document:
    """Raises `Misconfigured` with the line."""
    if len(text) > LARGEST:
        raise Misconfigured(TOO_LARGE.format(name=name, size=len(text), largest=LARGEST))
    if text.count("[") + text.count("{") > BRACKETS:
        raise Misconfigured(TOO_DEEP.format(name=name))
    root = _compose(text, name)
    if root is None:
        return Document(name=name)
    reading = _Reading(name, {}, set())
    data = reading.value(root, ())
    if data is None:
        return Document(name=name)
    if not isinstance(data, dict):
        raise Misconfigured(NOT_MAPPING.format(name=name, line=_line(root)))
    return Document(name=name, data=data, lines=reading.lines)


def _compose(text: str, name: str) -> Any:  # noqa: ANN401 - nodes of a module that is imported late
    import yaml

    try:
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        problem = " ".join(str(error.problem or error.context).split())[:200]
        raise Misconfigured(SYNTAX.format(name=name, line=line, column=column, problem=problem)) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        character = ascii(text[error.position])
        raise Misconfigured(UNREADABLE.format(name=name, line=line, character=character)) from None
    except RecursionError:
        raise Misconfigured(TOO_DEEP.format(name=name)) from None


@dataclass(frozen=True, slots=True)
class _Reading:
    name: str
    lines: dict[Place, int]
    seen: set[int]

    def value(self, node: Any, place: Place) -> Any:  # noqa: ANN401 - as above; the values are JSON's
        if id(node) in self.seen:
            raise Misconfigured(ALIAS.format(name=self.name, line=_line(node)))
        self.seen.add(id(node))
        kind = node.tag.removeprefix(_PLAIN)
        if node.id == "mapping" and kind == "map":
            return {key: self.value(below, (*place, key)) for key, below in self._entries(node, place)}
        if node.id == "sequence" and kind == "seq":
            return [self._item(below, (*place, i)) for i, below in enumerate(node.value)]
        if node.id == "scalar" and kind in _TEXTS:
            return node.value
        if node.id == "scalar" and kind in {"int", "float", "bool", "null"}:
            return _scalar(node)
        raise Misconfigured(TAG.format(name=self.name, line=_line(node), tag=kind))

    def _item(self, node: Any, place: Place) -> Any:  # noqa: ANN401 - as above
        self.lines[place] = _line(node)
        return self.value(node, place)

    def _entries(self, node: Any, place: Place) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - as above
        for key, below in node.value:
            line = _line(key)
            if key.id != "scalar":
                raise Misconfigured(KEY.format(name=self.name, line=line))
            spot = (*place, key.value)
            if spot in self.lines:
                raise Misconfigured(TWICE.format(name=self.name, line=line, key=key.value, first=self.lines[spot]))
            self.lines[spot] = line
            yield key.value, below


def _scalar(node: Any) -> Any:  # noqa: ANN401 - as above
    """A number, truth or nothing; what only looks like one stays a text, so that the type check shows it as written."""
    import yaml

    try:
        return yaml.constructor.SafeConstructor().construct_object(node)
    except (ValueError, KeyError):
        return node.value


def _line(node: Any) -> int:  # noqa: ANN401 - as above
    line: int = node.start_mark.line + 1
    return line
