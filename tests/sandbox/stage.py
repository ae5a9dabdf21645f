"""What the attacks are made on, and with: the bait, the limits to be passed, what is to be left behind, the controls.

Standard library and greenloop only: it runs in the action's image as well.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ATTACKS = Path(__file__).with_name("attacks.py")
# without a root of its own a run can set the time stamp of a file outside to now, if everybody may write to that file
KNOWN = {"uid": ["touch outside"]}
TOKENS = {"ACTIONS_RUNTIME_TOKEN": "bait"}
# these work wherever nothing confines, as root and as an ordinary user: what is proven of them is proven everywhere
PROVEN = {
    *("call home by TCP", "ask a name server", "internet", "unix sockets", "Docker's socket", "abstract socket"),
    *("token in .git/config", "GITHUB_ENV, written", "read outside", "write outside", "cut outside", "touch outside"),
    *("remove outside", "new file outside", "run a program outside", "environment of the parent"),
    *("a token in our environment", "signal the parent", "memory without a name", "shared memory that stays"),
}


def bait(outside: Path) -> None:
    """Everything in `outside` that an attack is after, open to everybody: only the sandbox is in the way."""
    (outside / "checkout" / ".git").mkdir(parents=True)
    (outside / "empty").mkdir()
    for name in ("secret", "victim", "github_env", "checkout/.git/config"):
        (outside / name).write_text("token")
    shutil.copy("/bin/true", outside / "program")
    for path in (outside, *outside.rglob("*")):
        path.chmod(0o777)


@contextlib.contextmanager
def listening(outside: Path) -> Iterator[int]:
    """Somebody at home: TCP and UDP on one port of loopback, Docker's socket, an abstract one."""
    with contextlib.ExitStack() as stack:
        tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=64))
        port: int = tcp.getsockname()[1]
        udp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        udp.bind(("127.0.0.1", port))
        for address in (str(outside / "docker.sock"), f"\0greenloop-attacked-{port}"):
            server = stack.enter_context(socket.socket(socket.AF_UNIX))
            server.bind(address)
            server.listen(64)
        (outside / "docker.sock").chmod(0o777)
        threading.Thread(target=_answer, args=(udp,), daemon=True).start()
        yield port
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", ("127.0.0.1", port))


def _answer(udp: socket.socket) -> None:
    while True:
        try:
            question, who = udp.recvfrom(99)
        except OSError:
            return
        if not question:
            return
        udp.sendto(b"127.0.0.1", who)


@dataclass(frozen=True)
class Greed:
    """A program that takes too much, and says so at the end; `word` is the limit that ends it, "" for a refusal."""

    name: str
    source: str
    word: str
    policy: dict[str, Any] = field(default_factory=dict)

    @property
    def program(self) -> str:
        return f"import os, threading, time\nHOLD = float(os.environ['HOLD'])\n{self.source}\n{_TAKEN}"


_TAKEN = "print('all of it', flush=True)\ntime.sleep(HOLD)\n"
_CHILDREN = """
for n in range({0}):
    if not os.fork():
        {1}
        time.sleep(HOLD + 1)
        os._exit(0)
time.sleep(0.3)
assert os.waitpid(-1, os.WNOHANG) == (0, 0)  # nobody was killed for it
"""
GREED = (
    Greed("memory of one process", "x = bytearray(300 << 20)", "memory", {"memory": 200}),
    Greed("memory of many", _CHILDREN.format(6, "x = bytearray(60 << 20)"), "memory", {"memory": 200}),
    Greed("memory without a name, filled", "os.write(os.memfd_create('x'), bytes(99 << 20))", "", {"memory": 60}),
    Greed(
        "shared memory",
        "with open(f'/dev/shm/greed-{os.getpid()}', 'wb') as f:\n    os.unlink(f.name)\n"
        "    for n in range(50): f.write(bytes(1 << 20))\n    f.flush()\n    time.sleep(HOLD)",
        "memory",
        {"memory": 40},
    ),
    Greed("processor", "while time.process_time() < 0.5: pass", "time", {"seconds": 0.3}),
    Greed("processes", _CHILDREN.format(60, "pass"), "processes", {"processes": 40}),
    Greed(
        "threads",
        "for n in range(60): threading.Thread(target=time.sleep, args=(HOLD + 0.3,)).start()",
        "processes",
        {"processes": 40},
    ),
    Greed("files", "for n in range(300): open(f'{n}', 'w').close()", "files", {"files": 200}),
    Greed("one large file", "with open('x', 'wb') as f: f.write(bytes(30 << 20))", "disk", {"disk": 20}),
    Greed(
        "many files",
        "for n in range(5):\n    with open(f'{n}', 'wb') as f: f.write(bytes(9 << 20))",
        "disk",
        {"disk": 20},
    ),
    Greed(
        "files without a name",
        "kept = [open(str(n), 'wb', buffering=0) for n in range(4)]\n"
        "for f in kept: os.unlink(f.name); f.write(bytes(9 << 20))",
        "disk",
        {"disk": 20},
    ),
    Greed("folders too deep to remove", "for n in range(300): os.mkdir('d' * 99); os.chdir('d' * 99)", "files"),
    Greed("output", "for n in range(400): print('x' * 4096)", "output", {"output": 4}),
)

# how to stay alive: each writes into the pipe as long as somebody listens
_STAY = "\ndef stay():\n    while True:\n        os.write(pipe, b'x')\n        time.sleep(0.02)\n"
_PIPE = "import os, signal, sys, time\npipe = os.open('pipe', os.O_WRONLY)" + _STAY
_DAEMON = "if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0: {0}stay()\n    os._exit(0)\nos.wait()\n"
_AGAIN = """
def come():
    while True:
        child = os.fork()
        if child == 0: stay()
        os.waitpid(child, 0)
        try: os.write(pipe, b"x")
        except OSError: os._exit(0)
"""
STAYERS = {
    "a daemon": _PIPE + _DAEMON.format(""),
    "one that ignores signals": _PIPE + _DAEMON.format("[signal.signal(n, signal.SIG_IGN) for n in (1, 2, 3, 15)]; "),
    "one that comes again": _PIPE + _AGAIN + _DAEMON.format("come() or "),
}
# where a file may be left: {0} is a name that nobody has
LEFTOVERS = {
    "a file in /tmp": "/tmp/{0}",  # noqa: S108 - the machine's, on purpose
    "a file in shared memory": "/dev/shm/{0}",  # noqa: S108 - likewise
    "a file in /var/tmp": "/var/tmp/{0}",  # noqa: S108 - likewise
}
# a result that is none
RESULTS = {
    "a link as a result": "import os, sys; os.symlink(sys.argv[1] + '/secret', 'result')",
    "a folder that leads outside": "import os, sys; os.symlink(sys.argv[1], 'way')",
}

_OK = "\nprint('ok')\n"
_POOL = """
import multiprocessing as m
if __name__ == "__main__":
    with m.Pool(2) as pool:
        assert pool.map(abs, [-1, 2]) == [1, 2]
    queue = m.Queue()
    queue.put("ok")
    print(queue.get())
"""
_LOOP = """
import asyncio
async def main():
    process = await asyncio.create_subprocess_exec("echo", "ok")
    await process.wait()
asyncio.run(main())
"""
_SERVER = """
import socket
with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
    print("ok")
"""
CONTROLS: dict[str, tuple[str, dict[str, Any]]] = {
    "threads": ("import threading\nt = threading.Thread(target=print, args=('ok',)); t.start(); t.join()", {}),
    "subprocess": ("import subprocess\nsubprocess.run('echo ok', shell=True, check=True)", {}),
    "multiprocessing": (_POOL, {}),
    "tempfile": ("import tempfile\nwith tempfile.NamedTemporaryFile() as f: f.write(b'x')" + _OK, {}),
    "asyncio": (_LOOP, {}),
    "sqlite": ("import sqlite3\nsqlite3.connect('db').execute('create table t (x)').connection.commit()" + _OK, {}),
    "large output under the limit": ("print('x' * 900_000)" + _OK, {}),
    "pipe, rename, second name": (
        "import os\nos.mkfifo('p'); os.makedirs('a/b'); os.rename('a/b', 'b'); os.link('p', 'b/p')" + _OK,
        {},
    ),
    "a server on loopback": (_SERVER, {"network": "loopback"}),
    "numpy": ("import numpy\nassert numpy.ones((99, 99)).dot(numpy.ones(99)).sum() == 99 * 99" + _OK, {}),
}
CARDS = ("/dev/nvidia[0-9]*", "/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/dri/renderD*", "/dev/kfd")
