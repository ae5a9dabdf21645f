"""What a run may read outside of its repository, as it is named; what is there is read by `knowledge`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from greenloop import elsewhere
from greenloop.elsewhere import Address
from greenloop.errors import UsageError
from greenloop.model.given import origin
from greenloop.workspace import Remote

NO_FOLDER = (
    "--knowledge: {path} is not a folder that can be read, nor one of git and @ a commit, nor the address of a "
    "repository. Name one that is there, or leave the option out."
)
NO_ADDRESS = "--knowledge: the address {why}."


@dataclass(frozen=True, slots=True)
class AtHand:
    """A repository of the machine, as a commit has it and not as its files are now."""

    root: Path
    ref: str
    folder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What lies outside of the repository. `named` is what the user has named; `token` is a job's, for the server at
    `server`; a job also reads the addresses in its settings, which come from the default branch."""

    named: tuple[Path | AtHand | Address, ...] = ()
    server: str = ""
    token: str = field(default="", repr=False)

    def remote(self, address: Address) -> Remote:
        ours = self.token and self.server and origin(address.url) == origin(self.server)
        return Remote(url=address.url, token=self.token if ours else "")


NOTHING_BEYOND = Outside()


def outside(named: Sequence[str]) -> Outside:
    """What a user has named, or an error before anything is paid for."""
    return Outside(named=tuple(map(_named, named)))


def _named(text: str) -> Path | AtHand | Address:
    if elsewhere.is_address(text):
        why = elsewhere.problem(text)
        if why:
            raise UsageError(NO_ADDRESS.format(why=why))
        return elsewhere.parse(text)
    path = Path(text)
    if _readable(path):
        return path.resolve()
    root, at, ref = text.rpartition("@")
    ref, _, folder = ref.partition(":")
    if at and _readable(Path(root)) and elsewhere.is_ref(ref):
        return AtHand(Path(root).resolve(), ref, folder.strip("/"))
    raise UsageError(NO_FOLDER.format(path=text))


def _readable(path: Path) -> bool:
    return path.is_dir() and os.access(path, os.R_OK | os.X_OK)
