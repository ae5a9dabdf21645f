"""A folder laid somewhere else: regular files, folders, and links as links; nothing else, and through no link."""

from __future__ import annotations

import os
import shutil
import stat
from dataclasses import dataclass, field
from pathlib import Path

from greenloop.errors import UsageError
from greenloop.sandbox import folders

_MOST_FILES, _MOST_BYTES = 200_000, 8 << 30
_LEFT_OUT = frozenset({".git"})  # its configuration may hold tokens, and its hooks are programs


@dataclass(slots=True)
class _Copy:
    """One copy in the making."""

    source: Path
    target: Path
    files: int = 0
    bytes: int = 0
    skipped: list[str] = field(default_factory=list)

    def left_out(self, folder: str, names: list[str]) -> set[str]:
        found = {name for name in names if not self._wanted(Path(folder, name))}
        self.files += len(names) - len(found)
        if self.files > _MOST_FILES:
            raise UsageError(f"{self.source} holds more than {_MOST_FILES:,} files; name a smaller folder")
        return found

    def _wanted(self, path: Path) -> bool:
        mode = path.lstat().st_mode
        if path.name in _LEFT_OUT or self.target.is_relative_to(path):
            return False
        kept = stat.S_ISDIR(mode) or stat.S_ISREG(mode) or stat.S_ISLNK(mode)
        if not kept:
            self.skipped.append(str(path.relative_to(self.source)))
        return kept

    def copied(self, source: str, target: str) -> str:
        self.bytes += os.stat(source, follow_symlinks=False).st_size  # noqa: PTH116 - as copytree gives it
        if self.bytes > _MOST_BYTES:
            raise UsageError(f"{self.source} holds more than {_MOST_BYTES >> 30} GB; name a smaller folder")
        return shutil.copy(source, target, follow_symlinks=False)


def copy_in(source: Path, target: Path) -> tuple[folders.Amount, tuple[str, ...]]:
    """Lay a copy of `source`, without `.git`, at `target`. Returns how much it is, and what was no file and left out.

    Raises `UsageError` for what cannot be read, or is too much.
    """
    if not source.is_dir():
        raise UsageError(f"{source} must be an existing folder")
    source = source.resolve()
    making = _Copy(source, target.resolve())
    try:
        shutil.copytree(source, target, symlinks=True, ignore=making.left_out, copy_function=making.copied)
    except shutil.Error as error:
        first = error.args[0][0]
        raise UsageError(f"{first[0]} cannot be copied: {first[2]}") from error
    except OSError as error:
        raise UsageError(f"{source} cannot be copied: {error.strerror or error}") from error
    return folders.measure([target]), tuple(making.skipped)
