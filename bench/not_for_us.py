"""What an event that is not for us costs, beside an interpreter that does nothing. Most runs of the action are this.

.venv/bin/python bench/not_for_us.py
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

MAIN = Path(__file__).resolve().parents[1] / "action" / "main.py"
ALLOWED = 0.25  # seconds more than `python -c pass`
RUNS = 21
EVENT = {
    "action": "created",
    "comment": {"id": 1, "body": "Thank you!", "user": {"login": "ada"}, "created_at": "2026-01-01T00:00:00Z"},
    "issue": {"number": 1, "title": "Retry", "body": "Please."},
    "repository": {"full_name": "o/r"},
}


def seconds(argv: list[str], environment: dict[str, str]) -> float:
    def once() -> float:
        start = time.perf_counter()
        subprocess.run(argv, env=environment, check=True, capture_output=True)
        return time.perf_counter() - start

    return median(once() for _ in range(RUNS))


def main() -> int:
    with TemporaryDirectory() as folder:
        event = Path(folder) / "event.json"
        event.write_text(json.dumps(EVENT))
        environment = {"GITHUB_EVENT_NAME": "issue_comment", "GITHUB_EVENT_PATH": str(event)}
        idle = seconds([sys.executable, "-P", "-c", "pass"], environment)
        ours = seconds([sys.executable, "-P", str(MAIN)], environment)
    print(f"python -c pass {idle * 1000:.0f} ms, not for us {ours * 1000:.0f} ms: {(ours - idle) * 1000:.0f} ms more")
    return int(ours - idle > ALLOWED)


if __name__ == "__main__":
    sys.exit(main())
