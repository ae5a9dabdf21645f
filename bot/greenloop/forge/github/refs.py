"""Branches and run refs, and files of a commit. Moving a ref forward is git's, not ours."""

from __future__ import annotations

from base64 import b64decode
from urllib.parse import quote

from greenloop.forge.github import reading
from greenloop.forge.github.asking import Api
from greenloop.forge.github.errors import Ask, Fault, Missing, foreign
from greenloop.forge.github.values import Ref

_READ, _WRITE = "contents: read", "contents: write"
_PAGES = 10


def sha(api: Api, ref: str) -> str | None:
    """Where `refs/…` is, or None."""
    ask = Ask(path=f"{api.repo}/git/ref/{_short(ref)}", doing=f"read {ref}", needs=_READ)
    try:
        return reading.read(reading.ref, api.get(ask)).sha
    except Missing:
        return None


def matching(api: Api, prefix: str) -> tuple[Ref, ...]:
    """All refs that begin with `refs/…`."""
    path = f"{api.repo}/git/matching-refs/{_short(prefix).rstrip('/')}"  # more than asked for: sorted out below
    ask = Ask(path=path, doing=f"list {prefix}", needs=_READ)
    found = reading.read_all(reading.ref, api.newest(ask, pages=_PAGES))
    return tuple(ref for ref in found if ref.name.startswith(prefix))


def delete(api: Api, ref: str, *, at: str) -> bool:
    """Remove `refs/…` if it is still at that commit: what somebody else has pushed there is not ours to lose."""
    if sha(api, ref) != at:
        return False
    ask = Ask(verb="DELETE", path=f"{api.repo}/git/refs/{_short(ref)}", doing=f"delete {ref}", needs=_WRITE)
    try:
        api.write(ask)
    except Missing:
        return True
    except Fault as fault:
        if fault.status == 422 and "does not exist" in fault.words:
            return True  # a lost answer, asked again
        raise
    return True


def file(api: Api, path: str, ref: str) -> bytes | None:
    """The bytes of a file on a branch, tag or commit; None when there is none. Not for large ones."""
    ask = Ask(path=f"{api.repo}/contents/{quote(path)}", doing=f"read {path}", needs=_READ, query={"ref": ref})
    try:
        raw = api.get(ask)
    except Missing:
        return None
    if not isinstance(raw, dict) or raw.get("type") != "file":
        raise Fault(f"{path} is no file on {ref}. Put a plain file there, or remove it.")
    if raw.get("encoding") != "base64":
        raise Fault(f"{path} on {ref} is too large to be read from GitHub: it has {raw.get('size')} bytes.")
    try:
        return b64decode(raw["content"])
    except (KeyError, TypeError, ValueError):
        raise foreign(f"{path} has no content") from None


def _short(ref: str) -> str:
    """As GitHub's addresses have it: without `refs/`."""
    if not ref.startswith("refs/"):
        raise ValueError(f"{ref!r} is not a full ref")
    return quote(ref.removeprefix("refs/"))
