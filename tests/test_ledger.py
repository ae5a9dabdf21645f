"""The limits by day and month: windows, words, and the lines of the ledger."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from greenloop.records.ledger import Account, Amount, account
from greenloop.records.ledger_lines import BrokenLedger, Line, dumps, loads, settled, spent
from greenloop.settings import Settings

ADA = {"requester": "ada", "repository": "octo/sums", "run": "7"}


def test_money_is_whole_and_never_rounded_down() -> None:
    assert Amount.of(3, 0.1 + 0.2) == Amount(3, 300_000)
    assert Amount.of(0, 0.000_000_4) == Amount(0, 1)
    assert Amount.of(5, None) == Amount(5, 0)


def test_only_limits_that_are_set_hold() -> None:
    none = account(Settings(), **ADA)
    assert (none.limited, none.rooms(datetime(2026, 11, 21, tzinfo=UTC), Amount(), Amount())) == (False, ())
    zero = account(Settings(monthly_tokens=0), **ADA)
    assert (
        zero.limited,
        [room.left for room in zero.rooms(datetime(2026, 11, 21, tzinfo=UTC), Amount(), Amount())],
    ) == (
        True,
        [0.0],
    )


@pytest.mark.parametrize(
    ("now", "day", "month"),
    [
        (datetime(2026, 11, 21, 23, 59, 59, tzinfo=UTC), "2026-11-22", "2026-12-01"),
        (datetime(2026, 11, 30, 12, tzinfo=UTC), "2026-12-01", "2026-12-01"),
        (datetime(2026, 12, 31, 12, tzinfo=UTC), "2027-01-01", "2027-01-01"),
        (datetime(2028, 2, 1, tzinfo=UTC), "2028-02-02", "2028-03-01"),
        (datetime(2026, 11, 21, 1, tzinfo=timezone(timedelta(hours=2))), "2026-11-21", "2026-12-01"),
    ],
)
def test_a_refusal_says_whose_limit_it_is_and_when_it_frees_up(now: datetime, day: str, month: str) -> None:
    about = Account(**ADA, daily_cost=1.5, daily_tokens=900, monthly_cost=9.0, monthly_tokens=8000)
    rooms = about.rooms(now, Amount(100, 1_400_000), Amount(7000, 8_000_000))
    assert [str(room.refusal(2000)) for room in rooms] == [
        (
            "The next call may cost $2000.0000, and $0.1000 of $1.50 that ada may spend a day are left. "
            f"`daily_cost` frees up on {day} at 00:00 UTC."
        ),
        (
            "The next call needs up to 2000 tokens, and 800 of 900 that ada may spend a day are left. "
            f"`daily_tokens` frees up on {day} at 00:00 UTC."
        ),
        (
            "The next call may cost $2000.0000, and $1.0000 of $9.00 that octo/sums may spend a month are left. "
            f"`monthly_cost` frees up on {month} at 00:00 UTC."
        ),
        (
            "The next call needs up to 2000 tokens, and 1000 of 8000 that octo/sums may spend a month are left. "
            f"`monthly_tokens` frees up on {month} at 00:00 UTC."
        ),
    ]


def line(held: str = "", tokens: int = 5, requester: str = "ada", day: str = "2026-11-21") -> Line:
    return Line(day=day, requester=requester, amount=Amount(tokens, 10 * tokens), held=held, run="7" if held else "")


def test_lines_come_back_as_they_were() -> None:
    lines = (line(), line("a1"), line(requester="bob"))
    assert loads(dumps(lines)) == lines
    assert loads(b"") == ()


def test_what_is_held_counts_until_it_is_settled_and_once() -> None:
    lines = (line(tokens=100), line("a1"), line("b2", requester="bob"), line(tokens=1, day="2026-11-20"))
    assert spent(lines) == Amount(111, 1110)
    assert spent(lines, day="2026-11-21", requester="ada") == Amount(105, 1050)
    after = settled(lines, "a1", Amount(2, 7))
    whole = Line(day="2026-11-21", requester="ada", amount=Amount(102, 1007))
    assert after == (line("b2", requester="bob"), line(tokens=1, day="2026-11-20"), whole)
    assert settled(after, "a1", Amount(2, 7)) == after


WRONG = {
    "no JSON": b"{",
    "no object": b"[]",
    "a negative sum": dumps([line()]).replace(b'"tokens": 5', b'"tokens": -5'),
    "a fraction": dumps([line()]).replace(b'"tokens": 5', b'"tokens": 0.5'),
    "a huge sum": dumps([line()]).replace(b'"tokens": 5', b'"tokens": 1' + b"0" * 15),
    "true": dumps([line()]).replace(b'"tokens": 5', b'"tokens": true'),
    "no requester": dumps([line()]).replace(b"requester", b"somebody"),
    "a line break": dumps([line()]).replace(b"ada", b"a\\nda"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_greenloop_has_not_written_is_not_believed(what: str) -> None:
    with pytest.raises(BrokenLedger, match="line 2 is not one that greenloop has written"):
        loads(dumps([line()]) + WRONG[what])
