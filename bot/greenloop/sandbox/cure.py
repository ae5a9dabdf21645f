"""What to tell somebody on whose machine no sandbox is strong enough: why each way failed, and what helps."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping
from pathlib import Path

_SYSCTL = Path("/proc/sys")
# (setting, the value that forbids namespaces to ordinary users, the command that allows them)
_BARS = (
    ("kernel/unprivileged_userns_clone", "0", "sysctl kernel.unprivileged_userns_clone=1"),
    ("kernel/apparmor_restrict_unprivileged_userns", "1", "sysctl kernel.apparmor_restrict_unprivileged_userns=0"),
    ("user/max_user_namespaces", "0", "sysctl user.max_user_namespaces=15000"),
)
_UNUSABLE = "unusable "
_ELSEWHERE = (
    "run where namespaces are allowed, such as on the runner itself instead of in a container with Docker's default "
    "profile: then each run also has processes, a network (and so loopback) and a file system of its own"
)


def explain(reasons: Mapping[str, str]) -> str:
    """The text of `NoSandbox`: cause, then cure."""
    causes = "".join(f"\n  {backend}: {cause(words)}" for backend, words in reasons.items())
    cures = "".join(f"\n  - {cure}" for cure in _cures(reasons))
    return f"Nothing here confines generated code strongly enough, so none of it was run.{causes}\nWhat helps:{cures}"


def stronger(backend: str, reasons: Mapping[str, str]) -> list[str]:
    """What leads from a backend that works to the next level; nothing when it is the highest. `reasons` are those of
    the others."""
    if backend == "namespaces" and os.geteuid() == 0:
        return []
    if backend == "namespaces":
        return ["run as root, best in a container: then each run is also a user of its own"]
    return [cure for cure in _cures(reasons) if cure.startswith("as root: ")] or [_ELSEWHERE]


def cause(words: str) -> str:
    if words.startswith(_UNUSABLE):
        path = words.removeprefix(_UNUSABLE)
        return f"{path} cannot be read by the separate user that generated code runs as"
    return words.removeprefix("unavailable ")


def _cures(reasons: Mapping[str, str]) -> list[str]:
    closed = [words.removeprefix(_UNUSABLE) for words in reasons.values() if words.startswith(_UNUSABLE)]
    cures = [
        f"let other users pass: `chmod o+x` each folder that leads to {path} and `chmod -R o+rX` it, "
        "or install Python in /usr or /opt"
        for path in dict.fromkeys(closed)
    ]
    cures += [f"as root: `{command}`" for setting, bad, command in _BARS if _read(setting) == bad]
    if any("/etc/subuid" in words for words in reasons.values()):
        cures.append(
            "give podman more users than yours, as root: `usermod --add-subuids 200000-265535 "
            f"--add-subgids 200000-265535 {_name()}`, then `podman system migrate`"
        )
    elif any("podman" in words for words in reasons.values()):
        cures.append("install podman or docker, or start it, so that `info` answers to whoever runs greenloop")
    if os.geteuid() != 0:
        cures.append("run as root in a container: then a separate user, Landlock and seccomp confine it")
        cures.append(
            "on Debian: a kernel of 5.12 or later and user namespaces, which the package bubblewrap also needs"
        )
    cures.append("use Linux 6.2 or later with Landlock (`lsm=` on the kernel's command line names it)")
    cures.append("in a terminal only, for code that you would run by hand: `--sandbox weak`")
    return cures


def _name() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def _read(setting: str) -> str:
    try:
        return (_SYSCTL / setting).read_text(encoding="ascii").strip()
    except OSError:
        return ""
