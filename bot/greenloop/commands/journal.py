"""The journal of a run: a file in the git folder, one line per event, on disk before anything is made of an answer. A
killed run plays the answers it has paid for again, and goes on."""

from __future__ import annotations

import fcntl
import os
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from typing import IO, TypeGuard

from greenloop.errors import UsageError
from greenloop.hygiene.redact import recorded
from greenloop.records import recording
from greenloop.workspace import GitWorkspace

REFS = "refs/greenloop/runs/"
FILE = "recording.jsonl"


class Journal:
    """The record of one run in a folder of its own. Made by `opened`, or in memory for a run that leaves no trace.
    `secrets` appear in no line of it, whoever has written them."""

    def __init__(
        self, key: str, folder: Path | None = None, handle: IO[str] | None = None, secrets: tuple[str, ...] = ()
    ) -> None:
        self.key = key
        self.folder = folder
        self._secrets = secrets
        self._handle = handle
        self.before: tuple[recording.Entry, ...] = () if handle is None else _read(handle)
        self._known = deque(self.before)
        self._lines: list[str] = []

    @property
    def text(self) -> str:
        return "".join(self._lines)

    @property
    def ended(self) -> bool:
        return bool(self.before) and isinstance(self.before[-1], recording.Ended)

    def add(self, entry: recording.Entry) -> None:
        """On disk when this returns. What an earlier, killed run has noted already is not noted twice."""
        line = recorded(recording.dumps(entry), self._secrets)
        self._lines.append(line)
        if self._noted(entry):
            return
        if self._handle is not None:
            self._handle.write(line)
            self._handle.flush()
            os.fsync(self._handle.fileno())

    def _noted(self, entry: recording.Entry) -> bool:
        """Whether an earlier run has noted it. What was asked for at once came in any order; of it, those that are
        missing are asked for again, and the others are still to come."""
        if isinstance(entry, recording.Replied | recording.Unanswered) and entry.draw:
            first = [known.draw for known in takewhile(_drawn, self._known) if _drawn(known)]
            if entry.draw in first:
                del self._known[first.index(entry.draw)]
                return True
            if first:
                return False
        if self._known and type(self._known.popleft()) is type(entry):
            return True
        self._known.clear()
        return False


def _drawn(entry: recording.Entry) -> TypeGuard[recording.Replied | recording.Unanswered]:
    return isinstance(entry, recording.Replied | recording.Unanswered) and entry.draw > 0


def _read(handle: IO[str]) -> tuple[recording.Entry, ...]:
    """What is there, without a last line that a kill has cut."""
    handle.seek(0)
    text = handle.read()
    whole = text[: text.rfind("\n") + 1]
    handle.seek(len(whole.encode()))
    handle.truncate()
    return recording.loads(whole) if whole else ()


@contextmanager
def opened(git_dir: Path, key: str, *, fresh: bool, secrets: tuple[str, ...] = ()) -> Iterator[Journal]:
    """The journal of the first run with this key that has not ended, or of a new one. `fresh`: always a new one."""
    for number in range(1, 1000):
        name = key if number == 1 else f"{key}-{number}"
        folder = git_dir / "greenloop" / "runs" / name
        if fresh and folder.exists():
            continue
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / FILE).open("a+", encoding="utf-8", newline="\n") as handle:
            _lock(handle, folder)
            journal = Journal(name, folder, handle, secrets)
            if not journal.ended:
                yield journal
                return
    raise UsageError(f"There are 999 runs of this request in {git_dir / 'greenloop' / 'runs'}; remove old ones.")


def _lock(handle: IO[str], folder: Path) -> None:
    """One process per run; the kernel gives the lock back when the process is gone, however it went."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise UsageError(f"This very run is going on in another process (its folder is {folder}).") from None


def find(name: str, workspace: GitWorkspace) -> tuple[recording.Entry, ...]:
    """The events of a run: by its key, from the git folder or the run's ref, or from a file."""
    path = workspace.git_dir / "greenloop" / "runs" / name / FILE
    for candidate in (path, Path(name)):
        if candidate.is_file():
            return recording.loads(candidate.read_text("utf-8"))
    tip = workspace.ref(REFS + name) if "/" not in name else None
    data = workspace.read(workspace.tree(tip), FILE) if tip else None
    if data is None:
        raise UsageError(f"There is no run or recording {name!r} here. Runs: git for-each-ref {REFS}")
    return recording.loads(data.decode("utf-8", "replace"))
