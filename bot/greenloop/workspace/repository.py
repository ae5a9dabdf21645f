"""`GitWorkspace`: the port that the core works with, on top of the plumbing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import lru_cache, partial
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Self

from greenloop.domain import Patch, Tree
from greenloop.errors import UsageError
from greenloop.ports import Change, Entry
from greenloop.workspace import diffs, laying, refs, status
from greenloop.workspace.applying import make
from greenloop.workspace.committing import FALLBACK_IDENTITY, Committer
from greenloop.workspace.drafts import Draft, Folder, Leaf
from greenloop.workspace.history import CHANGES, PAST, CommitInfo, parse, past
from greenloop.workspace.objects import Objects
from greenloop.workspace.paths import Forbidden, shown
from greenloop.workspace.plumbing import Plumbing

_PLAIN_DIFF = ("--no-color", "--no-ext-diff", "--no-textconv", "--submodule=short", "--full-index")


def open_workspace(folder: Path, *, allow_workflows: bool = False) -> GitWorkspace:
    """The repository that `folder` lies in: a checkout, a linked worktree, or a bare one."""
    workspace = GitWorkspace(Plumbing(folder), allow_workflows=allow_workflows)
    if workspace.known("HEAD") is None:
        workspace.close()
        raise UsageError(
            f"The repository at {folder} has no commit on the branch that is checked out. "
            "Make one first: git add -A, then git commit."
        )
    return workspace


class GitWorkspace:
    """A repository as trees. Any thread may call it."""

    def __init__(self, plumbing: Plumbing, *, allow_workflows: bool = False) -> None:
        self._plumbing = plumbing
        self._objects = Objects(plumbing)
        self._allow_workflows = allow_workflows
        self._entries = lru_cache(16)(partial(_listing, plumbing))
        self._changes = lru_cache(32)(partial(_compare, plumbing))
        self._committer = Committer(plumbing)

    @property
    def git_dir(self) -> Path:
        return self._plumbing.git_dir

    @property
    def top(self) -> Path | None:
        """The root of the user's working tree; None in a bare repository."""
        return self._plumbing.top

    # Reading ---------------------------------------------------------------------------------------------------------

    def resolve(self, ref: str) -> str:
        """Full commit id of a ref. Raises `UsageError` naming what exists."""
        return self._commit(ref).sha

    def tree(self, ref: str) -> Tree:
        return self._commit(ref).tree

    def known(self, ref: str) -> CommitInfo | None:
        """The commit that a ref names, if there is one."""
        found = self._objects.find(ref + "^{commit}")
        return None if found is None else parse(found.id, found.data)

    def _commit(self, ref: str) -> CommitInfo:
        found = self.known(ref)
        if found is None:
            raise self._unknown(ref)
        return found

    def _unknown(self, ref: str) -> UsageError:
        names = refs.known(self._plumbing)
        near = get_close_matches(ref, names, n=3, cutoff=0.5) or names[:8]
        shallow = (self._plumbing.common / "shallow").exists()
        cure = (
            " This clone is shallow: git fetch --unshallow, or fetch-depth: 0 in actions/checkout." if shallow else ""
        )
        return UsageError(f"There is no commit {shown(ref)}. There are: {', '.join(near) or 'no branches'}.{cure}")

    def history(self, ref: str, limit: int) -> tuple[CommitInfo, ...]:
        """At most `limit` commits, newest first, along first parents; ends where a shallow clone does."""
        found: list[CommitInfo] = []
        commit: CommitInfo | None = self._commit(ref)
        while commit and len(found) < limit:
            found.append(commit)
            commit = self.known(commit.parents[0]) if commit.parents else None
        return tuple(found)

    def commits(self, base: str, tip: str) -> tuple[CommitInfo, ...]:
        """The commits that `tip` has and `base` has not, oldest first."""
        between = f"{self.resolve(base)}..{self.resolve(tip)}"
        ids = self._plumbing.run("rev-list", "--reverse", "--topo-order", between, "--").decode().split()
        return tuple(self._commit(sha) for sha in ids)

    def merge_base(self, one: str, other: str) -> str | None:
        """Where two commits part; None when that is not known, as in a shallow clone."""
        done = self._plumbing.attempt("merge-base", _id(one), _id(other))
        return None if done.code else done.out.decode().split()[0]

    def past(self, ref: str, limit: int) -> Iterable[tuple[str, tuple[str, ...]]]:
        """Messages and changed paths of at most `limit` commits from `ref` on back, merges left out."""
        return past(self._plumbing.run("log", *PAST, f"--max-count={limit}", self.resolve(ref), "--"))

    def changes_of(self, ref: str, path: str, limit: int) -> str:
        """The last changes of one file, newest first: a line for each commit and its difference there."""
        words = (*CHANGES, f"--max-count={limit}", self.resolve(ref), "--", f":(top,literal){path}")
        return self._plumbing.run("log", *words).decode("utf-8", "replace")

    def working_tree(self) -> Tree:
        """What is on disk now, uncommitted and untracked (not ignored) files included, as a tree."""
        return status.capture(self._plumbing)

    def entries(self, tree: Tree) -> Mapping[str, Entry]:
        return self._entries(_id(tree.id))

    def read(self, tree: Tree, path: str) -> bytes | None:
        """The bytes of a file (of a link: its target); None when no file is there."""
        try:
            found = self._draft(tree).find(path)
        except Forbidden:  # no tree holds such a name
            return None
        return self._objects.read(found.id) if isinstance(found, Leaf) and found.what != "a submodule" else None

    def diff(self, old: Tree, new: Tree) -> tuple[Change, ...]:
        return self._changes(_id(old.id), _id(new.id))

    def patch_text(self, old: Tree, new: Tree) -> str:
        """A unified diff that `git apply` takes; bytes that are no UTF-8 are surrogates."""
        options = ("-r", "--patch", "--binary", "--no-renames", "--src-prefix=a/", "--dst-prefix=b/", *_PLAIN_DIFF)
        return self._plumbing.run("diff-tree", *options, _id(old.id), _id(new.id)).decode("utf-8", "surrogateescape")

    def lay(self, tree: Tree, folder: Path) -> None:
        """Write the files into a new or empty folder: raw bytes, no `.git`, nothing outside (see `laying`)."""
        laying.lay(self.entries(tree), folder, self._objects)

    # Making other trees ----------------------------------------------------------------------------------------------

    def apply(self, tree: Tree, patch: Patch) -> Tree:
        """All or nothing. Raises `Forbidden`, whose text is for the model."""
        draft = self._draft(tree)
        for edit in patch.edits:
            make(edit, draft, self._objects, allow_workflows=self._allow_workflows)
        new = draft.save()
        if new == tree.id:
            raise Forbidden("no change", "The edits leave every file as it is.")
        return Tree(new)

    def overlay(self, tree: Tree, source: Tree, paths: Iterable[str]) -> Tree:
        """`tree` with each of `paths` (files or folders) as it is in `source`; absent there: removed."""
        draft, other = self._draft(tree), self._draft(source)
        for path in paths:
            match other.find(path):
                case None:
                    draft.remove(path)
                case Folder(id=oid):
                    draft.put(path, Folder(oid), force=True)
                case Leaf() as leaf:
                    draft.put(path, leaf, force=True)
        return Tree(draft.save())

    def write(self, tree: Tree, files: Mapping[str, bytes]) -> Tree:
        """`tree` with these files' bytes replaced or added; modes kept. For our own results, such as tidy's."""
        draft = self._draft(tree)
        for path, data in files.items():
            old = draft.find(path)
            draft.put(path, Leaf(old.mode if isinstance(old, Leaf) else "100644", data=data))
        return Tree(draft.save())

    def store(self, files: Mapping[str, bytes]) -> Tree:
        """A tree that holds these files and nothing else."""
        draft = Draft(self._objects)
        for path, data in files.items():
            draft.put(path, Leaf("100644", data=data))
        return Tree(draft.save())

    def _draft(self, tree: Tree) -> Draft:
        return Draft(self._objects, _id(tree.id))

    # Commits and refs ------------------------------------------------------------------------------------------------

    def identity(self) -> str:
        """The user's "Name <mail>", from the environment or git's configuration; ours when there is none."""
        done = self._plumbing.attempt("var", "GIT_AUTHOR_IDENT")
        return FALLBACK_IDENTITY if done.code else done.out.decode("utf-8", "replace").rpartition("> ")[0] + ">"

    def commit(self, tree: Tree, parents: tuple[str, ...], message: str, *, at: int | None = None) -> str:
        """The id of a new commit, made `at` that second; no ref points to it yet."""
        return self._committer.commit(_id(tree.id), tuple(map(_id, parents)), message, at=at)

    def sign_with(self, key: Path) -> None:
        """From now on each commit is signed with this SSH key, a file."""
        self._committer.key = key

    def publish(self, sha: str, ref: str, *, expected: str | None) -> None:
        """Move `ref` to `sha` if it is at `expected` (None: if it does not exist). Raises `UsageError` otherwise."""
        refs.move(self._plumbing, ref, _id(sha), expected=expected and _id(expected))

    def ref(self, ref: str) -> str | None:
        """The id that a full ref name points to."""
        return refs.read(self._plumbing, ref)

    def check_branch(self, name: str) -> None:
        """Raises `UsageError` for what git takes for no branch's name."""
        refs.check_name(self._plumbing, name)

    def delete_ref(self, ref: str, expected: str) -> None:
        refs.delete(self._plumbing, ref, expected=_id(expected))

    def close(self) -> None:
        """End the git processes and remove the temporary folder; both also happen when the program ends."""
        self._objects.close()
        self._plumbing.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _id(text: str) -> str:
    """A full object id; anything else could be an option or an expression to git."""
    if not re.fullmatch("[0-9a-f]{40}|[0-9a-f]{64}", text):
        raise UsageError(f"{shown(text)} is no full object id.")
    return text


def _listing(plumbing: Plumbing, tree: str) -> Mapping[str, Entry]:
    found: dict[str, Entry] = {}
    for record in plumbing.run("ls-tree", "-r", "-z", "--long", "--full-tree", tree).split(b"\0")[:-1]:
        about, _, name = record.partition(b"\t")
        mode, _, oid, size = about.decode().split()
        path = name.decode("utf-8", "surrogateescape")
        if path in found:
            raise UsageError(f"The tree {tree} holds {shown(path)} twice; it is damaged or made to deceive.")
        found[path] = Entry(path=path, mode=mode, id=oid, size=None if size == "-" else int(size))
    return MappingProxyType(found)


def _compare(plumbing: Plumbing, old: str, new: str) -> tuple[Change, ...]:
    options = ("-r", "--no-renames", "--raw", "--patch", "-U0", *_PLAIN_DIFF)
    return diffs.changes(plumbing.run("diff-tree", *options, old, new))
