"""Commits that GitHub signs (`signing: github`): at the end of a run its attempts are made again, in order, on a branch
that is there for this alone, and the real branch is moved to them once.

What is on that branch already was made by a runner that was lost; it is gone on from there when it is the same. What
GitHub has made is compared with what was judged, tree by tree, before anything else moves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from greenloop.commands.run import Sealed
from greenloop.errors import GreenloopError, Misconfigured, NotPushed
from greenloop.forge.github import GitHub
from greenloop.service.work import Job
from greenloop.workspace import CommitInfo, GitWorkspace, Remote

BRANCH = "greenloop-signing/"
PLAIN = "100644"
KINDS = {"100755": "executable", "120000": "a symbolic link", "160000": "a submodule"}
MODES = (
    "The commits were not signed and not pushed: {path} is {what}, and GitHub's own commits hold plain files alone. "
    "Use `signing: ssh`, or leave that file as it is."
)
OTHER = (
    "What GitHub has committed is not what was judged, so nothing was moved. Run the job again, or use `signing: ssh`."
)
NO_KEY = (
    "The settings say `signing: ssh`, and the input `signing_key` is empty. Give it an OpenSSH private key without a "
    "passphrase: signing_key: ${{ secrets.NAME }}"
)
UNUSED = "The input `signing_key` was not used: the commits are signed with it where the settings say `signing: ssh`."
FAILED = "The commits were not signed, and so not pushed. {why}"


def of(job: Job, workspace: GitWorkspace, clone: Path, key: str) -> Signing | None:
    """What signs the commits of the run `key` at its end, if anything does. A fork's branch is not ours to sign on."""
    if job.settings.signing != "github" or job.dry or job.foreign is not None:
        return None
    return Signing(workspace=workspace, remote=job.remote, clone=clone, github=job.github, key=key)


def unused(job: Job) -> tuple[str, ...]:
    """What to say of a key that signs nothing: whoever gave it believes that the commits are signed."""
    return (UNUSED,) if job.signing_key.strip() and job.settings.signing != "ssh" else ()


@contextmanager
def by_key(job: Job, workspace: GitWorkspace) -> Iterator[None]:
    """With `signing: ssh` each commit is signed as it is made; the key lies in a folder that only we can enter."""
    if job.settings.signing != "ssh":
        yield
        return
    if not job.signing_key.strip():
        raise Misconfigured(NO_KEY)
    with TemporaryDirectory(prefix="greenloop-key-", dir=job.temp) as folder:
        key = Path(folder) / "key"
        key.touch(mode=0o600)
        key.write_text(job.signing_key.replace("\r", "").strip() + "\n", encoding="utf-8")
        workspace.sign_with(key)
        yield


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing:
    """Of the run `key`."""

    workspace: GitWorkspace
    remote: Remote
    clone: Path
    github: GitHub
    key: str

    @property
    def branch(self) -> str:
        return BRANCH + self.key

    @property
    def ref(self) -> str:
        return f"refs/heads/{self.branch}"

    def seal(self, base: str, tip: str, ref: str) -> Sealed:
        """The commits from `base` to `tip`, signed, for `ref`. Raises `NotPushed`."""
        commits = self.workspace.commits(base, tip)
        there = self.remote.there(self.clone, self.ref, ref)
        made = self._found(base, there.get(ref), ref, commits)
        if len(made) < len(commits):
            try:
                made = self._sign(base, there.get(self.ref), commits)
            except GreenloopError as error:
                with suppress(GreenloopError):
                    self.forget()
                raise error if isinstance(error, NotPushed) else NotPushed(FAILED.format(why=error)) from None
        return Sealed(tip=made[-1], ids=dict(zip((info.sha for info in commits), made, strict=True)))

    def forget(self) -> None:
        """The branch has served."""
        there = self.remote.there(self.clone, self.ref)
        if self.ref in there:
            self.remote.remove(self.clone, {self.ref: there[self.ref]})

    def _sign(self, base: str, at: str | None, commits: Sequence[CommitInfo]) -> tuple[str, ...]:
        made = self._found(base, at, self.ref, commits)
        if at is not None and at != base and not made:
            self.remote.remove(self.clone, {self.ref: at})
            at = None
        if at is None:  # GitHub makes no branch for a commit
            self.remote.push(self.clone, base, self.ref, expected=None)
        for info in commits[len(made) :]:
            ids = dict(zip((known.sha for known in commits), made, strict=False))
            made = (*made, self._commit(info, made[-1] if made else base, ids))
        if self._found(base, made[-1], self.ref, commits) != made:
            raise NotPushed(OTHER)
        return made

    def _found(self, base: str, tip: str | None, ref: str, commits: Sequence[CommitInfo]) -> tuple[str, ...]:
        """The first of these, as they stand on top of `base` there; none when anything else does."""
        if tip in {None, base} or self.remote.fetch(self.clone, ref, to=f"refs/greenloop/seen/{self.key}") != tip:
            return ()
        found = self.workspace.commits(base, tip)
        before = (base, *(info.sha for info in found))
        if len(found) > len(commits):
            return ()
        same = (f.tree == c.tree and f.parents == (p,) for f, c, p in zip(found, commits, before, strict=False))
        return before[1:] if all(same) else ()

    def _commit(self, info: CommitInfo, onto: str, ids: dict[str, str]) -> str:
        before = self.workspace.tree(info.parents[0])
        old, new = self.workspace.entries(before), self.workspace.entries(info.tree)
        written: dict[str, bytes] = {}
        deleted: list[str] = []
        for path in (change.path for change in self.workspace.diff(before, info.tree)):
            modes = {entry.mode for entry in (old.get(path), new.get(path)) if entry is not None}
            if path not in new:
                deleted.append(path)
            elif modes != {PLAIN}:
                raise NotPushed(MODES.format(path=path, what=KINDS.get(max(modes), "no plain file")))
            else:
                written[path] = self.workspace.read(info.tree, path) or b""
        message = info.message
        for was, now in ids.items():  # a commit that speaks of an earlier one speaks of the one that people see
            message = message.replace(was, now).replace(was[:12], now[:12])
        return self.github.commit(self.branch, onto=onto, message=message, written=written, deleted=deleted)
