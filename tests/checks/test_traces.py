"""What a foreign runner says of a failure: its places as frames, and its words without the runner's own stack."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path

import pytest

from greenloop.checks import junit
from greenloop.checks.printed import cargo, go
from greenloop.checks.traces import Traces
from greenloop.domain import Frame

PRODUCT = "export const sum = (a) => {\n  throw new Error('todo');\n};\n"
SPEC = """\
import { sum } from './sum.js';

describe('sum', () => {
  test('of two', () => {
    expect(sum([1, 2])).toBe(3);
  });

  test('of none', () => {
    expect(sum([])).toBe(0);
  });
});
"""
STACK = """\
Error: todo
    at sum (file://{root}/web/sum.js:2:9)
    at TestContext.<anonymous> (file://{root}/web/sum.spec.js:9:12)
    at Test.run (node:internal/test_runner/test:796:25)
    at run ({root}/web/node_modules/runner/index.js:1:1)
    at async Suite.done (node:internal/test_runner/test:526:7)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for path, text in {"web/sum.js": PRODUCT, "web/sum.spec.js": SPEC, "web/node_modules/runner/index.js": "x"}.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    return tmp_path


def test_a_stack_of_javascript(folder: Path) -> None:
    said = STACK.format(root=folder.resolve())
    failure = f'<failure type="x" message="todo">{escape(said)}</failure>'
    xml = f'<testsuites><testcase name="of none">{failure}</testcase></testsuites>'
    (case,), (finding,) = junit.read(xml.encode(), check="web", folder=folder, directory="web")
    assert case.frames == (
        Frame(
            path="web/sum.spec.js",
            line=9,
            function="TestContext.<anonymous>",
            source=SPEC.rstrip("\n").partition("'./sum.js';\n\n")[2],
            source_start=3,
        ),
        Frame(path="web/sum.js", line=2, function="sum", source=PRODUCT.rstrip("\n"), source_start=1),
    )
    assert (case.path, case.message, finding.path) == ("web/sum.spec.js", "Error: todo", "web/sum.spec.js")


def test_a_stack_in_which_nothing_is_ours_stays(folder: Path) -> None:
    traces = Traces(folder, "")
    said = "boom\n  at com.example.App.run(App.java:9)\n"
    assert traces.frames(said) == ()
    assert traces.told(said, ()) == said


@pytest.mark.parametrize("path", ["../secret.js", "/etc/passwd.js", "web/link.js", "web/sum.js/../../secret.js", "web"])
def test_a_place_outside_is_none(folder: Path, path: str) -> None:
    (folder.parent / "secret.js").write_text("secret")
    (folder / "web/link.js").symlink_to(folder.parent / "secret.js")
    assert Traces(folder, "").frames(f"  at f ({path}:1:1)\n  at g (file://{folder}/{path}:1:1)") == ()


def test_words_without_end_are_looked_through_once(folder: Path) -> None:
    """Quadratic, this would take hours."""
    (folder / "web/wide.js").write_text("func (" * 49_000 + "\n1\n")
    assert [f.function for f in Traces(folder, "").frames("web/wide.js:2:1")] == [""]
    assert Traces(folder, "").frames("a." * 1_000_000 + "\n" + "./" * 1_000_000 + "js:x") == ()


def test_a_panic_of_rust_begins_in_its_test(tmp_path: Path) -> None:
    body = "    let mut game = Game::new();\n    game.roll(0);\n"
    for path, text in {
        "core/src/lib.rs": "impl Game {\n    pub fn roll(&mut self) {\n        todo!();\n    }\n}\n",
        "core/tests/game.rs": f"use game::*;\n\n#[test]\nfn rolls() {{\n{body}}}\n\n#[test]\nfn twice() {{}}\n",
        "core/tests/more.rs": "fn twice() {}\n",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    said = "test rolls ... FAILED\ntest twice ... FAILED\n\n---- rolls stdout ----\n"
    said += "thread 'rolls' panicked at src/lib.rs:3:9:\n"
    said += "not yet implemented\nnote: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\n"
    (rolls, twice, _), _ = cargo(said.encode(), check="rust", folder=tmp_path, directory="core")
    assert rolls.message == "panicked at src/lib.rs:3:9:\nnot yet implemented"
    assert (rolls.path, rolls.line) == ("core/tests/game.rs", 4)
    assert rolls.frames == (
        Frame(path="core/tests/game.rs", line=4, function="rolls", source=f"fn rolls() {{\n{body}}}", source_start=4),
        Frame(
            path="core/src/lib.rs",
            line=3,
            function="roll",
            source="impl Game {\n    pub fn roll(&mut self) {\n        todo!();\n    }\n}",
            source_start=1,
        ),
    )
    assert (twice.path, twice.frames) == ("", ())  # which of the two it was is not known


def test_a_panic_of_go_is_told_without_its_stack(tmp_path: Path) -> None:
    (tmp_path / "go.mod").write_text("module example.org/sums\n")
    (tmp_path / "a.go").write_text("package sums\n\nfunc Sum(a []int) int {\n\tpanic(1)\n}\n")
    (tmp_path / "a_test.go").write_text("package sums\n\nfunc TestTwo(t *testing.T) {\n\tSum(nil)\n}\n")
    said = (
        f"panic: 1\n\ngoroutine 7 [running]:\nsums.Sum(...)\n\t{tmp_path}/a.go:4 +0x1d\n"
        f"sums.TestTwo(0xc0)\n\t{tmp_path}/a_test.go:4 +0x18\ntesting.tRunner(0x1)\n\t/usr/go/testing.go:9 +0xf4\n"
    )
    event = {"Package": "example.org/sums", "Test": "TestTwo"}
    raw = "\n".join(json.dumps(event | more) for more in ({"Action": "output", "Output": said}, {"Action": "fail"}))
    case = go(raw.encode(), check="go", folder=tmp_path, directory="")[0][0]
    assert [(f.path, f.line, f.function) for f in case.frames] == [("a_test.go", 4, "TestTwo"), ("a.go", 4, "Sum")]
    assert (case.path, case.message) == ("a_test.go", "panic: 1\n\ngoroutine 7 [running]:")
