"""No text that a model, a test or a stranger writes keeps one of our patterns busy for minutes: a model that has lost
its way repeats blank lines, dashes or backticks by the thousand."""

from __future__ import annotations

import importlib
import pkgutil
import re
import signal
from collections.abc import Iterator
from time import process_time

import pytest

import greenloop
from greenloop import sense
from greenloop.edits.summary import summarise

_LONG = 500  # signs: what grows with the third power of it takes a second, with the second a hundredth
_SIGNS = "-*#>`~ \n\ta1_./\"'([{<=:,;@!$%\\|+"
_PIECES = (*_SIGNS, " \n", "\r\n", "a/", "a.", "a ", "- ", "- \n", "[](", "<!--", "```\n", "\x1b[")


def _patterns() -> Iterator[tuple[str, re.Pattern[str] | re.Pattern[bytes]]]:
    for module in pkgutil.walk_packages(greenloop.__path__, "greenloop."):
        if module.name.endswith((".__main__", ".checks.loader")):  # what only the target's process can import
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            if isinstance(value, re.Pattern):
                yield f"{module.name}.{name}", value
            elif isinstance(value, (tuple, list)):
                yield from ((f"{module.name}.{name}", each) for each in value if isinstance(each, re.Pattern))


def _seconds(pattern: re.Pattern[str] | re.Pattern[bytes], text: str) -> float:
    subject = text.encode() if isinstance(pattern.pattern, bytes) else text
    began = process_time()
    pattern.search(subject)  # type: ignore[arg-type]
    pattern.fullmatch(subject)  # type: ignore[arg-type]
    return process_time() - began


def _endless(name: str, pattern: re.Pattern[str] | re.Pattern[bytes]) -> Iterator[str]:
    for piece in _PIECES:
        for before, behind in (("", "\0"), ("a", "\0"), ("", "!a")):
            text, half = (f"{before}{piece * (long // len(piece))}{behind}" for long in (_LONG, _LONG // 2))
            if (whole := _seconds(pattern, text)) > 0.2 and whole > 5.6 * _seconds(pattern, half):
                yield f"{name}: {whole:.1f} s for {_LONG} signs of {piece!r}"
                return


@pytest.mark.parametrize("piece", _PIECES)
def test_a_comment_or_an_answer_of_one_sign_is_read_in_no_time(piece: str) -> None:
    """As long as GitHub lets a comment be: with the square of that it would be 10 s of the processor and more."""
    text = (piece * 65_536)[:65_536]
    before = process_time()
    sense.hint(text, tokens=0, most=1)
    summarise(text, [text], ())
    assert process_time() - before < 2.0


def test_no_pattern_grows_faster_than_the_square_of_a_text() -> None:
    def stop(_number: int, _frame: object) -> None:
        pytest.fail(f"{at} does not come to an end")

    known = {id(pattern): (name, pattern) for name, pattern in _patterns()}
    assert len(known) > 200
    at = ""
    found: list[str] = []
    before = signal.signal(signal.SIGPROF, stop)
    try:
        for at, pattern in known.values():
            signal.setitimer(signal.ITIMER_PROF, 20)
            found += _endless(at, pattern)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
    assert found == []
