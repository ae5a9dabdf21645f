"""Lines of requirements, as text: how they are split, what they name, and which of them are plain.

Plain is a name, extras, versions and a marker, so that an index decides what it is. No address, path or option, which
could name another index, a folder or an archive that has to be built.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import MappingProxyType

_SHORT = MappingProxyType(
    {"-r": "--requirement", "-c": "--constraint", "-e": "--editable", "-i": "--index-url", "-f": "--find-links"}
)
_PLAIN = re.compile(
    r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?\s*+"
    r"(?:\[[A-Za-z0-9._,\s-]*\])?\s*+"
    r"(?:\(?\s*+[<>=!~][<>=!~A-Za-z0-9.*+,_\s-]*\)?)?\s*+"
    r"(?:;[A-Za-z0-9_.'\"<>=!~()\s-]*)?"
)
_ARCHIVE = (".whl", ".zip", ".gz", ".bz2", ".xz", ".tar", ".tgz", ".egg")


def is_plain(requirement: str) -> bool:
    return bool(_PLAIN.fullmatch(requirement)) and not requirement.strip().lower().endswith(_ARCHIVE)


def normal(name: str) -> str:
    """A distribution's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def name_of(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", requirement)
    return normal(found[0]) if found else ""


def logical_lines(text: str) -> Iterator[str]:
    for line in re.sub(r"\\\r?\n", " ", text).splitlines():
        plain = re.sub(r"(^|\s)#.*", "", line)
        if plain.strip():
            yield " ".join(plain.split())


def split_option(line: str) -> tuple[str, str]:
    """("--requirement", "other.txt") of `-r other.txt`; ("", line) of a requirement."""
    if not line.startswith("-"):
        return "", line
    word, _, value = line.partition("=") if re.match(r"--[a-z-]+=", line) else line.partition(" ")
    if not word.startswith("--") and len(word) > 2:
        word, value = word[:2], word[2:]
    return _SHORT.get(word, word), value.strip().strip("'\"")


def is_path(line: str) -> bool:
    first = line.split(" ", maxsplit=1)[0]
    return "://" not in line and " @ " not in line and ("/" in first or first.startswith("."))


def extras_of(requirement: str) -> tuple[str, ...]:
    found = re.search(r"\[([A-Za-z0-9._, -]*)\]", requirement)
    return tuple(e.strip() for e in found[1].split(",") if e.strip()) if found else ()


def without_extras(path: str) -> str:
    return re.sub(r"\[[^\]]*\]$", "", path.split(" ; ", maxsplit=1)[0].strip())
