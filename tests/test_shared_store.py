"""Processes side by side, each a program of its own: `bench/store.py`, small."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from program import environment

BENCH = Path(__file__).parents[1] / "bench" / "store.py"


def test_processes_share_a_store_and_a_ledger() -> None:
    words = ("--processes", "3", "--calls", "12", "--steps", "3", "--json")
    command = [sys.executable, str(BENCH), *words]
    env = environment(PYTHONPATH=str(BENCH.parents[1] / "bot"))
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    file, ref = json.loads(done.stdout)
    for row in (file, ref):
        assert (row["billed"], row["rows_lost"], row["answers_lost"], row["in_flight"]) == (row["noted"], 0, 0, 0)
        assert 0 < row["worst"] <= 100.0
        assert row["refused"] > 0, "the limits were met"
        assert row["calls"] > 0
