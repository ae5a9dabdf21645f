"""Findings → SARIF 2.1.0, as GitHub's code scanning takes it. Pure. Reading it is `checks.sarif`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from greenloop import __version__
from greenloop.domain import Finding, Severity
from greenloop.hygiene.hidden import characters

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}
_MOST = 5000  # results; GitHub shows so many of a run
_LONGEST = 1000  # characters of a message
_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def dumps(findings: Iterable[Finding]) -> str:
    """Those that have a file, for a result without a place is refused."""
    placed = [f for f in findings if f.path][:_MOST]
    rules = list(dict.fromkeys(_rule(f) for f in placed))
    driver = {"name": "greenloop", "version": __version__, "rules": [{"id": rule} for rule in rules]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(f, rules.index(_rule(f))) for f in placed],
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _rule(finding: Finding) -> str:
    return f"{finding.check}/{finding.rule}"


def _result(finding: Finding, index: int) -> dict[str, Any]:
    place = {"artifactLocation": {"uri": _uri(finding.path or "")}, "region": {"startLine": max(1, finding.line or 1)}}
    return {
        "ruleId": _rule(finding),
        "ruleIndex": index,
        "level": _LEVELS[finding.severity],
        "message": {"text": characters(finding.message)[:_LONGEST] or finding.rule},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {"greenloop/v1": finding.fingerprint},
    }


def _uri(path: str) -> str:
    from urllib.parse import quote  # noqa: PLC0415 - 3 ms, and most runs find nothing

    return quote(path)
