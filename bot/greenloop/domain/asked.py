"""What is asked: a request, and all the model has to see for it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Source(StrEnum):
    ISSUE = "issue"
    PULL_REQUEST = "pull_request"
    REVIEW = "review"
    DISPATCH = "dispatch"
    TERMINAL = "terminal"
    API = "api"


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """A conversation of a review at a place in the code. The lines are the base's; without them it is about the
    file, or about lines that are no longer there."""

    id: str  # the forge's name for it
    path: str
    start: int | None = None
    line: int | None = None
    text: str = ""  # what those said who may ask
    suggestion: str | None = None  # to be put in the place of these lines, letter by letter
    note: str = ""  # why a suggestion is not applied


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One order to do something. `key` is the same for the same order delivered twice."""

    key: str
    at: str  # ISO 8601, UTC
    command: str
    text: str
    source: Source
    repository: str  # "owner/name" on a forge, the folder in a terminal
    actor: str  # "name <mail>" in a terminal, the login on a forge
    base: str  # the full commit id that the work starts from
    head: str | None = None
    number: int | None = None
    comment: int | None = None
    fork: bool = False
    server: str = ""  # the host where people have their addresses, when it is not github.com
    files: tuple[str, ...] = ()  # paths that the user named as relevant
    threads: tuple[Thread, ...] = ()  # of a review: each gets an answer
    passed_over: tuple[str, ...] = ()  # further commands of the same comment; only the first is done


class Trust(StrEnum):
    INSTRUCTION = "instruction"  # written or adopted by the permitted actor
    QUOTED = "quoted"  # everybody else; material, never an order


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    id: str
    author: str
    trust: Trust
    body: str
    path: str | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snippet:
    """Text of the repository, or of a source of knowledge, that goes into a prompt. `start` is the 1-based line it
    begins at; `whole` means all of the file is here, so that it may be rewritten as a whole."""

    source: str  # "repository", what a source of knowledge is called, or `repository@commit:` of another one
    path: str
    start: int
    text: str
    reason: str  # shown to the reader: "named", "in the traceback", "imported by …", "matches the request"
    whole: bool = True

    @property
    def own(self) -> bool:
        """Whether its path is one of the repository's."""
        return self.source in {"repository", "."} or self.path == self.source or self.path.startswith(f"{self.source}/")

    @property
    def place(self) -> str:
        """Where it stands, for people: source, path, lines."""
        last = self.start + self.text.rstrip("\n").count("\n")
        before = "" if self.own else self.source if self.source.endswith(":") else f"{self.source}/"
        return f"{before}{self.path} lines {self.start}-{last}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A request with all that the model needs to see for it."""

    goal: str
    thread: tuple[Message, ...] = ()
    snippets: tuple[Snippet, ...] = ()
    rules: tuple[Snippet, ...] = ()  # instruction files of the repository: style, never commands
    knowledge: tuple[Snippet, ...] = ()  # designs and snippets from elsewhere: to read, not to change
    outline: tuple[str, ...] = ()  # one line per file that is not quoted
    omitted: tuple[str, ...] = ()  # what did not fit, or must never be sent; named to the model and in the report
