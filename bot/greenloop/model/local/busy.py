"""A hub that is busy is asked again: when it says, not for ever, and never in silence.

The hub's library waits by itself for one answer and gives up at once for the next; here each counts alike.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any, TypeVar

from greenloop.model.faults import retry_after
from greenloop.model.local.arrived import Told
from greenloop.model.local.saying import EVERY, say

TRIES, MOST = 5, 300.0  # of one question, and seconds of all its waits
_BUSY = frozenset({429, 500, 502, 503, 504})
_RESET = re.compile(r"r=0;t=(\d{1,6})\b")  # the hub's own header: none is left, until so many seconds have passed
LIMITED = (
    "The hub at {endpoint} limits our requests (429) and wants us to wait {wait:.0f} s. What arrived stays; the next "
    "attempt goes on from there. A token in HF_TOKEN has limits of its own."
)
TROUBLE = "The hub at {endpoint} is in trouble ({status}). What arrived stays; the next attempt goes on from there."
_Answer = TypeVar("_Answer")


class Busy(Exception):
    """An answer that asks for patience. `wait` are the seconds that it names; None: it names none."""

    def __init__(self, status: int, wait: float | None) -> None:
        super().__init__(status)
        self.status, self.wait = status, wait


def patiently(hub: Any, endpoint: str, ask: Callable[[], _Answer]) -> _Answer:  # noqa: ANN401 - a module
    """What `ask` gives. Raises `Told` when the hub is busy for longer than anybody waits."""
    waited = 0.0
    for tried in count(1):
        _listen(hub.get_session())
        try:
            return ask()
        except Busy as busy:
            wait = 2.0 ** (tried - 1) if busy.wait is None else busy.wait
            waited += wait
            if tried >= TRIES or waited > MOST:
                text = LIMITED if busy.status == 429 else TROUBLE
                raise Told(text.format(endpoint=endpoint, status=busy.status, wait=wait)) from None
            _rest(wait, busy.status)
    raise AssertionError("a count has no end")


def _listen(client: Any) -> None:  # noqa: ANN401 - the library's
    hooks = client.event_hooks
    if _heard not in hooks["response"]:
        client.event_hooks = {**hooks, "response": [*hooks["response"], _heard]}


def _heard(answer: Any) -> None:  # noqa: ANN401 - the library's
    if answer.status_code in _BUSY:
        raise Busy(answer.status_code, wait_of(answer.headers))


def wait_of(headers: Mapping[str, str]) -> float | None:
    found = _RESET.search(headers.get("ratelimit", ""))
    return float(found[1]) + 1.0 if found else retry_after(headers)


def _rest(seconds: float, status: int) -> None:
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        say(waiting=f"the hub is busy ({status}); asking again in {left:.0f} s")
        time.sleep(min(EVERY, left))
