"""The address of another repository that something is read from: `https://host/owner/name[@ref][:folder]`. Pure.

It is written by people into settings and on command lines, and ends as an argument of git: nothing passes that could be
an option, another transport, a credential or a way out of the folder.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

FORM = "https://host/owner/name, then @ and a branch, tag or commit, then : and a folder; both may be left out"
NO_ADDRESS = f"is no address of a repository: {FORM}"
CREDENTIAL = (
    "holds a user name or password. Neither belongs in an address: a job reads its own server's repositories with its "
    "token, and in a terminal a clone of your own can be named"
)
PLAIN = "is read over https:// alone; http:// is for this machine"
_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,252}(?::\d{1,5})?")
_PATH = re.compile(r"(?:/[\w.~+-]{1,100}){1,10}", re.ASCII)
_REF = re.compile(r"(?!.*(?:\.\.|@\{|//|\.lock(?:/|$)))[\w][\w./+@#-]{0,199}(?<![./])", re.ASCII)
_LOOPBACK = ("127.0.0.1", "localhost")


@dataclass(frozen=True, slots=True)
class Address:
    """`ref` is "" for the default branch, `folder` for all of it."""

    url: str
    ref: str = ""
    folder: str = ""

    @property
    def name(self) -> str:
        """As it is shown: host and path."""
        return self.url.partition("://")[2].removesuffix(".git")

    def __str__(self) -> str:
        return f"{self.url}{'@' * bool(self.ref)}{self.ref}{':' * bool(self.folder)}{self.folder}"


def is_address(text: str) -> bool:
    return "://" in text


def parse(text: str) -> Address:
    """Raises `ValueError` with what is wrong, for behind the name of the setting."""
    scheme, _, rest = text.strip().partition("://")
    host, slash, path = rest.partition("/")
    if "@" in host:
        raise ValueError(CREDENTIAL)
    path, _, folder = path.partition(":")
    path, at, ref = path.partition("@")
    path = path.rstrip("/")
    folder = folder.strip("/")
    if not _HOST.fullmatch(host) or not _PATH.fullmatch(slash + path) or _climbs(path) or (at and not is_ref(ref)):
        raise ValueError(NO_ADDRESS)
    if folder and (_climbs(folder) or not folder.isprintable() or "\\" in folder):
        raise ValueError(NO_ADDRESS)
    if scheme != "https" and (scheme != "http" or host.partition(":")[0] not in _LOOPBACK):
        raise ValueError(PLAIN if scheme == "http" else NO_ADDRESS)
    return Address(f"{scheme}://{host}/{path}", ref, folder)


def problem(text: str) -> str:
    """What is wrong with an address, or ""."""
    try:
        parse(text)
    except ValueError as error:
        return str(error)
    return ""


def is_ref(text: str) -> bool:
    """Whether it may be the name of a branch, a tag or a commit; never an option or an expression of git's."""
    return _REF.fullmatch(text) is not None


def _climbs(path: str) -> bool:
    return any(part in {"", ".", ".."} for part in path.split("/"))
