"""Answers wrapped in data: `<file path="…">` elements and JSON. JSON is read strictly and never repaired."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from greenloop.edits import codex
from greenloop.edits.blocks import Block, Broken, Change, File, Removal, Rename, lines_of
from greenloop.edits.fences import content, fence_at, is_markup

_ELEMENT = re.compile(
    r"""^\s*<(file|document|write_file|create_file|file_write|file_create|new_file|write|write_to_file)\s+(?:path|name|filename|file)\s*=\s*["']([^"']+)["']\s*>(.*)$"""
)

_PATH = ("path", "file", "filename", "file_path", "filepath")
_CONTENT = ("content", "contents", "text", "code", "file_text")
_OLD = ("old", "search", "old_string", "old_str", "old_text", "original", "find")
_NEW = ("new", "replace", "new_string", "new_str", "new_text", "updated", "replacement")
_LISTS = ("files", "edits", "changes", "patches", "operations", "edit", "tool_calls")
_CALLED = ("arguments", "parameters", "input")  # what the call of a tool holds, beside the tool's name
_COMMANDS = frozenset({"create", "write", "str_replace", "replace", "edit", "update"})  # of a tool that edits
_TOOL = re.compile(r'[\[{]\s*(?:{\s*)?"(?:name|tool|command|tool_calls)"\s*:')
_FILE = re.compile(rf'"(?:{"|".join(_PATH)})\\?"\s*:')
_PROSE = {"summary", "explanation", "reasoning", "description", "message", "thoughts", "analysis", "title", "notes"}

_SHAPE = 'The JSON is no known edit: {"path", "content"}, {"files": …} or {"edits": [{"path", "old", "new"}]}. '
_PLAIN = "Answer in plain fenced text instead."


def element(lines: list[str], start: int) -> tuple[File | Broken, int] | None:
    """The file whose tag opens at `start`, and the index of the line after it; None when none opens there."""
    opened = _ELEMENT.match(lines[start])
    if not opened:
        return None
    tag, path, first = opened.groups()
    end = f"</{tag}>"
    following = next((i for i in range(start + 1, len(lines)) if _ELEMENT.match(lines[i])), len(lines))
    if end in first:
        text, _, rest = first.partition(end)
        if not rest.strip():
            return File(path=path, text=text + "\n" if text else ""), start + 1
    stops = [i for i in range(start + 1, following) if lines[i].strip() == end]
    if not stops:
        inline = [i for i in range(start + 1, following) if lines[i].rstrip().endswith(end)]
        message = f"The element has no line with {end} alone."
        return Broken(kind="malformed" if inline else "truncated", message=message, path=path), following
    if len(stops) > 1:
        return Broken(
            kind="ambiguous", message=f"{end} stands in {len(stops)} lines of the file.", path=path
        ), following
    body = ([first] if first.strip() else []) + lines[start + 1 : stops[0]]
    plain = _unfenced(body, path)
    if plain is None:
        message = "It is not clear whether the fence is part of the file. Leave out the element and use a longer fence."
        return Broken(kind="ambiguous", message=message, path=path), stops[0] + 1
    return File(path=path, text="\n".join([*plain, ""]) if plain else ""), stops[0] + 1


def _unfenced(body: list[str], path: str) -> list[str] | None:
    """Without one fence, or one CDATA section, around everything; None when the fence may be the file's own."""
    filled = [i for i, line in enumerate(body) if line.strip()]
    if len(filled) < 2:
        return body
    first, last = fence_at(body, filled[0]), fence_at(body, filled[-1])
    if first and last and first.closed_by(last):
        whole = not is_markup(path) or first.info.lower() in {"markdown", "md"}
        return content(body, first, filled[-1]) if whole else None
    if body[filled[0]].strip() == "<![CDATA[" and body[filled[-1]].strip() == "]]>":
        return body[filled[0] + 1 : filled[-1]]
    return body


def looks_like_json(text: str) -> bool:
    """Whether this is meant as a JSON answer: an object or list whose first keys are ours."""
    start = text.lstrip()[:200]
    keys = "|".join((*_PATH, *_LISTS, *_OLD, *_CONTENT, "summary", "explanation"))
    call = _TOOL.match(start) and _FILE.search(text)
    return (
        bool(call)
        or (start[:1] == "{" and '"*** Begin Patch' in text)
        or bool(re.match(rf'[\[{{]\s*(?:{{\s*)?"(?:{keys})"\s*:', start))
    )


def from_json(text: str) -> tuple[list[Block], str]:
    """The blocks of a JSON answer, and its summary if it has one."""
    try:
        value = json.loads(text, object_pairs_hook=_unique)
        json.dumps(value, ensure_ascii=False).encode()  # an escaped half of a surrogate pair is no text
    except (ValueError, RecursionError) as error:
        return [Broken(kind="malformed", message=f"The JSON cannot be read ({error}). {_PLAIN}")], ""
    patch = _patch(value)
    if patch:
        return codex.read(lines_of(patch), 0)[0], ""
    summary = value.get("summary", "") if isinstance(value, dict) else ""
    return list(_walk(value)) or [Broken(kind="malformed", message=_SHAPE + _PLAIN)], str(summary)


def _patch(value: Any) -> str:  # noqa: ANN401 - JSON
    """The one patch that a tool call holds: as a word of its command, or as its input. Two are not guessed about."""
    if isinstance(value, dict):
        inside = value.get("arguments", value.get("parameters"))
        value = [*(v for v in value.values() if isinstance(v, str | list)), *(_values(inside))]
    words = [w for v in (value if isinstance(value, list) else []) for w in (v if isinstance(v, list) else [v])]
    found = [word for word in words if isinstance(word, str) and word.startswith("*** Begin Patch")]
    return found[0] if len(found) == 1 else ""


def _values(value: Any) -> list[Any]:  # noqa: ANN401 - JSON
    """Arguments stand in an object, or in one written as text."""
    value = _read(value)
    return [*value.values()] if isinstance(value, dict) else []


def _read(value: Any) -> Any:  # noqa: ANN401 - JSON
    """What a text holds as JSON; anything else as it is."""
    try:
        return json.loads(value, object_pairs_hook=_unique) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        return None


def _called(value: dict[str, Any]) -> dict[str, Any] | None:
    """The arguments of a call that holds nothing but a tool's name and these."""
    inside = [key for key in _CALLED if key in value]
    if len(inside) != 1 or not set(value) - {"id", "type"} - set(inside) <= {"name", "tool"}:
        return None
    found = _read(value[inside[0]])
    return found if isinstance(found, dict) else None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key occurs twice in one object")
    return found


def _walk(value: Any, path: str | None = None) -> Iterable[Block]:  # noqa: ANN401 - JSON
    if isinstance(value, list):
        for item in value:
            yield from _walk(item, path)
    elif isinstance(value, dict):
        yield from _object(value, path)
    else:
        yield Broken(kind="malformed", message=_SHAPE + _PLAIN, path=path)


def _object(value: dict[str, Any], path: str | None) -> Iterable[Block]:
    value = _called(value) or value
    path = _text(value, _PATH) or path
    inner = [k for k in _LISTS if isinstance(value.get(k), list | dict)]
    left = set(value) - _PROSE - set(_PATH)
    if len(inner) == 1 and left == set(inner):
        below = value[inner[0]]
        named = isinstance(below, dict) and below and not set(below) & {*_PATH, *_CONTENT, *_OLD, *_NEW}
        if named and inner[0] == "files" and all(isinstance(v, str) for v in below.values()):
            yield from (File(path=name, text=_ended(text)) for name, text in below.items())
        else:
            yield from _walk(below, path)
        return
    yield _leaf(value, path, left)


def _leaf(value: dict[str, Any], path: str | None, left: set[str]) -> Block:
    content_, old, new = _text(value, _CONTENT), _text(value, _OLD), _text(value, _NEW)
    kind = value.get("type") or value.get("action") or value.get("operation")
    left -= {"command"} if str(value.get("command")) in _COMMANDS else set()
    left -= {"type", "action", "operation"}
    if path and content_ is not None and left <= set(_CONTENT) and len(left) == 1:
        return File(path=path, text=_ended(content_))
    if old is not None and new is not None and left <= {*_OLD, *_NEW} and len(left) == 2:
        return Change(path=path, options=((tuple(lines_of(old)), tuple(lines_of(new))), ((old,), (new,))), inline=True)
    if path and (kind == "delete" or value.get("delete") is True) and left <= {"delete"}:
        return Removal(path=path)
    to = _text(value, ("to", "new_path"))
    if path and to and left <= {"to", "new_path"}:
        return Rename(path=path, to=to)
    return Broken(kind="malformed", message=_SHAPE + _PLAIN, path=path)


def _text(value: dict[str, Any], names: Iterable[str]) -> str | None:
    found = [value[n] for n in names if n in value]
    if len(found) == 1 and isinstance(found[0], list) and all(isinstance(x, str) for x in found[0]):
        return "\n".join(found[0])
    return found[0] if len(found) == 1 and isinstance(found[0], str) else None


def _ended(text: str) -> str:
    text = text.replace("\r\n", "\n")
    return text if not text or text.endswith("\n") else text + "\n"
