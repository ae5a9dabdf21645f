"""All checks of one tree: the gate, the copies, the order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from greenloop import checks
from greenloop.domain import CheckResult, Report, Status
from greenloop.errors import Misconfigured, NoSandbox
from greenloop.ports import Sandbox, Subject
from greenloop.sandbox import open_sandbox
from greenloop.setting_values import CommandCheck
from greenloop.settings import Settings

Lay = Callable[..., Subject]

QUICK = Settings(test_command="PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 python -m pytest")


def status(report: Report) -> dict[str, Status]:
    return {r.check: r.status for r in report.results}


def test_the_three_projects(lay: Lay, sandbox: Sandbox) -> None:
    """Results stand in the order of the settings, whoever is done first."""
    expected = {
        "green": (Status.PASSED, Status.PASSED, Status.PASSED),
        "red": (Status.PASSED, Status.FAILED, Status.PASSED),
        "insecure": (Status.FAILED, Status.PASSED, Status.FAILED),
    }
    for project, (ruff, pytest_, bandit) in expected.items():
        begun: list[str] = []
        report = checks.examine(partial(lay, project), sandbox, QUICK, on_check=begun.append)
        assert list(status(report).items()) == [
            ("ruff", ruff),
            ("pytest", pytest_),
            ("bandit", bandit),
            ("integrity", Status.PASSED),
        ], project
        assert sorted(begun) == ["bandit", "integrity", "pytest", "ruff"]
        assert begun.index("ruff") < begun.index("bandit")


def test_a_file_that_does_not_parse_keeps_everything_from_running(lay: Lay, sandbox: Sandbox) -> None:
    begun: list[str] = []
    report = checks.examine(lambda: lay({"a.py": "def f(:"}, changed=("a.py",)), sandbox, QUICK, on_check=begun.append)
    gate, *others = report.results
    assert (gate.check, gate.status, [f.path for f in gate.findings]) == ("parse", Status.FAILED, ["a.py"])
    assert others == [
        CheckResult(check=name, status=Status.SKIPPED, reason="A changed file does not parse.")
        for name in ("ruff", "pytest", "bandit", "integrity")
    ]
    assert begun == []


def test_writers_have_copies_of_their_own_and_readers_share_one(lay: Lay, sandbox: Sandbox) -> None:
    """Neither sees what the other wrote, and nobody writes into what the readers see."""
    made: list[Subject] = []
    script = "#!/bin/sh\n[ ! -e litter ] && touch litter\n"

    def make() -> Subject:
        made.append(lay({"w.sh": script, "test_a.py": "def test_a():\n    open('litter', 'x').close()\n"}))
        return made[-1]

    own = {"one": CommandCheck(run="./w.sh"), "two": CommandCheck(run="./w.sh")}
    settings = replace(QUICK, commands=own, checks=("one", "ruff", "pytest", "two", "bandit"))
    report = checks.examine(make, sandbox, settings)
    assert list(status(report).items()) == [(name, Status.PASSED) for name in settings.checks]
    assert [(s.folder / "litter").exists() for s in made] == [False, True, True, True]
    del made[:]
    assert status(checks.examine(make, sandbox, settings, names=("two",))) == {"two": Status.PASSED}
    assert len(made) == 1


def test_an_unknown_check_is_refused_by_name(lay: Lay, sandbox: Sandbox) -> None:
    settings = Settings(commands={"jest": CommandCheck(run="true")})
    with pytest.raises(Misconfigured) as raised:
        checks.examine(lambda: lay({}), sandbox, settings, names=("ruff", "bandti"))
    assert str(raised.value) == (
        "There is no check named `bandti`. Did you mean `bandit`? Known: ruff, pytest, bandit, integrity, types, jest."
    )
    with pytest.raises(Misconfigured, match=r"There is no check named `x`\. Known"):
        checks.examine(lambda: lay({}), sandbox, Settings(checks=("x",)))


def test_what_ends_a_check_beside_ends_all(lay: Lay) -> None:
    """A sandbox that cannot be had is no finding: the error comes out of the thread."""

    def fail(name: str) -> None:
        if name == "ruff":
            raise NoSandbox("none")

    stopped = open_sandbox()
    stopped.stop()
    with pytest.raises(NoSandbox, match="none"):
        checks.examine(lambda: lay("green"), stopped, Settings(), on_check=fail)
