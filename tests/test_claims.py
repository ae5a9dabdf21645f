"""What a model claims, read as data; and which of its tests can show anything."""

from __future__ import annotations

import pytest

from greenloop.reviews.claims import MOST, Claim, Claims, read, speaking

ONE = Claim(path="a.py", line=3, sure="high", text="It is wrong.", test="def test_a():\n    pass\n")
TEST = "```python\ndef test_a():\n    pass\n```"
LONG = "x = 1\n" * 2000


@pytest.mark.parametrize(
    ("answer", "claims"),
    [
        (f"Claim: a.py:3 high\nIt is wrong.\n{TEST}\n", Claims((ONE,))),
        (f"Sure.\n\n**Claim:** `a.py:3` (High)\nIt is wrong.\n\n{TEST}\n\n", Claims((ONE,))),
        (f"- Claim: a.py:3-9, high, I think\nIt is wrong.\n```py title=x\n{TEST[10:]}", Claims((ONE,))),
        ("No claims.", Claims(nothing=True)),
        ("There is nothing wrong here: no claims", Claims(nothing=True)),
        ("I like it.", Claims()),
        ("Claim: a.py high\nNo line.\nClaim: a.py:3 certain\nNo such word.\nClaim: a.py:3 low\n", Claims(unread=3)),
        (
            "Claim: a.py:3 low\nSee:\n```text\nClaim: b.py:1 high\n```\nSo.",
            Claims((Claim(path="a.py", line=3, sure="low", text="See:\n```text\nClaim: b.py:1 high\n```\nSo."),)),
        ),
        (f"Claim: a.py:3 high\nIt is wrong.\n{TEST}\n" * 2, Claims((ONE,))),
        (
            f"Claim: a.py:3 high\nIt is wrong.\n```\n{LONG}```\n",
            Claims((Claim(path="a.py", line=3, sure="high", text="It is wrong."),)),
        ),
    ],
)
def test_an_answer_is_read_as_data(answer: str, claims: Claims) -> None:
    assert read(answer) == claims


def test_there_are_only_so_many() -> None:
    made = read("".join(f"Claim: a.py:{n} low\nNo. {n}\n" for n in range(1, 30)))
    assert ([c.line for c in made.all], made.unread) == (list(range(1, MOST + 1)), 29 - MOST)


FILES = {"sums.py": b"", "use.py": b"import sums\n", "other.py": b"", "conftest.py": b"import sums\n"}
TESTS = [
    ("from sums import total\ndef test_a():\n    assert total([]) == 0\n", {"test_a"}),
    ("import sums\ndef test_a():\n    sums.total([])\nclass TestB:\n    def test_b(self):\n        sums.x\n", None),
    ("from use import f\nasync def test_a():\n    assert await f()\n", {"test_a"}),
    ("def test_a():\n    from sums import total as t\n    assert t([]) == 0\n", {"test_a"}),
    ("import sums\ndef test_a():\n    assert False\n", set()),
    ("from other import f\ndef test_a():\n    assert f()\n", set()),
    ("import os\ndef test_a(total):\n    assert os.sep == total\n", set()),
    ("from sums import total\ndef total_a():\n    assert total([]) == 0\n", set()),
    ("def test_a(:\n", set()),
]


@pytest.mark.parametrize(("test", "names"), TESTS)
def test_a_test_shows_something_only_of_what_it_uses(test: str, names: set[str] | None) -> None:
    found = speaking(test, {"sums.py"}, FILES, FILES.get)
    assert found == ({"test_a", "test_b"} if names is None else names)
