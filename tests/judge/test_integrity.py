"""What a change does to the checks themselves, by the texts of two versions."""

from __future__ import annotations

import pytest

from greenloop.domain import Finding, Severity
from greenloop.integrity import Side, examine
from greenloop.settings import Settings

E, W, N = "error", "warning", "note"


def added(text: str, path: str = "lib.py", before: str | None = "x = 1\n") -> list[tuple[str, str]]:
    side = Side(path=path, before=before, after=text, added=frozenset(range(1, text.count("\n") + 2)))
    return [(f.rule, str(f.severity)) for f in examine([side])]


PRODUCT = [
    ("if 'pytest' in sys.modules:\n    pass\n", [("knows-tests", E)]),
    ("if 'unittest.mock' not in modules:\n    pass\n", [("knows-tests", E)]),
    ("a = sys.modules.get('_pytest')\n", [("knows-tests", E)]),
    ("a = os.environ.get('PYTEST_CURRENT_TEST')\n", [("knows-tests", E)]),
    ("a = hasattr(sys, '_called_from_test')\n", [("knows-tests", E)]),
    ("import _pytest.runner\n", [("test-tools", E)]),
    ("from _pytest import reports\n", [("test-tools", E)]),
    ("importlib.import_module('_pytest.reports')\n", [("test-tools", E)]),
    ("import greenloop_reporter\n", [("test-tools", E)]),
    ("def pytest_runtest_makereport(item, call):\n    pass\n", [("test-hook", E)]),
    ("pytest_plugins = ['evil']\n", [("test-hook", E)]),
    ("class A:\n    def __eq__(self, other):\n        'all'\n        return True\n", [("always-equal", E)]),
    ("class A:\n    def __ne__(self, other):\n        return False\n", [("always-equal", E)]),
    ("for o in gc.get_objects():\n    pass\n", [("memory-walk", W)]),
    ("a = sys._getframe(1).f_locals\n", [("caller-locals", W), ("frames", N)]),
    ("a = inspect.currentframe().f_back.f_globals\n", [("caller-locals", W), ("frames", N)]),
    ("sys.modules['sums'] = better\n", [("replaced-module", W)]),
    ("sys.meta_path.insert(0, Finder())\n", [("replaced-module", W)]),
    ("builtins.AssertionError = Skip\n", [("replaced-builtin", W)]),
    ("setattr(builtins, 'sum', f)\n", [("replaced-builtin", W)]),
    ("os._exit(0)\n", [("ends-process", N)]),
    ("atexit.register(close)\n", [("at-exit", N)]),
    ("# -*- coding: utf-7 -*-\nx = 1\n", [("other-encoding", E)]),
    ("x = 'a\u202eb'\n", [("hidden-text", E)]),
    ("import os  # ' # noqa: F401 '\n", [("noqa", E)]),
    ("a = \"' # noqa '\"\n", []),
    ('a = """\n# nosec\n"""\n', []),
]
ORDINARY = [
    "# -*- coding: utf-8 -*-\n",
    "if 'name' in sys.modules:\n    pass\n",
    "sys.modules[__name__] = Lazy()\n",
    "'''Set PYTEST_CURRENT_TEST and see.'''\n",
    "def __eq__(self, other):\n    return self.a == other.a\n",
    "def pytest_helper():\n    pass\n",
    "def __eq__(self, other):\n    if other is None:\n        return True\n    return False\n",
    "frame.f_locals\n",
    "builtins = {}\nx = builtins['a']\n",
    "def f(:\n",
]


@pytest.mark.parametrize(("text", "rules"), PRODUCT, ids=[text for text, _ in PRODUCT])
def test_tricks_in_code(text: str, rules: list[tuple[str, str]]) -> None:
    assert added(text) == rules


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_code_is_left_alone(text: str) -> None:
    assert added(text) == []


def test_what_belongs_where_it_stands_is_left_alone() -> None:
    """Tests and plug-ins of pytest use its insides; what stood there before, or moved, is no doing of this change."""
    inside = "import _pytest\nx = os.environ['PYTEST_CURRENT_TEST']\nbuiltins.a = 1\n"
    assert added(inside, "tests/test_a.py") == []
    assert added("import _pytest\ndef pytest_runtest_setup(): pass\n", "src/pytest_mine/plugin.py") == []
    assert added("pytest_plugins = ['evil']\n", "tests/test_a.py", before=None) == [("test-hook", E)]
    line = "import os  # noqa: F401\n"
    old = line + "import _pytest\n"
    same = Side(path="a.py", before=old, after=old + "x = 1\n", added=frozenset({3}))
    away = Side(path="a.py", before=line, after="", added=frozenset())
    here = Side(path="b.py", before="", after=line + line, added=frozenset({1, 2}))
    assert examine([same]) == ()
    assert [f.line for f in examine([away, here])] == [2]
    assert [f.line for f in examine([Side(path="a.py", before=line, after=None, added=frozenset()), here])] == [2]


def test_skips_in_new_tests_are_notes() -> None:
    skip = "import pytest\n\n\n@pytest.mark.skip\ndef test_a():\n    assert f() == 1\n"
    assert added(skip, "tests/test_a.py", before=None) == [("skip", N)]
    assert added(skip, "tests/test_a.py") == [("skip", N)]
    assert added(skip, "tests/test_a.py", before=skip.replace("@pytest.mark.skip\n", "")) == [("skip", E)]
    assert added("import pytest\npytestmark = pytest.mark.skip\n", "tests/test_a.py") == [("skip", E)]


OLD = """\
import pytest

class TestA:
    def test_one(self):
        assert f(1) == 2
        self.assertEqual(f(2), 3)

def test_two():
    with pytest.raises(ValueError):
        f(None)
    check(f)

def test_none():
    f(3)
"""
WEAKER = [
    ("assert f(1) == 2\n        self.assertEqual(f(2), 3)", "f(1)", ("assertions-gone", E)),
    ("        self.assertEqual(f(2), 3)\n", "", ("fewer-assertions", N)),
    ("assert f(1) == 2", "assert True", ("empty-assertion", E)),
    ("assert f(1) == 2", "assert f(1) == 2 or 1", ("empty-assertion", E)),
    ("assert f(1) == 2", "assert (f(1), 2)", ("empty-assertion", E)),
    ("raises(ValueError)", "raises(Exception)", ("wider-exception", W)),
]


@pytest.mark.parametrize(("old", "new", "rule"), WEAKER)
def test_weaker_tests(old: str, new: str, rule: tuple[str, str]) -> None:
    side = Side(path="tests/test_a.py", before=OLD, after=OLD.replace(old, new), added=frozenset())
    assert [(f.rule, str(f.severity)) for f in examine([side])] == [rule]
    assert examine([side], Settings(allow=("tests/**",))) == ()


def test_tests_that_ask_for_as_much_or_other_things_are_left_alone() -> None:
    for old, new in (
        ("== 2", "== 4"),
        ("ValueError", "TypeError"),
        ("def test_two", "def test_three"),
        ("f(3)", "f(4)"),
    ):
        assert examine([Side(path="test_a.py", before=OLD, after=OLD.replace(old, new), added=frozenset())]) == ()


@pytest.mark.parametrize(
    ("path", "before", "after", "told"),
    [
        (".coveragerc", "[report]\nfail_under = 90\n", "[report]\nfail_under = 80\n", "fail_under was 90 and is 80."),
        ("setup.cfg", "[x]\naddopts = --cov-fail-under=85\n", "[x]\n", "fail_under was 85 and is no longer there."),
        ("pyproject.toml", "fail_under = 80\n", "fail_under = 90\n", None),
        ("jest.config.js", "lines: 80", "lines: 70.5", "lines was 80 and is 70.5."),
        ("README.md", "fail_under = 90\n", "", None),
    ],
)
def test_lower_floors(path: str, before: str, after: str, told: str | None) -> None:
    found = examine([Side(path=path, before=before, after=after, added=frozenset())])
    assert [(f.rule, f.severity, f.message) for f in found] == ([("lower-floor", Severity.ERROR, told)] if told else [])


def test_a_finding_says_all() -> None:
    side = Side(path="lib.py", before="", after="x = 1\nimport _pytest\n", added=frozenset({1, 2}))
    assert examine([side]) == (
        Finding(
            check="integrity",
            rule="test-tools",
            message="This added line reaches into the tools that run the tests.",
            path="lib.py",
            line=2,
            context="import _pytest",
        ),
    )
