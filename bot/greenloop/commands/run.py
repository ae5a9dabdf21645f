"""One run in git: its branch, and its record under `refs/greenloop/runs/<key>`, the journal among it."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Protocol, Self

from greenloop.commands.journal import FILE, REFS, Journal
from greenloop.domain import Attempt, Outcome, Request, Tree
from greenloop.errors import GreenloopError, NotPushed, UsageError
from greenloop.records import recording
from greenloop.report.trailers import Made, about, read, restored
from greenloop.settings import Settings
from greenloop.verdict.judge import improves
from greenloop.workspace import CommitInfo, GitWorkspace

RESULT, WORDS = "result.json", "last-words.md"
Publish = Callable[[str, str, str | None], None]  # this commit, to this ref, which is at that commit or not there


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """Commits as they are in the end: `ids` has for each as it was made the one that people see."""

    tip: str
    ids: Mapping[str, str]


class Seal(Protocol):
    """What makes the commits of a run again, signed, before its branch moves."""

    def seal(self, base: str, tip: str, ref: str) -> Sealed: ...

    def forget(self) -> None: ...


class Run:
    """The branch of a run and its commits. `dry` makes neither: for a replay. `publish` takes each commit and ref to
    where others see it; then the record goes along with every attempt, so that a lost machine loses nothing. On a
    branch that is `theirs` the attempts stay with the record, and the branch is moved forward once, at the end.
    What is `beside` the result in the record is to be told of the end, should nobody live to tell it. `committed` hears
    of each attempt that others can see."""

    def __init__(
        self,
        workspace: GitWorkspace,
        request: Request,
        journal: Journal,
        *,
        dry: bool = False,
        publish: Publish | None = None,
        theirs: bool = False,
        beside: Callable[[Outcome], Mapping[str, bytes]] = lambda _: MappingProxyType({}),
    ) -> None:
        self._workspace = workspace
        self._beside = beside
        self._theirs = theirs
        self._seal: Seal | None = None
        self.newer: Callable[[], str | None] = lambda: None  # where somebody has moved their branch to meanwhile
        self._ids: Mapping[str, str] = MappingProxyType({})
        self.committed: Callable[[Made, str], None] = lambda _made, _sha: None
        self._publish = publish
        self.request = request
        self.seen = recording.looked(journal.before)
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
            if self._theirs and read(info.message).get("Run") != self.request.key:
                return deque()  # somebody else's, whose work is not taken for an attempt
            found.appendleft(info)
        return deque()

    def begin(self, settings: Settings, model: str) -> None:
        """Refuse a branch that is not ours before anything is paid for, then note what is asked."""
        if self.branch and not self._dry:
            self._workspace.check_branch(self.branch)
        taken = None if self._dry else self._workspace.ref(self._branch_ref)
        if taken and not self._kept and not self._theirs:
            raise UsageError(
                f"The branch {self.branch} exists already. Name another with --branch, or delete it: "
                f"git branch -D {self.branch}"
            )
        self._journal.add(recording.Run(request=self.request, settings=settings, base=self.request.base, model=model))

    def note(self, entry: recording.Entry) -> None:
        """An answer, or what came of one that is no attempt."""
        self._journal.add(entry)

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
        self.committed(made, sha)
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
        """There first: what could not be pushed is not where it was to be here either, so that the next push is not
        taken for somebody else's."""
        if self._publish is not None:
            self._publish(sha, ref, expected)
        self._workspace.publish(sha, ref, expected=expected)

    def land(self, best: Attempt | None, attempts: Sequence[Attempt]) -> str | None:
        """Make the best attempt the tip of the branch; what came later stays in its history."""
        if best is None or self._dry:
            return None
        if best.tree != attempts[-1].tree and self._known(best.tree) is None:
            before = self.tip
            self._made(best.tree, restored(self.request, best.number, best.commit))
            self._advance(before)
        landed = self._workspace.ref(self._branch_ref) == self.tip  # by an earlier run that was killed then
        if self._theirs and (best.verdict.green or improves(best.verdict)) and not landed:
            if self._publish is not None and self._journal.text != self._recorded:
                self._keep()  # whoever finds the branch moved must not pay for the last answers again
            self._show()
        elif self._seal is not None:
            self._seal.forget()
        return self.tip

    def _show(self) -> None:
        """The branch, from where the run starts to its tip, signed where that is asked for. What is sealed for a branch
        that has been moved meanwhile is of no use."""
        tip, ids = self.tip, self._ids
        if self._seal is not None:
            sealed = self._seal.seal(self.start, self.tip, self._branch_ref)
            tip, ids = sealed.tip, sealed.ids
        there = self._workspace.ref(self._branch_ref)
        try:
            self._move(tip, self._branch_ref, self.start if there else None)
        except NotPushed:
            if self._seal is not None:
                with suppress(GreenloopError):
                    self._seal.forget()
            raise
        self.tip, self._ids = tip, ids
        if self._seal is not None:
            self._seal.forget()

    @property
    def workspace(self) -> GitWorkspace:
        return self._workspace

    def on_top(self, sha: str, onto: str, ids: Mapping[str, str] = MappingProxyType({})) -> None:
        """The branch that somebody has moved to `onto`, forward to `sha`, if it is not there already. `ids` has for
        each commit of the run the one that it has become."""
        self.tip, self.start = sha, onto
        self._workspace.publish(onto, self._branch_ref, expected=self._workspace.ref(self._branch_ref))
        if sha != onto:
            self._show()
        self._ids = {was: self._ids.get(now, now) for was, now in ids.items()}

    def sealed_by(self, seal: Seal | None) -> Self:
        """What is sealed appears on its branch at the end alone."""
        self._seal, self._theirs = seal, self._theirs or seal is not None
        return self

    def named(self, attempt: Attempt) -> Attempt:
        """With the commit that people see."""
        return replace(attempt, commit=self._ids.get(attempt.commit, attempt.commit))

    def close(self, outcome: Outcome) -> Outcome:
        """Note the end, and keep the record in git beside the commits."""
        from greenloop.report import result  # noqa: PLC0415 - at the end of a run

        self._journal.add(recording.Ended(reason=outcome.reason, tree=outcome.best.tree if outcome.best else None))
        if not self._dry:
            said = json.dumps(result.as_dict(outcome), indent=2).encode()
            self._keep({RESULT: said, **self._beside(outcome)})
            if self._journal.folder is not None:
                (self._journal.folder / RESULT).write_bytes(said)
        return outcome

    def _keep(self, files: Mapping[str, bytes] = MappingProxyType({})) -> None:
        """The record in git, on top of the tip and of the record before it."""
        ref, self._recorded = REFS + self._journal.key, self._journal.text
        before = self._workspace.ref(ref)
        tree = self._workspace.store({FILE: self._journal.text.encode(), **files})
        parents = (self.tip, before) if before else (self.tip,)
        message = f"Record of run {self._journal.key}\n\n{about(self.request, self.branch)}"
        self._move(self._workspace.commit(tree, parents, message), ref, before)
