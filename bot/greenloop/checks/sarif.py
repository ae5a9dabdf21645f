"""SARIF 2.1.0 → findings: what the open results say, at their first place, by the text of its line."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from greenloop.checks import files, text
from greenloop.domain import Finding, Severity, TestCase

_LARGEST = 50_000_000  # bytes
_LEVELS = {"error": Severity.ERROR, "warning": Severity.WARNING, "note": Severity.NOTE, "none": Severity.NOTE}


def read(raw: bytes, *, check: str, folder: Path, directory: str) -> tuple[tuple[TestCase, ...], tuple[Finding, ...]]:
    """No tests, and a finding for each result. Raises `ValueError` for what is no SARIF 2.1, or says that it failed."""
    if len(raw) > _LARGEST:
        raise ValueError(f"it is longer than {_LARGEST // 1_000_000} MB")
    try:
        log = json.loads(raw)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(log, dict) or not str(log.get("version", "")).startswith("2.1"):
        raise ValueError("its version is not 2.1")
    runs = log.get("runs")
    if not isinstance(runs, list) or not all(isinstance(run, dict) for run in runs):
        raise ValueError("it has no list of runs")
    places = _Places(folder, directory)
    return (), tuple(f for run in runs for f in _findings(run, check, places))


def _findings(run: Mapping[str, Any], check: str, places: _Places) -> Iterator[Finding]:
    for invocation in _dicts(run.get("invocations")):
        if invocation.get("executionSuccessful") is False:
            raise ValueError("the tool says that it did not run to its end")
    if not isinstance(run.get("results"), list):
        raise ValueError("a run has no list of results")  # noqa: TRY004 - the one error of this reader
    rules = _dicts(_dict(_dict(run.get("tool")).get("driver")).get("rules"))
    for result in _dicts(run["results"]):
        open_ = result.get("kind", "fail") == "fail" and result.get("baselineState") != "absent"
        if open_ and not _suppressed(result):
            yield _finding(result, rules, check, places)


def _suppressed(result: Mapping[str, Any]) -> bool:
    return any(s.get("status", "accepted") == "accepted" for s in _dicts(result.get("suppressions")))


def _finding(result: Mapping[str, Any], rules: list[Mapping[str, Any]], check: str, places: _Places) -> Finding:
    rule = _rule(result, rules)
    level = result.get("level") or _dict(rule.get("defaultConfiguration")).get("level") or "warning"
    location = next(iter(_dicts(result.get("locations"))), {})
    path, line, context = places.of(_dict(location.get("physicalLocation")))
    return Finding(
        check=check,
        rule=text.clean(str(result.get("ruleId") or rule.get("id") or "result"), 200),
        message=_message(result, rule),
        path=path,
        line=line,
        severity=_LEVELS.get(str(level), Severity.WARNING),
        context=context,
    )


def _rule(result: Mapping[str, Any], rules: list[Mapping[str, Any]]) -> Mapping[str, Any]:
    reference = _dict(result.get("rule"))
    index = result.get("ruleIndex", reference.get("index"))
    if isinstance(index, int) and 0 <= index < len(rules):
        return rules[index]
    name = result.get("ruleId") or reference.get("id")
    return next((rule for rule in rules if rule.get("id") == name), reference)


def _message(result: Mapping[str, Any], rule: Mapping[str, Any]) -> str:
    """The text itself, or the rule's template with its arguments put in."""
    message = _dict(result.get("message"))
    template = _dict(_dict(rule.get("messageStrings")).get(str(message.get("id"))))
    said = str(message.get("text") or template.get("text") or _dict(rule.get("shortDescription")).get("text") or "")
    arguments = message.get("arguments")
    for number, value in enumerate(arguments if isinstance(arguments, list) else ()):
        said = said.replace(f"{{{number}}}", str(value)[:500])
    return text.clean(said)


class _Places:
    """Turns locations into paths of the repository, lines, and the text of the line."""

    def __init__(self, folder: Path, directory: str) -> None:
        self._folder, self._root, self._directory = folder, folder.resolve().as_posix(), directory
        self._lines: dict[str, list[str]] = {}

    def of(self, physical: Mapping[str, Any]) -> tuple[str | None, int | None, str]:
        region, artifact = _dict(physical.get("region")), _dict(physical.get("artifactLocation"))
        path = self._path(str(artifact.get("uri") or ""))
        line = region.get("startLine")
        line = line if isinstance(line, int) and line > 0 else None
        return path or None, line, self._context(path, line, _dict(region.get("snippet")).get("text"))

    def _path(self, uri: str) -> str:
        """Relative to where the command ran, or to the root when there is no such file."""
        plain = unquote(urlsplit(uri).path) if uri else ""
        if plain.startswith("/"):
            return plain[len(self._root) + 1 :] if plain.startswith(f"{self._root}/") else ""
        joined = posixpath.normpath(posixpath.join(self._directory, plain)) if plain else ""
        if joined.startswith(".."):
            return ""
        rooted = posixpath.normpath(plain) if plain else ""
        return rooted if not (self._folder / joined).exists() and (self._folder / rooted).exists() else joined

    def _context(self, path: str, line: int | None, snippet: object) -> str:
        if path and path not in self._lines:
            self._lines[path] = files.lines_of(self._folder, path)
        lines = self._lines.get(path, [])
        if line and line <= len(lines):
            return lines[line - 1].strip()[:500]
        return text.first_line(text.clean(snippet)) if isinstance(snippet, str) else ""


def _dict(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _dicts(value: object) -> list[Mapping[str, Any]]:
    return [v for v in value if isinstance(v, dict)] if isinstance(value, list) else []
