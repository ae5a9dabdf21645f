"""What goes wrong on the way to GitHub and back. `fake.on("POST", "/comments$", lost())` makes it happen once."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

Action = Callable[[], object]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """`effect`: the request is carried out first. `cut`: the connection is reset, in the midst of an answer if there
    is one. `then`: something that happens before, and alone when nothing else is said."""

    status: int | None = None
    message: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    effect: bool = False
    cut: bool = False
    then: Action | None = None
    reason: str = ""  # why a push is refused, as git's client prints it

    @property
    def body(self) -> bytes:
        return self.raw if self.raw is not None else json.dumps({"message": self.message}).encode()


@dataclass
class Planned:
    method: str
    path: re.Pattern[str]
    fault: Fault
    times: int
    skip: int

    def comes(self, method: str, path: str) -> bool:
        """Whether it is this request's turn; counts."""
        if self.times == 0 or self.method != method or not self.path.search(path):
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.times -= 1
        return True


def lost(status: int = 502) -> Fault:
    """It is done, but the answer says that it is not."""
    return Fault(status=status, message="Server Error", effect=True)


def broken(status: int = 502) -> Fault:
    """Nothing is done; the page is a proxy's."""
    return Fault(status=status, raw=b"<html><body>Unicorn!</body></html>")


def cut() -> Fault:
    """It is done, and the connection breaks in the midst of the answer."""
    return Fault(effect=True, cut=True)


def dropped() -> Fault:
    """Nothing is done, and the connection breaks."""
    return Fault(cut=True)


def secondary(retry_after: int | None = None, status: int = 403) -> Fault:
    message = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return Fault(status=status, message=message, headers=headers)


def primary(reset: int) -> Fault:
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(reset)}
    return Fault(status=403, message="API rate limit exceeded for installation ID 1.", headers=headers)


def refused(status: int, message: str) -> Fault:
    return Fault(status=status, message=message)


def answers(raw: bytes, status: int = 200) -> Fault:
    """These very bytes in the place of an answer."""
    return Fault(status=status, raw=raw)


def meanwhile(then: Action) -> Fault:
    """Somebody does something just before this request is carried out."""
    return Fault(then=then)


def rejected(reason: str) -> Fault:
    """A push that the server turns down, such as "protected branch hook declined"."""
    return Fault(reason=reason)
