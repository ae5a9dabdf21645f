"""Files of a commit. Refs are git's, not ours."""

from __future__ import annotations

from base64 import b64decode
from urllib.parse import quote

from greenloop.forge.github.asking import Api
from greenloop.forge.github.errors import Ask, Fault, Missing, foreign


def file(api: Api, path: str, ref: str) -> bytes | None:
    """The bytes of a file on a branch, tag or commit; None when there is none. Not for large ones."""
    ask = Ask(
        path=f"{api.repo}/contents/{quote(path)}", doing=f"read {path}", needs="contents: read", query={"ref": ref}
    )
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
