"""What a thread is answered: from the diff and the checks, with a model's line that can make it only smaller."""

from __future__ import annotations

from dataclasses import replace

import pytest

from greenloop.domain import Evidence, Finding, Outcome, Reason, Thread
from greenloop.reviews.threads import Answer, Plan, Remark, Seen, answers, body_of, composed, planned, remarks
from values import attempt, outcome

BEFORE = "".join(f"{n}\n" for n in range(1, 31))
AT = BEFORE.replace("\n15\n", "\nfifteen\n")
HERE = Thread(id="a", path="uploader.py", start=14, line=15, text="Spell it out, see test_retry.")
THERE = replace(HERE, id="b", start=28, line=28, text="And here.")
SHOWN = "Shown by: `test_retry`, red before and green now."
URL = "https://github.com/o/r/pull/1"


def asked(
    thread: Thread,
    remark: Remark | None = None,
    *,
    after: str = AT,
    ended: Outcome | None = None,
    plan: Plan | None = None,
) -> Answer:
    """The answer to this one beside another."""
    seen = Seen(
        outcome=ended or outcome(attempt(), url=URL),
        plan=plan or Plan(),
        remarks={1: remark} if remark else {},
        before=lambda _: BEFORE,
        after=lambda _: after,
    )
    return answers((thread, THERE), seen)[0]


UNPROVEN = replace(attempt().verdict, proof=(), evidence=Evidence.UNPROVEN)
MENDED = Finding(check="ruff", rule="F401", message="unused", path="uploader.py", line=17)
BETTER = replace(UNPROVEN, green=False, why=("1 test fails.",), score=(0.0, 1.0, 0.0, 1.0, 0.0))
UNSHOWN = "Fixed in cccccccccc: retry on 503. Shown by: `ruff=passed pytest=passed(1)`, and the lines are changed; but "
UNSHOWN += "nothing that was red before speaks of this, so have a look."
ELSEWHERE = "Needs your word: Nothing was changed at these lines, but in `uploader.py`. Is that what you meant? "
ELSEWHERE += "The model says: mended."
RED = (
    "Needs your word: changed in cccccccccc: retry on 503. But the checks are not green: 1 test fails. Shall it go on?"
)
CLAIMS = [
    ("a test that it names", asked(HERE), f"Fixed in cccccccccc: retry on 503. {SHOWN}", True),
    (
        "no test speaks of it",
        asked(replace(HERE, text="Spell it out.")),
        UNSHOWN,
        False,
    ),
    (
        "a finding at its lines",
        asked(
            replace(HERE, text="x"),
            ended=outcome(replace(attempt(), verdict=replace(UNPROVEN, fixed=(MENDED,))), url=URL),
        ),
        "Fixed in cccccccccc: retry on 503. Shown by: `ruff F401`, which was found here before.",
        True,
    ),
    (
        "a claim that the diff does not show",
        asked(replace(THERE, text="Mend it."), Remark("", "mended")),
        ELSEWHERE,
        False,
    ),
    (
        "a test that it names, elsewhere",
        asked(replace(HERE, start=1, line=1)),
        f"Fixed in cccccccccc: retry on 503. {SHOWN}",
        False,
    ),
    ("the model declines", asked(THERE, Remark("declined", "it is right")), "Declined: it is right", False),
    (
        "the model declines what it changed",
        asked(HERE, Remark("declined", "no")),
        "Declined: no (Lines here were changed in cccccccccc all the same.)",
        False,
    ),
    ("the model asks", asked(THERE, Remark("question", "which?")), "Needs your word: which?", False),
    (
        "not green",
        asked(HERE, ended=outcome(replace(attempt(), verdict=BETTER), url=URL, reason=Reason.IMPROVED)),
        RED,
        False,
    ),
    (
        "nothing is on the branch",
        asked(HERE, Remark("", "done"), ended=outcome(attempt(), reason=Reason.NOT_PUSHED)),
        "Declined: The result could not be pushed.",
        False,
    ),
    (
        "a suggestion that was not applied",
        asked(HERE, plan=Plan(refused={"a": "it is old"})),
        f"Fixed in cccccccccc: retry on 503. {SHOWN} Its suggestion was not applied: it is old.",
        True,
    ),
    (
        "about the whole file",
        asked(replace(HERE, start=None, line=None)),
        f"Fixed in cccccccccc: retry on 503. {SHOWN}",
        False,
    ),
]


@pytest.mark.parametrize(("made", "body", "resolve"), [c[1:] for c in CLAIMS], ids=[c[0] for c in CLAIMS])
def test_what_is_claimed(made: Answer, body: str, resolve: bool) -> None:
    assert made == Answer("a" if made.thread == "a" else "b", body, resolve)


def test_remarks_are_lines_outside_of_fences() -> None:
    reply = (
        "Summary: x\n\nT1: did it, @you\n- **T2**: declined: no\nT3: Question: which?\nT3: done\n"
        "a.py\n```\nT4: in a fence\n```\n~~~~\nT5: x\n~~~~\n> T6: quoted\nAT7: x\nT8:\nT9: " + "x" * 400
    )
    assert remarks(reply) == {
        1: Remark("", "did it, @\u200byou"),
        2: Remark("declined", "no"),
        3: Remark("question", "which?"),
        9: Remark("", "x" * 299 + "…"),
    }


def test_suggestions_of_the_same_line_and_of_nothing() -> None:
    def at(name: str, start: int, line: int, text: str, path: str = "a.py") -> Thread:
        return Thread(id=name, path=path, start=start, line=line, text="x", suggestion=text)

    found = planned(
        (
            at("a", 1, 2, "x\n"),
            at("b", 2, 3, "y\n"),
            at("c", 3, 3, "3\n"),
            at("d", 4, 4, "4\n"),
            at("e", 1, 1, "x\n", path="b.bin"),
            Thread(id="f", path="a.py", note="it is old"),
        ),
        {"a.py": b"1\n2\nthree\n4\n", "b.bin": b"\xff\n"}.get,
    )
    assert (dict(found.files), set(found.applied)) == ({"a.py": b"x\n3\n4\n"}, {"a", "c"})
    assert found.refused == {
        "b": "it is about lines that another suggestion of this review changes",
        "d": "these lines are like that already",
        "e": "the file has no such lines, or is no text",
        "f": "it is old",
    }


def test_a_review_is_one_text() -> None:
    text = composed("Please.", (HERE, replace(HERE, start=15), Thread(id="c", path="b.py", text="")))
    assert text.startswith(
        "Please.\n\nThreads of the review:\n\nT1 uploader.py:14-15: Spell it out, see test_retry.\n\n"
        "T2 uploader.py:15: Spell it out, see test_retry.\n\nBefore the edits, say of each thread"
    )
    assert (body_of(text), body_of(composed("", (HERE,))), composed("Just this.", ())) == ("Please.", "", "Just this.")
