"""The repository's tests, run by the real pytest in the real sandbox: what is reported of each test, and of the run."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from greenloop.checks import pytest_
from greenloop.domain import Cause, CheckResult, Finding, Frame, Severity, Status, TestCase
from greenloop.errors import Misconfigured, NoSandbox
from greenloop.ports import Completed, Environment, Policy, Sandbox, Subject
from greenloop.sandbox import open_sandbox
from greenloop.settings import Settings

Lay = Callable[..., Subject]

# plugins that happen to be installed beside the interpreter of these tests cost more than the tests
QUICK = "PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 python -m pytest"
OK = "def test_ok():\n    pass\n"


@pytest.fixture
def tested(lay: Lay, sandbox: Sandbox) -> Callable[..., CheckResult]:
    def run(files: str | dict[str, str], command: str = QUICK, timeout: float = 100.0, **given: object) -> CheckResult:
        settings = Settings(test_command=command, test_timeout=timeout)
        return pytest_.run(lay(files, **given), sandbox, settings)

    return run


def outcomes(result: CheckResult) -> dict[str, str]:
    return {t.id: t.outcome for t in result.tests}


def problems(result: CheckResult) -> list[tuple[str, str]]:
    """The findings that are not about one red test."""
    return [(f.rule, f.message) for f in result.findings if not f.context]


def test_a_red_project_is_reported_whole(tested: Callable[..., CheckResult]) -> None:
    result = tested("red", first=("tests/test_prices.py::test_discount",))
    product = 'def cheapest(prices):\n    """The lowest price."""\n    return sorted(prices)[1]'
    path = "tests/test_prices.py"
    discount = TestCase(
        id=f"{path}::test_discount",
        outcome="failed",
        path=path,
        line=10,
        cause=Cause.ASSERTION,
        error="AssertionError",
        message="assert 55 == 60\n +  where 55 = discounted(80, 25)",
        frames=(
            Frame(
                path=path,
                line=11,
                function="test_discount",
                source="def test_discount():\n    assert discounted(80, 25) == 60",
                source_start=10,
            ),
        ),
        seconds=result.tests[1].seconds,
    )
    assert result.tests[1] == discount
    cheapest = result.tests[2]
    assert (cheapest.cause, cheapest.error, cheapest.message) == (
        Cause.PRODUCT,
        "IndexError",
        "IndexError: list index out of range",
    )
    assert cheapest.frames[-1] == Frame(path="prices.py", line=11, function="cheapest", source=product, source_start=9)
    assert result.findings == (
        Finding(
            check="pytest",
            rule="failed",
            message="assert 55 == 60",
            path=path,
            line=11,
            context=f"{path}::test_discount",
        ),
        Finding(
            check="pytest",
            rule="failed",
            message="IndexError: list index out of range",
            path=path,
            line=15,
            context=f"{path}::test_cheapest_of_one",
        ),
    )
    assert outcomes(result) == {
        f"{path}::test_no_discount": "passed",
        f"{path}::test_discount": "failed",
        f"{path}::test_cheapest_of_one": "failed",
        f"{path}::test_list": "skipped",
    }
    assert (result.check, result.status, result.reason) == ("pytest", Status.FAILED, "")
    assert {k: v for k, v in result.metrics.items() if k != "memory"} == {
        "tests": 4.0,
        "passed": 1.0,
        "failed": 2.0,
        "skipped": 1.0,
    }
    assert "2 failed, 1 passed, 1 skipped" in result.output


def test_a_green_project_passes_with_the_default_command(tested: Callable[..., CheckResult]) -> None:
    result = tested("green", command="")
    assert (result.status, result.findings) == (Status.PASSED, ())
    assert outcomes(result) == {
        "tests/test_stack.py::test_last_in_first_out": "passed",
        "tests/test_stack.py::test_empty": "passed",
    }


EVERY = {
    "prod.py": """\
def __getattr__(name):
    raise AttributeError("no " + name)
def boom():
    raise ValueError("bad at %r" % object())
def missing():
    return undefined
def deep(n):
    return deep(n - 1) if n else 1 / 0
class Thing:
    pass
""",
    "late.py": "def helper():\n    raise RuntimeError('at import')\nhelper()\n",
    "tests/conftest.py": """\
import pytest
@pytest.fixture
def broken():
    raise OSError("no database")
@pytest.fixture
def untidy():
    yield
    raise OSError("still open")
""",
    "tests/test_a.py": """\
import os, sys, unittest
import pytest, prod
def test_assertion():
    print("said before")
    assert [1] == [2]
def test_helper_assertion():
    import helpers
    helpers.check(1)
def test_raises():
    with pytest.raises(ValueError):
        pass
def test_fails():
    pytest.fail("on purpose")
def test_product():
    prod.boom()
def test_name_in_product():
    prod.missing()
def test_recursion():
    prod.deep(40)
def test_name_here():
    nowhere
def test_new_function():
    prod.new_function()
def test_new_method():
    prod.Thing().new_method()
def test_new_keyword():
    prod.boom(retries=3)
def test_patch(monkeypatch):
    monkeypatch.setattr(prod.Thing, "gone", 1)
def test_import_here():
    import nowhere
def test_import_runs_code():
    import late
def test_fixture(broken):
    pass
def test_no_fixture(nonesuch):
    pass
def test_teardown(untidy):
    pass
def test_exit():
    sys.exit(3)
@pytest.mark.xfail
def test_xfail():
    assert 0
@pytest.mark.xfail
def test_xpass():
    pass
@pytest.mark.xfail(strict=True)
def test_strict():
    pass
@pytest.mark.parametrize("x", [1, "a b"])
def test_parameter(x):
    assert x == "a b"
class TestUnit(unittest.TestCase):
    def test_unit(self):
        self.assertEqual(1, 2)
def test_hostile(monkeypatch):
    ours = ("GREENLOOP_PYTEST", "PYTEST_ADDOPTS", "PYTHONPATH")
    assert not [n for n in ours if n in os.environ]
    for name in ("os.write", "os.open", "json.dumps", "builtins.open"):
        monkeypatch.setattr(name, None)
""",
    "tests/helpers.py": "def check(n):\n    assert n == 2\n",
    "tests/test_import.py": "from prod import nothing_here\n",
    "tests/test_syntax.py": "def f(:\n",
    "tests/sub/conftest.py": "import gone_too\n",
    "tests/sub/test_sub.py": OK,
    "pytest.ini": """\
[pytest]
addopts = -x --sw --ff --strict-markers --strict-config --tb=no
filterwarnings = error
pythonpath = . tests
""",
}
CAUSES = {
    "tests/test_import.py": ("error", Cause.IMPORT, "ImportError"),
    "tests/test_syntax.py": ("error", Cause.IMPORT, "SyntaxError"),
    "assertion": ("failed", Cause.ASSERTION, "AssertionError"),
    "helper_assertion": ("failed", Cause.ASSERTION, "AssertionError"),
    "raises": ("failed", Cause.ASSERTION, "Failed"),
    "fails": ("failed", Cause.ASSERTION, "Failed"),
    "product": ("failed", Cause.PRODUCT, "ValueError"),
    "name_in_product": ("failed", Cause.PRODUCT, "NameError"),
    "recursion": ("failed", Cause.PRODUCT, "ZeroDivisionError"),
    "name_here": ("failed", Cause.IMPORT, "NameError"),
    "new_function": ("failed", Cause.IMPORT, "AttributeError"),
    "new_method": ("failed", Cause.IMPORT, "AttributeError"),
    "new_keyword": ("failed", Cause.OTHER, "TypeError"),
    "patch": ("failed", Cause.IMPORT, "AttributeError"),
    "import_here": ("failed", Cause.IMPORT, "ModuleNotFoundError"),
    "import_runs_code": ("failed", Cause.IMPORT, "RuntimeError"),
    "fixture": ("error", Cause.IMPORT, "OSError"),
    "no_fixture": ("error", Cause.IMPORT, "FixtureLookupError"),
    "teardown": ("error", Cause.OTHER, "OSError"),
    "exit": ("failed", Cause.OTHER, "SystemExit"),
    "xfail": ("xfailed", None, ""),
    "xpass": ("xpassed", None, ""),
    "strict": ("failed", Cause.OTHER, ""),
    "parameter[1]": ("failed", Cause.ASSERTION, "AssertionError"),
    "parameter[a b]": ("passed", None, ""),
    "TestUnit::test_unit": ("failed", Cause.ASSERTION, "AssertionError"),
    "hostile": ("passed", None, ""),
}


@pytest.mark.parametrize("workers", [False, True], ids=["one process", "xdist"])
def test_every_kind_of_outcome_and_cause(tested: Callable[..., CheckResult], *, workers: bool) -> None:
    """With options in the project that would stop after the first failure."""
    result = tested(EVERY, command=f"{QUICK} -p xdist -n 2" if workers else QUICK)
    short = {t.id.removeprefix("tests/test_a.py::").removeprefix("test_"): t for t in result.tests}
    sub = next(t for t in result.tests if t.path == "tests/sub/conftest.py")
    assert (sub.outcome, sub.cause, sub.error) == ("error", Cause.IMPORT, "ModuleNotFoundError")
    assert {n: (t.outcome, t.cause, t.error) for n, t in short.items() if t is not sub} == CAUSES
    assert short["assertion"].output == "Captured stdout call:\nsaid before"
    assert short["product"].message == "ValueError: bad at <object object at 0x…>"
    assert [(f.path, f.line) for f in short["recursion"].frames] == [("tests/test_a.py", 19), ("prod.py", 8)]
    assert [(f.path, f.line) for f in short["tests/test_syntax.py"].frames] == [("tests/test_syntax.py", 1)]
    assert short["no_fixture"].message.startswith("fixture 'nonesuch' not found")
    messages = {f.context: f.message for f in result.findings}
    assert messages["tests/test_syntax.py"].startswith("SyntaxError: invalid syntax")
    assert (result.status, problems(result)) == (Status.FAILED, [])


# how a test finds the way that the reporter writes by
FOUND = "import os\ndef report(request):\n    return os.path.dirname(request.config.getini('cache_dir')) + '/report'\n"
SWITCHES = {
    "exits in a test": (
        {"test_a.py": f"{OK}def test_x():\n    import os\n    os._exit(0)\ndef test_y():\n    pass\n"},
        {"test_a.py::test_ok": "passed", "test_a.py::test_x": "failed"},
        ("unfinished", "The test process ended before its end marker during test_a.py::test_x: exit code 0."),
    ),
    "exits when imported": (
        {"test_a.py": "import os\nos._exit(0)\n"},
        {},
        ("unfinished", "The test process ended before its end marker while collecting tests: exit code 0."),
    ),
    "exits in conftest": (
        {"conftest.py": "import os\nos._exit(5)\n", "test_a.py": OK},
        {},
        ("unfinished", "The test process ended before its end marker while loading conftest files: exit code 5."),
    ),
    "never ends": (
        {"test_a.py": f"{OK}def test_x():\n    while True:\n        pass\n"},
        {"test_a.py::test_ok": "passed", "test_a.py::test_x": "failed"},
        (
            "unfinished",
            "The test process ended before its end marker during test_a.py::test_x: it had not ended after 2 s.",
        ),
    ),
    "interrupted": (
        {"test_a.py": f"{OK}def test_x():\n    raise KeyboardInterrupt\n"},
        {"test_a.py::test_ok": "passed", "test_a.py::test_x": "failed"},
        ("interrupted", "The tests were interrupted during test_a.py::test_x: KeyboardInterrupt"),
    ),
    "stopped by a plugin": (
        {
            "test_a.py": f"{OK}def test_y():\n    pass\n",
            "conftest.py": "def pytest_runtest_teardown(item):\n    item.session.shouldstop = 'enough'\n",
        },
        {"test_a.py::test_ok": "passed"},
        ("not run", "1 of the collected tests were not run: enough."),
    ),
    "a hook of its own raises": (
        {"test_a.py": OK, "conftest.py": "def pytest_collection_modifyitems():\n    1 / 0\n"},
        {},
        (
            "internal",
            "Code of the repository ended the test session in conftest.py:2: ZeroDivisionError: division by zero",
        ),
    ),
    "ends with another exit code": (
        {"test_a.py": OK, "conftest.py": "def pytest_sessionfinish(session):\n    session.exitstatus = 1\n"},
        {"test_a.py::test_ok": "passed"},
        ("exit", "The test command ended with exit code 1, every test passed."),
    ),
    "writes into the report": (
        {
            "test_a.py": f"{FOUND}import json\ndef test_x(request):\n"
            "    with open(report(request), 'a') as f:\n"
            "        f.write('0123456789abcdef ' + json.dumps({'kind': 'test', 'pid': os.getpid(),"
            " 'id': 'test_a.py::test_fake', 'outcome': 'passed'}) + '\\n')\n"
        },
        {"test_a.py::test_x": "passed"},
        ("forged", "1 lines of the test report do not come from the reporter."),
    ),
    "removes lines of the report": (
        {
            "test_a.py": f"{OK}{FOUND}def test_x(request):\n"
            "    with open(report(request)) as f:\n        lines = f.readlines()\n"
            "    with open(report(request), 'w') as f:\n"
            "        f.writelines(l for l in lines if '\"outcome\"' not in l)\n"
        },
        {"test_a.py::test_x": "passed"},
        ("incomplete", "The test report holds another number of tests than its end marker says."),
    ),
}


@pytest.mark.parametrize("name", SWITCHES)
def test_what_the_code_does_to_the_run_is_a_failure(tested: Callable[..., CheckResult], name: str) -> None:
    files, expected, problem = SWITCHES[name]
    result = tested(files, timeout=2.0 if name == "never ends" else 100.0)
    assert (outcomes(result), problems(result), result.status) == (expected, [problem], Status.FAILED)


def test_a_conftest_file_that_cannot_be_loaded_is_a_red_case(tested: Callable[..., CheckResult]) -> None:
    result = tested({"conftest.py": "import prod\n", "prod.py": "import gone\n", "test_a.py": OK})
    [case] = result.tests
    assert (case.id, case.path, case.cause, case.error) == (
        "conftest.py",
        "conftest.py",
        Cause.IMPORT,
        "ModuleNotFoundError",
    )
    assert [f.path for f in case.frames] == ["conftest.py", "prod.py"]
    assert (result.status, problems(result)) == (Status.FAILED, [])


REFUSED = "pytest did not accept its options or configuration"
HIDDEN = "The test command keeps our reporter from being loaded"
MISSING = "pytest is not installed for the target's interpreter"
BROKEN = {
    "an option it does not know": (
        {"test_a.py": OK},
        f"{QUICK} --nonsense",
        f"{REFUSED}: python -m pytest: error: unrecognized arguments: --nonsense",
    ),
    "a file that is not there": (
        {"test_a.py": OK},
        f"{QUICK} gone.py",
        f"{REFUSED}: ERROR: file or directory not found: gone.py",
    ),
    "stopped by its own hook": (
        {"test_a.py": OK, "conftest.py": "import pytest\ndef pytest_sessionstart():\n    pytest.exit('no database')\n"},
        QUICK,
        "The tests were stopped before the first one: _pytest.outcomes.Exit: no database",
    ),
    "a program that is not there": (
        {"test_a.py": OK},
        "nonesuch --all",
        "The program `nonesuch` was not found: install it in the target's environment, or name another one.",
    ),
    "a program that is none": (
        {"run": "nothing"},
        "./run",
        "The program `./run` cannot be executed: make the file executable, or name its interpreter.",
    ),
    "isolated from the reporter": (
        {"test_a.py": OK},
        "python -I -m pytest",
        f"{HIDDEN}: extend PYTHONPATH instead of replacing it, and do not start Python with -I or -E.",
    ),
    "pytest that is not installed": (
        {"run.sh": "#!/bin/sh\necho No module named pytest >&2; exit 1\n"},
        "./run.sh",
        f"{MISSING}: add pytest to the project's test dependencies, or set `install_command` or `test_command`.",
    ),
    "a configuration that is none": (
        {"test_a.py": OK, "pytest.ini": "[pytest\n"},
        QUICK,
        "pytest did not start: ERROR: pytest.ini:1: unexpected value continuation",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_cannot_be_run_is_broken_and_not_failed(tested: Callable[..., CheckResult], name: str) -> None:
    files, command, reason = BROKEN[name]
    result = tested(files, command=command)
    assert (result.status, result.reason, result.findings) == (Status.BROKEN, reason, ())


def test_nothing_run_is_not_passed(tested: Callable[..., CheckResult]) -> None:
    nothing = tested({"a.py": "x = 1\n"})
    assert (nothing.status, nothing.reason, nothing.tests) == (Status.SKIPPED, "No tests were collected.", ())
    skipped = tested({"test_a.py": "import pytest\n@pytest.mark.skip\ndef test_a():\n    pass\n"})
    assert (skipped.status, skipped.reason) == (Status.SKIPPED, "Every test was skipped.")
    elsewhere = tested({"test_a.py": OK}, directory="gone")
    assert elsewhere.status is Status.BROKEN
    assert elsewhere.reason == "There is no folder `gone` in this tree; `directory` names it."


def test_a_command_that_is_not_pytest_is_judged_by_its_exit_code(tested: Callable[..., CheckResult]) -> None:
    note = "The test command did not start pytest; its exit code alone is judged."
    green = tested({"t.sh": "#!/bin/sh\necho fine\n"}, command="./t.sh")
    assert (green.status, green.reason, green.output) == (Status.PASSED, note, f"{note}\nfine")
    red = tested({"t.sh": "#!/bin/sh\nexit 3\n"}, command="./t.sh")
    assert (red.status, red.reason) == (Status.FAILED, note)
    assert problems(red) == [("exit", "The test command ended with exit code 3, the test command is not pytest.")]


def test_wrappers_variables_and_monorepos(tested: Callable[..., CheckResult]) -> None:
    """A script that starts pytest twice, from a package inside the repository, with variables set in front."""
    script = "#!/bin/sh\nset -e\n[ \"$FLAG\" = 'a b' ]\npython -m pytest test_a.py\npython -m pytest test_b.py\n"
    files = {
        "pkg/src/prod.py": "",
        "pkg/test_a.py": f"import prod\n{OK}",
        "pkg/test_b.py": "def test_b():\n    assert 0\n",
        "pkg/run.sh": script,
    }
    command = "PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 FLAG='a b' PYTHONPATH=src PYTEST_ADDOPTS=-q ./run.sh"
    result = tested(files, command=command, directory="pkg")
    assert {t.id: (t.outcome, t.path) for t in result.tests} == {
        "test_a.py::test_ok": ("passed", "pkg/test_a.py"),
        "test_b.py::test_b": ("failed", "pkg/test_b.py"),
    }
    assert (result.status, problems(result)) == (Status.FAILED, [])


def test_only_some_files_and_red_ones_first(tested: Callable[..., CheckResult]) -> None:
    files = {
        "test_a.py": OK,
        "test_b.py": f"{OK}def test_two():\n    pass\n",
        "tests/test_c.py": OK,
        "pytest.ini": "[pytest]\naddopts = --import-mode=importlib\n",
    }
    ordered = tested(files, first=("tests/test_c.py::test_ok", "test_b.py::test_two", "gone.py::test_x"))
    assert list(outcomes(ordered)) == [
        "test_b.py::test_ok",
        "test_b.py::test_two",
        "tests/test_c.py::test_ok",
        "test_a.py::test_ok",
    ]
    only = tested(files, command=f"{QUICK} test_a.py", only=("tests/test_c.py", "gone.py"))
    assert outcomes(only) == {"tests/test_c.py::test_ok": "passed"}
    none = tested(files, only=("gone.py",))
    assert (none.status, none.reason) == (Status.SKIPPED, "No tests were collected.")


def test_a_pytest_that_a_test_starts_is_left_alone(tested: Callable[..., CheckResult]) -> None:
    inner = "def test_q():\n    assert 0\ndef test_r():\n    pass\n"
    test = (
        "import subprocess, sys\ndef test_outer(tmp_path):\n"
        f"    (tmp_path / 'test_q.py').write_text({inner!r})\n"
        "    done = subprocess.run([sys.executable, '-m', 'pytest', '-x', '.'], cwd=tmp_path, capture_output=True)\n"
        "    assert b'1 failed' in done.stdout and b'1 passed' not in done.stdout\n"
        "    assert (tmp_path / '.pytest_cache').exists()\n"
    )
    result = tested({"test_a.py": test})
    assert outcomes(result) == {"test_a.py::test_outer": "passed"}


def test_a_command_by_absolute_path_and_one_that_no_shell_could_split(lay: Lay, sandbox: Sandbox) -> None:
    """The interpreter named in the command is used as it is, whatever the environment's own is."""
    subject = lay({"test_a.py": OK}, environment=Environment(python=Path("/nonexistent/bin/python")))
    command = f"PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 {shlex.quote(sys.executable)} -m pytest"
    assert pytest_.run(subject, sandbox, Settings(test_command=command)).status is Status.PASSED
    for bad, words in (("pytest 'x", "cannot be split into words"), ("A=1", "only sets variables"), (" ", "is empty")):
        with pytest.raises(Misconfigured, match=words):
            pytest_.run(subject, sandbox, Settings(test_command=bad))


def test_a_test_that_spoils_the_standard_library_cannot_silence_the_report(tested: Callable[..., CheckResult]) -> None:
    spoil = (
        "import json, os\ndef test_a():\n    os.open = os.write = os.getpid = json.dumps = None\n    assert 0\n" + OK
    )
    assert outcomes(tested({"test_a.py": spoil})) == {"test_a.py::test_a": "failed", "test_a.py::test_ok": "passed"}


def test_the_tests_may_talk_to_themselves(lay: Lay, sandbox: Sandbox) -> None:
    if not sandbox.level.startswith("namespaces"):
        pytest.skip("the loopback network needs a network namespace")
    test = (
        "import socket\ndef test_loopback():\n    with socket.create_server(('127.0.0.1', 0)) as server:\n"
        "        socket.create_connection(server.getsockname()).close()\n"
    )
    result = pytest_.run(lay({"test_a.py": test}), sandbox, Settings(test_command=QUICK))
    assert result.status is Status.PASSED


def test_a_stopped_run_says_nothing_about_the_code(lay: Lay) -> None:
    stopped = open_sandbox()
    stopped.stop()
    result = pytest_.run(lay("green"), stopped, Settings())
    assert (result.status, result.reason) == (Status.BROKEN, "The run was stopped.")


def test_a_hook_cannot_make_a_failure_a_success(tested: Callable[..., CheckResult]) -> None:
    hook = "import pytest\n@pytest.hookimpl(hookwrapper=True)\ndef pytest_runtest_makereport(item, call):\n"
    hook += "    report = (yield).get_result()\n    report.outcome = 'passed'\n"
    result = tested({"conftest.py": hook, "test_a.py": f"{OK}def test_x():\n    assert 0\n"})
    assert outcomes(result) == {"test_a.py::test_ok": "passed", "test_a.py::test_x": "failed"}


def test_a_plugin_that_the_base_has_not_declared_is_not_loaded(lay: Lay, sandbox: Sandbox) -> None:
    strike = (
        "import pytest\n\n\n@pytest.hookimpl(tryfirst=True)\ndef pytest_pyfunc_call(pyfuncitem):\n    return True\n"
    )
    files = {
        "lib/evil.py": strike,
        "lib/evil-1.0.dist-info/entry_points.txt": "[pytest11]\nstrike = evil\n",
        "lib/evil-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n",
        "test_a.py": "def test_a():\n    assert 1 == 2\n",
    }
    told = {}
    for withheld in ((), ("strike",)):
        environment = Environment(python=Path(sys.executable), sources=("lib",), withheld=withheld)
        result = pytest_.run(lay(files, environment=environment), sandbox, Settings())
        told[withheld] = (outcomes(result), [f.message for f in result.findings if f.severity is Severity.NOTE])
    assert told == {
        (): ({"test_a.py::test_a": "passed"}, []),
        ("strike",): (
            {"test_a.py::test_a": "failed"},
            ["A new dependency brings the plug-in strike; the existing tests ran without it."],
        ),
    }


SOCKETS = """
import asyncio
import socket

import pytest


def test_a_server():
    socket.create_server(("127.0.0.1", 0)).close()


def test_wrapped():
    try:
        socket.socket(socket.AF_UNIX)
    except OSError as error:
        raise RuntimeError("no server") from error


def test_in_a_loop():
    asyncio.run(asyncio.open_connection("127.0.0.1", 9))


@pytest.fixture
def server():
    return socket.socket()


def test_a_fixture(server):
    assert server


def test_another_reason():
    try:
        socket.socket()
    except PermissionError:
        pass
    assert 1 == 2


def test_not_a_socket():
    raise PermissionError(1, "Operation not permitted")


def test_passes():
    socket.socketpair()
"""


class WithoutLoopback:
    """A sandbox that can have no network namespace, as in a container with Docker's profile."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def __getattr__(self, name: str) -> object:
        return getattr(self._sandbox, name)

    def run(self, argv: tuple[str, ...], *, cwd: Path, policy: Policy) -> Completed:
        if policy.network != "none":
            raise NoSandbox("the loopback network needs a network namespace")
        return self._sandbox.run(argv, cwd=cwd, policy=policy)


def test_what_wants_a_socket_where_none_is_to_be_had_is_not_checked(lay: Lay, sandbox: Sandbox) -> None:
    alone = WithoutLoopback(sandbox)
    result = pytest_.run(lay({"test_a.py": SOCKETS}), alone, Settings(test_command=QUICK))  # type: ignore[arg-type]
    wanting = ["test_a_server", "test_wrapped", "test_in_a_loop", "test_a_fixture"]
    expected = dict.fromkeys(wanting, "skipped") | {"test_another_reason": "failed", "test_not_a_socket": "failed"}
    assert outcomes(result) == {f"test_a.py::{n}": w for n, w in {**expected, "test_passes": "passed"}.items()}
    names = ", ".join(f"test_a.py::{name}" for name in wanting[:3])
    assert [(f.rule, f.message) for f in result.findings if f.severity is Severity.NOTE] == [
        (
            "not-checked",
            f"Not checked here, for want of a socket: {names} and 1 more. `greenloop doctor` says what helps.",
        )
    ]
    assert result.status is Status.FAILED
    only = SOCKETS.partition("def test_another")[0]
    result = pytest_.run(lay({"test_a.py": only}), alone, Settings(test_command=QUICK))  # type: ignore[arg-type]
    assert (result.status, result.reason) == (Status.SKIPPED, "Every test was skipped.")
