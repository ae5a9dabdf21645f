"""Workflow commands: the lines by which a step talks to its runner. Pure; whatever stands in one cannot leave it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from greenloop.domain import Finding, Severity
from greenloop.hygiene.quiet import GAP
from greenloop.hygiene.redact import forms

MOST = 10  # annotations of a kind that GitHub shows of one step; it drops the others without a word
_KINDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}
_DATA = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_PROPERTY = _DATA | {":": "%3A", ",": "%2C"}


def command(name: str, text: str, **properties: str | int | None) -> str:
    """`::name key=value,key=value::text`; a property without a value is left out."""
    given = ",".join(
        f"{key}={_escaped(str(value), _PROPERTY)}" for key, value in properties.items() if value not in (None, "")
    )
    return f"::{name}{' ' if given else ''}{given}::{_escaped(text, _DATA)}"


def _escaped(text: str, table: dict[str, str]) -> str:
    """`##[` was a command wherever it stood in a line, and elsewhere `##vso[` is."""
    text = "".join(table.get(c, c if c.isprintable() else " ") for c in text)
    return re.sub(r"##(?=(?:vso)?\[)", f"##{GAP}", text)


def masks(secrets: Iterable[str]) -> Iterator[str]:
    """The runner hides exact texts only, so each secret is named in every form that it may turn up in."""
    known = {form for secret in secrets for form in (secret, *secret.splitlines())}
    for form in sorted({written for secret in known for written in forms(secret)}, key=lambda f: (-len(f), f)):
        # not by `command`: a control character inside a secret stays what it is
        yield "::add-mask::" + form.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def notes(findings: Iterable[Finding], taken: Iterable[str] = ()) -> Iterator[str]:
    """At most `MOST` of a kind, of which those in `taken` are spoken for."""
    left = dict.fromkeys(_KINDS.values(), MOST)
    for kind in taken:
        left[kind] -= 1
    for finding in findings:
        kind = _KINDS[finding.severity]
        if left[kind] > 0:
            left[kind] -= 1
            title = f"{finding.check} {finding.rule}".strip()
            yield command(kind, finding.message, file=finding.path, line=finding.line, title=title)
