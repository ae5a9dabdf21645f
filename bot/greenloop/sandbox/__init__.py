"""The one door to processes that run code of a model or of the target. `Policy` and `Completed` are in ports.py.

    box.py ── run.py ── launch.py (a process of its own) ── namespaces · landlock · seccomp · selfcheck
       what to hide: view.py · whom to be: identity.py · what was written: folders.py · when to end it: watch.py

The launcher imports this package as well, so nothing heavy stands here.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

    from greenloop.ports import Sandbox

CHOICES = ("auto", "namespaces", "uid", "container")


def open_sandbox(choice: str = "auto", *, cache: Path | None = None) -> Sandbox:
    """The sandbox; `auto` takes the strongest backend that really works when it is first used. In `cache` is kept which
    one that was."""
    from greenloop.errors import UsageError  # noqa: PLC0415 - the launcher pays for every import here
    from greenloop.sandbox.box import Box  # noqa: PLC0415 - likewise

    if choice not in CHOICES:
        raise UsageError(f"sandbox {choice!r} is not known; there is {', '.join(CHOICES)}")
    return Box(choice, cache)
