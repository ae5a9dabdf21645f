"""Our numbers of system calls, and of Landlock, beside the kernel's headers for x86-64 and aarch64.

    make check-syscalls        (fetches two packages of Debian's by apt; nothing is installed)

Exit code 0: all that these headers know is the same. What is newer than they are is named, as not checked.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# the newest release that is stable: its headers know more than those of the machine
SUITE, MIRROR = "trixie", os.environ.get("DEBIAN_MIRROR", "http://deb.debian.org/debian")
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
PACKAGES = {"x86_64": "linux-libc-dev", "aarch64": "linux-libc-dev-arm64-cross"}
_NUMBER = re.compile(r"^#define\s+(?:__NR|__NR3264)_(\w+)\s+(\d+)\b", re.MULTILINE)
_BIT = re.compile(r"^#define\s+LANDLOCK_ACCESS_(FS|NET)_(\w+)\s+\(1ULL << (\d+)\)", re.MULTILINE)
_MACHINE = re.compile(r"^#define\s+EM_(\w+)\s+(\d+)\b", re.MULTILINE)
# our names → Landlock's, where they differ
_RIGHTS = {"IOCTL": "IOCTL_DEV"}


def numbers(header: str) -> dict[str, int]:
    """System calls by name."""
    return {name: int(number) for name, number in _NUMBER.findall(header)}


def rights(header: str) -> dict[str, int]:
    """Landlock's rights on files by name, as bits."""
    return {name: 1 << int(bit) for kind, name, bit in _BIT.findall(header) if kind == "FS"}


def differences(ours: Mapping[str, int], theirs: Mapping[str, int]) -> tuple[list[str], list[str]]:
    """What is wrong, and what these headers do not know. -1 of ours is a call that the architecture does not have."""
    wrong = [f"{name} is {theirs[name]}, not {n}" for name, n in ours.items() if name in theirs and theirs[name] != n]
    return wrong, sorted(name for name, n in ours.items() if name not in theirs and n >= 0)


def fetched(folder: Path) -> dict[str, dict[str, str]]:
    """The headers of both packages: architecture → file name → text. apt checks the signatures."""
    options: list[str] = []
    if KEYRING.is_file():
        for name in ("lists/partial", "cache/archives/partial"):
            (folder / name).mkdir(parents=True)
        (folder / "sources.list").write_text(f"deb [signed-by={KEYRING}] {MIRROR} {SUITE} main\n")
        settings = {
            "Dir::Etc::sourcelist": folder / "sources.list",
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::State::lists": folder / "lists",
            "Dir::Cache": folder / "cache",
            "APT::Sandbox::User": "root",
        }
        options = [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]
        subprocess.run(["apt-get", *options, "-qq", "update"], check=True, cwd=folder)
    subprocess.run(["apt-get", *options, "-qq", "download", *PACKAGES.values()], check=True, cwd=folder)
    return {machine: _headers(next(folder.glob(f"{name}_*.deb")), machine) for machine, name in PACKAGES.items()}


def _headers(package: Path, machine: str) -> dict[str, str]:
    """Those that are read, by file name."""
    sys.stdout.write(f"{machine}: {package.stem}\n")
    calls = "x86*/asm/unistd_64.h" if machine == "x86_64" else "asm-generic/unistd.h"
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["dpkg-deb", "--extract", package, folder], check=True)
        patterns = {"calls": calls, "landlock": "linux/landlock.h", "machines": "linux/elf-em.h"}
        return {name: next(Path(folder).rglob(pattern)).read_text() for name, pattern in patterns.items()}


def compared(machine: str, headers: Mapping[str, str]) -> tuple[int, list[str], list[str]]:
    """How many were compared, what is wrong, and what is newer than these headers."""
    from greenloop.sandbox import kernel, landlock  # noqa: PLC0415 - after the path is set

    architecture, column = kernel._MACHINES[machine]
    theirs, ours = numbers(headers["calls"]), {name: pair[column] for name, pair in kernel.NUMBERS.items()}
    wrong, unknown = differences(ours, theirs)
    known = rights(headers["landlock"])
    mine = {_RIGHTS.get(n, n): getattr(landlock, n) for n in dir(landlock) if n in known or n in _RIGHTS}
    more, newer = differences(mine, known)
    code = 0xC0000000 | {name: int(n) for name, n in _MACHINE.findall(headers["machines"])}[machine.upper()]
    other = [] if code == architecture else [f"the architecture is {code:#x}, not {architecture:#x}"]
    return len({*ours, *mine} - {*unknown, *newer}), [*wrong, *more, *other], [*unknown, *newer]


def main() -> int:
    sys.path.insert(0, str(ROOT / "bot"))
    failed = False
    with tempfile.TemporaryDirectory(prefix="greenloop-headers-") as folder:
        for machine, headers in fetched(Path(folder)).items():
            count, wrong, newer = compared(machine, headers)
            sys.stdout.write(f"{machine}: {count} numbers compared, {len(wrong)} wrong\n")
            sys.stdout.write("".join(f"  WRONG: {text}\n" for text in wrong))
            sys.stdout.write("".join(f"  not checked, newer than these headers: {name}\n" for name in newer))
            failed |= bool(wrong)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
