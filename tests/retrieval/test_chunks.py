"""Files in pieces: what a piece is, and that no input is too strange for it."""

from __future__ import annotations

import ast

import pytest

from greenloop.retrieval.chunks import CUT, LONGEST, WINDOW, Chunk, python, windows
from greenloop.retrieval.tokens import count, stem, terms

MODULE = '''"""Doc."""
import os

LIMIT = 3


@cached
def first(a):
    def inner():
        return a
    return inner


class Sender(Base, abc.Mixin[int]):
    """Sends."""

    retries = 1

    def send(self):
        pass

    name = "x"


try:
    def late(): ...
except ImportError:
    late = None
'''


def shown(chunks: list[Chunk] | None) -> list[tuple[str, str, int, int]]:
    return [(c.kind, c.name, c.start, c.end) for c in chunks or ()]


def test_a_module_is_cut_at_its_definitions() -> None:
    found = python(MODULE)
    assert shown(found) == [
        ("module", "", 1, 4),
        ("function", "first", 7, 11),
        ("class", "Sender", 14, 17),
        ("function", "Sender.send", 19, 20),
        ("class", "Sender", 22, 22),
        ("module", "", 25, 25),
        ("function", "late", 26, 26),
        ("module", "", 27, 28),
    ]
    assert found is not None
    assert (found[2].signature, found[2].bases) == ("class Sender(Base, abc.Mixin[int]):", ("Base", "Mixin"))


def test_a_long_function_is_cut_and_keeps_its_name() -> None:
    body = "".join(f"    a{n} = {n}\n" for n in range(LONGEST))
    assert shown(python(f"def f():\n{body}")) == [
        ("function", "f", 1, CUT),
        ("function", "f", CUT + 1, LONGEST + 1),
    ]


@pytest.mark.parametrize("text", ["def broken(:\n", "a\0b", "(" * 5000, "x = " + "-" * 100_000 + "1", "print 'two'\n"])
def test_what_cannot_be_parsed_is_left_to_windows(text: str) -> None:
    assert python(text) is None
    assert windows(text)


@pytest.mark.parametrize(
    "text", ["", "\n\n", "\r", "a", "a\r\nb", "\f\nx = 1\n", "x = '1\u2028y'\n", "def f(): pass; g = 1"]
)
def test_lines_are_those_of_ast(text: str) -> None:
    for chunk in (*(python(text) or ()), *windows(text)):
        assert 1 <= chunk.start <= chunk.end <= len(ast.parse(text).body) + text.count("\n") + text.count("\r") + 1


def test_windows_end_at_an_empty_line_in_their_last_third() -> None:
    lines = [f"line {n}" for n in range(1, 2 * WINDOW)]
    lines[WINDOW - 6] = ""
    assert shown(windows("\n".join(lines))) == [
        ("text", "", 1, WINDOW - 5),
        ("text", "", WINDOW - 4, 2 * WINDOW - 5),
        ("text", "", 2 * WINDOW - 4, 2 * WINDOW - 1),
    ]


def test_words_are_those_of_code() -> None:
    assert terms("maxRetries") == ("max", "retry", "maxretries")
    assert terms("__max_retries") == ("max", "retry", "max_retries")
    assert terms("HTTPServer2") == ("http", "server", "httpserver2")
    assert terms("größe_max") == ("größe", "max", "größe_max")
    assert terms("a" * 61) == ()
    assert count("self.path = path  # the paths") == {"path": 3}
    words = ("retries", "parsing", "parsed", "parse", "stopped", "class", "status", "does", "is")
    assert [stem(word) for word in words] == ["retry", "pars", "pars", "pars", "stop", "class", "status", "doe", "is"]


def test_names_do_not_grow_with_what_they_stand_in() -> None:
    """A class of any length of name and bases, and a method of each of its lines: all of them carry both."""
    bases = ", ".join(f"Base{n}" for n in range(1000))
    text = f"class {'C' * 5000}({bases}):\n" + "".join(f"    def f{n}(self): pass\n    x = {n}\n" for n in range(50))
    found = python(text)
    assert found is not None
    assert (len(found), max(len(c.name) for c in found), max(len(c.bases) for c in found)) == (101, 240, 20)
    assert [c.name[-3:] for c in found if c.kind == "function"][:2] == [".f0", ".f1"]
