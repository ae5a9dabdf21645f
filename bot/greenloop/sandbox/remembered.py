"""Which way worked here: looked up once per boot, interpreter, checkout and user, so that others are not tried in vain.

It is only the order of trying: every run attacks itself before it begins, whatever is remembered.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")


class Remembered:
    """A file in the cache; none without a cache, and whatever is wrong with it, nothing is remembered."""

    def __init__(self, cache: Path | None) -> None:
        self._file = None if cache is None else cache / f"sandbox-{_here()}.json"

    def order(self, backends: tuple[str, ...]) -> tuple[str, ...]:
        """The one that worked first, if it is among them."""
        if self._file is None:
            return backends
        try:
            known = json.loads(self._file.read_text(encoding="utf-8"))["works"]
        except (OSError, ValueError, KeyError, TypeError):
            return backends
        return tuple(sorted(backends, key=lambda backend: backend != known))

    def keep(self, backend: str) -> None:
        if self._file is None:
            return
        with contextlib.suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            made = self._file.with_suffix(f".{os.getpid()}")
            made.write_text(json.dumps({"works": backend}), encoding="utf-8")
            made.replace(self._file)


def cache_folder(environment: Mapping[str, str]) -> Path:
    """Where greenloop keeps what can be made again."""
    home = environment.get("XDG_CACHE_HOME") or Path(environment.get("HOME") or Path.home()) / ".cache"
    return Path(home) / "greenloop"


def _here() -> str:
    """The boot, the interpreter, this package, and who we are."""
    try:
        boot = _BOOT.read_text(encoding="ascii").strip()
    except OSError:
        boot = ""
    package = Path(__file__)
    parts = (boot, sys.executable, sys.version, str(package), package.stat().st_mtime_ns, os.geteuid(), os.getgid())
    return sha256("\0".join(map(str, parts)).encode()).hexdigest()[:16]
