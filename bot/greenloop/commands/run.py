"""One run on disk and in git: its journal, its branch, its record.

The journal is a file in the repository's git folder, one line per event, on disk before anything is made of an answer:
a killed run plays the answers it has paid for again, and goes on. At the end the journal is kept in git as well, under
`refs/greenloop/runs/<key>`.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import IO

from greenloop import recording, result
from greenloop.domain import Attempt, Outcome, Request, Tree
from greenloop.errors import UsageError
from greenloop.judge import improves
from greenloop.ports import Chat, Reply
from greenloop.redact import hide
from greenloop.settings import Settings
from greenloop.trailers import Made, restored
from greenloop.workspace import CommitInfo, GitWorkspace

REFS = "refs/greenloop/runs/"
FILE, RESULT, WORDS = "recording.jsonl", "result.json", "last-words.md"


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
        line = hide(recording.dumps(entry), self._secrets)
        self._lines.append(line)
        if self._known and type(self._known.popleft()) is type(entry):
            return
        self._known.clear()
        if self._handle is not None:
            self._handle.write(line)
            self._handle.flush()
            os.fsync(self._handle.fileno())


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


Publish = Callable[[str, str, str | None], None]  # this commit, to this ref, which is at that commit or not there


class Run:
    """The branch of a run and its commits. `dry` makes neither: for a replay. `publish` takes each commit and ref to
    where others see it; then the record goes along with every attempt, so that a lost machine loses nothing. On a
    branch that is `theirs` the attempts stay with the record, and the branch is moved forward once, at the end.
    `last_words` are kept in the record as well: what is told of the end, should nobody live to tell it."""

    def __init__(
        self,
        workspace: GitWorkspace,
        request: Request,
        journal: Journal,
        *,
        dry: bool = False,
        publish: Publish | None = None,
        theirs: bool = False,
        last_words: Callable[[Outcome], str] = lambda _: "",
    ) -> None:
        self._workspace = workspace
        self._last_words = last_words
        self._theirs = theirs
        self._publish = publish
        self.request = request
        self._journal = journal
        self._dry = dry
        self.branch = request.head
        self.start = self.tip = request.base
        self._recorded = ""  # of the journal, in git
        self._kept = deque[CommitInfo]() if dry or not journal.before else self._earlier()

    def _earlier(self) -> deque[CommitInfo]:
        """Commits that a killed run has left on the branch, oldest first."""
        tip = self._workspace.ref(self._branch_ref)
        found: deque[CommitInfo] = deque()
        for info in self._workspace.history(tip, 200) if tip else ():
            if info.sha == self.request.base:
                return found
            found.appendleft(info)
        return deque()

    def begin(self, settings: Settings, model: str) -> None:
        """Refuse a branch that is not ours before anything is paid for, then note what is asked."""
        taken = None if self._dry else self._workspace.ref(self._branch_ref)
        if taken and not self._kept and not self._theirs:
            raise UsageError(
                f"The branch {self.branch} exists already. Name another with --branch, or delete it: "
                f"git branch -D {self.branch}"
            )
        self._journal.add(recording.Run(request=self.request, settings=settings, base=self.request.base, model=model))

    def answered(self, attempt: int, chat: Chat, reply: Reply) -> None:
        self._journal.add(recording.replied(reply, attempt=attempt, prompt=recording.prompt_sha256(chat)))

    def unusable(self, attempt: int, message: str) -> None:
        self._journal.add(recording.Discarded(attempt=attempt, message=message))

    def commit(self, made: Made, tree: Tree, message: str) -> str:
        """Commit and move the branch; a commit of an earlier, killed run with the same tree is taken as it is. The
        record goes first: whoever finds the branch knows whose it is, and goes on."""
        known, before = self._known(tree), self.tip
        sha = known or self._made(tree, message)
        self._journal.add(
            recording.Judged(
                attempt=made.number,
                tree=tree,
                commit=sha,
                decision="green" if made.verdict.green else "red",
                score=made.verdict.score,
                checks={r.check: str(r.status) for r in made.report.results},
            )
        )
        if self._publish is not None:
            self._keep()
        if not known:
            self._advance(before)
        return sha

    def _known(self, tree: Tree) -> str | None:
        """The commit that an earlier run has made of this tree at this place. When it went another way from here, it
        is gone on from where it ended."""
        if self._kept and self._kept[0].tree == tree:
            self.tip = self._kept.popleft().sha
            return self.tip
        if self._kept:
            self.tip = self._kept[-1].sha
            self._kept.clear()
        return None

    def _made(self, tree: Tree, message: str) -> str:
        if self._dry:
            return "0" * 40
        self.tip = self._workspace.commit(tree, (self.tip,), message)
        return self.tip

    def _advance(self, before: str) -> None:
        """The branch, if it is ours, from `before` to the tip."""
        if not self._dry and not self._theirs:
            self._move(self.tip, self._branch_ref, None if before == self.start else before)

    @property
    def _branch_ref(self) -> str:
        return f"refs/heads/{self.branch}"

    def _move(self, sha: str, ref: str, expected: str | None) -> None:
        self._workspace.publish(sha, ref, expected=expected)
        if self._publish is not None:
            self._publish(sha, ref, expected)

    def land(self, best: Attempt | None, attempts: Sequence[Attempt]) -> str | None:
        """Make the best attempt the tip of the branch; what came later stays in its history."""
        if best is None or self._dry:
            return None
        if best.tree != attempts[-1].tree and self._known(best.tree) is None:
            before = self.tip
            self._made(best.tree, restored(self.request, best.number, best.commit))
            self._advance(before)
        landed = self._workspace.ref(self._branch_ref) == self.tip  # by an earlier run that was killed then
        if self._theirs and improves(best.verdict) and not landed:
            if self._publish is not None and self._journal.text != self._recorded:
                self._keep()  # whoever finds the branch moved must not pay for the last answers again
            self._move(self.tip, self._branch_ref, self.start)
        return self.tip

    def close(self, outcome: Outcome) -> Outcome:
        """Note the end, and keep the record in git beside the commits."""
        self._journal.add(recording.Ended(reason=outcome.reason, tree=outcome.best.tree if outcome.best else None))
        if not self._dry:
            said = json.dumps(result.as_dict(outcome), indent=2).encode()
            self._keep({RESULT: said, WORDS: self._last_words(outcome).encode()})
            if self._journal.folder is not None:
                (self._journal.folder / RESULT).write_bytes(said)
        return outcome

    def _keep(self, files: Mapping[str, bytes] = MappingProxyType({})) -> None:
        """The record in git, on top of the tip and of the record before it."""
        ref, self._recorded = REFS + self._journal.key, self._journal.text
        before = self._workspace.ref(ref)
        tree = self._workspace.store({FILE: self._journal.text.encode(), **files})
        parents = (self.tip, before) if before else (self.tip,)
        self._move(self._workspace.commit(tree, parents, f"Record of run {self._journal.key}\n"), ref, before)


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
