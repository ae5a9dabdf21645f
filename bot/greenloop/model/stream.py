"""The OpenAI chat protocol as it comes in: lines into events, events into an answer. Pure; knows no network."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

DONE = b"[DONE]"
_REFUSAL = 2000  # characters of one that are kept


class Foreign(ValueError):
    """What came is not in the protocol; the text says in what way."""


def payloads(chunks: Iterable[bytes], mark: bytes = b"data:") -> Iterator[bytes]:
    """The data of each event. Endpoints write one line per event, so lines are all there is to split."""
    waiting: list[bytes] = []
    size = len(mark)
    for chunk in chunks:
        if b"\n" not in chunk:
            waiting.append(chunk)
            continue
        *lines, rest = b"".join((*waiting, chunk)).split(b"\n")
        waiting = [rest]
        for line in lines:
            if line.startswith(mark):
                yield line[size:].strip()
    last = b"".join(waiting)
    if last.startswith(mark):
        yield last[size:].strip()


def lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """One object a line, as Ollama writes; lines without anything do not count."""
    return filter(None, payloads(chunks, mark=b""))


def event(payload: bytes) -> dict[str, Any]:
    """One event or body as an object. Raises `Foreign`."""
    try:
        value = json.loads(payload.decode(errors="replace"))
    except (ValueError, RecursionError):
        raise Foreign(f"{_short(payload)} is not JSON") from None
    if not isinstance(value, dict):
        raise Foreign(f"{_short(payload)} is not an object")
    return value


def _short(payload: bytes) -> str:
    text = payload[:60].decode(errors="replace")
    return repr(text) + ("…" if len(payload) > 60 else "")


@dataclass(slots=True)
class Answer:
    """An answer while it arrives. `thought` counts the characters of reasoning, which is progress but not text; `first`
    are the seconds until something of either kind came, once it `began`."""

    pieces: list[str] = field(default_factory=list)
    finish: str = ""
    usage: dict[str, Any] = field(default_factory=dict)
    thought: int = 0
    size: int = 0  # characters of text
    began: bool = False
    first: float = 0.0
    refused: str = ""  # a refusal that came apart from the text
    called: bool = False  # a tool was called, though none was offered

    @property
    def text(self) -> str:
        return well_formed("".join(self.pieces))

    def take(self, event: dict[str, Any]) -> str:
        """Add a chunk of a stream, or a whole body; returns the text that is new. Raises `Foreign`."""
        usage = event.get("usage")
        if isinstance(usage, dict):
            self.usage = usage
        choices = event.get("choices")
        if not choices:
            return ""
        try:
            choice = choices[0]
            delta = choice.get("delta") or choice.get("message") or {}
            piece = delta.get("content")
            thought = delta.get("reasoning_content") or delta.get("reasoning")
            finish = choice.get("finish_reason")
            refusal = delta.get("refusal")
        except (AttributeError, KeyError, TypeError):
            raise Foreign(f"an event holds choices of another form: {str(choices)[:60]!r}") from None
        if finish:
            self.finish = str(finish)[:40]
        if thought:
            self.thought += len(str(thought))
        if refusal:
            self.refused = (self.refused + str(refusal))[:_REFUSAL]
        if not piece:
            return ""
        text = piece if isinstance(piece, str) else joined(piece)
        self.pieces.append(text)
        self.size += len(text)
        return text


def joined(content: object) -> str:
    """Some endpoints send content as a list of parts; only those that are text count."""
    if not isinstance(content, list):
        raise Foreign(f"the content is a {type(content).__name__}, not text")
    texts = (part.get("text") for part in content if isinstance(part, dict) and part.get("type") == "text")
    return "".join(text for text in texts if isinstance(text, str))


# what an error calls itself where it has no number
_STATUS = {
    "api_error": 500,
    "authentication_error": 401,
    "overloaded_error": 529,
    "permission_error": 403,
    "rate_limit_error": 429,
    "request_too_large": 413,
    "server_error": 500,
}


def error_in(event: dict[str, Any]) -> tuple[int | None, str] | None:
    """Status and words of an error object, in the forms that endpoints use; None for an ordinary event."""
    error = event.get("error")
    if not error:
        if event.get("object") != "error":
            return None
        error = event
    if not isinstance(error, dict):
        return None, str(error)
    words = str(error.get("message") or error.get("type") or error.get("code") or "an error without words")
    status = error.get("code", error.get("status"))
    if type(status) is int and 400 <= status <= 599:
        return status, words
    return _STATUS.get(str(error.get("type"))), words


def words_of(body: bytes) -> str:
    """What an error answer says, wherever it says it."""
    try:
        value = event(body)
    except Foreign:
        return body[:4000].decode(errors="replace")
    found = error_in(value)
    if found:
        return found[1]
    return str(value.get("message") or value.get("detail") or body[:4000].decode(errors="replace"))


def counted(usage: dict[str, Any]) -> tuple[int, int, int, int | None] | None:
    """Tokens in, out, read from the cache and written to it (None: it does not say), as the provider counts them; None
    when it does not say, or says nonsense."""
    into, out = _natural(usage.get("prompt_tokens")), _natural(usage.get("completion_tokens"))
    if not into or out is None:
        return None
    details = usage.get("prompt_tokens_details")
    known = details if isinstance(details, dict) else {}
    cached = min(_natural(known.get("cached_tokens")) or 0, into)
    written = _natural(known.get("cache_creation_tokens", usage.get("cache_creation_input_tokens")))
    return into, out, cached, None if written is None else min(written, into - cached)


def _natural(value: object) -> int | None:
    return value if type(value) is int and 0 <= value < 10**12 else None


def well_formed(text: str) -> str:
    """`text` without halves of surrogate pairs: a half has no UTF-8, so it could not be printed, hashed or kept."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
