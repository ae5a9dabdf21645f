"""Questions in an answer: what is one, what is not, and that an edit is never lost to them."""

from __future__ import annotations

import pytest

from greenloop.domain import Lookup, Patch, Question
from greenloop.edits import parse
from greenloop.edits.questions import asked

SNIPPET = "Look: run\n```python\nfrom a import b\n\nprint(b)\n```\n"


@pytest.mark.parametrize(
    ("line", "question"),
    [
        ("Look: read src/a.py:10-40", Question("read", "src/a.py:10-40")),
        ("- **Look:** read `src/a.py` lines 10 to 40", Question("read", "src/a.py:10-40")),
        ("LOOK: open src/a.py#L10-L40", Question("read", "src/a.py:10-40")),
        ("Look: read(src/a.py:7)", Question("read", "src/a.py:7")),
        ("Look: read src/a.py", Question("read", "src/a.py")),
        ("> Look: grep `def .*retry`", Question("search", "def .*retry")),
        ("Look: find references to Session.send", Question("uses", "Session.send")),
        ("Look: find the definition of Session.send", Question("define", "Session.send")),
        ("Look: search test retry", Question("search", "test retry")),
        ("Lookup: callers send", Question("uses", "send")),
        ("Look: ls", Question("list", "")),
        ("Look: blame src/a.py", Question("history", "src/a.py")),
        ("Look: run test tests/test_a.py::test_b", Question("test", "tests/test_a.py::test_b")),
        ("Look: python 1 + 1", Question("run", "1 + 1")),
        (SNIPPET, Question("run", "from a import b\n\nprint(b)")),
        ("Look: run\n\n~~~\n1\n", Question("run", "1")),
        ("<think>\nLook: read b.py\n</think>\nLook: read a.py", Question("read", "a.py")),
    ],
)
def test_a_question_is_understood(line: str, question: Question) -> None:
    found = asked(f"I need to see more.\n\n{line}")
    assert found is not None
    assert found.lookup == Lookup((question,))


@pytest.mark.parametrize(
    "reply",
    [
        "Look at src/a.py first.",
        "Look: this is what I would do",
        "a.md\n```\nLook: read src/a.py\n```\n",
        "Outlook: read it",
        "",
    ],
)
def test_what_is_no_question(reply: str) -> None:
    assert asked(reply) is None


def test_the_rest_is_what_is_no_question() -> None:
    edit = "Summary: x\n\na.py\n```python\nx = 2\n```\n"
    found = asked(f"Look: read b.py\n\n{SNIPPET}\n{edit}Look: read b.py")
    assert found is not None
    assert found.lookup == Lookup((Question("read", "b.py"), Question("run", "from a import b\n\nprint(b)")))
    patch = parse(found.rest, {"a.py": b"x = 1\n"}.get, ["a.py"])
    assert isinstance(patch, Patch)
    assert patch.paths == ("a.py",)
