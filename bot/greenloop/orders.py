"""The commands: one table. The parser, `/help`, the README's table and who may say what are made of it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType

from greenloop.settings import Settings

UNKNOWN = "unknown"  # the command of a request whose word is none of ours, but looks like it
FAILED = "failed"  # the command of what nobody has asked: a workflow has failed on a branch that may be ours
LEVELS = ("triage", "write", "maintain", "admin")  # what everybody has on a public repository is never enough
DEFAULT_LEVEL = "write"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """`wordless`: nothing need be said behind it. `beside`: it answers beside a run, without waiting for it. `looks`:
    it changes nothing, so that somebody without write access may be allowed to say it."""

    name: str
    takes: str
    does: str
    wordless: bool = False
    beside: bool = False
    looks: bool = False


_TABLE = (
    Order(
        name="generate",
        takes="<what>",
        does="On an issue a pull request that closes it, on a pull request commits on its branch. Bare on an issue: "
        "what the issue says.",
    ),
    Order(name="refactor", takes="<what>", does="The same, for the form of code."),
    Order(name="evaluate", takes="", does="Only the checks, as a table.", wordless=True, looks=True),
    Order(
        name="review",
        takes="[what]",
        does="A review of the pull request with remarks at its lines. What a test or a check shows that was run is "
        "called shown, the rest an opinion. No code is changed.",
        wordless=True,
        looks=True,
    ),
    Order(
        name="explain",
        takes="<question>",
        does="An answer in words, with links to the lines that show it. No code is changed.",
        looks=True,
    ),
    Order(
        name="continue",
        takes="[what]",
        does="The last run here goes on from the tip of its branch, with what it was about or with something else.",
        wordless=True,
    ),
    Order(
        name="undo",
        takes="[n]",
        does="The last attempt, or the last n, are taken back by a commit on top; not when somebody has built on them.",
        wordless=True,
    ),
    Order(
        name="status",
        takes="",
        does="Who works on what here, since when, the last attempt, what is spent.",
        wordless=True,
        beside=True,
        looks=True,
    ),
    Order(
        name="stop",
        takes="",
        does="The run that is at work here ends with the best attempt so far.",
        wordless=True,
        beside=True,
    ),
    Order(name="help", takes="", does="What can be said here, and how.", wordless=True, beside=True, looks=True),
)
COMMANDS: Mapping[str, Order] = MappingProxyType({order.name: order for order in _TABLE})
_NAMED = re.compile(rf"(?<![\w/.-])/({'|'.join(COMMANDS)})(?![\w/.-])")
_SENTENCE = re.compile(r"(?<=[.!?]) +")


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What this repository calls the commands, and what else starts a run. `off` are words that are switched off."""

    commands: Mapping[str, str]  # as typed → the command
    off: frozenset[str] = frozenset()
    label: str = ""
    me: str = ""  # our login

    @classmethod
    def of(cls, settings: Settings, *, me: str) -> Words:
        typed = {settings.command_names.get(name, name): name for name in COMMANDS}
        off = frozenset(word for word, name in typed.items() if name in settings.commands_off)
        known = {word: name for word, name in typed.items() if word not in off}
        return cls(commands=MappingProxyType(known), off=off, label=settings.label, me=me)

    def meant(self, typed: str) -> str | None:
        """The command; `UNKNOWN` for what looks like one of ours; None for what is somebody else's."""
        if typed in self.commands:
            return self.commands[typed]
        return UNKNOWN if typed in self.off or self.near(typed) else None

    def near(self, typed: str) -> str:
        """The word that was probably meant, or "". It has to begin alike: `/merge` is no `/generate`."""
        word = typed.lower()
        found = get_close_matches(word, self.commands, n=1, cutoff=0.8)
        return next((near for near in found if near[0] == word[0]), "")

    def enabled(self, name: str) -> bool:
        return name in self.commands.values()

    def spoken(self, text: str) -> str:
        """A text of ours with the commands as they are called here. A sentence that names one which is switched off is
        left out."""
        typed = self._typed()
        kept = (s for s in _SENTENCE.split(text) if all(name in typed for name in _NAMED.findall(s)))
        return _NAMED.sub(lambda found: f"/{typed[found[1]]}", " ".join(kept))

    def _typed(self) -> dict[str, str]:
        return {name: word for word, name in self.commands.items()}

    def listed(self) -> str:
        """The lines of `/help`."""
        typed = self._typed()
        return "\n".join(_line(typed[o.name], o) for o in COMMANDS.values() if o.name in typed)


def _line(word: str, order: Order) -> str:
    return f"- `/{word}{' ' if order.takes else ''}{order.takes}`: {order.does}"


def level(settings: Settings, command: str) -> str:
    """The access that somebody has to have who says this command."""
    return settings.permissions.get(command, DEFAULT_LEVEL)


def table() -> str:
    """The README's table."""
    rows = [f"| `/{o.name}{' ' if o.takes else ''}{o.takes}` | {o.does} |" for o in COMMANDS.values()]
    return "\n".join(["| command | what |", "| --- | --- |", *rows])


def problems(settings: Settings) -> Iterable[tuple[tuple[str, ...], str]]:
    """What cannot be among the settings that speak of commands, each with its place."""
    known = ", ".join(f"`{name}`" for name in COMMANDS)
    for key in ("command_names", "permissions", "commands_off"):
        for name in getattr(settings, key):
            if name not in COMMANDS:
                place = (key,) if key == "commands_off" else (key, name)
                yield place, f"`{key}` names `{name}`, which is no command. There are {known}."
    for name, word in settings.command_names.items():
        if not (word.isascii() and word.replace("-", "").isalnum() and word[0].isalpha() and word == word.lower()):
            yield ("command_names", name), f"`{word}` cannot be typed as a command: small letters, digits and `-`."
    words = [settings.command_names.get(name, name) for name in COMMANDS]
    for word in sorted({word for word in words if words.count(word) > 1}):
        yield ("command_names",), f"`{word}` stands for two commands."
    for name, needed in settings.permissions.items():
        if needed not in LEVELS:
            yield ("permissions", name), f"`permissions.{name}` must be one of {', '.join(LEVELS)}, not `{needed}`."
        elif needed == LEVELS[0] and name in COMMANDS and not COMMANDS[name].looks:
            told = f"`permissions.{name}` cannot be `{needed}`: the command changes something, so it needs `write`."
            yield ("permissions", name), told
