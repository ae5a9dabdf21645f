"""`suggestion` blocks: what is one, what it does to a file, and whether it still stands there."""

from __future__ import annotations

import pytest

from greenloop.reviews import suggestions
from greenloop.reviews.suggestions import Placed

BLOCKS = [
    ("one", "Why?\n```suggestion\n  a = 1\n```\nthanks", ("  a = 1\n",)),
    ("as a browser sends it", "```suggestion\r\na\r\n\r\n\r\nb\r\n```", ("a\n\n\nb\n",)),
    ("empty deletes", "```suggestion\n```", ("",)),
    ("one empty line", "```suggestion\n\n```", ("\n",)),
    ("a longer fence holds a shorter one", "````suggestion\n```py\nx\n```\n````", ("```py\nx\n```\n",)),
    ("tildes", "~~~ suggestion \nx\n~~~", ("x\n",)),
    ("two", "```suggestion\na\n```\n```suggestion\nb\n```", ("a\n", "b\n")),
    ("never closed", "```suggestion\na\n", ()),
    ("inside another", "````text\n```suggestion\na\n```\n````", ()),
    ("another word", "```suggestions\na\n```\n```suggestion:-0+1\nb\n```\n```py suggestion\nc\n```", ()),
    (
        "quoted, in a list, indented",
        "> ```suggestion\n> a\n> ```\n- ```suggestion\n  b\n  ```\n ```suggestion\nc",
        (),
    ),
]


@pytest.mark.parametrize(("body", "found"), [b[1:] for b in BLOCKS], ids=[b[0] for b in BLOCKS])
def test_what_is_a_suggestion(body: str, found: tuple[str, ...]) -> None:
    assert suggestions.blocks(body) == found


HIDDEN = ["<!--\n```suggestion\nx\n```\n-->", "```suggestion\nx = 1\u202e\n```", "```suggestion\nx\u200b\n```"]


@pytest.mark.parametrize("body", HIDDEN)
def test_what_nobody_sees_is_no_suggestion(body: str) -> None:
    assert suggestions.shown(body) is None
    assert suggestions.shown("```suggestion\nä = '✓'\n\n\n\nb\n```") == ("ä = '✓'\n\n\n\nb\n",)


PUT = [
    ("one line", "a\nb\nc\n", (2, 2, "B\n"), "a\nB\nc\n"),
    ("several for one", "a\nb\nc\n", (2, 2, "1\n2\n"), "a\n1\n2\nc\n"),
    ("one for several", "a\nb\nc\n", (1, 2, "x\n"), "x\nc\n"),
    ("none", "a\nb\nc\n", (2, 3, ""), "a\n"),
    ("the file's line breaks", "a\r\nb\r\n", (2, 2, "x\ny\n"), "a\r\nx\r\ny\r\n"),
    ("no last line break", "a\nb", (2, 2, "x\ny\n"), "a\nx\ny"),
    ("a form feed ends no line", "a\fb\nc\n", (2, 2, "x\n"), "a\fb\nx\n"),
    ("beyond", "a\n", (2, 2, "x\n"), None),
    ("nowhere", "a\n", (0, 1, "x\n"), None),
    ("backwards", "a\nb\n", (2, 1, "x\n"), None),
]


@pytest.mark.parametrize(("before", "change", "after"), [p[1:] for p in PUT], ids=[p[0] for p in PUT])
def test_letter_by_letter(before: str, change: tuple[int, int, str], after: str | None) -> None:
    assert suggestions.put(before, (Placed(*change),)) == after


def test_several_do_not_move_each_other() -> None:
    changes = (Placed(1, 1, "1\n2\n3\n"), Placed(3, 3, ""), Placed(4, 5, "end\n"))
    assert suggestions.put("a\nb\nc\nd\ne\n", changes) == "1\n2\n3\nb\nend\n"


BEFORE = "".join(f"{n}\n" for n in range(1, 31))


def test_lines_are_touched_when_they_or_their_neighbours_change() -> None:
    def at(line: int) -> list[int]:
        after = BEFORE.replace(f"\n{line}\n", "\nx\n")
        return [n for n in range(1, 31) if suggestions.touched(BEFORE, after, n, n)]

    assert at(15) == list(range(12, 19))
    assert suggestions.touched(BEFORE, BEFORE.replace("\n15\n", "\n15\nnew\n"), 15, 16)
    assert not suggestions.touched(BEFORE, BEFORE.replace("\n15\n", "\n15\nnew\n"), 20, 21)
    assert not suggestions.touched(BEFORE, BEFORE, 1, 30)


def test_whether_it_stands() -> None:
    better = Placed(15, 16, "better\n")
    assert suggestions.stands(BEFORE, BEFORE.replace("15\n16\n", "better\n"), better)
    assert suggestions.stands(BEFORE, "first\n" + BEFORE.replace("15\n16\n", "better\n"), better)
    assert not suggestions.stands(BEFORE, BEFORE.replace("15\n16\n", "Better\n"), better)
    assert not suggestions.stands(BEFORE, BEFORE, Placed(15, 15, "15\n"))
    assert suggestions.stands(BEFORE, BEFORE.replace("15\n16\n", ""), Placed(15, 16, ""))
    assert not suggestions.stands(BEFORE, BEFORE.replace("16\n", ""), Placed(15, 16, ""))
    assert not suggestions.stands("a\n", "b\n", Placed(1, 4, "b\n"))
