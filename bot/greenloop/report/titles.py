"""The title of a pull request in the repository's own style, told from the titles that people have merged there. Pure.

Only the style is taken over: which kinds of title are usual, and the words of conventional commits. Nothing else of
those titles comes into ours.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

LEAST = 3  # titles, below which there is no style
_USUAL = 0.6  # of the titles
_RARE = 0.2
_TYPES = "feat|fix|docs|style|refactor|perf|test|tests|build|ci|chore|revert|deps"
_TYPED = re.compile(rf"(?P<type>{_TYPES})(?P<scope>\([\w./, -]{{1,40}}\))?(?P<mark>!?): +(?P<rest>\S.*)", re.IGNORECASE)
_KEYED = re.compile(r"(?P<open>\[?)(?P<key>[A-Z][A-Z0-9]{1,9}-\d{1,7})(?P<close>\]?(?: -|:)?) +(?P<rest>\S.*)")
_KEY = re.compile(r"(?<![\w-])[A-Z][A-Z0-9]{1,9}-\d{1,7}(?![\w-])")
_NO_KEYS = frozenset({"UTF", "ISO", "RFC", "SHA", "PEP", "CVE", "HTTP", "IEC", "BASE", "X86"})
_NUMBERED = re.compile(r"\s*\(#\d+\)$")  # what a squash merge adds
_VERBS = {
    "feat": "add allow introduce implement create support provide offer let enable",
    "fix": "fix mend repair correct handle prevent avoid stop keep guard catch ensure",
    "refactor": "refactor simplify rename move extract split merge inline tidy clean remove drop",
    "docs": "document explain describe",
    "perf": "speed cache optimise optimize",
    "test": "test cover",
}
_BY_VERB = {verb: kind for kind, verbs in _VERBS.items() for verb in verbs.split()}


@dataclass(frozen=True, slots=True)
class Style:
    """Each None where people do it either way."""

    typed: bool | None = None
    types: tuple[str, ...] = ()  # the commonest first
    capital: bool | None = None
    stop: bool | None = None
    key: tuple[str, str] | None = None  # what stands before and behind the key of an issue


def learned(titles: Iterable[str]) -> Style:
    """`titles` are those of merged pull requests, by people."""
    plain = [left for title in titles if (left := _NUMBERED.sub("", " ".join(title.split())))]
    if len(plain) < LEAST:
        return Style()
    keyed = [found for title in plain if (found := _KEYED.fullmatch(title))]
    rests = [found["rest"] if (found := _KEYED.fullmatch(title)) else title for title in plain]
    typed = [found for rest in rests if (found := _TYPED.fullmatch(rest))]
    words = [found["rest"] if (found := _TYPED.fullmatch(rest)) else rest for rest in rests]
    forms = Counter((found["open"], found["close"]) for found in keyed)
    return Style(
        typed=_usual(len(typed), len(plain)),
        types=tuple(kind for kind, _ in Counter(found["type"].lower() for found in typed).most_common()),
        capital=_usual(sum(w[0].isupper() for w in words), sum(w[0].isalpha() for w in words)),
        stop=_usual(sum(w.endswith(".") for w in words), len(words)),
        key=forms.most_common(1)[0][0] if _usual(len(keyed), len(plain)) else None,
    )


def _usual(count: int, of: int) -> bool | None:
    if not of:
        return None
    return True if count >= _USUAL * of else False if count <= _RARE * of else None


def styled(title: str, style: Style, *, command: str = "", about: Sequence[str] = ()) -> str:
    """`title` as people would have written it here. `about` are texts that may name the key of an issue."""
    found = _TYPED.fullmatch(title)
    words = found["rest"] if found else title
    words = _capital(words, style.capital)
    if style.stop is not None:
        words = words.rstrip(".") + ("." if style.stop else "")
    head = ""
    if found and style.typed is not False:
        head = f"{found['type'].lower()}{found['scope'] or ''}{found['mark']}: "
    elif style.typed:
        head = f"{_type(title, style.types, command)}: "
    elif found:  # the type is gone, so the words are a sentence of their own
        words = _capital(words, True if style.capital is None else style.capital)
    return f"{_key(style, about)}{head}{words}"


def _capital(words: str, capital: bool | None) -> str:
    first, rest = words[:1], words[1:]
    name = rest[:1].isupper() or not first.isalpha() or "_" in words.split(" ", 1)[0] or "(" in words.split(" ", 1)[0]
    if capital is None or name:
        return words
    return (first.upper() if capital else first.lower()) + rest


def _type(title: str, known: Sequence[str], command: str) -> str:
    verb = re.sub(r"[^a-z]", "", title.split(" ", 1)[0].lower())
    kind = "refactor" if command == "refactor" else _BY_VERB.get(verb) or _BY_VERB.get(verb.removesuffix("s"), "")
    if kind in known:
        return kind
    return kind if kind in {"feat", "fix"} else "chore" if "chore" in known else next(iter(known), kind or "chore")


def _key(style: Style, about: Sequence[str]) -> str:
    if style.key is None:
        return ""
    keys = (key for text in about for key in _KEY.findall(text) if key.partition("-")[0] not in _NO_KEYS)
    key = next(keys, "")
    return f"{style.key[0]}{key}{style.key[1]} " if key else ""
