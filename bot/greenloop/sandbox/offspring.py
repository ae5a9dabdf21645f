"""The end of all processes below the launcher, where they are neither in a namespace nor of a user of their own.

Orphans come to the launcher. Who forks faster than it looks can get away: that is a part of what is weak about `weak`.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # the public module imports enum: 3 ms
import os

_ROUNDS = 500


def kill() -> None:
    """Everybody below us that is there now."""
    for pid in _below(os.getpid()):
        try:
            os.kill(pid, _signal.SIGKILL)
        except ProcessLookupError:
            continue


def end() -> None:
    """Again and again, until nobody is left."""
    for _ in range(_ROUNDS):
        kill()
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _below(top: int) -> list[int]:
    parents = {}
    for name in os.listdir("/proc"):  # noqa: PTH208 - the launcher does without pathlib
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123 - likewise
                    parents[int(name)] = int(file.read().rpartition(b")")[2].split()[1])
            except OSError:
                continue
    found = [top]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid and child not in found]
    return found[1:]
