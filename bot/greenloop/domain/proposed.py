"""What is proposed: a state of the repository, and the edits that lead to another one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Fault = Literal[
    "ambiguous",
    "dependency",
    "forbidden path",
    "instructions",
    "malformed",
    "no change",
    "no edit",
    "no match",
    "no question left",
    "refusal",
    "truncated",
]
_TOLD: Mapping[Fault, str] = MappingProxyType(
    {
        "ambiguous": "its edit fits more than one place",
        "dependency": "what it needs cannot be installed",
        "forbidden path": "it changes a path that may not be changed",
        "instructions": "it tells people what to do instead of doing it",
        "malformed": "its edits cannot be read",
        "no change": "it changes nothing",
        "no edit": "it holds no edit",
        "no match": "its edit fits nowhere in the files",
        "no question left": "it asks, and no question is left",
        "refusal": "the model refuses",
        "truncated": "it breaks off",
    }
)
_WHY = 200  # characters


@dataclass(frozen=True, slots=True)
class Tree:
    """A git tree id: a state of the whole repository as a value."""

    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """The whole text of a file, new or old. `mode` None keeps the mode of what is there (new: 100644)."""

    path: str
    text: str
    mode: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replace:
    """`old` occurs exactly once in the file, byte for byte (the repair ladder has already run), and becomes `new`."""

    path: str
    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete:
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    path: str
    to: str


Edit = Write | Replace | Delete | Move


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """What a model proposes. `summary` is one line without markup; `repairs` names each rung of the ladder used."""

    summary: str
    edits: tuple[Edit, ...]
    repairs: tuple[str, ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        """Each path that is written, changed, deleted, or moved from or to; in order, once."""
        seen = [e.path for e in self.edits] + [e.to for e in self.edits if isinstance(e, Move)]
        return tuple(dict.fromkeys(seen))


@dataclass(frozen=True, slots=True)
class Question:
    """Something that a model wants to see before it answers. `about` is a path with or without lines, a name, words, a
    test's id, or the code of a snippet."""

    kind: str  # "read" | "search" | "define" | "uses" | "list" | "history" | "test" | "run"
    about: str = ""

    @property
    def words(self) -> str:
        return f"{self.kind} {self.about}".strip()


@dataclass(frozen=True, slots=True)
class Lookup:
    """An answer of nothing but questions: no attempt."""

    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unusable:
    """An answer that cannot become a tree. `message` is written for the model: what, where, the nearest real lines."""

    message: str
    kind: Fault

    @property
    def told(self) -> str:
        """The same in a few words, for people; of a path that may not be changed, which one and why."""
        why = self.message.partition("\n")[0].rstrip(".")[:_WHY]
        return f"{_TOLD[self.kind]}: {why}" if self.kind == "forbidden path" else _TOLD[self.kind]
