"""Which red tests a change has to mend: what imports what, and what a text names."""

from __future__ import annotations

import ast
from collections.abc import Mapping

import pytest

from greenloop.source.imports import dependencies, reaches, wanted
from greenloop.source.named import names_file, names_test, words
from judge.samples import case, ran

TEST = "tests/unit/test_a.py"

# files (the test is TEST) → those it reaches
REACHED: list[tuple[Mapping[str, str], set[str]]] = [
    ({TEST: "import app", "app.py": ""}, {"app.py"}),
    ({TEST: "import app.core", "app/__init__.py": "", "app/core.py": ""}, {"app/__init__.py", "app/core.py"}),
    ({TEST: "from app import core", "app/core.py": ""}, {"app/core.py"}),
    ({TEST: "from app import thing", "app/__init__.py": "from .core import thing", "app/core.py": ""}, {"app/core.py"}),
    ({TEST: "from app import *", "app/__init__.py": "from app import core", "app/core.py": ""}, {"app/core.py"}),
    ({TEST: "import app", "src/app/__init__.py": "from . import deep", "src/app/deep.py": ""}, {"src/app/deep.py"}),
    ({TEST: "import app", "bot/app.py": "import other", "bot/other.py": ""}, {"bot/app.py", "bot/other.py"}),
    ({TEST: "import helper", "tests/unit/helper.py": "", "helper.py": ""}, {"tests/unit/helper.py"}),
    ({TEST: "import helper", "tests/helper.py": ""}, {"tests/helper.py"}),
    ({TEST: "from ..util import x", "tests/util.py": "from . import more", "tests/more.py": ""}, {"tests/more.py"}),
    ({TEST: "from .. import util", "tests/util.py": ""}, {"tests/util.py"}),
    ({TEST: "from .pkg import x", "tests/unit/pkg/__init__.py": ""}, {"tests/unit/pkg/__init__.py"}),
    ({TEST: "def test():\n  if 1:\n    from app import a as b", "app.py": ""}, {"app.py"}),
    ({TEST: "import importlib\nimportlib.import_module('app.core')", "app/core.py": ""}, {"app/core.py"}),
    ({TEST: "importlib.import_module('..util', __package__)", "tests/util.py": ""}, {"tests/util.py"}),
    ({TEST: "m = __import__('app')", "app.py": ""}, {"app.py"}),
    ({TEST: "app = pytest.importorskip('app')", "app.py": ""}, {"app.py"}),
    ({TEST: "@patch('app.core.Thing.method')\ndef test(): pass", "app/core.py": ""}, {"app/core.py"}),
    ({TEST: "pytest_plugins = ['tests.plug']", "tests/plug.py": "import app", "app.py": ""}, {"app.py"}),
    ({TEST: "", "tests/conftest.py": "import app", "app.py": ""}, {"tests/conftest.py", "app.py"}),
    ({TEST: "", "conftest.py": "from app import x", "app.py": ""}, {"conftest.py", "app.py"}),
    ({TEST: "", "tests/unit/__init__.py": "import app", "app.py": ""}, {"tests/unit/__init__.py", "app.py"}),
    ({TEST: "import a", "a.py": "import b", "b.py": "import a, c", "c.py": ""}, {"a.py", "b.py", "c.py"}),
    ({TEST: "import app\ndef broken(:", "app.py": "from core import (x,\ny)\n)", "core.py": ""}, {"app.py", "core.py"}),
    ({TEST: "from app.core import x # y\nimport 1\ndef broken(:", "app/core.py": ""}, {"app/core.py"}),
    ({TEST: "(" * 5000 + "\nimport app", "app.py": ""}, {"app.py"}),
    ({TEST: "x = '\0'\nimport app", "app.py": ""}, {"app.py"}),
    ({TEST: "import app # " + "x" * 1_000_001, "app.py": ""}, {"app.py"}),
    ({TEST: "import app", "packages/one/app.py": "", "packages/two/app.py": ""}, {"packages/one/app.py"}),
    ({TEST: "import app", "packages/one/app.py": "", "packages/two/app.py": ""}, {"packages/two/app.py"}),
    ({TEST: "import app.sub.gone", "app/__init__.py": "", "app/sub.py": ""}, {"app/sub.py"}),
    ({TEST: "s = '\\d'\nimport app", "app.pyi": ""}, {"app.pyi"}),
]
NOT_REACHED: list[tuple[Mapping[str, str], str]] = [
    ({TEST: "import app", "app.py": "", "other.py": ""}, "other.py"),
    ({TEST: "import json", "vendor/json.py": ""}, "vendor/json.py"),
    ({TEST: "import core", "app/__init__.py": "", "app/core.py": ""}, "app/core.py"),
    ({TEST: "from ....far import x", "far.py": ""}, "far.py"),
    ({TEST: "import app", "app.py": "", "other/conftest.py": "import x", "x.py": ""}, "x.py"),
    ({TEST: "patch('http://app')\nimport_module(name)\nf(1)()", "app.py": ""}, "app.py"),
    ({TEST: "'import app'", "app.py": ""}, "app.py"),
    ({TEST: "import app", "app.py": ""}, TEST),
    ({TEST: "import app", "myapp.py": ""}, "myapp.py"),
]


@pytest.mark.parametrize(("files", "found"), REACHED)
def test_reached(files: Mapping[str, str], found: set[str]) -> None:
    def read(path: str) -> bytes | None:
        return files[path].encode() if path in files else None

    for path in found:
        assert reaches([TEST], [path], files, read) == {TEST}
        rest = [p for p in files if p != path]  # deleted by the change, and imported all the same
        assert reaches([TEST], [path], rest, read) == {TEST}
    assert reaches([TEST], [], files, read) == reaches([], found, files, read) == frozenset()


@pytest.mark.parametrize(("files", "path"), NOT_REACHED)
def test_not_reached(files: Mapping[str, str], path: str) -> None:
    assert reaches([TEST], [path], files, lambda p: files[p].encode() if p in files else None) == frozenset()


def test_a_changed_conftest_reaches_the_tests_below_it_only() -> None:
    files = {"tests/a/conftest.py": b"", "tests/a/test_a.py": b"", "tests/test_b.py": b"", "notes.md": b"import x"}
    found = reaches(["tests/a/test_a.py", "tests/test_b.py", "notes.md"], ["tests/a/conftest.py"], files, files.get)
    assert found == {"tests/a/test_a.py"}


def test_direct_dependencies_in_order() -> None:
    files = {
        TEST: b"from app import core, other\nimport app.core, os, helper\nfrom . import sibling",
        "app/__init__.py": b"",
        "app/core.py": b"import helper",
        "app/other.py": b"",
        "helper.py": b"",
        "tests/unit/sibling.py": b"",
        "tests/conftest.py": b"",
    }
    assert dependencies(TEST, files, files.get) == (
        "app/core.py",
        "app/other.py",
        "app/__init__.py",
        "helper.py",
        "tests/unit/sibling.py",
    )
    assert dependencies("gone.py", files, files.get) == ()


def test_only_what_is_reached_is_parsed_and_only_once(monkeypatch: pytest.MonkeyPatch) -> None:
    files = {f"lib/m{n}.py": f"import m{n}x\nx = {n}".encode() for n in range(5000)}
    files |= {f"tests/test_{n}.py": b"from lib import m1, m2" for n in range(300)}
    parsed: list[object] = []
    parse = ast.parse

    def counting(*given: object) -> object:
        parsed.append(given)
        return parse(*given)  # type: ignore[call-overload]

    monkeypatch.setattr(ast, "parse", counting)
    tests = [p for p in files if p.startswith("tests/")]
    for _ in range(2):
        assert reaches(tests, ["lib/m2.py"], files, files.get) == set(tests)
    assert len(parsed) == 3  # equal texts are one


# Names in a text -----------------------------------------------------------------------------------------------------

R = "tests/unit/test_upload.py::TestRetry::test_retry[503-a b]"
NAMED = [
    "make test_retry pass",
    "`test_retry`, please",
    "test_retry.",
    "fix (test_retry)",
    "TestRetry is red",
    "see tests/unit/test_upload.py::TestRetry::test_retry",
    "see ./tests/unit/test_upload.py::TestRetry::test_retry.",
    "unit/test_upload.py::TestRetry",
    f"it says {R} failed",
    "tests in tests/unit/test_upload.py fail",
    "tests in [unit/test_upload.py](x) fail",
    "test_upload.py fails",
    "the tests of test_upload",
    "tests.unit.test_upload.TestRetry.test_retry",
    "unit.test_upload",
]
NOT_NAMED = [
    "",
    "add retry",
    "fix the test",
    "run the tests in tests/",
    "tests/unit fails",
    "test_retry_later",
    "my_test_retry",
    "test_retry.py is missing",
    "other/tests/unit/test_upload.py fails",
    "tests/unit/test_upload.py::TestOther",
    "tests/unit/test_upload.py::TestRetry::test_other",
    "test_other.py::TestRetry",
    "test_upload.pyc",
    "upload.py",
    "tests.unit.test_upload.TestOther",
    "unit.test_other",
    "test_retry[404]",
]


@pytest.mark.parametrize("text", NAMED)
def test_named(text: str) -> None:
    assert names_test(text, R, "tests/unit/test_upload.py")


@pytest.mark.parametrize("text", NOT_NAMED)
def test_not_named(text: str) -> None:
    assert not names_test(text, R, "tests/unit/test_upload.py")


def test_common_words_name_nothing_and_full_paths_name_one() -> None:
    assert not names_test("the test of tests fails while testing", "tests.py::test", "tests.py")
    assert not names_test("Tests fail: TestCase", "tests/test.py::TestCase::Tests", "tests/test.py")
    assert names_test("adds numbers [1] is red", "adds numbers [1]", "spec/sum.spec.ts")
    assert names_test("TestSum fails", "TestSum", "")
    assert names_test("retry_test fails", "a.py::retry_test", "a.py")
    known = {"a/test_x.py", "b/a/test_x.py"}
    assert names_file("see a/test_x.py", "b/a/test_x.py")
    assert not names_file("see a/test_x.py", "b/a/test_x.py", known=known)
    assert names_file("see a/test_x.py", "a/test_x.py", known=known)
    assert names_file("see a/test_x.py::test_y", "a/test_x.py")
    assert not names_test("a/test_x.py::test_y", "b/a/test_x.py::test_y", "b/a/test_x.py", known=known, bare=False)
    assert words("(`a.py`, [b](c.d): ./e/f.py. -v x[1])") == {"a.py", "b", "c.d", "e/f.py", "v", "x[1]"}


def test_wanted() -> None:
    red = [
        case("failed", "tests/test_a.py::test_named"),
        case("error", "tests/test_a.py::test_other"),
        case("failed", "tests/test_b.py::test_commanded"),
        case("failed", "tests/test_c.py::test_reached[1]"),
        case("failed", "tests/test_d.py::test_old"),
        case("passed", "tests/test_d.py::test_green"),
        case("error", "tests/test_e.py", path="tests/test_e.py"),
    ]
    files = {"tests/test_c.py": b"import app", "tests/test_d.py": b"import other", "app.py": b"", "other.py": b""}

    def found(request: str = "", command: str = "", *changed: str) -> list[str]:
        ids = wanted(
            ran(*red), request=request, test_command=command, changed=changed, paths=files.keys(), read=files.get
        )
        return sorted(i.removeprefix("tests/test_") for i in ids)

    assert found() == []
    assert found("make test_named pass, and test_green too") == ["a.py::test_named"]
    assert found("test_a.py and test_e.py") == ["a.py::test_named", "a.py::test_other", "e.py"]
    assert found("", "python -m pytest tests/test_b.py") == ["b.py::test_commanded"]
    assert found("", "python -m pytest tests") == []
    assert found("", "python -m pytest -k test_old") == []
    assert found("", "python -m unittest tests.test_b") == ["b.py::test_commanded"]
    assert found("", "python -m unittest test_b") == []
    assert found("", "pytest tests/test_d.py::test_old") == ["d.py::test_old"]
    assert found("", "", "app.py") == ["c.py::test_reached[1]"]
    assert found("", "", "tests/test_d.py", "unrelated.txt") == []
    assert found("test_old", "pytest tests/test_b.py", "app.py") == [
        "b.py::test_commanded",
        "c.py::test_reached[1]",
        "d.py::test_old",
    ]
