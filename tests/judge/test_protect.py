"""What an attempt may not change on its own, and what silences a check."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from greenloop.domain import Finding, Severity
from greenloop.integrity import Side, examine
from greenloop.ports import Change
from greenloop.settings import Settings
from greenloop.verdict.protect import Guarded, check_sections, guard, is_test

ADDED = frozenset({7, 8})


def change(path: str, status: str = "M", *, removed: int = 1, lines: frozenset[int] = ADDED) -> Change:
    return Change(path=path, status=status, lines=frozenset() if status == "D" else lines, removed=removed)


def guarded(
    *changes: Change, request: str = "add retry", files: Mapping[str, str] | None = None, **options: object
) -> Guarded:
    """`files` holds the new side of manifests under their path, the old one under `base:path`."""
    texts = {path: text.encode() for path, text in (files or {}).items()}
    return guard(
        changes,
        request=request,
        settings=Settings(**options),  # type: ignore[arg-type]
        read_base=lambda path: texts.get(f"base:{path}"),
        read_new=texts.get,
    )


PROTECTED = [
    "tests/test_a.py",
    "test_a.py",
    "pkg/a_test.py",
    "tests/data/cases.json",
    "tests/helpers.py",
    "src/__tests__/a.ts",
    "src/a.spec.ts",
    "web/a.test.jsx",
    "a_test.go",
    "src/test/java/ATest.java",
    "testdata/x.golden",
    "conftest.py",
    "tests/conftest.py",
    "pytest.ini",
    ".pytest.ini",
    "pytest.toml",
    "tox.ini",
    "ruff.toml",
    ".ruff.toml",
    ".coveragerc",
    ".bandit",
    "bandit.yaml",
    "mypy.ini",
    ".flake8",
    "noxfile.py",
    "Makefile",
    ".pre-commit-config.yaml",
    "jest.config.js",
    ".eslintrc.json",
    ".github/workflows/ci.yml",
    ".github/CODEOWNERS",
    ".gitlab-ci.yml",
    ".circleci/config.yml",
    "Jenkinsfile",
    ".ci/run",
    "greenloop.yml",
    "pytest.py",
    "src/sitecustomize.py",
    "_pytest/outcomes.py",
    "evil.dist-info/entry_points.txt",
    "evil.pth",
]
FREE = [
    "src/a.py",
    "attest.py",
    "contest.py",
    "latest/x.py",
    "docs/testing.md",
    "requirements.txt",
    "README.md",
    "src/main.go",
]
OWN = {
    "tests/test_a.py",
    "test_a.py",
    "pkg/a_test.py",
    "src/a.spec.ts",
    "web/a.test.jsx",
    "a_test.go",
    "src/test/java/ATest.java",
}
DATA = {"tests/data/cases.json", "tests/helpers.py", "src/__tests__/a.ts", "testdata/x.golden"}


@pytest.mark.parametrize("path", PROTECTED)
def test_existing_tests_and_configuration_are_put_back(path: str) -> None:
    for status in "MDT":
        found = guarded(change(path, status))
        assert (found.restored, found.judged_as_base, found.permitted, found.own) == ((path,), (), (), ())
        assert [(n.check, n.rule, n.path, n.severity) for n in found.notes] == [
            ("integrity", "restored", path, Severity.NOTE)
        ]
    new = guarded(change(path, "A", removed=0))
    if path in OWN | DATA:
        assert (new.restored, new.own, new.notes) == ((), (path,) if path in OWN else (), ())
    else:  # it would change how the existing tests and checks run
        assert (new.restored, new.own) == ((path,), ())
    named = guarded(change(path), request=f"change `{path}` as well")
    assert (named.restored, named.permitted) == ((), (path,))
    allowed = guarded(change(path, "A", removed=0), allow=(path,))
    assert (allowed.restored, allowed.permitted) == ((), ())


@pytest.mark.parametrize("path", FREE)
def test_everything_else_is_free(path: str) -> None:
    assert guarded(change(path), change(f"new/{path}", "A"), change(f"old/{path}", "D")) == Guarded()
    assert not is_test(path)


def test_the_settings_of_greenloop_are_never_changed() -> None:
    for path in (".github/greenloop.yml", ".github/greenloop.yaml"):
        found = guarded(change(path), request=f"change {path}", allow=("**",))
        assert (found.restored, found.permitted) == ((path,), ())


def test_what_a_request_names() -> None:
    path = "tests/unit/test_a.py"

    def restored(request: str) -> bool:
        return guarded(change(path), request=request).restored == (path,)

    assert not restored("update test_a.py")
    assert not restored("update tests/unit/test_a.py, please")
    assert restored("update tests/unit")
    assert restored("update test_a.pyc and other_test_a.py")
    assert restored("Fix a.py; its tests in tests/unit/test_a.py fail. Do not change the tests.")
    assert restored("Make test_a.py pass without touching tests")
    assert restored("don't edit test_a.py")
    assert not restored("do not change the code. Update test_a.py")
    assert guarded(change("ruff.toml"), request="do not change tests, only ruff.toml").permitted == ("ruff.toml",)
    assert guarded(change(path), allow=("tests/**",)).permitted == (path,)
    assert guarded(change(path), allow=("docs/**",)).restored == (path,)


def test_purely_added_tests_stay_and_the_old_ones_are_judged_as_the_base_has_them() -> None:
    path = "tests/test_a.py"
    found = guarded(change(path, removed=0))
    assert found == Guarded(judged_as_base=(path,), own=(path,), notes=found.notes)
    assert [n.message for n in found.notes] == [
        "tests/test_a.py was added to; its existing tests are judged as the base has them."
    ]
    assert guarded(change(path, removed=0), request=f"add to {path}").permitted == (path,)
    # a binary file, or a changed mode, has no lines; data, helpers and configuration act on existing tests
    for other in (
        change(path, removed=0, lines=frozenset()),
        change("tests/data/a.csv", removed=0),
        change("tests/conftest.py", removed=0),
    ):
        assert guarded(other).restored == (other.path,)


def test_permitted_changes_are_told() -> None:
    found = guarded(
        change("tests/test_a.py"), change("tests/test_b.py", "D"), change("tests/test_c.py", "A"), allow=("tests/",)
    )
    assert found.permitted == ("tests/test_a.py", "tests/test_b.py")
    assert found.own == ("tests/test_a.py", "tests/test_c.py")
    assert [(n.rule, n.path) for n in found.notes] == [
        ("permitted", "tests/test_a.py"),
        ("deleted", "tests/test_b.py"),
    ]


def test_a_new_file_gives_way_to_a_folder_that_comes_back() -> None:
    found = guarded(change("tests/test_a.py", "D"), change("tests", "A"), change("tests2", "A"))
    assert found.restored == ("tests/test_a.py", "tests")


def test_paths_outside_those_that_may_be_changed() -> None:
    paths = {"paths": ("src/**", "tests/**")}
    assert guarded(change("src/a.py"), change("tests/test_new.py", "A"), **paths).forbidden == ""  # type: ignore[arg-type]
    found = guarded(change("docs/a.md"), change("src/a.py"), **paths).forbidden  # type: ignore[arg-type]
    assert found == "docs/a.md may not be changed. Only paths that match these may be: src/**, tests/**."
    many = guarded(*(change(f"docs/{n}.md") for n in range(9)), **paths).forbidden  # type: ignore[arg-type]
    assert many.startswith("docs/0.md, docs/1.md, docs/2.md, docs/3.md, docs/4.md and 4 more may not be changed.")


# path, base, new → the sections that configure checks and differ
SECTIONS = [
    ("pyproject.toml", "[project]\nname='a'", "[project]\nname='b'\ndependencies=['x']", ()),
    ("pyproject.toml", "[tool.poetry]\nname='a'", "[tool.poetry]\nname='b'", ()),
    ("pyproject.toml", "[tool.ruff]\nx=1", "[tool.ruff]\nx=1 # same", ()),
    ("pyproject.toml", "", "[tool.pytest.ini_options]\naddopts='-k x'", ("tool.pytest",)),
    ("pyproject.toml", "[tool.ruff.lint]\nselect=['ALL']", "", ("tool.ruff",)),
    (
        "pyproject.toml",
        "[tool.coverage.report]\nfail_under=90",
        "[tool.coverage.report]\nfail_under=9",
        ("tool.coverage",),
    ),
    ("pyproject.toml", "[tool.mypy]\nstrict=true", "[tool.mypy]\nstrict=1", ("tool.mypy",)),
    ("pyproject.toml", "[tool.bandit]\nx=1", "[tool.bandit]\nskips=['B101']", ("tool.bandit",)),
    ("pyproject.toml", "", "[project.entry-points.pytest11]\nx='y'", ("project.entry-points.pytest11",)),
    ("pyproject.toml", "", "[tool", ("a file that cannot be read",)),
    ("pyproject.toml", "[tool", "[tool.ruff]\nx=1", ("tool.ruff",)),
    ("pyproject.toml", "[tool", "[project]\nname='a'", ()),
    ("pyproject.toml", "", "tool = 1", ()),
    ("setup.cfg", "[metadata]\nname=a", "[metadata]\nname=b", ()),
    ("setup.cfg", "", "[tool:pytest]\naddopts=-x", ("tool:pytest",)),
    ("setup.cfg", "[flake8]\nmax=1", "[flake8]\nmax=2", ("flake8",)),
    ("setup.cfg", "", "[options.entry_points]\npytest11 =\n  x = y", ("options.entry_points.pytest11",)),
    ("setup.cfg", "", "no section", ("a file that cannot be read",)),
    ("package.json", '{"dependencies": {}}', '{"dependencies": {"a": "1"}, "scripts": {"build": "x"}}', ()),
    ("package.json", '{"scripts": {"test": "jest"}}', '{"scripts": {"test": "true"}}', ("scripts.test",)),
    ("package.json", "{}", '{"scripts": {"pretest": "x", "lint:all": "y"}}', ("scripts.lint:all", "scripts.pretest")),
    ("package.json", "{}", '{"jest": {}}', ("jest",)),
    ("package.json", "{}", "[]", ("a file that cannot be read",)),
    ("package.json", "{}", "{", ("a file that cannot be read",)),
    ("package.json", "{}", '{"scripts": []}', ()),
]


@pytest.mark.parametrize(("path", "base", "new", "sections"), SECTIONS)
def test_manifests_are_protected_where_they_configure_checks(
    path: str, base: str, new: str, sections: tuple[str, ...]
) -> None:
    assert check_sections(path, base.encode(), new.encode()) is bool(sections)
    inside = f"packages/a/{path}"
    found = guarded(change(inside), files={f"base:{inside}": base, inside: new})
    if sections:
        assert found.restored == (inside,)
        assert f"{inside} configures checks ({', '.join(sections)}); the change to it" in found.notes[0].message
        named = guarded(change(inside), request=f"edit {path}", files={f"base:{inside}": base, inside: new})
        assert named.permitted == (inside,)
    else:
        assert found == Guarded()


def test_a_manifest_that_comes_goes_or_cannot_be_read() -> None:
    tool = "[tool.ruff]\nx=1"
    path = "pyproject.toml"
    assert guarded(change(path), files={path: tool}).restored == (path,)
    assert guarded(change(path), files={f"base:{path}": tool}).restored == (path,)
    assert guarded(change(path, "T"), files={f"base:{path}": tool, path: tool}).restored == (path,)
    assert guarded(change(path, "A"), files={path: tool}).restored == (path,)
    assert guarded(change(path, "A"), files={path: "[project]"}).restored == ()
    assert guarded(change(path, "D"), files={f"base:{path}": tool}).restored == (path,)
    assert guarded(change(path, "D"), files={f"base:{path}": "[project]"}).restored == ()
    assert guard((change(path),), request="", settings=Settings()).restored == (path,)
    assert guarded(change(path), files={f"base:{path}": "", path: "x = " + "[" * 100_000}).restored == (path,)


# path, line → rules
SILENCED = [
    ("a.py", "import os  # noqa: F401", ["noqa"]),
    ("a.py", "#NOQA", ["noqa"]),
    ("a.py", "# ruff: noqa", ["noqa"]),
    ("a.py", "# flake8: noqa", ["noqa"]),
    ("a.py", "eval(x)  # nosec B307", ["nosec"]),
    ("a.py", "x = 1  # type: ignore[assignment]", ["type-ignore"]),
    ("a.py", "x = 1  # noqa # nosec", ["noqa", "nosec"]),
    ("a.py", "# pylint: disable=all", ["lint-off"]),
    ("a.ts", "// eslint-disable-next-line", ["lint-off"]),
    ("a.ts", "// @ts-ignore", ["lint-off"]),
    ("a.go", "x() //nolint:errcheck", ["lint-off"]),
    ("a.py", "url = '# noqa'", []),
    ("a.py", 'x = "a \\" # nosec"', []),
    ("a.py", "knoqa = 1  # a note", []),
    ("a.py", "sys.exit(1)", []),
    ("a.py", "pytest.skip()", []),
    ("tests/test_a.py", "sys.exit(0)", ["exit"]),
    ("tests/test_a.py", "    os._exit(0)", ["exit"]),
    ("tests/conftest.py", "pytest.exit('x')", ["exit"]),
    ("tests/test_a.py", "@pytest.mark.skip", ["skip"]),
    ("tests/test_a.py", "@pytest.mark.skipif(True, reason='')", ["skip"]),
    ("tests/test_a.py", "pytestmark = pytest.mark.xfail", ["skip"]),
    ("tests/test_a.py", "    pytest.skip('later')", ["skip"]),
    ("tests/test_a.py", "x = pytest.importorskip('x')", ["skip"]),
    ("tests/test_a.py", "    pytest.xfail()", ["skip"]),
    ("tests/test_a.py", "@mark.xfail", ["skip"]),
    ("tests/test_a.py", "@unittest.skip('x')", ["skip"]),
    ("tests/test_a.py", "@unittest.expectedFailure", ["skip"]),
    ("tests/test_a.py", "@skipUnless(False, 'x')", ["skip"]),
    ("tests/test_a.py", "    self.skipTest('x')", ["skip"]),
    ("tests/test_a.py", "__test__ = False", ["skip"]),
    ("tests/conftest.py", "collect_ignore = ['a']", ["skip"]),
    ("a.spec.ts", "it.skip('x', () => {})", ["skip"]),
    ("a.spec.ts", "describe.only('x', () => {})", ["skip"]),
    ("a_test.go", "\tt.Skip()", ["skip"]),
    ("tests/test_a.py", "skipped = skip(1)", []),
    ("tests/test_a.py", "assert system.exit_code == 1", []),
]


def silencing(path: str, line: str, settings: Settings | None = None) -> tuple[Finding, ...]:
    text = f"x = 1\n\n\n{line}\n"
    return examine([Side(path=path, before="x = 1\n", after=text, added=frozenset({2, 3, 4}))], settings)


@pytest.mark.parametrize(("path", "line", "rules"), SILENCED)
def test_silencing(path: str, line: str, rules: list[str]) -> None:
    found = silencing(path, line)
    assert [(f.check, f.rule, f.path, f.line, f.context) for f in found] == [
        ("integrity", rule, path, 4, line.strip()) for rule in rules
    ]
    expected = Severity.NOTE if rules == ["type-ignore"] else Severity.ERROR
    assert all(f.severity is expected for f in found)
    assert silencing(path, line, Settings(allow=(path,))) == ()
    assert silencing(path, line, Settings(allow=("docs/",))) == found


def test_a_silencing_tells_what_to_do() -> None:
    assert silencing("a.py", "x  # nosec") == (
        Finding(
            check="integrity",
            rule="nosec",
            message="This added line silences the security scan; mend what it says instead.",
            path="a.py",
            line=4,
            context="x  # nosec",
        ),
    )


@pytest.mark.parametrize(
    ("path", "roots"),
    [
        ("argparse.py", ()),
        ("pdb/__init__.py", ()),
        ("src/json.py", ("src",)),
        ("packaging.py", ()),
        ("greenloop_reporter.py", ()),
        ("__pycache__/a.cpython-311.pyc", ()),
        ("tests/__pycache__/helpers.cpython-311.pyc", ()),
        ("src/pkg/fast.cpython-311-x86_64-linux-gnu.so", ("src",)),
    ],
)
def test_what_would_be_run_instead_of_something_else_is_put_back(path: str, roots: tuple[str, ...]) -> None:
    new = guard((change(path, "A", removed=0),), request="", settings=Settings(), roots=roots)
    assert (new.restored, new.judged_as_base, new.own) == ((path,), (), ())


@pytest.mark.parametrize("path", ["src/pkg/json.py", "html/index.html", "calendar/view.py", "argparse.md"])
def test_a_name_alone_is_no_stand_in(path: str) -> None:
    assert guard((change(path, "A", removed=0),), request="", settings=Settings(), roots=("src",)) == Guarded()


def test_new_modules_of_tests_are_kept_from_the_existing_ones() -> None:
    """Unless tests that are changed on purpose may need them."""
    new = (change("tests/test_new.py", "A", removed=0), change("tests/helpers.py", "A", removed=0))
    data = change("tests/data.json", "A", removed=0)
    found = guarded(*new, data)
    assert (found.judged_as_base, found.own, found.restored) == (
        ("tests/test_new.py", "tests/helpers.py"),
        ("tests/test_new.py",),
        (),
    )
    named = guarded(*new, change("tests/test_a.py"), request="change tests/test_a.py")
    assert (named.judged_as_base, named.permitted) == ((), ("tests/test_a.py",))
