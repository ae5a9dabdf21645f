"""greenloop as a user runs it: a program of its own, with an environment that holds nothing it should not need."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import warm

# The checkout's own environment has plugins that take most of a short run's time and are no part of any target.
QUICK = "PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 python -m pytest"
KEEP = ("PATH", "PYTHONPATH", "HOME", "XDG_CACHE_HOME", "TMPDIR", "COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG")


def environment(**more: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in KEEP if name in os.environ}
    git = {name: value for name, value in os.environ.items() if name.startswith("GIT_")}
    return kept | git | {"LANG": "C.UTF-8"} | more


def start(*words: str, cwd: Path, **more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "greenloop", *words],
        cwd=cwd,
        env=environment(**more),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def run(*words: str, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    return warm.run(("-m", "greenloop", *words), env=environment(**more), cwd=cwd)


def run_json(*words: str, cwd: Path, **more: str) -> tuple[int, dict[str, Any]]:
    done = run(*words, "--json", cwd=cwd, **more)
    assert done.stdout.strip(), done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, said
