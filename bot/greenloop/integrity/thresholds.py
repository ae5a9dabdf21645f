"""Numbers in the configuration of checks that a change lowers or takes away: a floor of coverage, a score to reach."""

from __future__ import annotations

import re
from collections.abc import Iterator

from greenloop.domain import Finding, Severity

_FLOOR = re.compile(
    r"(?P<name>fail[_-]under|cov-fail-under|minimum[_-]coverage|min[_-]coverage|coverage[_-]threshold"
    r"|\b(?:branches|functions|lines|statements)\b)['\"]?\s*[=: ]\s*['\"]?(?P<value>\d+(?:\.\d+)?)",
    re.IGNORECASE,
)


def lowered(path: str, before: str, after: str) -> Iterator[Finding]:
    """One finding for each floor whose lowest value went down, or that is gone."""
    old, new = _floors(before), _floors(after)
    for name, value in old.items():
        if name in new and new[name] >= value:
            continue
        now = f"{new[name]:g}" if name in new else "no longer there"
        yield Finding(
            check="integrity",
            rule="lower-floor",
            message=f"{name} was {value:g} and is {now}.",
            path=path,
            severity=Severity.ERROR,
            context=name,
        )


def _floors(text: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for match in _FLOOR.finditer(text):
        name = match["name"].lower().replace("-", "_").removeprefix("cov_")
        found[name] = min(found.get(name, float("inf")), float(match["value"]))
    return found
