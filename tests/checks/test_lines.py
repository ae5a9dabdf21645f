"""Which of the changed lines the tests ran: what counts as a line, what counts as run, and what cannot be faked."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace

import pytest

from greenloop.checks import lines, pytest_
from greenloop.domain import CheckResult, Covered
from greenloop.ports import Sandbox, Subject
from greenloop.setting_values import Criteria
from greenloop.settings import Settings
from greenloop.verdict.criteria import coverage, exceeded

Lay = Callable[..., Subject]

QUICK = "PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 python -m pytest"
LIMIT = Criteria(coverage=80.0)
TEST = "import shop\n\n\ndef test_shop():\n    assert shop.price(1) == 2\n"
SHOP = '''\
"""Prices."""
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import decimal


@staticmethod
def price(
    a,
):
    """Of a thing."""
    if a > 5:
        return (
            a
            * 3
        )
    try:
        return sum((
            a,
            1,
        ))
    except ValueError:
        return 0


def unused(): ...
'''


@pytest.fixture
def ran(lay: Lay, sandbox: Sandbox) -> Callable[..., CheckResult]:
    def run(
        files: dict[str, str], *changed: str, command: str = QUICK, limits: Criteria | None = LIMIT, **given: object
    ) -> CheckResult:
        every = {path: frozenset(range(1, files[path].count("\n") + 2)) for path in changed or ("shop.py",)}
        subject = lay(files, changed=tuple(every), lines=every, **given)
        return pytest_.run(subject, sandbox, Settings(test_command=command, criteria=limits))

    return run


def test_a_statement_counts_once_and_has_run_when_any_line_of_it_has(ran: Callable[..., CheckResult]) -> None:
    result = ran({"shop.py": SHOP, "test_shop.py": TEST}, "shop.py", "test_shop.py")
    assert result.covered == (SHOP_COVERED,)
    number = coverage(result.covered, LIMIT)
    assert (number.after, number.detail) == (70.0, "7 of 10; not run: shop.py 14, 23-24")
    assert [f.message for f in exceeded([number], LIMIT)] == [
        "coverage of the changed lines: 70 % (7 of 10; not run: shop.py 14, 23-24); at least 80 %."
    ]


def test_only_what_changed_is_counted(lay: Lay, sandbox: Sandbox) -> None:
    """A line inside a statement stands for its first one; text, and lines without code, for nothing."""
    changed = {"shop.py": frozenset({1, 5, 11, 12, 16, 20, 26})}
    subject = lay({"shop.py": SHOP, "test_shop.py": TEST}, changed=("shop.py",), lines=changed)
    result = pytest_.run(subject, sandbox, Settings(test_command=QUICK, criteria=LIMIT))
    assert result.covered == (Covered(path="shop.py", lines=(8, 14, 19), missed=(14,)),)


def test_a_namesake_of_ours_is_not_loaded(ran: Callable[..., CheckResult]) -> None:
    files = {"shop.py": "a = 1\n", "test_a.py": "import shop\ndef test_a():\n    pass\n", "greenloop_ran.py": "1 / 0\n"}
    assert ran(files).covered == (Covered(path="shop.py", lines=(1,)),)


def test_a_file_that_nothing_imports_did_not_run(ran: Callable[..., CheckResult]) -> None:
    result = ran({"shop.py": "a = 1\nb = 2\n", "test_a.py": "def test_a():\n    pass\n"})
    assert result.covered == (Covered(path="shop.py", lines=(1, 2), missed=(1, 2)),)


def test_what_runs_in_threads_and_while_collecting_counts(ran: Callable[..., CheckResult]) -> None:
    shop = "from threading import Thread\n\n\ndef work():\n    made.append(1)\n\n\nmade = []\n"
    test = "from shop import *\nThread(target=work).start()\n\n\ndef test_a():\n    pass\n"
    assert ran({"shop.py": shop, "test_a.py": test}).covered == (Covered(path="shop.py", lines=(1, 4, 5, 8)),)


def test_the_workers_of_xdist_bring_home_what_they_saw(ran: Callable[..., CheckResult]) -> None:
    command = "PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 python -m pytest -p xdist.plugin -n 1"
    files = {"shop.py": "def a():\n    return 1\n\n\ndef b():\n    return 2\n", "conftest.py": "import shop\n"}
    result = ran({**files, "test_a.py": "def test_a():\n    import shop\n    shop.a()\n"}, command=command)
    assert result.covered == (Covered(path="shop.py", lines=(1, 2, 5, 6), missed=(6,)),)


FORGED = {
    "another text under the name of the file": """
import shop
def test_a():
    exec(compile("\\n" * 4 + "1", shop.__file__, "exec"))
""",
    "code with another place": """
import shop
def test_a():
    def f(): pass
    exec(f.__code__.replace(co_filename=shop.__file__, co_firstlineno=5))
""",
    "the callback called by hand": """
import sys, shop
def test_a():
    class Frame:
        f_code, f_lineno, f_globals = shop.b.__code__, 6, {}
    trace = sys.gettrace()
    if trace:
        each = trace(sys._getframe(), "call", None) or [
            c.cell_contents for c in trace.__closure__ if callable(c.cell_contents)
            and getattr(c.cell_contents, "__name__", "") == "each"][0]
        each(Frame, "line", None)
    else:
        line = sys.monitoring.register_callback(4, sys.monitoring.events.LINE, None)
        line(shop.b.__code__, 6)
""",
    "the same text in another file": """
import shop, pathlib
def test_a():
    exec(compile(pathlib.Path(shop.__file__).read_text() + "b()", "other.py", "exec"), {})
""",
}


@pytest.mark.parametrize("how", FORGED)
def test_a_line_that_did_not_run_cannot_be_told_of(ran: Callable[..., CheckResult], how: str) -> None:
    files = {"shop.py": "def a():\n    return 1\n\n\ndef b():\n    return 2\n", "test_a.py": FORGED[how]}
    result = ran(files)
    assert [(c.lines, c.missed) for c in result.covered] == [((1, 2, 5, 6), (2, 6))]
    assert [c.strange for c in result.covered] == [
        how in {"another text under the name of the file", "code with another place"}
    ]


MONITORED = sys.version_info >= (3, 12)
SHOP_COVERED = Covered(path="shop.py", lines=(2, 4, 8, 13, 14, 18, 19, 23, 24, 27), missed=(14, 23, 24))


def test_another_tracer_is_left_alone(ran: Callable[..., CheckResult]) -> None:
    """From Python 3.12 on both see everything; before that ours says that it did not, and that breaks a limit."""
    result = ran({"shop.py": SHOP, "test_shop.py": "import shop, sys\nsys.settrace(lambda *_: None)\n" + TEST})
    lost = "another tracer took the place of greenloop's; on Python 3.12 or newer it is measured beside one"
    assert (result.covered, result.uncovered) == (((SHOP_COVERED,), "") if MONITORED else ((), lost))
    number = replace(coverage((), LIMIT), detail=lost)
    assert [f.rule for f in exceeded([number], LIMIT)] == ["coverage"]


def test_where_it_costs_it_is_measured_only_when_it_decides(ran: Callable[..., CheckResult]) -> None:
    test = "import sys\n" + TEST + "    assert sys.gettrace() is None\n"
    result = ran({"shop.py": SHOP, "test_shop.py": test}, limits=None)
    assert (result.covered, result.status) == ((SHOP_COVERED,) if MONITORED else (), "passed")


def test_other_runners_and_large_changes_are_not_measured(lay: Lay, sandbox: Sandbox) -> None:
    changed = {"shop.py": frozenset({1, 2})}
    subject = lay({"shop.py": "a = 1\nb = 2\n"}, changed=("shop.py",), lines=changed)
    result = pytest_.run(subject, sandbox, Settings(test_command="python -c pass", criteria=LIMIT))
    assert (result.covered, result.uncovered) == ((), lines.UNSEEN)
    large = {"shop.py": {n: frozenset({n}) for n in range(1, lines.MOST + 2)}}
    assert lines.covered(large, ()) == ((), lines.UNASKED)
    assert lines.covered({}, ()) == ((), "")


def test_of_a_newer_python_than_ours_each_line_is_its_own() -> None:
    assert lines.statements(b"x = = 1\n", frozenset({1, 2})) == {1: frozenset({1}), 2: frozenset({2})}
