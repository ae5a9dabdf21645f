"""Who owns which files, by a `CODEOWNERS` as GitHub reads it: the last pattern that matches decides. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from greenloop.patterns import matches, problem

PLACES = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")
_OWNER = re.compile(r"@([A-Za-z0-9][A-Za-z0-9_-]{0,99}(?:/[A-Za-z0-9][A-Za-z0-9._-]{0,99})?)")


def owners(text: str, paths: Iterable[str]) -> tuple[str, ...]:
    """Logins, and teams as `organisation/team`, in the order of the paths. Addresses of mail name nobody here."""
    rules = [rule for line in text.splitlines() if (rule := _rule(line))]
    found: dict[str, None] = {}
    for path in paths:
        last = next((who for pattern, who in reversed(rules) if matches(path, (pattern,))), ())
        found |= dict.fromkeys(last)
    return tuple(found)


def _rule(line: str) -> tuple[str, tuple[str, ...]] | None:
    pattern, *who = line.partition("#")[0].split() or [""]
    if not pattern or problem(pattern):
        return None
    return pattern, tuple(owner[1] for word in who if (owner := _OWNER.fullmatch(word)))
