"""Branches and run refs: read, moved by compare-and-swap, deleted. Never one that somebody has checked out."""

from __future__ import annotations

import re

from greenloop.errors import UsageError
from greenloop.workspace.plumbing import Plumbing

_OURS = re.compile(r"refs/(heads|greenloop)/[^\x00-\x20\x7f]+")  # update-ref itself checks the rest of the name


def read(plumbing: Plumbing, ref: str) -> str | None:
    """Where a full ref name points; no guessing of what else the name could mean."""
    done = plumbing.attempt("show-ref", "--verify", "--hash", "--", ref.replace("\0", " "))
    return None if done.code else done.out.decode().strip()


def check_name(plumbing: Plumbing, branch: str) -> None:
    """Raises `UsageError` for what git takes for no branch's name."""
    if branch.startswith("-") or plumbing.attempt("check-ref-format", f"refs/heads/{branch}".replace("\0", " ")).code:
        raise UsageError(f"{branch!r} is no name that a branch can have: no blanks, no `..`, none of ~^:?*[\\.")


def move(plumbing: Plumbing, ref: str, sha: str, *, expected: str | None) -> None:
    _check(plumbing, ref)
    old = expected or "0" * len(sha)
    done = plumbing.attempt("update-ref", "--no-deref", "-m", "greenloop", ref, sha, old)
    if done.code:
        raise _moved(plumbing, ref, expected) or plumbing.failure("update-ref", done)


def delete(plumbing: Plumbing, ref: str, *, expected: str) -> None:
    _check(plumbing, ref)
    done = plumbing.attempt("update-ref", "--no-deref", "-m", "greenloop", "-d", ref, expected)
    if done.code:
        raise _moved(plumbing, ref, expected) or plumbing.failure("update-ref", done)


def _moved(plumbing: Plumbing, ref: str, expected: str | None) -> UsageError | None:
    now = read(plumbing, ref)
    if now == expected:
        return None
    return UsageError(
        f"{ref} is not where it was: expected {expected or 'no such ref'}, found {now or 'no such ref'}. "
        "Nothing was moved. Look at what is there, then run again or choose another branch."
    )


def _check(plumbing: Plumbing, ref: str) -> None:
    if not _OURS.fullmatch(ref):
        raise UsageError(f"{ref!r} is no name that a branch of ours can have. See: git help check-ref-format")
    if ref.startswith("refs/heads/") and ref in _checked_out(plumbing):
        name = ref.removeprefix("refs/heads/")
        raise UsageError(f"The branch {name} is checked out; greenloop never moves it. Choose another with --branch.")


def _checked_out(plumbing: Plumbing) -> set[str]:
    listed = plumbing.run("worktree", "list", "--porcelain").decode("utf-8", "surrogateescape")
    return {line.removeprefix("branch ") for line in listed.split("\n") if line.startswith("branch ")}


def known(plumbing: Plumbing) -> list[str]:
    """Short names of the branches and tags, for a message."""
    places = ("refs/heads", "refs/remotes", "refs/tags")
    listed = plumbing.run("for-each-ref", "--format=%(refname:short)", "--sort=-creatordate", *places)
    return listed.decode("utf-8", "replace").splitlines()
