"""Titles in the style of a repository, and who owns what."""

from __future__ import annotations

import pytest

from greenloop.owners import owners
from greenloop.report.titles import Style, learned, styled

CONVENTIONAL = ["fix: a (#1)", "feat(api): add b (#2)", "fix!: c", "Bump x", "feat: d"]
SENTENCES = ["Add retry (#12)", "Mend the uploader", "Drop Python 3.8", "iOS works"]
KEYED = ["[ABC-1] Add a", "[ABC-22] Mend b.", "[OPS-3] Drop c", "Bump x"]
COLONS = ["ABC-1: add a.", "ABC-2: mend b.", "ABC-3: drop c."]


@pytest.mark.parametrize(
    ("titles", "style"),
    [
        ([], Style()),
        (SENTENCES[:2], Style()),
        ([*SENTENCES[:2], "(#3)", " "], Style()),
        (CONVENTIONAL, Style(typed=True, types=("fix", "feat"), capital=False, stop=False)),
        (SENTENCES, Style(typed=False, capital=True, stop=False)),
        (KEYED, Style(typed=False, capital=True, key=("[", "]"))),
        (COLONS, Style(typed=False, capital=False, stop=True, key=("", ":"))),
        (["fix: a", "Add b", "C"], Style(types=("fix",), capital=True, stop=False)),
    ],
)
def test_a_style_is_what_most_people_do(titles: list[str], style: Style) -> None:
    assert learned(titles) == style


@pytest.mark.parametrize(
    ("title", "titles", "made"),
    [
        ("fix: add up", [], "fix: add up"),
        ("Add up.", [], "Add up."),
        ("fix: add up", SENTENCES, "Add up"),
        ("Fix(core): add up.", CONVENTIONAL, "fix(core): add up"),
        ("Adds a retry", CONVENTIONAL, "feat: adds a retry"),
        ("Mend total", CONVENTIONAL, "fix: mend total"),
        ("URLs are quoted", CONVENTIONAL, "fix: URLs are quoted"),
        ("total() adds up", SENTENCES, "total() adds up"),
        ("fix: add up", KEYED, "[ABC-7] Add up"),
        ("fix: add up", COLONS, "ABC-7: add up."),
        ("fix: add up", ["fix: a", "Add b", "C"], "fix: Add up"),
    ],
)
def test_a_title_is_written_as_people_write_here(title: str, titles: list[str], made: str) -> None:
    about = ("see UTF-8, CVE-2024-1, XABC-7-B and ABC-7",)
    assert styled(title, learned(titles), about=about) == made
    assert styled(title, learned(titles)) == made.replace("[ABC-7] ", "").replace("ABC-7: ", "")


def test_a_refactoring_is_one() -> None:
    assert styled("Less of it", learned([*CONVENTIONAL, "refactor: x"]), command="refactor") == "refactor: less of it"
    assert styled("Less of it", learned(CONVENTIONAL), command="refactor") == "fix: less of it"
    assert styled("Less of it", learned([*CONVENTIONAL, "chore: x"]), command="refactor") == "chore: less of it"


def test_nothing_of_others_titles_is_taken_over() -> None:
    hostile = [f"fix(<!-- {n} -->@eve): [x](http://evil) ABC-{n}" for n in range(9)]
    assert styled("add up", learned(hostile), about=("EVIL-1 @eve",)) == "add up"


OWNERS = """
# nobody
*            @ada
docs/        @bob  # and mail
*.py         eve@example.org @org/team-a
/sums.py
[broken      @eve
!x           @eve
"""


def test_the_last_pattern_that_matches_decides() -> None:
    assert owners(OWNERS, ["a.txt", "docs/a.md", "b/c.py", "sums.py", "x"]) == ("ada", "bob", "org/team-a")
    assert owners("* @-bad @a/b/c @ok", ["x"]) == ("ok",)
