"""One run in one backend: private folders, the launcher, the watchdog, and the results out again."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from greenloop.ports import Completed, Policy
from greenloop.sandbox import container, folders, identity
from greenloop.sandbox.namespaces import HOME, TMP
from greenloop.sandbox.repl import Channel
from greenloop.sandbox.spec import Spec, encode, send
from greenloop.sandbox.view import lies_in, look, outermost, view
from greenloop.sandbox.watch import SHARED_MEMORY, Ended, Watch, passed

_MB = 1 << 20
_PREFIX = "greenloop-run-"
_OLD = 86_400.0  # seconds after which the folders of a run of ours are certainly nobody's
_START = "import sys; sys.path.append(sys.argv[1]); from greenloop.sandbox.launch import main; main(int(sys.argv[2]))"
_LAUNCHER = (sys.executable, "-I", "-S", "-c", _START, str(Path(__file__).parents[2]))
_USUAL_PATH = ("/usr/local/bin", "/usr/bin", "/bin")


class Refused(Exception):
    """The launcher did not run the program; the message is its word: "unavailable …" or "unusable …"."""


def once(
    backend: str,
    argv: tuple[str, ...],
    *,
    cwd: Path,
    policy: Policy,
    stopped: Callable[[], bool],
    channel: Channel | None = None,
) -> tuple[Completed, int]:
    """Run the program; with it the ABI of Landlock that confined it. Raises `Refused`."""
    begun = time.monotonic()
    contained = backend == "namespaces"
    with identity.fresh() as uid, _private() as private:
        if uid is None and backend == "uid":
            raise Refused("unavailable needs root, and more than one user in this user namespace")
        if policy.network == "loopback" and backend == "uid":
            raise Refused("unavailable the loopback network needs a network namespace")
        spec = _spec(backend, argv, cwd=cwd, policy=policy, private=private, uid=uid)
        written = (*map(Path, spec["writable"]), private / "tmp", private / "home")
        if uid is not None:
            _open_the_way(spec, contained=backend != "uid")
        with _owned(written, uid) as amount:
            if backend == "container":
                ended = _in_container(spec, policy=policy, private=private, uid=uid, stopped=stopped, channel=channel)
            else:
                ended = _follow(spec, policy=policy, written=written, uid=uid, stopped=stopped, channel=channel)
        _clear_shared_memory(uid, contained=contained)
        if ended.refused:
            raise Refused(ended.refused)
        killed_by = ended.killed_by or passed(policy, amount[0], amount[0].bytes)
        return _completed(ended, policy, killed_by=killed_by, seconds=time.monotonic() - begun), ended.landlock


def sweep() -> None:
    """Remove the private folders that a killed process of ours left behind."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        status = _status(folder)
        if status and status.st_uid == os.geteuid() and time.time() - status.st_mtime > _OLD:
            folders.remove(folder)


def _status(path: Path) -> os.stat_result | None:
    """None for what others have removed since it was listed."""
    try:
        return path.lstat()
    except FileNotFoundError:
        return None


@contextmanager
def _private() -> Iterator[Path]:
    """Folders that only this run uses, and a file beside them that it must not be able to reach."""
    root = Path(tempfile.mkdtemp(prefix=_PREFIX)).resolve()
    try:
        root.chmod(0o711)
        for name in ("tmp", "home", "root"):
            (root / name).mkdir(mode=0o700)
        (root / "canary").touch()
        (root / "canary").chmod(0o666)
        yield root
    finally:
        folders.remove(root)


@contextmanager
def _owned(written: tuple[Path, ...], uid: int | None) -> Iterator[list[folders.Amount]]:
    """The written folders belong to the run's user inside, and to us after; then the list holds how much is there."""
    amount: list[folders.Amount] = []
    if uid is not None:
        try:
            folders.hand_over(written, uid)
        except PermissionError as error:  # root without the right to give files away
            raise Refused(f"unavailable {error}") from error
    try:
        yield amount
    finally:
        amount.append(folders.take_back(written, uid))


def _spec(backend: str, argv: tuple[str, ...], *, cwd: Path, policy: Policy, private: Path, uid: int | None) -> Spec:
    contained = backend == "namespaces"
    seen = view(policy.readable)
    rooms = [look(os.fspath(path)) for path in (*policy.writable, cwd)]
    writable = outermost(path for room in rooms[:-1] for path in room.paths)
    readable = outermost((*seen.paths, *writable))
    links = (*seen.links, *(link for room in rooms for link in room.links))
    tmp, home = (TMP, HOME) if contained else (str(private / "tmp"), str(private / "home"))
    return {
        "backend": [backend],
        "parent": [str(os.getpid()) if backend != "container" else container.NOBODY],
        "identity": [] if uid is None or backend == "container" else [str(uid)],
        "argv": list(argv),
        "cwd": [os.fspath(cwd)],
        "environment": [word for pair in _environment(policy, tmp, home).items() for word in pair],
        "readable": [path for path in readable if not lies_in(path, writable)],
        "writable": list(writable),
        "links": [word for link in dict.fromkeys(links) for word in link],
        "root": [str(private / "root")],
        "tmp": [str(private / "tmp")],
        "home": [str(private / "home")],
        "canary": [str(private / "canary")],
        "shared_memory": [str(SHARED_MEMORY)],
        "devices": [path for device in policy.devices for path in look(os.fspath(device)).paths],
        "network": [policy.network],
        "seconds": [str(policy.seconds)],
        "memory": [str(policy.memory)],
        "processes": [str(policy.processes)],
        "disk": [str(policy.disk)],
    }


def _open_the_way(spec: Spec, *, contained: bool) -> None:
    """Folders made by `mkdtemp` are closed to all but their owner; the run's user is another one."""
    temporary = Path(tempfile.gettempdir()).resolve()
    identity.let_in(map(Path, spec["readable"]), temporary)
    if not contained:
        identity.let_pass(map(Path, (*spec["readable"], *spec["writable"], *spec["tmp"])), temporary)


def _environment(policy: Policy, tmp: str, home: str) -> dict[str, str]:
    """Nothing of ours: what every program expects, and what the policy gives."""
    path = (*map(os.fspath, policy.path), str(Path(sys.prefix, "bin")), *_USUAL_PATH)
    usual = {
        "PATH": ":".join(path),
        "HOME": home,
        "TMPDIR": tmp,
        "LANG": "C.UTF-8",
        "USER": "sandbox",
        "LOGNAME": "sandbox",
    }
    return usual | dict(policy.environment)


def _follow(
    spec: Spec,
    *,
    policy: Policy,
    written: tuple[Path, ...],
    uid: int | None,
    stopped: Callable[[], bool],
    channel: Channel | None,
) -> Ended:
    status, told = os.pipe()
    try:
        with subprocess.Popen(
            [*_LAUNCHER, str(told)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={"LANG": "C.UTF-8"},
            cwd="/",
            pass_fds=(told, *(channel.inside if channel else ())),
            start_new_session=True,
        ) as process:
            os.close(told)
            if channel:
                channel.started()
            send(process, encode(spec))
            contained = spec["backend"] == ["namespaces"]
            return Watch(process, status, policy, written, uid, contained, stopped, channel).follow()
    finally:
        os.close(status)


def _in_container(
    spec: Spec,
    *,
    policy: Policy,
    private: Path,
    uid: int | None,
    stopped: Callable[[], bool],
    channel: Channel | None,
) -> Ended:
    if channel is not None:
        raise Refused("unavailable a REPL does not run in a container of an engine")
    launcher = (sys.executable, _LAUNCHER[-1])
    try:
        return container.follow(spec, policy=policy, private=private, uid=uid, launcher=launcher, stopped=stopped)
    except container.NoEngine as error:
        raise Refused(f"unavailable {error}") from error


def _completed(ended: Ended, policy: Policy, *, killed_by: str | None, seconds: float) -> Completed:
    found = {path: _artifact(path, policy) for path in policy.artifacts}
    return Completed(
        exit_code=ended.exit_code,
        stdout=ended.stdout.decode("utf-8", "replace"),
        stderr=ended.stderr.decode("utf-8", "replace"),
        truncated=ended.truncated,
        artifacts={path: data for path, data in found.items() if data is not None},
        seconds=seconds,
        peak_memory=ended.peak_memory // _MB,
        killed_by=killed_by,
    )


def _artifact(path: Path, policy: Policy) -> bytes | None:
    for folder in policy.writable:
        real = folder.resolve()
        for spelling in (folder, real):
            if path.is_relative_to(spelling):
                return folders.read_below(real, path.relative_to(spelling).parts)
    return None


def _clear_shared_memory(uid: int | None, *, contained: bool) -> None:
    """Without a namespace the machine's shared memory was used; what the run's user left there goes."""
    if uid is None or contained or not SHARED_MEMORY.is_dir():
        return
    for entry in SHARED_MEMORY.iterdir():
        status = _status(entry)
        if status and status.st_uid == uid:
            folders.remove(entry)
