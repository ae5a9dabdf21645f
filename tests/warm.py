"""greenloop as a program whose imports are done: a fork of a process that has imported what a run needs, and no more.

Most of a short run is its imports. A run that begins here has a session, folder, environment, streams and an exit code
of its own, as one that begins with nothing; `warm_server.py` is what is forked. The first run of a process begins with
nothing all the same, because one run is not worth a server, and so does each whose environment says something to the
interpreter or to a library. Tests of imports, signals and limits start the program themselves.
"""

from __future__ import annotations

import atexit
import json
import os
import selectors
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from itertools import count
from pathlib import Path

SERVER = Path(__file__).with_name("warm_server.py")
USUAL = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "TMPDIR") if name in os.environ} | {
    "LANG": "C.UTF-8"
}
# What may differ from run to run: nothing of it is read as modules are imported, which test_warm.py sees.
FREE = ("GITHUB_", "GREENLOOP_", "INPUT_", "RUNNER_", "XDG_", "GIT_AUTHOR_", "GIT_COMMITTER_", "GIT_CONFIG_")

_runs = count()


def run(
    words: Sequence[str], *, env: Mapping[str, str], cwd: Path, timeout: float = 240
) -> subprocess.CompletedProcess[str]:
    """`python WORDS…`: the path of a program, or `-m` and the name of a module, and its arguments; nothing to read.
    Raises `subprocess.TimeoutExpired`."""
    if next(_runs) and likely(env):
        return _server().run(words, env=env, cwd=cwd, timeout=timeout)
    return subprocess.run(
        [sys.executable, *words],
        env=env,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
        start_new_session=True,
    )


def likely(env: Mapping[str, str]) -> bool:
    """Whether this environment is the server's, but for what may differ."""
    rest = {name: text for name, text in env.items() if name != "HOME" and not name.startswith(FREE)}
    return rest == USUAL and hasattr(os, "pidfd_open")


class Server:
    """One process for all runs of this one; it ends with it, however that ends."""

    def __init__(self) -> None:
        self._channel, theirs = socket.socketpair()
        self._one = threading.Lock()  # several threads may run a program each
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, str(SERVER), str(theirs.fileno())],
                env=USUAL,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,  # what it is for a run as well
                stderr=subprocess.PIPE,
                pass_fds=[theirs.fileno()],
            )
        atexit.register(self.close)

    def close(self) -> None:
        self._channel.close()
        self._process.communicate()

    def run(
        self, words: Sequence[str], *, env: Mapping[str, str], cwd: Path, timeout: float
    ) -> subprocess.CompletedProcess[str]:
        order = json.dumps({"words": words, "env": dict(env), "cwd": str(cwd)}).encode()
        (out, to_out), (err, to_err), (ours, theirs) = os.pipe(), os.pipe(), socket.socketpair()
        with ours:
            try:
                with self._one:
                    socket.send_fds(self._channel, [b"."], [to_out, to_err, theirs.fileno()])
            finally:
                os.close(to_out)
                os.close(to_err)
                theirs.close()
            ours.sendall(struct.pack("!Q", len(order)) + order)
            pid = self._number(ours)
            try:
                said, code = _read(out, err, until=time.monotonic() + timeout), self._number(ours)
            except TimeoutError:
                with suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGKILL)
                raise subprocess.TimeoutExpired([*words], timeout) from None
            finally:
                os.close(out)
                os.close(err)
        return subprocess.CompletedProcess([*words], code, *(text.decode() for text in said))

    def _number(self, reply: socket.socket) -> int:
        try:
            got = reply.recv(4, socket.MSG_WAITALL)
        except ConnectionError:
            got = b""
        if len(got) < 4:
            raise RuntimeError(f"{SERVER.name} has ended: {self._process.communicate()[1].decode()}")
        number: int = struct.unpack("!i", got)[0]
        return number


@cache
def _server() -> Server:
    return Server()


def _read(*pipes: int, until: float) -> list[bytes]:
    """All of each, to its end: nothing that a run started may hold on to one."""
    said: dict[int, list[bytes]] = {pipe: [] for pipe in pipes}
    with selectors.DefaultSelector() as selector:
        for pipe in pipes:
            selector.register(pipe, selectors.EVENT_READ)
        while selector.get_map():
            ready = selector.select(max(0.0, until - time.monotonic()))
            if not ready:
                raise TimeoutError
            for key, _ in ready:
                part = os.read(key.fd, 1 << 16)
                said[key.fd].append(part)
                if not part:
                    selector.unregister(key.fd)
    return [b"".join(parts) for parts in said.values()]
