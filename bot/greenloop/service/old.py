"""Records of runs that nobody will ask for again."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from greenloop.commands.journal import REFS
from greenloop.service.lock import LOCKS
from greenloop.workspace import Remote

KEPT = 200  # the newest ones, however old they are
DAYS = 90  # as long as GitHub keeps the logs of the jobs that made them
_AT_ONCE = 200  # refs in one push


def prune(remote: Remote, clone: Path, temp: Path, *, clock: Callable[[], float] = time.time) -> None:
    """Remove records, and locks that a killed runner has left, beyond the newest `KEPT` and older than `DAYS`. In a
    repository with few of them this is one look at its refs."""
    there = remote.there(clone, REFS, LOCKS)
    if len(there) <= KEPT:
        return
    with TemporaryDirectory(prefix="greenloop-old-", dir=temp) as folder:
        made = remote.dates(Path(folder), there)
    newest_first = sorted(made, key=lambda ref: (made[ref], ref), reverse=True)
    before = clock() - DAYS * 24 * 60 * 60
    old = [ref for ref in newest_first[KEPT:] if made[ref] < before]
    if old:
        remote.remove(clone, {ref: there[ref] for ref in old[-_AT_ONCE:]})
