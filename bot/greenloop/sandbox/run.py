"""One run in one backend: private folders, the launcher, the watchdog, and the results out again."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from greenloop.ports import Completed, Policy
from greenloop.sandbox import container, folders, identity, launchers, order
from greenloop.sandbox.leftovers import RUN, status_of
from greenloop.sandbox.repl import Channel
from greenloop.sandbox.spec import Spec, encode, send
from greenloop.sandbox.watch import SHARED_MEMORY, Ended, Watch, passed

_MB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """What held a run: the ABI of Landlock, and the attacks from inside that work, which only `weak` allows."""

    landlock: int
    open: tuple[str, ...] = ()


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
) -> tuple[Completed, Hold]:
    """Run the program; with it what confined it. Raises `Refused`."""
    begun = time.monotonic()
    contained = backend == "namespaces"
    with identity.fresh() as uid, _private() as private:
        if uid is None and backend == "uid":
            raise Refused("unavailable needs root, and more than one user in this user namespace")
        if policy.network == "loopback" and backend in {"uid", "weak"}:
            raise Refused("unavailable the loopback network needs a network namespace")
        spec = order.made(backend, argv, cwd=cwd, policy=policy, private=private, uid=uid)
        written = (*map(Path, spec["writable"]), private / "tmp", private / "home")
        if uid is not None:
            spec = _open_the_way(spec, alone=backend in {"namespaces", "container"})
        with _owned(written, uid) as amount:
            if backend == "container":
                ended = _in_container(spec, policy=policy, private=private, uid=uid, stopped=stopped, channel=channel)
            else:
                ended = _follow(spec, policy=policy, written=written, uid=uid, stopped=stopped, channel=channel)
        _clear_shared_memory(uid, contained=contained)
        if ended.refused:
            raise Refused(ended.refused)
        killed_by = ended.killed_by or passed(policy, amount[0], amount[0].bytes)
        done = _completed(ended, policy, killed_by=killed_by, seconds=time.monotonic() - begun)
        return done, Hold(landlock=ended.landlock, open=ended.open)


@contextmanager
def _private() -> Iterator[Path]:
    """Folders that only this run uses, and a file beside them that it must not be able to reach."""
    root = Path(tempfile.mkdtemp(prefix=RUN)).resolve()
    try:
        root.chmod(0o711)
        for name in ("tmp", "home", "root"):
            (root / name).mkdir(mode=0o700)
        (root / "canary").touch()
        (root / "canary").chmod(0o666)
        yield root
    finally:
        folders.remove(root)


def _open_the_way(spec: Spec, *, alone: bool) -> Spec:
    """For the run's user, who is another one. Raises `Refused`."""
    order.open_the_way(spec, contained=alone)
    try:
        return spec if alone else order.where_it_may_go(spec)
    except OSError as error:
        raise Refused(f"unavailable a Python that another user may run could not be laid: {error}") from error


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


def _follow(
    spec: Spec,
    *,
    policy: Policy,
    written: tuple[Path, ...],
    uid: int | None,
    stopped: Callable[[], bool],
    channel: Channel | None,
) -> Ended:
    launcher = launchers.started(channel.inside) if channel else launchers.taken()
    try:
        with launcher.process as process:
            if channel:
                channel.started()
            send(process, encode(spec))
            if not channel:
                launchers.renew()
            contained = spec["backend"] == ["namespaces"]
            return Watch(process, launcher.status, policy, written, uid, contained, stopped, channel).follow()
    finally:
        os.close(launcher.status)


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
    launcher = (sys.executable, launchers.ARGV[-1])
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
        status = status_of(entry)
        if status and status.st_uid == uid:
            folders.remove(entry)
