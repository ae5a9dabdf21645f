"""A program that ends with us, whatever ends us: started through `keeper`, with an environment that holds no secret."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from threading import Event
from typing import IO

from greenloop.model.local import keeper

# what a server of models or a download may need of our environment; no key and no token is among it
_WORDS = (
    "PATH HOME USER LOGNAME LANG LC_ALL TMPDIR TZ PYTHONPATH LD_LIBRARY_PATH XDG_CACHE_HOME "
    "HTTP_PROXY HTTPS_PROXY NO_PROXY ALL_PROXY http_proxy https_proxy no_proxy all_proxy SSL_CERT_FILE SSL_CERT_DIR "
    "OMP_NUM_THREADS MKL_NUM_THREADS HF_ENDPOINT HF_HUB_DOWNLOAD_TIMEOUT COVERAGE_PROCESS_START COVERAGE_PROCESS_CONFIG"
)
_KEPT = tuple(_WORDS.split())
_BEGINNINGS = ("CUDA_", "NVIDIA_", "NCCL_", "VLLM_", "PYTORCH_", "TORCH")
_KEYS = ("KEY", "TOKEN", "SECRET", "PASSWORD")
_LOOK = 0.2
_PATIENCE = 2 * keeper.GRACE + 2.0


def surroundings(environment: Mapping[str, str], **more: str) -> dict[str, str]:
    kept = {name: environment[name] for name in _KEPT if name in environment}
    engines = {name: value for name, value in environment.items() if name.startswith(_BEGINNINGS)}
    sound = {name: value for name, value in engines.items() if not any(word in name for word in _KEYS)}
    return {**kept, **sound, **more}


class Kept:
    """In a session of its own, away from the terminal's signals. Ends with `end`, and with this process."""

    def __init__(self, argv: Sequence[str], *, environment: Mapping[str, str], log: IO[bytes], told: bool) -> None:
        """What it says goes to `log`; with `told`, its standard output is `lines`."""
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", keeper.__file__, *argv],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE if told else log,
            stderr=log,
            env=environment,
            cwd="/",
            start_new_session=True,
        )

    def lines(self, stopped: Event, *, silence: float) -> Iterator[bytes]:
        """What it says, until it ends or `stopped` is set. Raises `TimeoutError` when it said nothing for so long."""
        if self._process.stdout is None:
            raise ValueError("its output goes to the log")
        pipe, rest, heard = self._process.stdout.fileno(), b"", time.monotonic()
        while not stopped.is_set():
            if not select.select([pipe], [], [], _LOOK)[0]:
                if time.monotonic() - heard > silence:
                    raise TimeoutError
                continue
            heard = time.monotonic()
            read = os.read(pipe, 1 << 16)
            *lines, rest = (rest + read).split(b"\n")
            yield from lines
            if not read:
                return

    @property
    def code(self) -> int | None:
        """As a shell reports it, once it has ended with everything below it."""
        return self._process.poll()

    def processes(self) -> set[int]:
        return keeper.below(self._process.pid)

    def wait(self, seconds: float | None = None) -> int | None:
        """Its code; None when it is not there after that time."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def end(self) -> None:
        """Harmless when it has ended."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:  # the kernel ends the program then
            self._process.kill()
            self._process.wait()
