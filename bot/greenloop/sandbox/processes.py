"""The processes of one run, seen from outside: how many, how much memory, and what they hold that has no name."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field

_PAGE = os.sysconf("SC_PAGE_SIZE")
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
# Started as the run's user, who may look where we may not: the sum of what its processes hold open without a name
_LOOKER = """
import os, stat
found = {}
for pid in filter(str.isdigit, os.listdir("/proc")):
    try:
        for name in os.listdir(f"/proc/{pid}/fd"):
            held = os.stat(f"/proc/{pid}/fd/{name}")
            if stat.S_ISREG(held.st_mode) and not held.st_nlink:
                found[held.st_dev, held.st_ino] = held.st_blocks * 512
    except OSError:
        continue
print(sum(found.values()))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """`tasks` are processes and threads; `memory` is bytes, each process's own, shared pages counted in each."""

    tasks: int = 0
    memory: int = 0
    pids: tuple[str, ...] = ()


@dataclass(slots=True)
class Processes:
    """All of a run: those of its process namespace (seen through the first one's /proc), or those of its user; without
    either, those below the launcher, which is `above` the first and inherits orphans."""

    first: int
    uid: int | None
    contained: bool
    above: int = 0
    _proc: int = field(default=-1)
    _blind: bool = False

    def open(self) -> None:
        """Once the first process is ready: before that its /proc is the machine's. Raises `PermissionError`."""
        path = f"/proc/{self.first}/root/proc" if self.contained else "/proc"
        try:
            self._proc = os.open(path, _FOLDER)
        except FileNotFoundError:  # over already
            self._proc = -1
            return
        try:
            os.stat(f"{'1' if self.contained else self.first}/fd/1", dir_fd=self._proc)
        except PermissionError:  # root without the right to trace, as in a container
            self._blind = True
        except OSError:
            return

    def close(self) -> None:
        if self._proc >= 0:
            os.close(self._proc)
            self._proc = -1

    def load(self) -> Load:
        tasks, memory, pids = 0, 0, []
        for pid in self._pids():
            words = self._read(f"{pid}/stat").rpartition(")")[2].split()
            if words:
                tasks += int(words[17])
                memory += int(words[21]) * _PAGE
                pids.append(pid)
        return Load(tasks=tasks, memory=memory, pids=tuple(pids))

    def memory_of_program(self) -> tuple[int, int]:
        """The highest and the present memory of the program itself, in bytes."""
        status = self._read(f"{'2' if self.contained else self.first}/status")
        words = dict(line.partition(":")[::2] for line in status.splitlines())
        high, now = (words.get(name, "0").split() for name in ("VmHWM", "VmRSS"))
        return int(high[0]) * 1024, int(now[0]) * 1024

    def shared_fairly(self, load: Load) -> int:
        """Memory with each shared page counted once: dear to find out, so only asked when it decides."""
        return sum(self._proportional(pid) for pid in load.pids)

    def unnamed(self, load: Load, *, dear: bool = True) -> int:
        """Bytes in files that are open but were removed. Where we may not look ourselves, a process of the run's user
        does, which is `dear`; otherwise they are not looked for."""
        if self._blind and self.uid is not None:
            return _looked(self.uid) if dear else 0
        files: dict[tuple[int, int], int] = {}
        for pid in load.pids:
            for handle in self._handles(pid):
                if stat.S_ISREG(handle.st_mode) and handle.st_nlink == 0:
                    files[handle.st_dev, handle.st_ino] = handle.st_blocks * 512
        return sum(files.values())

    def _pids(self) -> Iterator[str]:
        if self._proc < 0:
            return
        names = [name for name in os.listdir(self._proc) if name.isdigit()]  # noqa: PTH208 - by descriptor
        if self.contained:
            yield from (name for name in names if name != "1")
        elif self.uid is None:
            yield from map(str, below(self.above, {int(name): self._parent(name) for name in names}))
        else:
            yield from filter(self._is_of_user, names)

    def _parent(self, pid: str) -> int:
        words = self._read(f"{pid}/stat").rpartition(")")[2].split()
        return int(words[1]) if words else 0

    def _is_of_user(self, pid: str) -> bool:
        """By its status, not by the owner of its folder, which a process can make look like root."""
        try:
            owner = os.stat(pid, dir_fd=self._proc).st_uid
        except OSError:
            return False
        return owner in {0, self.uid} and f"\nUid:\t{self.uid}\t" in self._read(f"{pid}/status")

    def _read(self, path: str) -> str:
        try:
            handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._proc)
        except OSError:
            return ""
        try:
            return os.read(handle, 4096).decode("utf-8", "replace")
        except OSError:
            return ""
        finally:
            os.close(handle)

    def _proportional(self, pid: str) -> int:
        for line in self._read(f"{pid}/smaps_rollup").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
        words = self._read(f"{pid}/statm").split()
        return int(words[1]) * _PAGE if words else 0

    def _handles(self, pid: str) -> Iterator[os.stat_result]:
        try:
            folder = os.open(f"{pid}/fd", _FOLDER, dir_fd=self._proc)
        except OSError:
            return
        try:
            for name in os.listdir(folder):  # noqa: PTH208 - by descriptor
                try:
                    yield os.stat(name, dir_fd=folder)
                except OSError:
                    continue
        except OSError:
            return
        finally:
            os.close(folder)


def below(top: int, parents: dict[int, int]) -> list[int]:
    """The processes that come from `top`, without it."""
    found = [top]
    for pid in found:
        found += (child for child, parent in parents.items() if parent == pid and child not in found)
    return found[1:]


def _looked(uid: int) -> int:
    """What the looker says; who shoots it has something to hide, and is taken to hold more than any limit."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _LOOKER],
        user=uid,
        group=uid,
        extra_groups=[],
        env={},
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=False,
        text=True,
    )
    return 1 << 62 if done.returncode < 0 else int(done.stdout.strip() or 0)
