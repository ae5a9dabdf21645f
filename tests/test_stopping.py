"""Signals, in a process of its own."""

from __future__ import annotations

import subprocess
import sys

from program import environment

# The main thread does not take SIGTERM, so the kernel gives it to another one: as if it had come just before the wait.
LOST = """
import os, signal, sys, threading
from pathlib import Path
from greenloop.stopping import Stop, Stopped

READ = {"x86_64": "0 ", "aarch64": "63 "}[os.uname().machine]
stop = Stop()
stop.install()
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
main, (reading, _) = threading.get_native_id(), os.pipe()

def send():
    while not Path(f"/proc/self/task/{main}/syscall").read_text().startswith(READ):
        pass
    os.kill(os.getpid(), signal.SIGTERM)

threading.Thread(target=send, daemon=True).start()
try:
    with stop.waiting():
        os.read(reading, 1)
except Stopped:
    sys.exit(7)
"""


def test_a_signal_that_comes_just_before_a_wait_ends_it() -> None:
    done = subprocess.run([sys.executable, "-c", LOST], env=environment(), check=False, capture_output=True, timeout=20)
    assert (done.returncode, done.stderr) == (7, b"")
