"""The gate: what does not parse is found before anything runs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from greenloop.checks import parse
from greenloop.domain import Finding, Status
from greenloop.ports import Environment, Sandbox, Subject
from greenloop.settings import Settings

Lay = Callable[..., Subject]

BAD = {
    "a.py": ("def f(:\n    pass\n", "py", 1, "SyntaxError: invalid syntax", "def f(:"),
    "late.py": ("x = 1\nreturn x\n", "py", 2, "SyntaxError: 'return' outside function", "return x"),
    "tests/test_a.py": ("x = 'é\n", "py", 1, "SyntaxError: unterminated string literal (detected at line 1)", "x = 'é"),
    "w.pyw": ("x = (\n", "pyw", 1, "SyntaxError: '(' was never closed", "x = ("),
    "a.json": ('{"a": 1,\n "b" 2}\n', "json", 2, "JSONDecodeError: Expecting ':' delimiter", '"b" 2}'),
    "a.toml": ("a = 1\nb = \n", "toml", 2, "TOMLDecodeError: Invalid value (at line 2, column 5)", "b ="),
}
GOOD = {
    "ok.py": b"import re\nre.match('\\d', 'x') is 1\n",  # warns, and a warning is no error
    "latin.py": "# coding: latin-1\nx = 'é'\n".encode("latin-1"),
    "tsconfig.json": b'{\n  // why\n  "a": "//no", /* b */\n  "b": [1, 2,],\n}\n',
    "bom.json": b'\xef\xbb\xbf{"a": 1}',
    "tests/data.json": b"not json",
    "fixtures/a.toml": b"not toml",
    "{{cookiecutter.name}}/a.py": b"{% if x %}",
    "large.py": b"(" * 1_000_001,
    "readme.md": b"def f(:",
    "noend": b"def f(:",
}


def test_each_changed_file_that_does_not_parse_is_a_finding(lay: Lay, sandbox: Sandbox) -> None:
    texts = {path: bad[0].encode() for path, bad in BAD.items()} | GOOD
    result = parse.run(lay(texts, changed=(*sorted(texts), "gone.py")), sandbox, Settings())
    assert result.status is Status.FAILED
    assert {f.path: f for f in result.findings} == {
        path: Finding(check="parse", rule=rule, message=message, path=path, line=line, context=context)
        for path, (_, rule, line, message, context) in BAD.items()
    }


def test_only_what_changed_is_looked_at(lay: Lay, sandbox: Sandbox) -> None:
    result = parse.run(lay({"a.py": "def f(:", "b.py": ""}, changed=("b.py",)), sandbox, Settings())
    assert (result.status, result.findings, result.metrics) == (Status.PASSED, (), {"files": 1.0})


@pytest.mark.parametrize(
    "source",
    [b"x = 1\0", b"(" * 5000 + b")" * 5000, b"-" * 200_000 + b"1", b"# coding: nonsense\n", b"\xff\xfe", b"x = '\xff'"],
)
def test_what_would_upset_the_compiler_is_a_finding(lay: Lay, sandbox: Sandbox, source: bytes) -> None:
    result = parse.run(lay({"a.py": source}, changed=("a.py",)), sandbox, Settings())
    assert [f.path for f in result.findings] == ["a.py"]


def test_deeply_nested_data_is_a_finding(lay: Lay, sandbox: Sandbox) -> None:
    texts = {"a.json": b"[" * 100_000, "b.toml": b"a = " + b"[" * 50_000, "c.json": b'{"a": "\xff"}', "d.toml": b"\xff"}
    result = parse.run(lay(texts, changed=tuple(texts)), sandbox, Settings())
    assert [f.path for f in result.findings] == list(texts)


@pytest.mark.parametrize(
    ("answer", "code", "left"),
    [
        ("[]", 0, ["c.json"]),
        ('["a.py"]', 0, ["a.py", "c.json"]),
        ("[]", 1, ["a.py", "b.py", "c.json"]),
        ("what?", 0, ["a.py", "b.py", "c.json"]),
    ],
)
def test_the_targets_own_interpreter_has_the_last_word_on_python(
    lay: Lay, sandbox: Sandbox, tmp_path: Path, *, answer: str, code: int, left: list[str]
) -> None:
    """A newer Python accepts what ours does not; one that gives no answer changes nothing."""
    python = tmp_path / "python3.99"
    python.write_text(f"#!/bin/sh\necho '{answer}'\nexit {code}\n")
    python.chmod(0o755)
    environment = Environment(python=python, readable=(tmp_path,))
    texts = {"a.py": "def f(:", "b.py": "def f(:", "c.json": "{"}
    result = parse.run(lay(texts, changed=tuple(texts), environment=environment), sandbox, Settings())
    assert [f.path for f in result.findings] == left


def test_a_real_other_interpreter_is_asked_in_the_sandbox(lay: Lay, sandbox: Sandbox, tmp_path: Path) -> None:
    """A copy of our own, so that it is another file; it agrees, and nothing of the target runs."""
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    marker = tmp_path / "ran"
    texts = {"a.py": f"open({str(marker)!r}, 'w')\ndef f(:\n", "json.py": "raise SystemExit\ndef f(:\n"}
    environment = Environment(python=python, readable=(tmp_path,))
    result = parse.run(lay(texts, changed=tuple(texts), environment=environment), sandbox, Settings())
    assert [f.path for f in result.findings] == ["a.py", "json.py"]
    assert not marker.exists()


# before, after the edit, the line that is wrong
OTHERS = {
    "a.js": ("const f = () => 1;\n", "const f = () => {\n  return g(1;\n};\n", 2),
    "a.tsx": ("const a: number = 1;\n", "const a: = 1;\nlet b = 2;\n", 1),
    "a.go": ("package a\n\nfunc f() int { return 1 }\n", "package a\n\nfunc f() int {\n\treturn 1 +\n}\n", 4),
    "a.rs": ("fn f() -> u8 { 1 }\n", "fn f() -> u8 {\n    let x = ;\n    1\n}\n", 2),
    "A.java": ("class A { int f() { return 1; } }\n", "class A {\n  int f() { return 1 }\n}\n", 2),
}


def test_another_language_is_held_to_its_grammar_once_a_file_kept_to_it(lay: Lay, sandbox: Sandbox) -> None:
    before = {path: was for path, (was, _, _) in OTHERS.items()}
    before |= {"flow.js": "// @flow\nfunction f(x: ?number) {}\n", "fine.js": "let a = 1;\n"}
    now = {path: text for path, (_, text, _) in OTHERS.items()}
    now |= {"flow.js": "// @flow\nfunction f(x: ?string) {}\n", "fine.js": "let a = 2;\n", "new.js": "let = = 1"}

    def read(path: str) -> bytes | None:
        return before[path].encode() if path in before else None

    result = parse.run(lay(now, changed=tuple(sorted(now)), before=read), sandbox, Settings())
    assert {f.path: f.line for f in result.findings} == {path: line for path, (_, _, line) in OTHERS.items()}
    assert result.findings[1].message.startswith("SyntaxError: a")


@pytest.mark.parametrize("text", [b"", b"((((" * 50_000, b"class {" * 50_000, b"\0\xff", b"`${" * 50_000])
def test_strange_text_of_another_language_is_read_all_the_same(lay: Lay, sandbox: Sandbox, text: bytes) -> None:
    subject = lay({"a.js": text}, changed=("a.js",), before=lambda _: b"let a = 1;\n")
    assert [f.path for f in parse.run(subject, sandbox, Settings()).findings] == (["a.js"] if text else [])
