"""One request, one answer: the only module that knows PyGithub, and the only one that sends the token.

PyGithub's objects ask again when an attribute is read, and its own retry repeats POST and follows any Retry-After; so
only its requester is used: authorisation, GitHub's address, connection. When to ask again is decided in `asking`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from greenloop import __version__
from greenloop.forge.github.connection import Connection
from greenloop.forge.github.errors import Ask, Fault, by_status, foreign, unreachable, wait_of, words_of
from greenloop.hygiene.redact import redact

if TYPE_CHECKING:
    from github.Requester import Requester

API_VERSION = "2022-11-28"  # later ones take fields away
_FOUND = 302
# GraphQL answers 200 to everything and names its errors
_STATUS = {"NOT_FOUND": 404, "STALE_DATA": 409, "FORBIDDEN": 403, "INSUFFICIENT_SCOPES": 403, "RATE_LIMITED": 429}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    data: object
    headers: Mapping[str, str]  # names in lower case


class Wire:
    """`calls` counts what was sent, failures included."""

    def __init__(self, connection: Connection, clock: Callable[[], float]) -> None:
        self._connection = connection
        self._clock = clock
        self._open: dict[int, Requester] = {}
        self.calls = 0

    def send(self, ask: Ask, silence: int) -> Answer:
        """Once. Raises `Fault` for everything that is not GitHub's yes."""
        requester = self._requester(silence)
        self.calls += 1
        with self._connected(ask):
            status, headers, text = requester.requestJson(
                ask.verb,
                ask.path or self._connection.graphql_url or requester.graphql_url,
                dict(ask.query or {}),
                {"Accept": "application/vnd.github+json"},
                ask.body,
            )
        if ask.elsewhere and status == _FOUND:
            return Answer(data=headers.get("location", ""), headers=headers)
        data = self._data(ask, status, text)
        if status >= 300:
            raise self._refused(ask, status, data, headers)
        self._check_graphql(ask, data, headers)
        return Answer(data=data, headers=headers)

    def clean(self, text: str) -> str:
        return redact(text, (self._connection.token,))

    def _data(self, ask: Ask, status: int, text: str) -> object:
        try:
            return json.loads(text) if text else None
        except ValueError:
            if status >= 300:  # a proxy's page: the status says enough
                return None
            if text.lstrip().startswith(("{", "[")):
                raise unreachable(ask, "the answer is cut") from None
            raise foreign(f"it begins with {self.clean(text[:60])!r}") from None

    def _refused(self, ask: Ask, status: int, data: object, headers: Mapping[str, str]) -> Fault:
        words = self.clean(words_of(data))
        return by_status(ask, status, words, wait=wait_of(status, headers, words, self._clock()))

    def _check_graphql(self, ask: Ask, data: object, headers: Mapping[str, str]) -> None:
        errors = data.get("errors") if isinstance(data, dict) and ask.graphql else None
        if not errors:
            return
        kind = errors[0].get("type") if isinstance(errors, list) and isinstance(errors[0], dict) else None
        raise self._refused(ask, _STATUS.get(str(kind), 422), data, headers)

    @contextmanager
    def _connected(self, ask: Ask) -> Iterator[None]:
        """Turn what the libraries below raise into faults; none of their texts is shown unredacted."""
        try:
            yield
        except OSError as error:  # every `requests.RequestException` is one
            raise unreachable(ask, self.clean(_innermost(error))) from None
        except (RuntimeError, AssertionError) as error:  # PyGithub's words for an address that leads elsewhere
            raise foreign(self.clean(str(error))) from None

    def _requester(self, silence: int) -> Requester:
        if silence not in self._open:
            from github.Auth import Token
            from github.Requester import Requester

            self._open[silence] = Requester(
                auth=Token(self._connection.token),
                base_url=self._connection.api_url.rstrip("/"),
                timeout=silence,
                user_agent=f"greenloop/{__version__}",
                per_page=100,
                verify=True,
                retry=None,
                pool_size=1,
                api_version=API_VERSION,
            )
        return self._open[silence]


def _innermost(error: BaseException) -> str:
    """The sentence at the bottom of requests' and urllib3's nested ones."""
    while True:
        inner = getattr(error, "reason", None) or next((a for a in error.args if isinstance(a, BaseException)), None)
        if not isinstance(inner, BaseException):
            return str(error).rpartition(": ")[2][:300] or type(error).__name__
        error = inner
