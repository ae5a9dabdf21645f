"""The runs of an issue or pull request, found by their locks and records. Only those who may push can write these refs,
so what stands there is ours; comments, trailers of commits and names of branches are not asked."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from greenloop.commands.journal import FILE, REFS
from greenloop.commands.run import RESULT
from greenloop.domain import Usage
from greenloop.errors import GreenloopError
from greenloop.forge.github import GitHub
from greenloop.records import recording
from greenloop.report.trailers import read
from greenloop.service.lock import LOCKS, Holder
from greenloop.workspace import Remote

_COMMITS = "tree:0"  # neither files nor folders


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where something is said: a number, and the branch when that is a pull request of this repository."""

    number: int
    branch: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A run by its lock or its record. `tip` is the commit that the record was made on."""

    key: str
    ref: str
    sha: str
    at: int
    tip: str
    said: Mapping[str, str]
    holder: Holder

    @property
    def branch(self) -> str:
        return self.said.get("Branch", "")

    @property
    def title(self) -> str:
        return f"`/{self.said.get('Command', '')}` for {self.said.get('Requester', '')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What the record of a run says; `result` is empty until it has ended."""

    entries: tuple[recording.Entry, ...]
    result: Mapping[str, Any]

    @property
    def head(self) -> recording.Run | None:
        return next((e for e in self.entries if isinstance(e, recording.Run)), None)

    @property
    def judged(self) -> tuple[recording.Judged, ...]:
        return tuple(e for e in self.entries if isinstance(e, recording.Judged))

    @property
    def commits(self) -> frozenset[str]:
        """Of the attempts, as they are in the end."""
        rows = self.result.get("attempts")
        made = (row.get("commit") for row in rows if isinstance(row, dict)) if isinstance(rows, list) else ()
        return frozenset(sha for sha in made if isinstance(sha, str))

    @property
    def used(self) -> Usage:
        return sum((e.usage for e in self.entries if isinstance(e, recording.Replied)), Usage())


@contextmanager
def folder(temp: Path) -> Iterator[Path]:
    """For one look at what is there."""
    with TemporaryDirectory(prefix="greenloop-look-", dir=temp) as name:
        yield Path(name)


def place(number: int, github: GitHub) -> Place:
    if not github.issue(number).is_pull_request:
        return Place(number=number)
    pull = github.pull_request(number)
    return Place(number=number, branch="" if pull.is_fork else pull.head_ref)


def on(branch: str) -> Place:
    return Place(number=0, branch=branch)


def at_work(where: Place, remote: Remote, temp: Path) -> tuple[Known, ...]:
    """The locks that are held here, or were when their runner was lost; oldest first. The records tell which branches
    belong to an issue."""
    return tuple(k for k in _of(where, _known(remote, temp, LOCKS, REFS)) if k.ref.startswith(LOCKS))


def recorded(where: Place, remote: Remote, temp: Path) -> tuple[Known, ...]:
    """The runs that have left a record here, oldest first."""
    return _of(where, _known(remote, temp, REFS))


def _known(remote: Remote, temp: Path, *prefixes: str) -> tuple[Known, ...]:
    with folder(temp) as at, remote.clone(at, prefixes, depth="1", only=_COMMITS) as workspace:
        found = {ref: workspace.known(ref) for ref in remote.there(at, *prefixes)}
    return tuple(
        Known(
            key=ref.rpartition("/")[2],
            ref=ref,
            sha=info.sha,
            at=info.at,
            tip=info.parents[0] if info.parents else "",
            said=read(info.message),
            holder=Holder.of(info.message),
        )
        for ref, info in found.items()
        if info is not None
    )


def _of(where: Place, known: tuple[Known, ...]) -> tuple[Known, ...]:
    """Those of this number; and whatever else is on a branch of theirs, or on this one."""
    here = [k for k in known if k.said.get("Number") == str(where.number)]
    branches = {where.branch, *(k.branch for k in here)} - {""}
    return tuple(sorted((k for k in known if k in here or k.branch in branches), key=lambda k: (k.at, k.key)))


def forget(known: Known, remote: Remote, temp: Path) -> bool:
    """Remove its lock; False when it is not what it was any more."""
    with folder(temp) as at, remote.clone(at, ()):
        return remote.remove(at, {known.ref: known.sha})


def record(key: str, remote: Remote, temp: Path) -> Recorded:
    """Empty for a run that has left none, or one that this version cannot read."""
    ref = REFS + key
    with folder(temp) as at, remote.clone(at, (ref,), depth="1") as workspace:
        if workspace.ref(ref) is None:
            return Recorded(entries=(), result={})
        tree = workspace.tree(ref)
        text, said = workspace.read(tree, FILE), workspace.read(tree, RESULT)
    entries: tuple[recording.Entry, ...] = ()
    with suppress(GreenloopError):
        entries = recording.loads(text.decode("utf-8", "replace")) if text else ()
    try:
        found = json.loads(said or b"{}")
    except ValueError:
        found = {}
    return Recorded(entries=entries, result=found if isinstance(found, dict) else {})


def there(ref: str, remote: Remote, temp: Path) -> bool:
    with folder(temp) as at, remote.clone(at, (ref,), depth="1", only=_COMMITS) as workspace:
        return workspace.ref(ref) is not None


def time(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"
