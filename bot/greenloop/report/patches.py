"""A patch in a comment: collapsed, whole, letter by letter as `git apply` takes it, or not at all. Pure."""

from __future__ import annotations

import re

from greenloop.hygiene.hidden import characters
from greenloop.hygiene.secrets import scrub

MOST = 24_000  # characters in a comment; GitHub takes 65,536 of everything together
KEPT = "The patch ({lines} lines) is in `result.json` of the job's artifact: `jq -r .patch result.json | git apply`"
UNSHOWN = "The patch ({lines} lines) has bytes that no comment can hold. "
SECRET = "The patch holds what looks like a credential, so it is not shown."  # noqa: S105 - a sentence


def shown(patch: str) -> str:
    """The block, or where else the patch is."""
    if not patch:
        return ""
    lines = patch.count("\n")
    if scrub(patch) != patch:
        return SECRET
    faithful = characters(patch) == patch and all(c.isprintable() or c in "\n\t" for c in patch)
    if not faithful:
        return UNSHOWN.format(lines=lines) + KEPT.format(lines=lines)
    if len(patch) > MOST:
        return KEPT.format(lines=lines)
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", patch)), default=0))
    files = len(re.findall(r"^diff --git ", patch, re.MULTILINE))
    what = f"{files} file{'' if files == 1 else 's'}, {lines} lines"
    body = f"{fence}diff\n{patch}{'' if patch.endswith(chr(10)) else chr(10)}{fence}"
    return f"<details><summary>The patch: {what}, for <code>git apply</code></summary>\n\n{body}\n\n</details>"
