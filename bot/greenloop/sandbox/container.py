"""One run in a container of podman's or docker's, for those who ask for it: the launcher runs inside, as in `uid`.

The image is empty but for the links that lead to the system's folders; those, and what the policy names, are mounted
read-only at their own paths. So nothing is fetched, and a program finds what it would find outside. The engine bounds
memory and processes; time, output, files and disk are watched from here.
"""

from __future__ import annotations

import contextlib
import functools
import io
import os
import secrets
import shutil
import subprocess
import tarfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from greenloop.ports import Policy
from greenloop.sandbox import namespaces
from greenloop.sandbox.spec import Spec, encode, send
from greenloop.sandbox.watch import Ended, Watch

ENGINES = ("podman", "docker")  # the first that is installed
NOBODY = str((1 << 31) - 1)  # a process that no container has: our own is out of sight in there
_PLACE = "/run/greenloop"
_MARGIN = 40  # more processes than this above the policy are refused by the kernel until the watchdog ends the run
# podman's, of an ordinary user on cgroups of version 1, beside what the program says; then only the watchdog counts
_UNLIMITED = b"Resource limits are not supported and ignored on cgroups V1 rootless systems\n"
_CONFINED = (
    "--network none --read-only --cap-drop ALL --security-opt no-new-privileges "
    "--ulimit core=0:0 --ulimit nofile=1024:1024"
)
_START = (
    "import os, sys; sys.path.append(sys.argv[1]); from greenloop.sandbox.launch import main; "
    "main(os.open(sys.argv[2], os.O_WRONLY | os.O_CLOEXEC))"
)


class NoEngine(Exception):
    """There is none, or it does not do; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """How to start the container, and what it is called."""

    argv: tuple[str, ...]
    name: str
    engine: str

    def process(self) -> int:
        """Its first process as this machine counts; 0 where the engine runs on another one."""
        asked = _call(self.engine, "inspect", "--format", "{{.State.Pid}}", self.name).stdout.strip()
        here = int(asked) if asked.isdigit() else 0
        return here if here and _is_launcher(here) else 0

    def removed(self) -> bool:
        """End and remove it. Returns whether the kernel had ended it for its memory."""
        asked = _call(self.engine, "inspect", "--format", "{{.State.OOMKilled}}", self.name)
        _call(self.engine, "rm", "--force", "--volumes", self.name)
        return asked.stdout.strip() == b"true"


@functools.cache
def engine() -> str:
    """The program. Raises `NoEngine`."""
    for name in ENGINES:
        found = shutil.which(name)
        if found is not None and _call(found, "info").returncode == 0:
            return found
    raise NoEngine("neither podman nor docker is here and answers")


def _call(*argv: str, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(argv, input=data, capture_output=True, check=False)


def _is_launcher(pid: int) -> bool:
    """Whether that process is ours: an engine in a virtual machine counts its own."""
    try:
        return f"{_PLACE}/status".encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def prepare(spec: Spec, policy: Policy, private: Path, uid: int | None, launcher: tuple[str, ...]) -> Started:
    """The container for what `spec` says; `launcher` are the interpreter and the package. Raises `NoEngine`."""
    program, name = engine(), f"greenloop-{secrets.token_hex(8)}"
    status = private / "status"
    os.mkfifo(status, 0o622)
    status.chmod(0o622)  # whatever the umask
    who = f"{uid}:{uid}" if uid is not None else f"{os.geteuid()}:{os.getegid()}"
    options = f"--interactive --name {name} --user {who} --workdir / --hostname sandbox {_CONFINED}".split()
    if uid is None and program.endswith("podman"):
        options.append("--userns=keep-id")
    memory = policy.memory * 5 // 4 + 32  # the watchdog's word comes first, where it sees the processes
    options += f"--memory {memory}m --memory-swap {memory}m --shm-size {max(policy.memory // 4, 1)}m".split()
    options += f"--pids-limit {policy.processes + _MARGIN} --ulimit nproc={policy.processes + _MARGIN}".split()
    options += [word for path in spec["devices"] for word in ("--device", path)]
    shown = [f"{path}:{path}:ro" for path in (*spec["readable"], launcher[1]) if Path(path).exists()]
    shown += [f"{path}:{path}" for path in (*spec["writable"], *spec["tmp"], *spec["home"])]
    shown.append(f"{status}:{_PLACE}/status")
    options += [word for mount in dict.fromkeys(shown) for word in ("--volume", mount)]
    inside = (launcher[0], "-I", "-S", "-c", _START, launcher[1], f"{_PLACE}/status")
    argv = (program, "run", *options, "--entrypoint", "", _image(program, spec), *inside)
    return Started(argv=argv, name=name, engine=program)


def _image(program: str, spec: Spec) -> str:
    """An image of links alone, made once."""
    links = tuple(zip(spec["links"][::2], spec["links"][1::2], strict=True))
    name = f"localhost/greenloop-sandbox:{sha256(repr(links).encode()).hexdigest()[:16]}"
    if _call(program, "image", "inspect", name).returncode == 0:
        return name
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for path, target in links:
            entry = tarfile.TarInfo(path.lstrip("/"))
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            archive.addfile(entry)
        account = f"root:x:0:0::/:/bin/false\nsandbox:x:1000:1000::{namespaces.HOME}:/bin/sh\n".encode()
        entry = tarfile.TarInfo("etc/passwd")
        entry.size = len(account)
        archive.addfile(entry, io.BytesIO(account))
    made = _call(program, "import", "-", name, data=data.getvalue())
    if made.returncode:
        raise NoEngine(f"the empty image could not be made: {made.stderr.decode('utf-8', 'replace').strip()[-300:]}")
    return name


def follow(
    spec: Spec,
    *,
    policy: Policy,
    private: Path,
    uid: int | None,
    launcher: tuple[str, ...],
    stopped: Callable[[], bool],
) -> Ended:
    """Run it to its end. Raises `NoEngine`."""
    started = prepare(spec, policy, private, uid, launcher)
    written = (*map(Path, spec["writable"]), private / "tmp", private / "home")
    words, told = os.pipe()
    try:
        with (
            subprocess.Popen(
                started.argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            ) as process,
            _heard(private / "status", told, process),
        ):
            send(process, encode(spec))
            ended = Watch(
                process, words, policy, written, uid, contained=True, stopped=stopped, elsewhere=started.process
            ).follow()
    finally:
        os.close(words)
        out_of_memory = started.removed()
    ended = replace(ended, stderr=ended.stderr.removeprefix(_UNLIMITED))
    return replace(ended, killed_by="memory") if out_of_memory and ended.killed_by is None else ended


@contextlib.contextmanager
def _heard(status: Path, into: int, process: subprocess.Popen[bytes]) -> Iterator[None]:
    """What the launcher writes into its FIFO goes into the pipe `into`, which ends when the container does."""

    def pump() -> None:
        with open(status, "rb", buffering=0) as source, open(into, "wb", buffering=0) as target:  # noqa: PTH123 - a FIFO
            while part := source.read(4096):
                target.write(part)

    def release() -> None:
        """Who waits for a launcher that never came is let go."""
        process.wait()
        with contextlib.suppress(OSError):
            os.close(os.open(status, os.O_WRONLY | os.O_NONBLOCK))

    threads = [threading.Thread(target=target, daemon=True) for target in (pump, release)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for thread in threads:
            thread.join()
