"""What the launcher is told, as bytes on its standard input. Not JSON: that import alone would cost each run 4 ms."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import subprocess

Spec = dict[str, list[str]]


def encode(spec: Spec) -> bytes:
    """Fields as name, count, values, each ended by a zero byte; no path, argument or variable can hold one."""
    words = [word for name, values in spec.items() for word in (name, str(len(values)), *values)]
    return "\0".join(words).encode("utf-8", "surrogateescape")


def decode(data: bytes) -> Spec:
    words = data.decode("utf-8", "surrogateescape").split("\0")
    spec: Spec = {}
    at = 0
    while at < len(words):
        name, count = words[at], int(words[at + 1])
        spec[name] = words[at + 2 : at + 2 + count]
        at += 2 + count
    return spec


def send(process: subprocess.Popen[bytes], data: bytes) -> None:
    """To a launcher that was started with a pipe as its standard input."""
    if process.stdin is None:
        raise AssertionError
    try:
        process.stdin.write(data)
        process.stdin.close()
    except BrokenPipeError:  # it has ended already; its silence is told by the watch
        return
