"""`local/<hub id or path>[@revision]`, as it stands in the settings. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from greenloop.errors import Misconfigured

PREFIX = "local/"
BAD = (
    "The model {name!r} cannot be served from here. Write local/<organisation>/<repository>@<commit> for one of the "
    "Hugging Face hub, such as local/Qwen/Qwen2.5-Coder-7B-Instruct, or local/./folder, local//absolute/file.gguf for "
    "one on this machine."
)
_HUB = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,95}/[A-Za-z0-9][A-Za-z0-9_.-]{0,95}")
_REVISION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./-]{0,99}")
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """`hub` or `path`; the other one is empty."""

    hub: str = ""
    path: str = ""
    revision: str = ""

    @property
    def pinned(self) -> bool:
        """Whether it is the same files for ever: a commit, or files that lie here already."""
        return bool(self.path) or _COMMIT.fullmatch(self.revision) is not None

    def __str__(self) -> str:
        return PREFIX + (self.hub or self.path) + (f"@{self.revision}" if self.revision else "")


def is_local(model: str) -> bool:
    return model.startswith(PREFIX)


def named(model: str) -> Named:
    """Raises `Misconfigured`."""
    rest = model.removeprefix(PREFIX)
    if rest.startswith(("/", "./", "../", "~/")) and rest.isprintable():
        return Named(path=rest)
    hub, _, revision = rest.partition("@")
    sound = not any(bad in hub + revision for bad in ("..", "--", "//"))  # the hub has no such names either
    if not _HUB.fullmatch(hub) or ("@" in rest and not _REVISION.fullmatch(revision)) or not sound:
        raise Misconfigured(BAD.format(name=model))
    return Named(hub=hub, revision=revision)
