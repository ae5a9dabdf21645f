"""The ledger as a file of a month: what was spent by each requester on each day, and what is held by calls in flight.
Pure: bytes in, values out. Only those who may push can write it, and still nothing in it is taken on trust."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from greenloop.errors import GreenloopError
from greenloop.records.ledger import Amount

_MOST = 10**15


class BrokenLedger(GreenloopError):
    """What stands there is not what greenloop writes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """`held` names a call in flight, of this `run`; without it, everything that was settled."""

    day: str
    requester: str
    amount: Amount
    held: str = ""
    run: str = ""


def loads(data: bytes) -> tuple[Line, ...]:
    """Raises `BrokenLedger` naming the line."""
    lines = data.decode("utf-8", "replace").splitlines()
    return tuple(_line(text, number) for number, text in enumerate(lines, start=1))


def _line(text: str, number: int) -> Line:
    try:
        row = json.loads(text)
        amount = Amount(_natural(row, "tokens"), _natural(row, "micros"))
        words = {name: _word(row, name) for name in ("day", "requester", "held", "run")}
    except (ValueError, TypeError, KeyError, RecursionError):
        raise BrokenLedger(f"line {number} is not one that greenloop has written") from None
    return Line(amount=amount, **words)


def _natural(row: Any, name: str) -> int:  # noqa: ANN401 - whatever stood there
    value = row[name]
    if type(value) is not int or not 0 <= value < _MOST:
        raise ValueError(name)
    return value


def _word(row: Any, name: str) -> str:  # noqa: ANN401 - whatever stood there
    value = row[name]
    if not isinstance(value, str) or not value.isprintable() or len(value) > 200:
        raise ValueError(name)
    return value


def dumps(lines: Iterable[Line]) -> bytes:
    rows = (
        {
            "day": line.day,
            "requester": line.requester,
            "tokens": line.amount.tokens,
            "micros": line.amount.micros,
            "held": line.held,
            "run": line.run,
        }
        for line in lines
    )
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def spent(lines: Iterable[Line], *, day: str = "", requester: str = "") -> Amount:
    """By one requester on one day, or by all in the month; what is held counts."""
    chosen = (line.amount for line in lines if not day or (line.day, line.requester) == (day, requester))
    return sum(chosen, Amount())


def settled(lines: Iterable[Line], held: str, amount: Amount) -> tuple[Line, ...]:
    """With what the call really was in the place of what was held for it. Twice is once."""
    known = tuple(lines)
    mine = next((line for line in known if line.held == held), None)
    if mine is None:
        return known
    same = [line for line in known if not line.held and (line.day, line.requester) == (mine.day, mine.requester)]
    whole = Line(day=mine.day, requester=mine.requester, amount=sum((line.amount for line in same), amount))
    return (*(line for line in known if line is not mine and line not in same), whole)
