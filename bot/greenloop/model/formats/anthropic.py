"""Anthropic's messages. What stays the same from call to call is marked for the prompt cache."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import Any
from urllib.parse import quote

from greenloop.model import context_length
from greenloop.model.question import Inquiry, Question
from greenloop.model.stream import Answer, Foreign, joined
from greenloop.ports import ChatMessage

KIND = "an endpoint of Anthropic's messages"
ENDS = "in `/v1`"
CHAT = "messages"
LIST = "models"
DIALECTS: tuple[str, ...] = ("temperature", "cache_control")
LINES = False
WRITTEN: float | None = 1.25  # https://docs.claude.com/en/docs/build-with-claude/prompt-caching

_VERSION = "2023-06-01"
_FINISHES = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}


def headers(key: str) -> dict[str, str]:
    return {"anthropic-version": _VERSION} | ({"x-api-key": key} if key else {})


def body(question: Question, without: AbstractSet[str]) -> dict[str, Any]:
    cached = {} if "cache_control" in without else {"cache_control": {"type": "ephemeral"}}
    system = [{"type": "text", "text": m.text, **cached} for m in question.chat if m.role == "system"]
    made: dict[str, Any] = {
        "model": question.model,
        "messages": [{"role": m.role, "content": _content(m, cached)} for m in question.chat if m.role != "system"],
        "max_tokens": question.limits.max_output,
        "stream": True,
    }
    if "temperature" not in without:
        made["temperature"] = question.limits.temperature
    return made | ({"system": system} if system else {})


def _content(message: ChatMessage, cached: dict[str, Any]) -> str | list[dict[str, Any]]:
    """In pieces, each of which but the last is marked for the prompt cache."""
    *kept, last = message.pieces
    marked = [{"type": "text", "text": text, **cached} for text in kept]
    return [*marked, {"type": "text", "text": last}] if marked and cached else message.text


def take(event: dict[str, Any], answer: Answer) -> str:
    kind = event.get("type")
    if kind == "content_block_delta":
        return _delta(event.get("delta"), answer)
    if kind == "message_start":
        _count(event.get("message"), answer)
    elif kind == "message_delta":
        _count(event, answer)
        _finish(event.get("delta"), answer)
    elif kind == "message":  # one body, from a server that does not stream
        _count(event, answer)
        _finish(event, answer)
        return _add(joined(event.get("content")), answer)
    return ""


def _delta(delta: object, answer: Answer) -> str:
    if not isinstance(delta, dict):
        raise Foreign(f"a delta is {str(delta)[:60]!r}")
    thought = delta.get("thinking")
    if isinstance(thought, str):
        answer.thought += len(thought)
    text = delta.get("text")
    return _add(text, answer) if isinstance(text, str) else ""


def _add(text: str, answer: Answer) -> str:
    if text:
        answer.pieces.append(text)
        answer.size += len(text)
    return text


def _finish(part: object, answer: Answer) -> None:
    reason = part.get("stop_reason") if isinstance(part, dict) else None
    if reason:
        answer.finish = _FINISHES.get(str(reason), str(reason)[:40])


def _count(part: object, answer: Answer) -> None:
    """Cached tokens stand beside the others here, and are a part of them in what we count."""
    usage = part.get("usage") if isinstance(part, dict) else None
    if not isinstance(usage, dict):
        return
    known = {k: v for k, v in usage.items() if type(v) is int and v >= 0}
    read, written = known.get("cache_read_input_tokens", 0), known.get("cache_creation_input_tokens", 0)
    if "input_tokens" in known:
        details = {"cached_tokens": read, "cache_creation_tokens": written}
        into = known["input_tokens"] + written + read
        answer.usage = {**answer.usage, "prompt_tokens": into, "prompt_tokens_details": details}
    if "output_tokens" in known:
        answer.usage = {**answer.usage, "completion_tokens": known["output_tokens"]}


def names(listing: dict[str, Any]) -> list[object]:
    rows = listing.get("data")
    return [row.get("id") for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def lengths(model: str) -> Iterator[Inquiry]:
    yield Inquiry(f"{LIST}/{quote(model, safe='')}", None, context_length.entry)
