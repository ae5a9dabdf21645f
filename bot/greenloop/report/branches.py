"""What a branch of ours is called: a template of the settings, filled with words that fit into such a name. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from greenloop.domain import Request
from greenloop.report.slugs import slug

NO_KEY = "`branch` has no `{key}`, so that two requests could get the same branch."
UNKNOWN = "`branch` has `{name}`, which stands for nothing. There are {known}."
NOT_A_NAME = "`branch` makes `{made}`, which git or GitHub does not take as the name of a branch."
_PART = re.compile(r"\{(\w*)\}")
_NAME = re.compile(r"(?!.*(?:\.\.|//|/\.|\.lock(?:/|$)|@\{))[A-Za-z0-9_][A-Za-z0-9._/-]{0,199}(?<![./])")
_FIELDS = ("about", "slug", "command", "requester", "key")


def named(template: str, request: Request) -> str:
    """The same for the same request: `greenloop/issue-12-add-retry-to-the-uploader-1f3a9c`."""
    words = {
        "about": f"{'pull' if request.fork else 'issue'}-{request.number}" if request.number else "run",
        "slug": slug(request.text),
        "command": request.command,
        "requester": "-".join(re.findall(r"[a-z0-9]+", request.actor.lower()))[:40] or "somebody",
        "key": request.key[-6:],
    }
    return _PART.sub(lambda found: words[found[1]], template)


def problems(template: str) -> Iterator[str]:
    """Why this is no template."""
    names = _PART.findall(template)
    for name in names:
        if name not in _FIELDS:
            yield UNKNOWN.format(name=f"{{{name}}}", known=", ".join(f"`{{{field}}}`" for field in _FIELDS))
            return
    if "key" not in names:
        yield NO_KEY
    made = _PART.sub("a", template)
    if not _NAME.fullmatch(made):
        yield NOT_A_NAME.format(made=made[:100])
