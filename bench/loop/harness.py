"""The harness that measures peers, by its folder: `PEERS` in the environment, else `../shared/bench/peers`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

FOLDER = Path(os.environ.get("PEERS", Path(__file__).resolve().parents[3] / "shared" / "bench" / "peers"))
if not (FOLDER / "run.py").is_file():
    raise SystemExit(f"There is no harness of peers in {FOLDER}: name its folder by PEERS=….")
sys.path.insert(0, str(FOLDER))

import measure  # noqa: E402 - from the folder just named
import peers  # noqa: E402
import run  # noqa: E402
import script  # noqa: E402
import server  # noqa: E402
import tasks  # noqa: E402

__all__ = ["FOLDER", "measure", "peers", "run", "script", "server", "tasks"]
