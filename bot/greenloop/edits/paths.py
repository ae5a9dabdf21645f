"""Paths as models write them: recognised in a line, an info string or a comment, and resolved to a file that exists.

Confinement is not decided here: what leads out of the repository is kept as it is, so that it is refused later.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from collections.abc import Set as AbstractSet
from typing import NamedTuple

_LEAD = re.compile(r"^(?:[-*+]\s+|\d{1,3}[.)]\s+|#{1,6}\s+|>\s+)+")
_LABEL = re.compile(
    r"^(?:(?:new|updated|modified|changed|full|the)\s+)?"
    r"(?:file(?:\s?name|\s?path)?|path|update|create|modify|edit|add"
    r"|文件(?:名|路径)?|路径|檔案|ファイル(?:名)?|파일(?:명)?|файл|datei|fichier|archivo|fichero|arquivo)\s*(?:\*\*|`)?\s*[:\uff1a]\s*",
    re.IGNORECASE,
)
_TAIL = re.compile(
    r"\s+\((?:new|new file|updated|modified|changed|whole file|full file|lines?\s[^)]*)\)$", re.IGNORECASE
)
_NAME = re.compile(r"[\w@+.-]*\w\.[A-Za-z]\w{0,11}|\.[A-Za-z][\w.-]+")
_BARE = frozenset(
    {"Makefile", "Dockerfile", "Containerfile", "LICENSE", "NOTICE", "Procfile", "Gemfile", "Jenkinsfile"}
)
_NO_FILE = frozenset({"node.js", "next.js", "vue.js", "react.js", "asp.net", "e.g", "i.e"})
_COMMENT = re.compile(r"^\s*(?:#|//|--(?!-)|;|%|/\*|<!--)\s*(.*?)\s*(?:\*/|-->)?\s*$")
_ATTRIBUTE = re.compile(r"""(?:title|file|filename|path|name)\s*=\s*(?:"([^"]+)"|'([^']+)'|([^\s}]+))""")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Resolved(NamedTuple):
    path: str
    repair: str = ""


def undecorated(line: str) -> str:
    """A line without what Markdown, a label or a bracketed remark adds around a path."""
    text = _LEAD.sub("", line.strip())
    for _ in range(3):
        text = _LABEL.sub("", text.strip("*` ").removesuffix(":").strip("*` \"'"))
        text = _TAIL.sub("", text)
        if len(text) > 4 and text.startswith("__") and text.endswith("__"):
            text = text[2:-2]
    return text


def plausible(name: str, known: AbstractSet[str]) -> bool:
    """Whether this is a path and not a word or a sentence."""
    if name in known:
        return True
    if not name or len(name) > 300 or re.search(r"[\s<>|*?\"`(){}=,:]", name) or name.lower() in _NO_FILE:
        return False
    base = name.rsplit("/", 1)[-1]
    if "\\" in name:
        return bool(re.search(r"\.\w{1,12}$", name))
    if "/" in name:
        return bool(re.search(r"\w", base)) and not name.startswith("//") and _placed(name, base, known)
    return bool(_NAME.fullmatch(name)) or name in _BARE


def _placed(name: str, base: str, known: AbstractSet[str]) -> bool:
    """Whether a slash separates folders: "and/or" is no path, and neither is a heading "Before/After"."""
    folder = name[: -len(base)]
    return "." in name or base in _BARE or hostile(name) or any(p.startswith(folder) for p in known)


def from_line(line: str, known: AbstractSet[str]) -> str | None:
    """The path that a line consists of, or None."""
    if len(line) > 400:
        return None
    if line.strip() in known:
        return line.strip()
    text = undecorated(line)
    return text if plausible(text, known) else None


def from_info(info: str, known: AbstractSet[str]) -> tuple[str, str | None]:
    """Language and path of a fence's info string: `python src/a.py`, `python title="src/a.py"`, `src/a.py`."""
    words = info.split()
    if not words:
        return "", None
    attribute = _ATTRIBUTE.search(info)
    named = next((g for g in attribute.groups() if g), "") if attribute else ""
    if plausible(named, known):
        return words[0].lower(), named
    language, colon, rest = words[0].partition(":")
    if colon and language.isalpha() and plausible(rest, known):
        return language.lower(), rest
    if len(words) == 1 and info not in _BARE and plausible(info, known):
        return "", info
    rest = info[len(words[0]) :].strip()
    if rest and plausible(undecorated(rest), known):
        return words[0].lower(), undecorated(rest)
    return words[0].lower().strip("{}."), None


def from_comment(line: str, known: AbstractSet[str]) -> str | None:
    """The path in a first line such as `# src/a.py`, or None."""
    match = _COMMENT.match(line)
    return from_line(match[1], known) if match else None


def from_sentence(line: str, known: AbstractSet[str]) -> str | None:
    """The only path that a sentence ending in a colon names, or None."""
    if not line.rstrip("*_ ").endswith(":"):
        return None
    words = re.findall(r"`([^`]+)`", line) or [w.strip(".,:;()\"'*") for w in line.split()]
    named = {w for w in words if plausible(w, known)}
    return named.pop() if len(named) == 1 else None


def hostile(path: str) -> bool:
    """Whether this must stay as it is, to be refused where paths are confined."""
    parts = path.split("/")
    odd = path.startswith(("/", "~")) or "\\" in path or "//" in path or _CONTROL.search(path)
    return bool(odd) or ".." in parts or any(p.lower() == ".git" for p in parts)


def resolve(
    claim: str, known: AbstractSet[str], expected: Collection[str] = (), *, close: bool = True
) -> Resolved | None:
    """The existing file that is meant, or None: exact, then without `./` or a diff's prefix, then one path's end, then
    (with `close`) one path of the same base name that is nearly the same."""
    if claim in known:
        return Resolved(claim)
    if hostile(claim):
        return None
    bare = re.sub(r"^(?:\./)+", "", claim)
    for name in (bare, bare[2:] if bare.startswith(("a/", "b/")) else bare):
        if name in known:
            return Resolved(name, f"path: {claim} is {name}")
    ends = [p for p in known if p.endswith("/" + bare)]
    if len(ends) > 1:
        ends = [p for p in ends if p in expected]
    if not ends and close:
        ends = _below(bare, known) or _close(bare, known)
    return Resolved(ends[0], f"path: {claim} is {ends[0]}") if len(ends) == 1 else None


def _below(name: str, known: AbstractSet[str]) -> list[str]:
    """The path without folders before it that the repository does not have, such as its own name."""
    parts = name.split("/")
    return [p for i in range(1, len(parts) - 1) if (p := "/".join(parts[i:])) in known][:1]


def _close(name: str, known: AbstractSet[str]) -> list[str]:
    from difflib import SequenceMatcher  # noqa: PLC0415 - only a path that does not exist needs it

    base = name.rsplit("/", 1)[-1]
    same = [p for p in known if p.rsplit("/", 1)[-1] == base]
    return [p for p in same if SequenceMatcher(None, name, p, autojunk=False).ratio() >= 0.8]


def namesake(claim: str, known: AbstractSet[str]) -> str | None:
    """The one file of this name, in whatever letters, that shares the most folders with a path that does not exist: one
    of a container's, with the slashes of another system, or `path/to/` of an example. Its lines have to prove it."""
    parts = claim.replace("\\", "/").lower().split("/")
    if ".." in parts or ".git" in parts or _CONTROL.search(claim):
        return None
    shared: dict[str, int] = {}
    for path in known:
        own = path.lower().split("/")
        same = next((i for i, (a, b) in enumerate(zip(reversed(own), reversed(parts), strict=False)) if a != b), None)
        shared[path] = min(len(own), len(parts)) if same is None else same
    most = max(shared.values(), default=0)
    best = [path for path, count in shared.items() if count == most]
    return best[0] if most and len(best) == 1 else None


def suggestions(name: str, known: AbstractSet[str]) -> tuple[str, ...]:
    """Up to three existing paths that may have been meant."""
    from difflib import get_close_matches  # noqa: PLC0415 - only for a message

    base = name.rsplit("/", 1)[-1].lower()
    same = sorted(p for p in known if p.rsplit("/", 1)[-1].lower() == base)
    near = get_close_matches(name, sorted(known)[:5000], n=3, cutoff=0.6)
    return tuple(dict.fromkeys([*same[:3], *near]))[:3]
