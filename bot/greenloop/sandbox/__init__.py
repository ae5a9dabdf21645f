"""The one door to processes that run code of a model or of the target. `Policy` and `Completed` are in ports.py.

    box.py ── run.py ── launch.py (a process of its own) ── namespaces · landlock · seccomp · selfcheck
       what to hide: view.py · whom to be: identity.py · what was written: folders.py · when to end it: watch.py

The launcher imports this package as well, so nothing heavy stands here.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from greenloop.ports import Sandbox

CHOICES = ("auto", "namespaces", "uid", "container")
WEAK = "weak"  # only for who sits at a terminal
_JOB = ("GITHUB_ACTIONS", "GITHUB_EVENT_NAME", "CI")  # what others cause


def open_sandbox(choice: str = "auto", *, cache: Path | None = None) -> Sandbox:
    """The sandbox; `auto` takes the strongest backend that really works when it is first used. In `cache` is kept which
    one that was."""
    from greenloop.errors import UsageError  # noqa: PLC0415 - the launcher pays for every import here
    from greenloop.sandbox.box import Box  # noqa: PLC0415 - likewise

    if choice not in CHOICES:
        raise UsageError(f"sandbox {choice!r} is not known; there is {', '.join(CHOICES)}")
    return Box(choice, cache)


def open_local(choice: str, environment: Mapping[str, str]) -> Sandbox:
    """The sandbox of somebody at a terminal, who may say `weak`: what is strong enough, and where nothing is, what
    there is. Never in a job, where it is others who cause what is run."""
    from greenloop.errors import UsageError  # noqa: PLC0415 - as above
    from greenloop.sandbox.box import Box  # noqa: PLC0415 - likewise
    from greenloop.sandbox.remembered import cache_folder  # noqa: PLC0415 - likewise

    cache = cache_folder(environment)
    if choice != WEAK:
        return open_sandbox(choice, cache=cache)
    job = next((name for name in _JOB if environment.get(name, "").lower() not in {"", "0", "false"}), None)
    if job is not None:
        raise UsageError(
            f"--sandbox weak is for somebody at a terminal, and this is a job ({job} is set): others cause what is run "
            "here. `greenloop doctor` says what makes the confinement strong."
        )
    return Box("auto", cache, weak=True)
