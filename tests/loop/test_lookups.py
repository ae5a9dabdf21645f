"""Answers to questions about a repository: short, right, of what may be seen, and quick whatever stands there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest

from greenloop.domain import Question
from greenloop.lookups import clipped, look
from greenloop.lookups.view import LONGEST
from greenloop.ports import Entry

NET = '''"""Talking."""

import os

LIMIT: int = 3


class Session:
    """One talk."""

    limit = LIMIT

    @property
    def open(self):
        return self.handle is not None

    def send(self, words):
        for line in words:
            self.handle.write(line)


def send(words):
    return Session().send(words)
'''
FILES = {
    "src/net.py": NET,
    "src/long.py": "\n\n".join(f"def step_{n}(value):\n    return value + {n}" for n in range(200)) + "\n",
    "src/data.csv": "".join(f"{n},{n * n}\n" for n in range(300)),
    "web/app.js": "export function send(words) {\n  return words.map(x => x.trim())\n}\n",
    "tests/test_net.py": "from src.net import send\n\n\ndef test_send():\n    send([])\n",
    "empty.txt": "",
}


@dataclass(frozen=True)
class Memory:
    """`hidden` paths are never shown, and binary ones have no text."""

    files: Mapping[str, str | None]

    def entries(self) -> Iterator[Entry]:
        for path, text in self.files.items():
            yield Entry(path=path, mode="100644", id="", size=len(text or ""))

    def text(self, path: str) -> str | None:
        return self.files.get(path)

    def hidden(self, path: str) -> bool:
        return path.startswith("secret")


VIEW = Memory(FILES | {"logo.png": None})


def told(kind: str, about: str, view: Memory = VIEW) -> str:
    return look(Question(kind, about), view, lambda path, limit: f"commit abc {limit} {path}\n+x\n")


@pytest.mark.parametrize(
    ("kind", "about", "answer"),
    [
        ("read", "src/net.py:5-5", "src/net.py, lines 5-5 of 23.\nLIMIT: int = 3"),
        ("read", "net.py:22-99", "src/net.py, lines 22-23 of 23.\ndef send(words):\n    return Session().send(words)"),
        ("read", "src/net.py:900-901", "src/net.py has only 23 lines."),
        ("read", "src/nett.py", "There is no file src/nett.py. Perhaps: src/net.py, src/long.py"),
        ("read", "secret/key.txt", "secret/key.txt is kept from you."),
        ("read", "../secret", "There is no file ../secret."),
        ("read", "logo.png", "logo.png is no text, or holds something that must not be shown."),
        ("read", "empty.txt", "empty.txt is empty."),
        ("read", "", "`Look: read` needs a word more: what?"),
        (
            "list",
            "",
            "The root holds:\nsrc/ (3 files)\ntests/ (1 file)\nweb/ (1 file)\nempty.txt (0 bytes)\nlogo.png (0 bytes)",
        ),
        ("list", "web/", "web holds:\napp.js (66 bytes)"),
        ("list", "nowhere", "There is no file nowhere."),
        ("search", "HANDLE.WRITE", "src/net.py:19: self.handle.write(line)"),
        (
            "search",
            r"def \w+\(self\)|x\.trim",
            "src/net.py:14: def open(self):\nweb/app.js:2: return words.map(x => x.trim())",
        ),
        ("search", "class.*session", "src/net.py:8: class Session:"),
        ("search", "nowhere at all", "Nothing holds 'nowhere at all'."),
        ("search", "|", "There is nothing to search for."),
        (
            "define",
            "Session.open",
            "src/net.py:13\n    @property\n    def open(self):\n        return self.handle is not None",
        ),
        ("define", "LIMIT", "src/net.py:5\nLIMIT: int = 3"),
        (
            "define",
            "src.net.send()",
            "src/net.py:22\ndef send(words):\n    return Session().send(words)\nalso: web/app.js:1",
        ),
        (
            "define",
            "os",
            "Nothing here defines os; it may come from a library. `Look: search os` finds where it stands.",
        ),
        ("define", "a b", "A definition is asked for by its name: `Look: define Session.send`."),
        (
            "uses",
            "Session.send",
            (
                "src/net.py:23: return Session().send(words)\n"
                "tests/test_net.py:1: from src.net import send\ntests/test_net.py:5: send([])"
            ),
        ),
        ("uses", "nobody", "Nothing uses nobody."),
        ("uses", "a b", "Uses are asked for by the name: `Look: uses send`."),
        ("history", "net.py", "commit abc 5 src/net.py\n+x"),
        ("history", "secret/key.txt", "secret/key.txt is kept from you."),
    ],
)
def test_an_answer(kind: str, about: str, answer: str) -> None:
    assert told(kind, about) == answer


def test_a_definition_that_is_there_twice_names_the_other_place() -> None:
    assert told("define", "send").split("\n")[-2:] == ["also: src/net.py:22", "also: web/app.js:1"]


def test_a_long_file_is_told_by_its_headings_or_its_head() -> None:
    rows = told("read", "src/long.py").split("\n")
    assert rows[:2] == ["src/long.py has 599 lines. Ask for a range. Its headings:", "1: def step_0(value):"]
    assert told("read", "src/data.csv").startswith("src/data.csv, lines 1-120 of 300.\n0,0\n")
    part = told("read", "src/long.py:1-599").split("\n")
    assert part[0] == "src/long.py, lines 1-120 of 599."


def test_a_line_alone_is_read_with_what_is_around_it() -> None:
    assert told("read", "src/long.py:300").split("\n")[0] == "src/long.py, lines 280-320 of 599."


@pytest.mark.parametrize("kind", ["read", "search", "define", "uses", "list", "history"])
def test_no_answer_is_long_whatever_stands_in_the_files(kind: str) -> None:
    wide = Memory({f"{n}/a.py": f"a = '{'a' * 3000}'\n" * 200 for n in range(60)})
    about = {"read": "1/a.py", "list": "", "history": "1/a.py"}.get(kind, "a")
    answer = look(
        Question(kind, about), wide, lambda path, limit: f"commit {path}\n" + f"+{'é' * 900}\n" * 5000 * limit
    )
    assert len(answer) <= LONGEST + 60
    assert max(map(len, answer.split("\n"))) <= 240


def test_a_question_made_to_be_slow_is_not() -> None:
    view = Memory({"a.py": ("a" * 5000 + "!\n") * 50})
    assert (
        told("search", "(a+)+$|" + "a.*" * 80 + "b", view)
        == f"Nothing holds {'(a+)+$|' + 'a.*' * 80 + 'b'!r}."[:239] + "…"
    )


def test_what_looks_like_a_secret_is_in_no_answer() -> None:
    key = "AKIA" + "Z2K7M5Q3R8T4W6Y1"
    assert key not in clipped(f"a {key} b")
    answer = look(Question("history", "src/net.py"), VIEW, lambda _path, _limit: f"commit a b\n-KEY = '{key}'\n")
    assert answer == "commit a b\n(The differences hold something that must not be shown.)"


def test_of_an_output_both_ends_are_kept() -> None:
    text = clipped("".join(f"line {n}\n" for n in range(2000)), keep="ends")
    assert (text.startswith("line 0\n"), text.endswith("line 1999"), "characters left out" in text) == (
        True,
        True,
        True,
    )
    assert len(text) < LONGEST + 60
