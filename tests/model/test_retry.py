"""When a failed call is made again, and after how long. Time is a number here."""

from __future__ import annotations

import pytest

from fakes.asking import Clock
from greenloop.domain import Usage
from greenloop.model.faults import Fault, retry_after
from greenloop.model.retry import Pace, insist
from greenloop.ports import Reply

REPLY = Reply(text="ok", finish="stop", usage=Usage(calls=1), model="m", first_token=0.0)


class Calls:
    """Fails with each of these in turn, then answers."""

    def __init__(self, *faults: Fault) -> None:
        self.faults = list(faults)
        self.made = 0

    def __call__(self) -> Reply:
        self.made += 1
        if self.faults:
            raise self.faults.pop(0)
        return REPLY


def again(wait: float | None = None) -> Fault:
    return Fault("busy.", again=True, wait=wait, partial="p", spent=True)


def test_waits_double_are_drawn_and_never_exceed_the_longest() -> None:
    draws = iter([1.0, 0.5, 0.25, 1.0, 0.0])
    clock = Clock()
    pace = Pace(tries=6, first=1.0, longest=6.0, clock=clock, sleep=clock.sleep, draw=lambda: next(draws))
    assert insist(Calls(*[again() for _ in range(5)]), pace=pace, deadline=9e9) == REPLY
    assert clock.slept == [1.0, 1.0, 1.0, 6.0, 0.0]


def test_the_providers_word_wins() -> None:
    clock = Clock()
    assert insist(Calls(again(30.0), again(0.0)), pace=clock.pace(), deadline=9e9) == REPLY
    assert clock.slept == [30.0, 0.0]


def test_three_tries_and_the_last_failure_whole() -> None:
    clock, calls = Clock(), Calls(again(), again(), again(), again())
    with pytest.raises(Fault) as caught:
        insist(calls, pace=clock.pace(), deadline=9e9)
    error = caught.value
    assert (str(error), error.partial, error.spent, calls.made) == ("busy. Tried 3 times.", "p", True, 3)


def test_no_wait_reaches_the_deadline() -> None:
    clock, calls = Clock(), Calls(again(10.0), again(10.0))
    with pytest.raises(Fault) as caught:
        insist(calls, pace=clock.pace(), deadline=clock.now + 20.0)
    assert str(caught.value) == ("busy. Trying again would need to wait 10 s, and there is not so much time left.")
    assert (calls.made, clock.slept) == (2, [10.0])


def test_what_is_not_to_be_asked_again_is_not() -> None:
    calls = Calls(Fault("wrong key."))
    with pytest.raises(Fault, match=r"^wrong key\.$"):
        insist(calls, pace=Clock().pace(), deadline=9e9)
    assert calls.made == 1


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": " 2.5 "}, 2.5),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "-5"}, 0.0),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Fri, 20 Nov 2026 10:00:30 GMT", "date": "Fri, 20 Nov 2026 10:00:00 GMT"}, 30.0),
        ({"retry-after": "Fri, 20 Nov 2026 09:00:00 GMT", "date": "Fri, 20 Nov 2026 10:00:00 GMT"}, 0.0),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0.0),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds
