"""What can go wrong between us and GitHub, as sentences with cause and cure. Pure; sends nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from greenloop.errors import GreenloopError, Refused

_WORDS = 500  # characters of GitHub's own words in a sentence of ours
_MINUTE = 60.0  # what GitHub asks for when it limits without a number
_LIMIT = re.compile(r"rate limit|abuse detection|wait a few minutes", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request. `doing` and `needs` are for the sentences: "edit comment 5", "issues: write"."""

    doing: str
    needs: str
    path: str = ""  # below the API's address; GraphQL has one address for all
    verb: str = "GET"
    query: Mapping[str, str | int] | None = None
    body: Mapping[str, Any] | None = None
    repeatable: bool = True  # twice is the same as once
    elsewhere: bool = False  # the answer is the address at which it lies

    @property
    def graphql(self) -> bool:
        return not self.path

    @property
    def writes(self) -> bool:
        return self.verb != "GET"


class Fault(GreenloopError):
    """A request that failed. `status` is 0 when no answer came, `words` are GitHub's own.

    `again` tells whether asking again may help, `wait` how long GitHub wants us to, and `unsure` whether the request
    may have been carried out all the same.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        words: str = "",
        again: bool = False,
        unsure: bool = False,
        wait: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.words = words
        self.again = again
        self.unsure = unsure
        self.wait = wait


class Missing(Fault):
    """It is not there, no longer there, or hidden from the token."""


class Forbidden(Fault, Refused):
    """The token may not do this, or nobody may now."""


class RateLimited(Fault):
    """GitHub limits our requests for longer than we are willing to wait."""


def by_status(ask: Ask, status: int, words: str, *, wait: float | None = None) -> Fault:
    """The fault of an answer that is none. `wait` is set when GitHub limits us, `words` are already redacted."""
    if wait is not None and status in {403, 429}:
        return _limited(ask, status, words, wait)
    if status in {401, 403}:
        return Forbidden(_sentence(status, words, *_forbidden(ask, status, words)), status=status, words=words)
    if status in {404, 410}:
        cause = f"GitHub does not find what is needed to {ask.doing}"
        cure = f"It was deleted or switched off, or the token may not see it: that needs `permissions: {ask.needs}`."
        return Missing(_sentence(status, words, cause, cure), status=status, words=words)
    if status >= 500:
        cause, cure = f"GitHub is in trouble and did not {ask.doing}", "Try again later."
        text = _sentence(status, words, cause, cure)
        return Fault(text, status=status, words=words, again=True, unsure=True, wait=wait)
    return Fault(_sentence(status, words, *_unaccepted(ask, status)), status=status, words=words)


def _sentence(status: int, words: str, cause: str, cure: str) -> str:
    said = f' It says: "{words}".' if words else ""
    return f"{cause} ({status}). {cure}{said}"


def _limited(ask: Ask, status: int, words: str, wait: float) -> RateLimited:
    cause = f"GitHub limits our requests and did not {ask.doing}"
    cure = f"It wants us to wait {wait:.0f} s. Run it again then, or give it a token of its own."
    return RateLimited(_sentence(status, words, cause, cure), status=status, words=words, again=True, wait=wait)


def _forbidden(ask: Ask, status: int, words: str) -> tuple[str, str]:
    said = words.lower()
    if status == 401:
        return f"GitHub does not know the token, so it did not {ask.doing}", (
            "A job's own token ends with the job, others expire: pass a fresh one as `github_token`."
        )
    if re.search(r"\blocked\b", said):
        return f"GitHub did not {ask.doing}: the conversation is locked", "Unlock it, then ask again."
    if "archived" in said:
        return f"GitHub did not {ask.doing}: the repository is archived", "Unarchive it, then ask again."
    return f"The token may not {ask.doing}", (
        f"Give the job `permissions: {ask.needs}`, or pass a `github_token` that may."
    )


def _unaccepted(ask: Ask, status: int) -> tuple[str, str]:
    if 300 <= status < 400:
        return f"GitHub did not {ask.doing} but points elsewhere", "Was the repository renamed? Run it again there."
    return f"GitHub did not accept the request to {ask.doing}", "What it says names the reason."


def unreachable(ask: Ask, words: str) -> Fault:
    """No answer, or one that broke off: the request may have been carried out."""
    cure = "Is the network up, and is GITHUB_API_URL right?"
    if "CERTIFICATE" in words.upper():
        cure = "If the certificate is your own authority's, name its file in REQUESTS_CA_BUNDLE."
    text = f"GitHub gave no whole answer when asked to {ask.doing} ({words}). {cure}"
    return Fault(text, words=words, again=True, unsure=True)


def foreign(words: str) -> Fault:
    """An answer that is not in GitHub's words."""
    return Fault(f"The answer is not one of GitHub: {words}. Is GITHUB_API_URL right, and no proxy in between?")


def wait_of(status: int, headers: Mapping[str, str], words: str, now: float) -> float | None:
    """The seconds that GitHub wants us to wait; None when it does not limit us."""
    given = headers.get("retry-after", "")
    if given and status in {403, 429, 500, 502, 503, 504}:
        return float(given) if given.isdecimal() else _MINUTE
    if status not in {403, 429} or (status == 403 and not _LIMIT.search(words)):
        return None
    reset = headers.get("x-ratelimit-reset", "")
    if headers.get("x-ratelimit-remaining") == "0" and reset.isdecimal():
        return max(0.0, float(reset) - now) + 1.0  # the reset is somewhere within that second
    return _MINUTE


def words_of(data: object) -> str:
    """What GitHub itself says of a failure: the message, and the messages of the single errors."""
    if not isinstance(data, dict):
        return ""
    errors = data.get("errors")
    rows = errors if isinstance(errors, list) else []
    parts = [data.get("message"), *(row.get("message") if isinstance(row, dict) else row for row in rows)]
    return " ".join(" ".join(part.split()) for part in parts if isinstance(part, str))[:_WORDS]
