"""What can go wrong on the model's side, as sentences with cause and cure. Pure; both adapters speak with these."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass

from greenloop.errors import ModelUnreachable

_AGAIN = frozenset({408, 409, 425, 429})
_BILLED = frozenset({408, 504, 524})  # somebody on the way gave up waiting; the model may well have worked
_WORDS = 500
_TOO_LONG = re.compile(
    r"context.{0,20}(length|window|size)|(too|so) (long|many tokens)|exceeds? .{0,40}(context|tokens)", re.IGNORECASE
)
_LENGTH = re.compile(  # "maximum context length is 8192 tokens", "213462 tokens > 200000 maximum"
    r"(?:context (?:length|window|size)|number of tokens allowed)\D{0,20}(\d{3,8})\b|> (\d{3,8}) maximum",
    re.IGNORECASE,
)


class Fault(ModelUnreachable):
    """One call that failed. `again` tells whether asking again may help, `wait` how long the provider wants us to,
    `context` how many tokens the model's context has, where a provider says so when it refuses a prompt for its length.

    `cause` is one of: key, limited, long, request (ours to mend); down, unreachable, late, cut, foreign, withheld
    (theirs); limit, resting (nobody was asked).
    """

    def __init__(
        self,
        message: str,
        *,
        again: bool = False,
        wait: float | None = None,
        partial: str = "",
        spent: bool = False,
        cause: str = "request",
        context: int = 0,
    ) -> None:
        super().__init__(message, partial=partial, spent=spent)
        self.again = again
        self.wait = wait
        self.cause = cause
        self.context = context

    def with_note(self, note: str) -> Fault:
        return self._changed(f"{self} {note}", self.wait)

    def waiting(self, seconds: float) -> Fault:
        return self._changed(str(self), seconds)

    def _changed(self, message: str, wait: float | None) -> Fault:
        return Fault(
            message,
            again=self.again,
            wait=wait,
            partial=self.partial,
            spent=self.spent,
            cause=self.cause,
            context=self.context,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """Whom we talk to, for the sentences. `variables` are where a key is looked for; `given` whether there was one."""

    place: str  # "http://127.0.0.1:8000/v1", "anthropic"
    model: str
    variables: tuple[str, ...]
    given: bool
    kind: str = "an OpenAI-compatible endpoint"
    ends: str = "in `/v1`"  # how an address of that kind usually ends


def by_status(side: Side, status: int, words: str, *, wait: float | None = None, known: tuple[str, ...] = ()) -> Fault:
    """The fault of an error answer. `words` are the provider's, already redacted; `known` the models it lists."""
    said = f' It says: "{words}".' if words else ""
    if status in {401, 403}:
        return Fault(f"{side.place} refused the key ({status}). {_key_cure(side)}{said}", cause="key")
    if status == 404:
        return Fault(f"{side.place} does not know the model {side.model!r} (404). {_model_cure(side, known)}{said}")
    if status in {400, 413, 422} and _TOO_LONG.search(words):
        return Fault(
            f"The prompt does not fit the context of {side.model!r} ({status}). "
            f"Lower `context_tokens` or `max_output`, or take a model with a longer context.{said}",
            cause="long",
            context=told_length(words),
        )
    if status in _AGAIN or 500 <= status <= 599:
        cause = "is limiting our requests" if status == 429 else "is in trouble"
        return Fault(
            f"{side.place} {cause} ({status}). Try again later, or name another model.{said}",
            again=True,
            wait=wait,
            spent=status in _BILLED,
            cause="limited" if status == 429 else "down",
        )
    return Fault(f"{side.place} did not accept the request ({status}). Check `model` and `api_base`.{said}")


def told_length(words: str) -> int:
    """Tokens of the context, in what providers say of a prompt that is too long; 0 when they do not say."""
    found = _LENGTH.search(words)
    return int(found[1] or found[2]) if found else 0


def _key_cure(side: Side) -> str:
    names = " or ".join(side.variables)
    if side.given:
        return f"The key in {names} is wrong, expired, or may not use {side.model!r}."
    return f"No key was sent: set {names}."


def _model_cure(side: Side, known: tuple[str, ...]) -> str:
    if not known and "OpenAI" not in side.kind:
        return f"Check `model`, and `api_base`, which usually ends {side.ends}."
    if not known:
        return "Check `model`, and that `api_base` ends where `/chat/completions` begins, usually in `/v1`."
    return f"It has: {listed(known)}."


def listed(names: tuple[str, ...], most: int = 10) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def unreachable(side: Side, words: str) -> Fault:
    """No connection at all: nothing was sent, so nothing was billed."""
    if "CERTIFICATE" in words.upper():
        return Fault(
            f"The certificate of {side.place} is not trusted ({words}). "
            "If it is your own, name your authority's file in SSL_CERT_FILE.",
            cause="unreachable",
        )
    return Fault(
        f"{side.place} cannot be reached ({words}). Is the server running there, and is `api_base` right?",
        again=True,
        cause="unreachable",
    )


def cut(side: Side, partial: str, words: str) -> Fault:
    """The answer stopped before it was complete. Never an answer, however good it looks."""
    return Fault(
        f"The answer of {side.model!r} was cut off after {len(partial)} characters ({words}). "
        f"The log of {side.place} may say why; run it again, or lower `max_output`.",
        partial=partial,
        spent=True,
        cause="cut",
    )


def late(side: Side, partial: str, words: str) -> Fault:
    return Fault(
        f"{side.model!r} took too long: {words}. Raise `max_minutes`, or take a faster model.",
        partial=partial,
        spent=True,
        cause="late",
    )


def foreign(side: Side, words: str, partial: str = "") -> Fault:
    """An answer that is not in the protocol."""
    return Fault(
        f"{side.place} does not answer as {side.kind} does: {words}. Is `api_base` right? It usually ends {side.ends}.",
        partial=partial,
        spent=True,
        cause="foreign",
    )


def oversized(side: Side, partial: str, limit: int) -> Fault:
    return Fault(
        f"The answer of {side.model!r} does not end: more than {limit} bytes came, and no answer that was asked for is "
        "so long. The server seems to ignore `max_tokens`.",
        partial=partial,
        spent=True,
        cause="foreign",
    )


def withheld(side: Side, partial: str) -> Fault:
    return Fault(
        f"The provider's content filter withheld the answer of {side.model!r}. Word the request differently, "
        "or name another model.",
        partial=partial,
        spent=True,
        cause="withheld",
    )


def refused(side: Side, words: str) -> Fault:
    return Fault(
        f"{side.model!r} refuses to answer. Word the request differently, or name another model. "
        f'It says: "{plain(words)}".',
        spent=True,
        cause="withheld",
    )


def plain(text: str) -> str:
    """A provider's words on one short line, without control characters."""
    words = " ".join("".join(c if c.isprintable() else " " for c in text[: 8 * _WORDS]).split())
    return words if len(words) <= _WORDS else words[: _WORDS - 1] + "…"


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds of `Retry-After`, as a number or a date; None when there is none or it makes no sense."""
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        return _until(value, headers.get("date", ""))
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _until(value: str, now: str) -> float | None:
    """The server's own clock is compared with itself, so that a wrong one does no harm."""
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 - 8 ms, and a date is rare

    try:
        until = parsedate_to_datetime(value).timestamp()
        return max(0.0, until - (parsedate_to_datetime(now).timestamp() if now else time.time()))
    except ValueError:
        return None
