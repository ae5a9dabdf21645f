"""When to ask GitHub again: at once what may be done twice, other writes only after a look whether they are there.

A 502 says nothing about whether a comment was made. So nothing is sent twice that could be there twice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import parse_qs, urlsplit

from greenloop.forge.github.connection import Connection
from greenloop.forge.github.errors import Ask, Fault, foreign
from greenloop.forge.github.reading import Json
from greenloop.forge.github.wire import Answer, Wire

PAGE = 100
_LAST = re.compile(r'<([^>]+)>;\s*rel="last"')
Look = Callable[[], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How patient we are. Waits double from `first`; all waits of one request together are at most `patience`.
    `writes` is the pause that GitHub asks for between two of them."""

    tries: int = 4
    first: float = 1.0
    patience: float = 120.0
    writes: float = 1.0
    silence: int = 30  # how long an answer may take


# a server of one's own limits nobody unless it is told to, and then says how long to wait
OWN_SERVER = Pace(writes=0.0)
HURRY = Pace(tries=2, first=0.0, patience=0.0, writes=0.0, silence=3)


class Api:
    """Requests to one repository; `repo` is where its paths begin."""

    def __init__(
        self, connection: Connection, *, clock: Callable[[], float], sleep: Callable[[float], None], pace: Pace
    ) -> None:
        self.connection = connection
        self.repo = f"/repos/{connection.repository}"
        self.wire = Wire(connection, clock)
        self.pace = pace
        self._clock = clock
        self._sleep = sleep
        self._wrote: float | None = None

    def clean(self, text: str) -> str:
        """`text` without the token and whatever looks like one."""
        return self.wire.clean(text)

    def get(self, ask: Ask) -> object:
        return self._answer(ask, None).data

    def write(self, ask: Ask, *, look: Look | None = None) -> object:
        """What GitHub answers, or what `look` finds when the answer was lost. Without `look`, what is not repeatable
        is sent once."""
        return self._answer(ask, look).data

    def graphql(self, ask: Ask, query: str, variables: Mapping[str, object], *, look: Look | None = None) -> Json:
        """`ask` without its path and body; the answer without its envelope, or what `look` finds."""
        body = {"query": query, "variables": dict(variables)}
        found = self._answer(replace(ask, verb="POST", path="", body=body), look).data
        data = found.get("data") if isinstance(found, dict) else None
        return data if isinstance(data, dict) else {}

    def newest(self, ask: Ask, *, pages: int) -> tuple[object, ...]:
        """The rows of a list, oldest first: all of them when they are at most `pages` pages, otherwise the newest."""
        first = self._page(ask, 1)
        last = _last_page(first.headers)
        rows = [] if last > pages else _rows(first)
        for number in range(max(2, last - pages + 1), last + 1):
            rows += _rows(self._page(ask, number))
        return tuple(rows)

    def _page(self, ask: Ask, number: int) -> Answer:
        query = {**(ask.query or {}), "per_page": PAGE} | ({"page": number} if number > 1 else {})
        return self._answer(replace(ask, query=query), None)

    def _answer(self, ask: Ask, look: Look | None) -> Answer:
        """The answer; or, when the answer to a write was lost and `look` finds its effect, that."""
        waited, tried = 0.0, 0
        while True:
            tried += 1
            try:
                return self._send(ask)
            except Fault as fault:
                if not fault.again:
                    raise
                wait = self._wait(fault, tried)
                waited += wait
                blind = fault.unsure and not ask.repeatable and look is None
                last = blind or tried >= self.pace.tries or waited > self.pace.patience
                looks = look if fault.unsure else None
                if last and looks is None:
                    raise
                self._pause(0.0 if last else wait)
                found = looks() if looks is not None else None
                if found is not None:
                    return Answer(data=found, headers={})
                if last:
                    raise

    def _wait(self, fault: Fault, tried: int) -> float:
        """GitHub's own word wins over ours."""
        return fault.wait if fault.wait is not None else self.pace.first * 2.0 ** (tried - 1)

    def _send(self, ask: Ask) -> Answer:
        if not ask.writes:
            return self.wire.send(ask, self.pace.silence)
        if self._wrote is not None:
            self._pause(self._wrote + self.pace.writes - self._clock())
        try:
            return self.wire.send(ask, self.pace.silence)
        finally:
            self._wrote = self._clock()

    def _pause(self, seconds: float) -> None:
        if seconds > 0:
            self._sleep(seconds)


def _rows(answer: Answer) -> list[object]:
    if not isinstance(answer.data, list):
        raise foreign(f"a list is {type(answer.data).__name__}")
    return answer.data


def _last_page(headers: Mapping[str, str]) -> int:
    found = _LAST.search(headers.get("link", ""))
    number = parse_qs(urlsplit(found[1]).query).get("page", ["1"])[-1] if found else "1"
    return int(number) if number.isdecimal() else 1
