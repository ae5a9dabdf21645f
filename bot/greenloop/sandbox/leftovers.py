"""Temporary folders that a killed process of ours has left behind: who is ended by SIGKILL clears nothing away. Those
of a job's own folder (RUNNER_TEMP) are not looked for: the runner empties that before and after each job."""

from __future__ import annotations

import os
import re
import stat
import tempfile
import time
from pathlib import Path

from greenloop.sandbox import folders, mirror

RUN = "greenloop-run-"
_DAY = 86_400.0
_LEFT = (  # names, the days after which they are certainly nobody's, and what nobody else may do in them
    (re.compile(f"{RUN}.*"), 1, 0o066),
    (re.compile(f"{mirror.PREFIX}.*"), 7, 0o022),  # since it was last used
    (
        re.compile(
            r"greenloop-(?:bandit|borrowed|build|clone|git|home|install|key|look|model|old|ruff|sandbox|tests|tidy|trees|try)-"
            r"[a-z0-9_]{8}"
        ),
        7,
        0o066,
    ),
)


def sweep() -> None:
    """Remove those that are our user's own, closed to all others as we make them, and old."""
    for folder in Path(tempfile.gettempdir()).glob("greenloop-*"):
        status = status_of(folder)
        if status is not None and _left(folder.name, status):
            folders.remove(folder)


def _left(name: str, status: os.stat_result) -> bool:
    """Never what others made or may change, a link to something else, or a folder of the user's with such a name."""
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
        return False
    age = time.time() - status.st_mtime
    return any(
        names.fullmatch(name) and age > days * _DAY and not status.st_mode & others for names, days, others in _LEFT
    )


def status_of(path: Path) -> os.stat_result | None:
    """None for what others have removed since it was listed."""
    try:
        return path.lstat()
    except FileNotFoundError:
        return None
