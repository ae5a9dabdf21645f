"""What Go's and Rust's own runners print, as tests."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from greenloop.checks.printed import cargo, go
from greenloop.domain import Cause, TestCase

CARGO = """\

running 4 tests
test tests::later ... ignored
test tests::one ... ok
test tests::two ... FAILED
test tests::empty - should panic ... ok

failures:

---- tests::two stdout ----
here

thread 'tests::two' (26091) panicked at src/lib.rs:15:9:
assertion `left == right` failed
  left: 2
 right: 3
stack backtrace:
   0: __rustc::rust_begin_unwind
note: Some details are omitted, run with `RUST_BACKTRACE=full` for a verbose backtrace.


failures:
    tests::two

test result: FAILED. 2 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.25s

     Running tests/more.rs
test tests::one ... ok
"""
EVENTS = [
    {"Action": "start", "Package": "example.org/sums/inner"},
    {"Action": "run", "Package": "example.org/sums/inner", "Test": "TestTwo"},
    {"Action": "output", "Package": "example.org/sums/inner", "Test": "TestTwo", "Output": "=== RUN   TestTwo\n"},
    {"Action": "output", "Package": "example.org/sums/inner", "Test": "TestTwo", "Output": "    a_test.go:9: got 2\n"},
    {
        "Action": "output",
        "Package": "example.org/sums/inner",
        "Test": "TestTwo",
        "Output": "--- FAIL: TestTwo (0.00s)\n",
    },
    {"Action": "fail", "Package": "example.org/sums/inner", "Test": "TestTwo", "Elapsed": 0},
    {"Action": "pass", "Package": "example.org/sums/inner", "Test": "TestOne"},
    {"Action": "skip", "Package": "example.org/sums/inner", "Test": "TestLater"},
    {"Action": "fail", "Package": "example.org/sums/inner"},
    {
        "ImportPath": "example.org/sums [example.org/sums.test]",
        "Action": "build-output",
        "Output": "./a.go:3:1: no x\n",
    },
    {"Action": "fail", "Package": "example.org/sums"},
]


def test_cargo(tmp_path: Path) -> None:
    tests, findings = cargo(CARGO.encode(), check="rust", folder=tmp_path, directory="core")
    assert [(test.id, test.outcome) for test in tests] == [
        ("tests::later", "skipped"),
        ("tests::one", "passed"),
        ("tests::two", "failed"),
        ("tests::empty", "passed"),
        ("tests::one #2", "passed"),
        ("cargo build", "passed"),
    ]
    assert tests[2] == TestCase(
        id="tests::two",
        outcome="failed",
        path="core/src/lib.rs",
        line=15,
        cause=Cause.ASSERTION,
        error="panic",
        message="here\n\npanicked at src/lib.rs:15:9:\nassertion `left == right` failed\n  left: 2\n right: 3",
    )
    assert [(f.check, f.path, f.line, f.context) for f in findings] == [("rust", "core/src/lib.rs", 15, "tests::two")]


def test_what_does_not_compile_is_a_test_that_cannot_run(tmp_path: Path) -> None:
    (tmp_path / "core/tests").mkdir(parents=True)
    (tmp_path / "core/tests/dsl.rs").write_text("use dsl::Graph;\n")
    said = "   Compiling dsl v0.1.0\nerror[E0432]: unresolved import `dsl::Graph`\n --> tests/dsl.rs:1:5\n  |\n\n"
    ended = 'error: could not compile `dsl` (test "dsl") due to 1 previous error\n'
    (build,), (finding,) = cargo(f"{said}{ended}".encode(), check="rust", folder=tmp_path, directory="core")
    assert build == TestCase(
        id="cargo build",
        outcome="error",
        path="core/tests/dsl.rs",
        cause=Cause.BUILD,
        error="build",
        message="error[E0432]: unresolved import `dsl::Graph`\n --> tests/dsl.rs:1:5\n  |",
    )
    assert (finding.context, finding.message) == ("cargo build", "error[E0432]: unresolved import `dsl::Graph`")
    assert cargo(b"", check="rust", folder=tmp_path, directory="core") == ((), ())


def test_go(tmp_path: Path) -> None:
    (tmp_path / "go.mod").write_text("module example.org/sums\n\ngo 1.22\n")
    raw = "\n".join(["a line of its own", *map(json.dumps, EVENTS), "{broken"])
    tests, findings = go(raw.encode(), check="go", folder=tmp_path, directory="")
    assert [(test.id, test.outcome) for test in tests] == [
        ("example.org/sums/inner::TestTwo", "failed"),
        ("example.org/sums/inner::TestOne", "passed"),
        ("example.org/sums/inner::TestLater", "skipped"),
        ("example.org/sums", "error"),
        ("go build", "passed"),
    ]
    assert (tests[0].path, tests[0].line, tests[0].message) == ("inner/a_test.go", 9, "    a_test.go:9: got 2")
    assert (tests[0].cause, tests[3].cause, tests[3].message) == (Cause.ASSERTION, Cause.IMPORT, "./a.go:3:1: no x")
    assert len(findings) == 2
    with pytest.raises(ValueError, match="no event"):
        go(b"ok  example.org/sums 0.1s\n", check="go", folder=tmp_path, directory="")


def test_go_code_that_does_not_compile(tmp_path: Path) -> None:
    """Before 1.24 said in plain words, since then by events: a failed build either way, which has to be mended."""
    plain = "FAIL\tsums [build failed]\n# sums [sums.test]\n"
    plain += "./sums.go:5:17: undefined: Sum\n./a_test.go:9:2: undefined: Sum\n"
    output = {"ImportPath": "sums [sums.test]", "Action": "build-output", "Output": "./sums.go:5:17: undefined: Sum\n"}
    events = [output, {"Action": "fail", "Package": "sums"}]
    for raw, said in (
        (plain, "./sums.go:5:17: undefined: Sum\n./a_test.go:9:2: undefined: Sum"),
        ("\n".join(map(json.dumps, events)), "./sums.go:5:17: undefined: Sum"),
    ):
        tests, findings = go(raw.encode(), check="go", folder=tmp_path, directory="app")
        (build,) = tests
        assert build == TestCase(
            id="go build", outcome="error", path="app/sums.go", cause=Cause.BUILD, error="build", message=said
        )
        assert [f.message for f in findings] == ["./sums.go:5:17: undefined: Sum"]


def test_hostile_paths_stay_inside(tmp_path: Path) -> None:
    text = CARGO.replace("src/lib.rs", "../../etc/passwd.rs")
    assert [t.path for t in cargo(text.encode(), check="rust", folder=tmp_path, directory="")[0] if t.red] == [""]
