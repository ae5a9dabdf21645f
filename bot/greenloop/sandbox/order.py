"""What the launcher is to do: paths, variables, limits; and the way there, opened for the run's user."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from greenloop.ports import Policy
from greenloop.sandbox import container, identity, mirror
from greenloop.sandbox.namespaces import HOME, TMP
from greenloop.sandbox.spec import Spec
from greenloop.sandbox.view import lies_in, look, outermost, view
from greenloop.sandbox.watch import SHARED_MEMORY

_USUAL_PATH = ("/usr/local/bin", "/usr/bin", "/bin")


def made(backend: str, argv: tuple[str, ...], *, cwd: Path, policy: Policy, private: Path, uid: int | None) -> Spec:
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


def open_the_way(spec: Spec, *, contained: bool) -> None:
    """Folders made by `mkdtemp` are closed to all but their owner; the run's user is another one."""
    temporary = Path(tempfile.gettempdir()).resolve()
    identity.let_in(map(Path, spec["readable"]), temporary)
    if not contained:
        identity.let_pass(map(Path, (*spec["readable"], *spec["writable"], *spec["tmp"])), temporary)


def where_it_may_go(spec: Spec) -> Spec:
    """With a Python that the run's user may enter, where the one that is used lies elsewhere. Raises `OSError`."""
    now = mirror.moved(spec["readable"])
    if not now.places:
        return spec
    variables = dict(zip(spec["environment"][::2], map(now.word, spec["environment"][1::2]), strict=True))
    if now.libraries:
        variables.setdefault("LD_LIBRARY_PATH", now.libraries)
    return spec | {
        "argv": [now.word(word) for word in spec["argv"]],
        "cwd": [now.word(word) for word in spec["cwd"]],
        "environment": [word for pair in variables.items() for word in pair],
        "readable": [now.word(path) for path in spec["readable"]],
    }


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
