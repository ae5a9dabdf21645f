"""greenloop as the first process of a container: its number is also that of the run's own first process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from program import environment


def test_the_first_process_of_a_container_can_have_a_sandbox(tmp_path: Path) -> None:
    alone = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")
    if subprocess.run([*alone, "true"], check=False, capture_output=True).returncode:
        pytest.skip("no process namespace can be made here")
    words = ("sandbox", "run", "--sandbox", "namespaces", "--", "echo", "in")  # the others have no such first process
    command = [*alone, sys.executable, "-m", "greenloop", *words]
    done = subprocess.run(command, cwd=tmp_path, env=environment(), check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "in\n"), done.stderr
