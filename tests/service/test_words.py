"""What people read in the one comment of a run and in the text of a pull request: whole texts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from greenloop.domain import Outcome, Reason, Usage
from greenloop.orders import Words
from greenloop.service import words
from greenloop.service.words import Going, Row
from greenloop.settings import Settings
from values import attempt, outcome

RUN = "https://github.com/o/r/actions/runs/7"
PULL = "https://github.com/o/r/pull/2"
NAMES = Words.of(Settings(), me="")
OWN_NAMES = Words.of(Settings(command_names={"refactor": "again"}, commands_off=("evaluate", "continue")), me="")
GOING = Going(
    now="Attempt 2: running the checks",
    rows=(Row(1, "fix: @you", "1 test | fails"), Row(2, "fix: add up", "")),
    used=Usage(calls=2, input=1200, output=34, cost=0.5),
    minutes=3.2,
    settings=Settings(),
    run_url=RUN,
)


def test_while_it_goes_on() -> None:
    assert words.going(GOING) == (
        "⏳ **Attempt 2: running the checks…**\n\n"
        "| # | change | result |\n|---|---|---|\n"
        "| 1 | fix: @\u200byou | 🔴 1 test \\| fails |\n| 2 | fix: add up | ⏳  |\n\n"
        f"Used: 1,234 of 400,000 tokens, $0.50 of $2.00, 3 of 60 minutes. [Workflow run]({RUN})"
    )
    early = replace(GOING, now="Reading", rows=(), settings=None, run_url="")
    assert words.going(early) == "⏳ **Reading…**"
    free = replace(GOING, rows=(), used=Usage(cost=None), run_url="")
    assert words.going(free).endswith("Used: 0 of 400,000 tokens, no known price, 3 of 60 minutes.")


def test_the_end_says_what_to_do_next() -> None:
    said = words.ended(outcome(attempt(), url=PULL), NAMES, run_url=RUN)
    assert said == (
        "🟢 **Nothing new is red, and every test that had to pass passes.** "
        "Evidence: `proven(test_retry)`: failed on the base, passes now.\n\n"
        f"{PULL} · [workflow run]({RUN})\n\n"
        "| # | change | checks | evidence | commit |\n|---|---|---|---|---|\n"
        "| **1** | retry on 503 | 🟢 `ruff=passed pytest=passed(1)` | `proven(test_retry)` | ccccccccc |\n\n"
        "`scripted`: 1 call, 812 tokens in (0 cached), 90 out, no known price, 3 s.\n\n"
        f"**Next:** {words.PROPOSED}"
    )
    assert words.ended(outcome(attempt(), url=PULL), NAMES, on_pull=True).endswith(f"**Next:** {words.ON_BRANCH}")
    not_allowed = words.ended(outcome(attempt(), url=f"{PULL}/compare"), NAMES, advice="Open it yourself.")
    assert ("Open it yourself." in not_allowed, "Next" in not_allowed) == (True, False)
    assert words.failed("no @you", RUN) == f"🔴 no @\u200byou\n\n[workflow run]({RUN})"


ENDS = [Reason.IMPROVED, Reason.UNCHANGED, Reason.NOT_GREEN, Reason.OUT_OF_BUDGET, Reason.BROKEN_ENVIRONMENT]
ENDS += [Reason.MODEL_UNREACHABLE, Reason.NOT_PUSHED, Reason.STOPPED]


@pytest.mark.parametrize("reason", ENDS, ids=lambda r: r.word)
def test_no_end_leaves_people_without_a_next_step(reason: Reason) -> None:
    ended: Outcome = outcome(reason=reason)
    assert words.ended(ended, NAMES).rpartition("\n\n")[2].startswith("**Next:** ")
    assert words.ended(ended, NAMES)[0] == ("🟡" if reason is Reason.IMPROVED else "🔴")


def test_a_pull_request_says_what_it_closes_and_how_to_go_on() -> None:
    said = words.proposal("The report.\n", NAMES, closes=1, own_token=True)
    assert said == f"The report.\n\n### How to go on\n\n{words.GO_ON}\n\n{words.ADVICE_PENDING}\n\nCloses #1\n"
    other = words.proposal("The report.\n", NAMES, closes=None, own_token=False)
    assert other == f"The report.\n\n### How to go on\n\n{words.GO_ON}\n\n{words.ADVICE_SECRETS}\n"


def test_commands_are_called_what_they_are_called_here() -> None:
    """And nobody is told to say one that is switched off."""
    said = words.ended(outcome(attempt(), url=PULL), OWN_NAMES)
    assert said.endswith("To have something changed, comment `/again` and what, there.")
    assert "**Next:**" not in words.ended(outcome(reason=Reason.STOPPED), OWN_NAMES)
    text = words.proposal("", OWN_NAMES, closes=None, own_token=True)
    assert ("Comment `/again` and what" in text, "evaluate" in text) == (True, False)
    assert OWN_NAMES.spoken("See a/refactor/b, /refactored and docs/evaluate.") == (
        "See a/refactor/b, /refactored and docs/evaluate."
    )
