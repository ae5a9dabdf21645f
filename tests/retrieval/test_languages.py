"""Other languages: functions where a grammar is installed, windows of lines where none is."""

from __future__ import annotations

import pytest

from greenloop.retrieval import languages
from greenloop.retrieval.corpus import File, key, parse

SCRIPT = """import x from 'x';

export const send = (r) => {
  return x(r);
};

class Post {
  kind = 1;
  to(a) {
    a
  }
}
"""
SOURCES = {
    "a.js": (
        SCRIPT,
        ["1", "send 3-5", "Post 7-8", "Post.to 9-11", "Post 12"],
    ),
    "a.ts": (
        "interface Mail { to: string }\nexport function send(m: Mail): void {\n  return;\n}\n",
        ["Mail 1", "send 2-4"],
    ),
    "a.go": (
        "package mail\n\ntype Post struct{ To string }\n\nfunc (p *Post) Send() error {\n\treturn nil\n}\n",
        ["1-3", "Send 5-7"],
    ),
    "A.java": ("class Post {\n  int kind;\n  void send() {\n  }\n}\n", ["Post 1-2", "Post.send 3-4", "Post 5"]),
    "a.rs": ("struct Post;\n\nimpl Post {\n    fn send(&self) {}\n}\n", ["Post 1", "Post 3", "Post.send 4", "Post 5"]),
    "a.rb": ("class Post\n  def send\n    1\n  end\nend\n", ["Post 1", "Post.send 2-4", "Post 5"]),
    "a.c": ("#include <x.h>\n\nint *send(int a)\n{\n  return 0;\n}\n", ["1", "send 3-6"]),
}


@pytest.mark.parametrize("path", SOURCES)
def test_functions_and_classes_are_pieces(path: str) -> None:
    text, expected = SOURCES[path]
    found = languages.chunks(path, text) or []
    shown = [f"{c.name} {c.start}-{c.end}" if c.end > c.start else f"{c.name} {c.start}" for c in found]
    assert [words.strip() for words in shown] == expected


def test_without_a_grammar_a_file_is_cut_into_windows() -> None:
    file = File("a.zig", "1")
    assert (key(file), [(c.kind, c.start, c.end) for c in parse(file, "a\nb\n").chunks]) == ("1:text", [("text", 1, 2)])


@pytest.mark.parametrize("text", ["", "((((" * 2000, "class {" * 2000, "\0\ud800", "function f( {"])
def test_strange_text_is_cut_all_the_same(text: str) -> None:
    made = parse(File("a.js", "1"), text)
    assert all(1 <= c.start <= c.end <= text.count("\n") + 1 for c in made.chunks)
