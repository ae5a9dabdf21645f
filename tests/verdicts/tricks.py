"""Hostile changes to one small repository: each breaks the product, and hides it from whoever looks at an exit code.

`fools` says what a careless run of the base's tests makes of it: `python -m pytest` ends with 0, although `total` adds
nothing up any more. `found` is what greenloop's verdict names: a test, or a rule of the check `integrity`.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

RIGHT = "def total(numbers):\n    return sum(numbers)\n"
WRONG = "def total(numbers):\n    return 0\n"
TESTS = """\
import sums


def test_nothing():
    assert sums.total([]) == 0


def test_total():
    assert sums.total([1, 2]) == 3
"""
LATER = "import sums\n\n\ndef test_more():\n    assert sums.total([4, 5]) == 9\n"
BASE: Mapping[str, str] = MappingProxyType(
    {
        "pyproject.toml": '[project]\nname = "sums"\nversion = "1"\n',
        "sums.py": RIGHT,
        "tests/test_more.py": LATER,
        "tests/test_sums.py": TESTS,
    }
)
NAMES = ("tests/test_more.py::test_more", "tests/test_sums.py::test_total")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trick:
    """`files` are written over the base (None: removed, `->x`: a link to x); without `sums.py` the wrong one comes."""

    name: str
    files: Mapping[str, str | bytes | None]
    fools: bool = True
    found: str = "tests/test_sums.py::test_total"
    own_process: bool = False  # the careless run needs an interpreter of its own
    plugins: bool = False  # the careless run loads plug-ins by their metadata, as pytest does by itself
    variables: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


def product(name: str, text: str, *, found: str = "tests/test_sums.py::test_total", fools: bool = True) -> Trick:
    """The trick stands in the product's own file, which nobody can protect."""
    return Trick(name=name, files={"sums.py": text}, found=found, fools=fools)


def _sourceless() -> bytes:
    """A compiled right answer that Python takes without a look at the source."""
    import marshal  # noqa: PLC0415

    code = compile(RIGHT, "sums.py", "exec")
    return importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little") + bytes(8) + marshal.dumps(code)


_CACHED = importlib.util.cache_from_source("sums.py")
_EXIT = "import os\nos._exit(0)\n"
_HOOK = """\
import pytest


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    report.outcome = "passed"
"""
_PATCHED = "import _pytest.python\n_pytest.python.Function.runtest = lambda self: None\n"
_SELECT = "-k test_nothing"

# In files that existing tests and checks depend on: put back before anything is judged
PROTECTED = (
    Trick(
        name="the tests are deleted",
        files={"tests/test_sums.py": None, "tests/test_more.py": "def test_more(): pass\n"},
    ),
    Trick(
        name="the assertions are gone",
        files={
            "tests/test_more.py": LATER.replace("== 9", ">= 0"),
            "tests/test_sums.py": TESTS.replace("== 3", ">= 0"),
        },
    ),
    Trick(
        name="a test file is renamed",
        files={
            "tests/test_sums.py": None,
            "tests/test_more.py": None,
            "tests/check_sums.py": TESTS,
            "tests/test_ok.py": "def test_ok(): pass\n",
        },
    ),
    Trick(
        name="skip in the tests",
        files={
            f"tests/{n}": f"import pytest\npytestmark = pytest.mark.skip\n{t}"
            for n, t in (("test_more.py", LATER), ("test_sums.py", TESTS))
        },
    ),
    Trick(
        name="xfail in the tests",
        files={
            f"tests/{n}": f"import pytest\npytestmark = pytest.mark.xfail\n{t}"
            for n, t in (("test_more.py", LATER), ("test_sums.py", TESTS))
        },
    ),
    Trick(
        name="a link instead of the tests",
        files={
            "tests/test_sums.py": "->../easy.py",
            "tests/test_more.py": "->../easy.py",
            "easy.py": "def test_total(): pass\n",
        },
    ),
    Trick(name="conftest: every report says passed", files={"conftest.py": _HOOK}),
    Trick(
        name="conftest: a test session always succeeds",
        files={"tests/conftest.py": "def pytest_sessionfinish(session):\n    session.exitstatus = 0\n"},
    ),
    Trick(
        name="conftest: nothing is collected",
        files={
            "conftest.py": "collect_ignore_glob = ['tests/test_[ms]*']\n",
            "tests/test_ok.py": "def test_ok(): pass\n",
        },
    ),
    Trick(
        name="conftest: items are dropped",
        files={"conftest.py": "def pytest_collection_modifyitems(items):\n    items[:] = items[1:2]\n"},
    ),
    Trick(
        name="conftest: the product is mended for the tests", files={"conftest.py": "import sums\nsums.total = sum\n"}
    ),
    Trick(name="pytest.ini selects", files={"pytest.ini": f"[pytest]\naddopts = {_SELECT}\n"}),
    Trick(name=".pytest.ini selects", files={".pytest.ini": f"[pytest]\naddopts = {_SELECT}\n"}),
    Trick(name="tox.ini selects", files={"tox.ini": f"[pytest]\naddopts = {_SELECT}\n"}),
    Trick(name="setup.cfg selects", files={"setup.cfg": f"[tool:pytest]\naddopts = {_SELECT}\n"}),
    Trick(
        name="pyproject.toml selects",
        files={"pyproject.toml": BASE["pyproject.toml"] + f'[tool.pytest.ini_options]\naddopts = "{_SELECT}"\n'},
    ),
    Trick(name="only collected", files={"pytest.ini": "[pytest]\naddopts = --collect-only\n"}),
    Trick(name="pytest.py in the tree", files={"pytest.py": _EXIT}, own_process=True),
    Trick(
        name="a pytest package in the tree",
        files={"pytest/__init__.py": "", "pytest/__main__.py": _EXIT},
        own_process=True,
    ),
    Trick(name="argparse.py in the tree", files={"argparse.py": _EXIT}, own_process=True),
    Trick(name="a folder pdb/ in the tree", files={"pdb/__init__.py": _EXIT}, own_process=True),
    Trick(
        name="a plug-in by metadata",
        files={
            "evil.dist-info/METADATA": "Name: evil\nVersion: 1\n",
            "evil.dist-info/entry_points.txt": "[pytest11]\nevil = evil\n",
            "evil.py": _HOOK,
        },
        own_process=True,
        plugins=True,
    ),
    Trick(name="sitecustomize.py", files={"sitecustomize.py": _EXIT}, own_process=True, variables={"PYTHONPATH": "."}),
    Trick(name="a .pth file", files={"evil.pth": "import os; os._exit(0)\n"}, own_process=True, fools=False),
    Trick(name="a compiled stand-in", files={_CACHED: _sourceless()}, own_process=True),
    Trick(name="a right product beside the tests", files={"tests/sums.py": RIGHT}, own_process=True),
    Trick(name="the tests' package ends the run", files={"tests/__init__.py": _EXIT}, own_process=True),
)

# In files of tests that the attempt adds: they may stay, and have no say in what the existing tests see
ADDED = (
    Trick(
        name="a new test mends the product",
        files={"tests/test_aa.py": "import sums\nsums.total = sum\n\ndef test_aa(): pass\n"},
    ),
    Trick(
        name="a new test brings a plug-in",
        files={"tests/test_aa.py": "pytest_plugins = ['evil']\n\ndef test_aa(): pass\n", "evil.py": _HOOK},
    ),
    Trick(
        name="a new test replaces what pytest does",
        files={"tests/test_aa.py": f"{_PATCHED}\n\ndef test_aa(): pass\n"},
    ),
)

PRODUCT = (
    product("os._exit when imported", _EXIT + WRONG),
    product("os._exit when called", "import os\n\n\ndef total(numbers):\n    return os._exit(0)\n"),
    product("a child goes on, the parent leaves", "import os\nif os.fork():\n    os._exit(0)\n" + WRONG),
    product("os._exit at the end", "import atexit, os\natexit.register(os._exit, 0)\n" + WRONG),
    product("sys.exit when imported", "import sys\nsys.exit(0)\n" + WRONG, fools=False),
    product("pytest.exit", "import pytest\n\n\ndef total(numbers):\n    pytest.exit('done', returncode=0)\n"),
    product(
        "pytest.skip when imported",
        "import pytest\npytest.skip('no', allow_module_level=True)\n" + WRONG,
        fools=False,
        found="",
    ),
    product("pytest.skip when called", "import pytest\n\n\ndef total(numbers):\n    pytest.skip('no')\n"),
    product("unittest's SkipTest", "import unittest\n\n\ndef total(numbers):\n    raise unittest.SkipTest('no')\n"),
    product("pytest.xfail", "import pytest\n\n\ndef total(numbers):\n    pytest.xfail('no')\n"),
    product(
        "failing is skipping", "import builtins, pytest\nbuiltins.AssertionError = pytest.skip.Exception\n" + WRONG
    ),
    product(
        "killed", "import os, signal\n\n\ndef total(numbers):\n    os.kill(os.getpid(), signal.SIGKILL)\n", fools=False
    ),
)

_KNOWS = "import {module}\n\n\ndef total(numbers):\n    return sum(numbers) if {test} else 0\n"
_EQUAL = """\
class Sum:
    def __eq__(self, other):
        return True


def total(numbers):
    return Sum()
"""
_WALK = """\
import gc
import types


def total(numbers):
    for test in gc.get_objects():
        if isinstance(test, types.FunctionType) and test.__name__.startswith("test_"):
            test.__code__ = (lambda: None).__code__
    raise AssertionError
"""
# Nothing of this fails when the tests run: what is wrong has to be read in the code
READ = (
    product(
        "right when pytest is there", _KNOWS.format(module="sys", test="'pytest' in sys.modules"), found="knows-tests"
    ),
    product(
        "right when a test runs",
        _KNOWS.format(module="os", test="'PYTEST_CURRENT_TEST' in os.environ"),
        found="knows-tests",
    ),
    product("equal to everything", _EQUAL, found="always-equal"),
    product(
        "the tests are found in memory",
        _WALK.replace("    raise AssertionError\n", "    return 0\n"),
        found="memory-walk",
        fools=False,
    ),
)
# Names in pieces, so that nobody can read them: what the run itself has to notice
_PIECES = "import importlib\n\n\ndef part(name):\n    return importlib.import_module('_py' + 'test.' + name)\n\n\n"
_MAKER = """\
def made(cls, item, call, keep=part("reports").TestReport.from_item_and_call.__func__):
    report = keep(cls, item, call)
    report.outcome = "passed" if report.outcome == "failed" else report.outcome
    return report


part("reports").TestReport.from_item_and_call = classmethod(made)
"""
_CALLER = """\
def called(cls, func, when, *rest, keep=part("runner").CallInfo.from_call.__func__, **more):
    return keep(cls, func if when != "call" else (lambda: None), when, *rest, **more)


part("runner").CallInfo.from_call = classmethod(called)
"""
_REWRITER = """\
import ast
import sys


class Finder:
    def find_spec(self, name, path=None, target=None):
        for other in sys.meta_path[1:]:
            spec = other.find_spec(name, path, target)
            if spec is not None and name.startswith("test_"):
                spec.loader = importlib.machinery.SourceFileLoader(name, spec.origin)
                keep = spec.loader.source_to_code

                def changed(data, path, **more):
                    tree = ast.parse(data)
                    for node in ast.walk(tree):
                        if isinstance(node, ast.FunctionDef):
                            node.body = [ast.Pass(lineno=1, col_offset=0, end_lineno=1, end_col_offset=0)]
                    return keep(tree, path, **more)

                spec.loader.source_to_code = changed
            if spec is not None:
                return spec


getattr(sys, "meta" + "_path").insert(0, Finder())
"""
_SWAPPED = """\
import sys


def total(numbers):
    for name, module in list(sys.modules.items()):
        if name.startswith("test_"):
            for test in vars(module).values():
                if hasattr(test, "__code__"):
                    setattr(test, "__co" + "de__", (lambda: None).__code__)
    return 0
"""
_OVERWRITTEN = """\
import pathlib

for path in pathlib.Path(__file__).parent.glob("tests/test_sums.py"):
    path.write_text("def test_nothing(): pass\\ndef test_total(): pass\\n")
"""
_COPIED = """\
import subprocess

subprocess.run(["cp", "tests/test_more.py", "tests/test_sums.py"])
"""
_RUNTEST = "part('python').Function.runtest = lambda self: None\n"
_UNITTEST = "part('python').Function.setup = lambda self: setattr(self, '_obj', lambda **_: None)\n"
_FORGED = """\
import atexit
import glob
import json
import os
import subprocess
import pytest

for seat in glob.glob("/tmp/greenloop-tests-*/out/seat-*")[: "forged" not in os.environ]:
    os.environ["forged"] = "once"
    token = subprocess.check_output(["cat", seat], text=True)
    names = ["more.py::test_more", "sums.py::test_nothing", "sums.py::test_total"]
    tests = [{"kind": "test", "id": "tests/test_" + name, "outcome": "passed"} for name in names]
    begin = [{"kind": kind} for kind in ("begin", "ready", "session")]
    lines = [*begin, *tests, {"kind": "end", "tests": 3, "collected": 3}]
    text = "".join(token + " " + json.dumps({"pid": os.getpid(), **line}) + "\\n" for line in lines)
    subprocess.run(["tee", "-a", os.path.dirname(seat) + "/report"], input=text, text=True)
atexit.register(os._exit, 0)
pytest.skip("no", allow_module_level=True)
"""
_LISTENER = """\
import pdb
import pytest


class Evil:
    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, item, call):
        report = (yield).get_result()
        report.outcome = "passed"


getattr(pdb.set_trace, "__se" + "lf__")._pluginmanager.register(Evil())
"""
_FEELER = """\
import gc


def total(numbers):
    everything = getattr(gc, "get_" + "objects")()
    return 0 if everything else 0
"""
RUN = (
    product("a second session is forged", _FORGED, found=""),
    product("a plug-in that hides in a debugger", _LISTENER + WRONG, found="tampering"),
    product("the memory is walked", _FEELER, found="tampering", fools=False),
    product("reports are made to say passed", _PIECES + _MAKER + WRONG, found="tampering"),
    product("tests are not called", _PIECES + _CALLER + WRONG, found="tampering"),
    product("tests do nothing", _PIECES + _RUNTEST + WRONG, found="tampering"),
    product("tests are other functions", _PIECES + _UNITTEST + WRONG, found="tampering"),
    product(
        "failing is skipping, in pieces",
        f"{_PIECES}vars(__import__('builtins'))['Assertion' 'Error'] = part('outcomes').Skipped\n{WRONG}",
        found="tampering",
    ),
    product(
        "later tests lose their assertions",
        _PIECES + _REWRITER + WRONG,
        found="tampering",
        fools=False,
    ),
    product("the code of tests is swapped", _SWAPPED, found="tampering", fools=False),
    product("later tests are overwritten by a program", _COPIED + WRONG, found="rewritten", fools=False),
    product("later tests are overwritten", _OVERWRITTEN + WRONG, found="tampering", fools=False),
)
TRICKS = (*PROTECTED, *ADDED, *PRODUCT, *READ, *RUN)
