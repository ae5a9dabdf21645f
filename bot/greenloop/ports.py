"""What the core needs from the outside, as protocols. Adapters implement them; tests use the real ones."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from greenloop.domain import CheckResult, Patch, Request, Snippet, Tree, Usage

if TYPE_CHECKING:
    from greenloop.settings import Settings

_EMPTY: Mapping[str, str] = MappingProxyType({})


# Model --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatMessage:
    """`stable` are places in `text` up to which it hardly changes from call to call: for a provider's cache."""

    role: str  # "system" | "user" | "assistant"
    text: str
    stable: tuple[int, ...] = ()

    @property
    def pieces(self) -> tuple[str, ...]:
        cuts = sorted({at for at in self.stable if 0 < at < len(self.text)})
        return tuple(self.text[a:b] for a, b in zip((0, *cuts), (*cuts, len(self.text)), strict=True))


Chat = tuple[ChatMessage, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """What a prompt for a model has to suit: the form in which it writes edits, the tokens that it has room for, those
    that its answer may have, and how it counts them. None: as the settings say."""

    edit_format: str = "auto"
    room: int | None = None
    output: int | None = None
    count: Callable[[str], int] | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLimits:
    """Bounds of one call: tokens of the answer, seconds until it must be complete, and the sampling temperature.

    `more` sets the cost of one further call aside, for this prompt; it returns the tokens that its answer may have, or
    raises `OutOfBudget`. Without it no call is made again that may have been billed. No wait for a provider is longer
    than `patience` seconds. `anew` makes the same prompt for a model with another fit. `draw` is which of several
    answers to one prompt this is, from 1; 0 where one is asked for.
    """

    max_output: int
    seconds: float
    temperature: float = 0.0
    more: Callable[[Chat], int] | None = None
    patience: float = math.inf
    anew: Callable[[Fit], Chat] | None = None
    draw: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """US dollars per million tokens: new ones, and where it differs, read from and written to the provider's cache."""

    input: float
    output: float
    cached: float | None = None
    written: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A complete answer. `finish` is the provider's own word: "stop", or "length" when it hit `max_output`."""

    text: str
    finish: str
    usage: Usage
    model: str
    first_token: float  # seconds from the call to the first piece of text
    draw: int = 0  # as in `CallLimits`


class Model(Protocol):
    """One model. Several calls may be open at once."""

    @property
    def name(self) -> str: ...

    @property
    def price(self) -> Price | None:
        """None when unknown: then tokens are the only bound on spending."""
        ...

    @property
    def fit(self) -> Fit: ...

    def pass_on(self) -> bool:
        """Leave a model whose answers are of no use for the one that stands in; False when there is none."""
        ...

    def warm(self) -> None:
        """Do what makes the first call slow (imports), beside other work. Never fails, never calls the provider."""
        ...

    def complete(self, chat: Chat, *, limits: CallLimits, on_chunk: Callable[[str], None]) -> Reply:
        """Ask. Raises `ModelUnreachable` for everything that is not a complete answer; `OutOfBudget`, before anything
        is sent, where a limit beyond this run has no room for the call."""
        ...


# Sandbox ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What one confined process may do; everything not named is refused.

    `readable` folders and files are added to the system's own libraries and the interpreter's (the sandbox knows
    those); `writable` ones must exist and belong to nobody else. `artifacts` are files inside `writable` that are read,
    after every process of the run is gone, as bytes: regular files only, never through a link.
    """

    readable: tuple[Path, ...] = ()
    writable: tuple[Path, ...] = ()
    environment: Mapping[str, str] = field(default_factory=lambda: _EMPTY)  # beside a minimal PATH, HOME, TMPDIR, LANG
    path: tuple[Path, ...] = ()  # folders put first on PATH
    network: str = "none"  # "none" | "loopback"
    seconds: float = 600.0
    memory: int = 4096  # MB, summed over the processes of the run
    processes: int = 256
    files: int = 100_000  # in what is writable
    disk: int = 2048  # MB, in what is writable
    output: int = (
        1024  # KB of each of stdout and stderr; what is beyond is dropped and `truncated` set, a flood ends it
    )
    artifacts: tuple[Path, ...] = ()
    devices: tuple[Path, ...] = ()  # device nodes, such as /dev/nvidia0; with one the address space has no bound


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """How a confined process ended. `killed_by` is the limit that ended it, or None when it ended by itself."""

    exit_code: int  # as a shell reports it: 128 + n for signal n
    stdout: str
    stderr: str
    truncated: bool
    artifacts: Mapping[Path, bytes]
    seconds: float
    peak_memory: int  # MB
    killed_by: str | None = None  # "time" | "memory" | "processes" | "files" | "disk" | "output" | "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What came of one cell. Time and memory are measured from outside; the rest is the word of the process that the
    cell ran in. `killed_by` is the limit that ended the REPL, or "exit" when the process ended itself."""

    output: str  # stdout and stderr as they were written
    truncated: bool
    result: str | None = None  # `repr` of the last expression, unless it is None
    error: str | None = None  # the traceback
    seconds: float
    peak_memory: int  # MB
    killed_by: str | None = None


class Repl(Protocol):
    """A Python that keeps its state from cell to cell, confined as a run is; the policy's seconds are each cell's."""

    @property
    def alive(self) -> bool: ...

    def run(self, source: str) -> Cell:
        """An exception in the cell is its result, not ours. Raises `UsageError` when the REPL has ended."""
        ...

    def restart(self) -> None:
        """Begin anew, without any state. Raises `NoSandbox`."""
        ...

    def close(self) -> None:
        """End all its processes. Harmless when they have ended."""
        ...


class Sandbox(Protocol):
    """Safe to use from several threads at once."""

    @property
    def level(self) -> str:
        """One line for people: the backend in use and what it is made of. Raises `NoSandbox`."""
        ...

    def run(self, argv: tuple[str, ...], *, cwd: Path, policy: Policy) -> Completed:
        """Run `argv` confined and wait for all it started. Raises `NoSandbox`; a missing program is exit code 127."""
        ...

    def repl(self, *, cwd: Path, policy: Policy) -> Repl:
        """Start a Python, the first `python3` on the policy's path. Raises `NoSandbox`; the caller closes it."""
        ...

    def stop(self) -> None:
        """End every run in flight, which then return with `killed_by` "stopped"; later runs return so at once."""
        ...


# Checks -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Where the target's own programs are. `readable` is what the sandbox must let its processes read."""

    python: Path  # the interpreter that runs the target's tests
    path: tuple[Path, ...] = ()  # folders to put first on PATH
    readable: tuple[Path, ...] = ()
    note: str = ""  # for the report: "uv.lock", "requirements.txt", "greenloop's own interpreter"
    # Folders for PYTHONPATH, in order: relative to the laid tree (its root, not `directory`), or absolute. The target's
    # code is not installed, so this is how tests import it, wherever an attempt lies: `folder / source` serves both.
    sources: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()  # plug-ins of pytest that the base has not declared, by the names they are loaded by


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A tree laid on disk, to be checked. A check may write into `folder` (it is its own copy), and nowhere else.

    `changed` are the paths that differ from the base, `lines` the changed or added lines of each (1-based). For the
    base itself both are empty and every check looks at the paths in `focus` or, without any, at everything.
    """

    folder: Path
    directory: str = ""  # the package inside a monorepo that commands run in; "" is the root
    changed: tuple[str, ...] = ()
    lines: Mapping[str, frozenset[int]] = field(default_factory=lambda: MappingProxyType({}))
    focus: tuple[str, ...] = ()
    environment: Environment
    first: tuple[str, ...] = ()  # test ids to run before the others: red on the base
    only: tuple[str, ...] = ()  # test files to run instead of what the test command would; for evidence
    deleted: tuple[str, ...] = ()
    before: Callable[[str], bytes | None] = lambda _path: None


class Check(Protocol):
    """A module with these names. It never raises for what the target does: that is a `CheckResult`.

    `WRITES` tells whether it lets the target's code write into the subject's folder; then it gets a copy of its own.
    """

    NAME: str
    WRITES: bool

    def run(self, subject: Subject, sandbox: Sandbox, settings: Settings) -> CheckResult: ...


# Workspace ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file of a tree. `mode` is git's: 100644, 100755, 120000 (link), 160000 (submodule)."""

    path: str
    mode: str
    id: str
    size: int | None = None  # bytes, None for a submodule


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The difference of one path between two trees; `lines` are the new side's changed or added lines, 1-based, and
    `removed` counts the old side's removed or changed ones. Binary files have neither."""

    path: str
    status: str  # "A" | "M" | "D" | "T"
    lines: frozenset[int] = frozenset()
    removed: int = 0


class Workspace(Protocol):
    """A repository as trees; it has no working copy of its own and never touches the user's."""

    def resolve(self, ref: str) -> str:
        """Full commit id of a ref. Raises `UsageError` naming what exists."""
        ...

    def tree(self, ref: str) -> Tree: ...

    def working_tree(self) -> Tree:
        """What is on disk now, uncommitted and untracked (not ignored) files included, as a tree."""
        ...

    def entries(self, tree: Tree) -> Mapping[str, Entry]: ...

    def read(self, tree: Tree, path: str) -> bytes | None: ...

    def diff(self, old: Tree, new: Tree) -> tuple[Change, ...]: ...

    def past(self, ref: str, limit: int) -> Iterable[tuple[str, tuple[str, ...]]]:
        """Messages and changed paths of at most `limit` commits from `ref` on back, merges left out."""
        ...

    def changes_of(self, ref: str, path: str, limit: int) -> str:
        """The last changes of one file from `ref` on back, newest first, for a reader."""
        ...

    def patch_text(self, old: Tree, new: Tree) -> str:
        """A unified diff for people."""
        ...

    def apply(self, tree: Tree, patch: Patch) -> Tree:
        """All or nothing. Raises `workspace.Forbidden` (a `ValueError` whose text is for the model)."""
        ...

    def overlay(self, tree: Tree, source: Tree, paths: Iterable[str]) -> Tree:
        """`tree` with each of `paths` as it is in `source` (absent there: removed)."""
        ...

    def write(self, tree: Tree, files: Mapping[str, bytes]) -> Tree:
        """`tree` with these files' bytes replaced or added; modes kept. For our own results, such as tidy's."""
        ...

    def lay(self, tree: Tree, folder: Path) -> None: ...

    def commit(self, tree: Tree, parents: tuple[str, ...], message: str) -> str: ...

    def publish(self, sha: str, ref: str, *, expected: str | None) -> None:
        """Move `ref` to `sha` if it is at `expected` (None: if it does not exist). Raises `UsageError` otherwise."""
        ...


# Retrieval and forge ------------------------------------------------------------------------------------------------


class Embedder(Protocol):
    """Texts as vectors."""

    @property
    def name(self) -> str: ...

    def embed(self, texts: Sequence[str]) -> Iterable[array[float]]:
        """A vector of length one for each text, in order. Raises `ModelUnreachable`."""
        ...


@dataclass(frozen=True, slots=True)
class Found:
    """Text to quote, best first, and one line for each thing beside it that could be asked for."""

    snippets: tuple[Snippet, ...] = ()
    outline: tuple[str, ...] = ()


class Retriever(Protocol):
    def find(self, query: str, budget: int) -> Found:
        """The best material for `query`, at most `budget` tokens."""
        ...

    def know(self, query: str, budget: int) -> tuple[Snippet, ...]: ...  # the same of the sources of knowledge


class Forge(Protocol):
    """Where the conversation is held: GitHub, or a terminal."""

    def propose(
        self, request: Request, *, branch: str, title: str, body: str, draft: bool, changed: tuple[str, ...] = ()
    ) -> str:
        """Offer the branch, which differs in the paths `changed`; returns the address of what was made."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What is going on. `phase` is one of baseline, environment, index, loading, model, reply, lookup, apply,
    checks, judged, commit, done."""

    phase: str
    attempt: int = 0
    attempts: int = 0
    detail: str = ""
    usage: Usage = field(default_factory=Usage)


OnProgress = Callable[[Progress], None]
