"""The process that `warm.py` forks: it imports what a run of greenloop may need, and does nothing else.

`warm_server.py FD`: over this socket an order comes as three descriptors, of standard output, of standard error and of
a socket of its own, over which the order is read, and the child's number and its exit code are told.
"""

import sys

sys.path.pop(0)  # first of all, so that no module of the tests is found by a run

import gc
import importlib
import json
import os
import pkgutil
import runpy
import selectors
import socket
import struct
from contextlib import suppress
from pathlib import Path
from typing import Any

import greenloop

# What the product imports inside of functions, but for litellm, torch and transformers, which few runs need.
LATER = ("git", "git.exc", "github.Auth", "github.Requester", "pydantic", "rich.console", "rich.status", "yaml")
# What begins a program, or is no part of our own process but of a target's.
APART = ("greenloop.__main__", "greenloop.checks.loader", "greenloop.checks.reporter", "greenloop.demo.project")


def load() -> None:
    for module in pkgutil.walk_packages(greenloop.__path__, "greenloop."):
        if not module.name.startswith(APART):
            importlib.import_module(module.name)
    importlib.import_module("greenloop.model.wire").load()  # httpx, as it is imported there
    for name in LATER:
        importlib.import_module(name)


class Orders:
    """What comes over the channel, and who waits for what becomes of it."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel, self._selector = channel, selectors.DefaultSelector()
        self._selector.register(channel, selectors.EVENT_READ)
        self._waiting: dict[int, tuple[int, socket.socket]] = {}  # by the handle of a child: its number, its reply

    def next(self) -> dict[str, Any] | None:
        """In a child, its order, and nothing open but its streams; in the server, None at the end of the channel."""
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is not self._channel:
                    self._ended(key.fd)
                    continue
                byte, handles, _, _ = socket.recv_fds(self._channel, 1, 3)
                if not byte:
                    return None
                order = self._forked(*handles)
                if order is not None:
                    return order

    def _forked(self, out: int, err: int, back: int) -> dict[str, Any] | None:
        with socket.socket(fileno=back) as reply:
            (length,) = struct.unpack("!Q", reply.recv(8, socket.MSG_WAITALL))
            order: dict[str, Any] = json.loads(reply.recv(length, socket.MSG_WAITALL))
            pid = os.fork()
            if pid == 0:
                self._left()
                for number, stream in ((1, out), (2, err)):
                    os.dup2(stream, number)
            os.close(out)
            os.close(err)
            if pid == 0:
                return order
            reply.sendall(struct.pack("!i", pid))
            handle = os.pidfd_open(pid)
            self._waiting[handle] = pid, reply.dup()
            self._selector.register(handle, selectors.EVENT_READ)
        return None

    def _left(self) -> None:
        self._selector.close()
        self._channel.close()
        for handle, (_, reply) in self._waiting.items():
            os.close(handle)
            reply.close()

    def _ended(self, handle: int) -> None:
        pid, reply = self._waiting.pop(handle)
        self._selector.unregister(handle)
        os.close(handle)
        with reply, suppress(OSError):  # nobody may wait any more
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            reply.sendall(struct.pack("!i", code))


def play(order: dict[str, Any]) -> None:
    """As the interpreter does it: what is raised here ends the process as it would end the program."""
    os.setsid()
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["env"])
    words: list[str] = order["words"]
    if words[0] == "-m":
        sys.argv = words[1:]
        sys.path.insert(0, order["cwd"])
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = words
        sys.path.insert(0, str(Path(words[0]).parent))
        runpy.run_path(words[0], run_name="__main__")


if __name__ == "__main__":
    load()
    gc.freeze()  # what is shared stays shared
    given = Orders(socket.socket(fileno=int(sys.argv[1]))).next()
    if given is not None:
        play(given)
