"""What this machine has: GPUs by `nvidia-smi`, memory by the kernel, within what a container or cgroup allows."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from shutil import which

from greenloop.model.local.facts import MIB, Gpu, Machine

_ASK = ("--query-gpu=name,memory.total,memory.free,compute_cap", "--format=csv,noheader,nounits")
_SECONDS = 20.0
_FIELDS = 4


def here(*, root: Path = Path("/"), ask: Callable[[], str] | None = None) -> Machine:
    """`root` and `ask` stand in for the machine's file system and its `nvidia-smi`."""
    return Machine(memory=_memory(root), gpus=tuple(_gpus((ask or _smi)())))


def _smi() -> str:
    program = which("nvidia-smi")
    if program is None:
        return ""
    with suppress(OSError, subprocess.TimeoutExpired):  # a driver that does not answer: no GPU that could be used
        done = subprocess.run([program, *_ASK], capture_output=True, text=True, timeout=_SECONDS, check=False)
        return done.stdout if done.returncode == 0 else ""
    return ""


def _gpus(text: str) -> Iterator[Gpu]:
    for line in text.splitlines():
        parts = [part.strip() for part in line.rsplit(",", _FIELDS - 1)]
        with suppress(ValueError):  # "[N/A]": a part of a GPU, or one without memory of its own
            name, total, free, capability = parts
            yield Gpu(name=name, total=int(total) * MIB, free=int(free) * MIB, capability=float(capability))


def _memory(root: Path) -> int:
    found = [_available(root / "proc/meminfo"), *_allowed(root / "sys/fs/cgroup")]
    return min((count for count in found if count is not None), default=0)


def _available(meminfo: Path) -> int | None:
    with suppress(OSError, ValueError, IndexError):
        for line in meminfo.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return None


def _allowed(folder: Path) -> Iterator[int | None]:
    """What a cgroup leaves, version 2 and version 1; as seen from inside of a container."""
    for limit, used in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        with suppress(OSError, ValueError):  # not limited is "max"
            yield max(0, int((folder / limit).read_text()) - int((folder / used).read_text()))
