"""The checks: one module each, one table, and `examine`, which makes them of one tree.

The parse gate comes before all of them and has a result in the report only when it found something; then nothing else
is made. What is not made is `skipped` with its reason, never passed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

from greenloop.checks import parse
from greenloop.checks.command import Command
from greenloop.domain import CheckResult, Report, Status
from greenloop.errors import Misconfigured
from greenloop.ports import Check, Sandbox, Subject
from greenloop.settings import Settings
from greenloop.source.toolchains import Tests

# The module of each in here; a run loads those that it makes
CHECKS: Mapping[str, str] = MappingProxyType(
    {"ruff": "ruff", "pytest": "pytest_", "bandit": "bandit", "integrity": "integrity", "types": "types_"}
)
if TYPE_CHECKING:
    from greenloop.checks import bandit, integrity, pytest_, ruff, types_

    _ARE_CHECKS: tuple[Check, ...] = (ruff, pytest_, bandit, integrity, types_)

NOT_PARSED = "A changed file does not parse."


def _silent(name: str) -> None:
    """Nobody wants to know which check begins."""


def examine(
    make: Callable[[], Subject],
    sandbox: Sandbox,
    settings: Settings,
    *,
    names: tuple[str, ...] | None = None,
    tests: tuple[Tests, ...] = (),
    on_check: Callable[[str], None] = _silent,
) -> Report:
    """Make the checks `names` (default: those of the settings) of the tree that each call of `make` lays afresh.

    Checks that only read share a copy and run one after the other beside those that write, each in a copy of its own.
    `tests` are checks that were found. `on_check` is called from both threads, with a name, when that check begins.
    Results stand in the order asked.
    """
    chosen = _chosen(settings, settings.checks if names is None else names, tests)
    shared = make()
    gate = parse.run(shared, sandbox, settings)
    if gate.status is not Status.PASSED:
        skipped = (CheckResult(check=name, status=Status.SKIPPED, reason=NOT_PARSED) for name in chosen)
        return Report(results=(gate, *skipped))
    reading = [check for check in chosen.values() if not check.WRITES]
    made: dict[str, CheckResult] = {}

    def run(check: Check, subject: Subject) -> None:
        on_check(check.NAME)
        made[check.NAME] = check.run(subject, sandbox, settings)

    def read() -> None:
        for check in reading:
            run(check, shared)

    with _Beside(read if reading else None):
        unused = None if reading else shared
        for check in chosen.values():
            if check.WRITES:
                run(check, unused or make())
                unused = None
    return Report(results=tuple(made[name] for name in chosen))


def _chosen(settings: Settings, names: tuple[str, ...], tests: tuple[Tests, ...]) -> dict[str, Check]:
    own: dict[str, Check] = {found.name: Command(found.name, found.check, found) for found in tests if found.check}
    given = {name: Command(name, spec) for name, spec in settings.commands.items()}
    known = (*dict.fromkeys((*own, *CHECKS, *given)),)
    for name in names:
        if name not in known:
            import difflib  # noqa: PLC0415 - only for a mistake

            near = difflib.get_close_matches(name, known, n=1)
            hint = f" Did you mean `{near[0]}`?" if near else ""
            raise Misconfigured(f"There is no check named `{name}`.{hint} Known: {', '.join(known)}.")
    return {name: given.get(name) or _loaded(name) or own[name] for name in names}


def _loaded(name: str) -> Check | None:
    return cast("Check", import_module(f"greenloop.checks.{CHECKS[name]}")) if name in CHECKS else None


class _Beside:
    """Runs a function in a thread while the block runs; what it raised is raised at the end of the block."""

    def __init__(self, work: Callable[[], None] | None) -> None:
        self._work = work
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run) if work else None

    def _run(self) -> None:
        try:
            if self._work:
                self._work()
        except BaseException as error:  # noqa: BLE001 - carried to the thread that waits
            self._error = error

    def __enter__(self) -> None:
        if self._thread:
            self._thread.start()

    def __exit__(self, *raised: object) -> None:
        if self._thread:
            self._thread.join()
        if self._error is not None and raised[0] is None:
            raise self._error
