"""Text of the target: harmless, bounded, the same from run to run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from greenloop.checks import text
from greenloop.domain import Finding, Severity


def test_nothing_that_moves_a_cursor_or_turns_the_reading_survives() -> None:
    hostile = "\x1b[31mred\x1b[0m\x1b]0;title\x07 a\x00b\rc\x9b \u202egnp\u2066 \ud800end\tx\r\ny\n"
    assert text.clean(hostile) == "red abc gnp end\tx\ny"


def test_long_text_keeps_its_head_and_a_piece_of_its_end() -> None:
    cut = text.clean("a" * 900 + "b" * 300, 200)
    assert cut == "a" * 113 + "\n… 1050 characters left out …\n" + "b" * 37
    assert text.clean("short", 200) == "short"


def test_the_tail_begins_with_a_line() -> None:
    assert text.tail("one\ntwo two\nthree\n", 12) == "three"
    assert text.tail("\x1b[1mall\x1b[0m of it\n") == "all of it"
    assert text.tail("x" * 50, 10) == "x" * 10
    assert text.tail("a\r\n 1 %\r 2 %\r\nb\r") == "a\n 2 %\nb"
    assert text.tail("why\n" + "bar\r" * 50_000 + "done", 40) == "why\ndone"


def test_what_differs_from_run_to_run_is_replaced_and_what_is_asserted_stays() -> None:
    now = datetime.now(UTC)
    said = (
        f"<T at 0x7f00deadbeef> /work/tree/a.py in /work/tree {now:%Y-%m-%dT%H:%M:%S}.123Z\n"
        "/var/x/pytest-of-root/pytest-12/test_a0/f.txt\n  Use -v to get more diff\n"
        f"assert 0xdeadbeef == 1.5s, {now - timedelta(days=400):%Y-%m-%d}T10:00:00\n"
    )
    assert text.steady(said, "/work/tree") == (
        "<T at 0x…> a.py in . <now>\n"
        "<tmp>/test_a0/f.txt\n  Use -v to get more diff\n"
        f"assert 0xdeadbeef == 1.5s, {now - timedelta(days=400):%Y-%m-%d}T10:00:00\n"
    )


def test_findings_beyond_the_limit_are_one_that_is_an_error() -> None:
    findings = tuple(Finding(check="c", rule="r", message=str(n)) for n in range(5))
    more = Finding(check="c", rule="more", message="3 more findings are not listed here.", severity=Severity.ERROR)
    assert text.capped(findings, limit=2, check="c") == (*findings[:2], more)
    assert text.capped(findings, limit=5, check="c") == findings
