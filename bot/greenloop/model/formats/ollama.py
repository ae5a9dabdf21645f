"""Ollama's own chat: the only way to tell it how long the context is. Its default drops a longer prompt silently."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import Any

from greenloop.model import context_length
from greenloop.model.budget import estimate_chat
from greenloop.model.question import Inquiry, Question
from greenloop.model.stream import Answer, Foreign

KIND = "Ollama"
ENDS = "behind the port"
CHAT = "api/chat"
LIST = "api/tags"
DIALECTS: tuple[str, ...] = ()
LINES = True
WRITTEN: float | None = None

_STEP = 2048  # another `num_ctx` loads the model anew, so it does not change with every prompt


def headers(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"} if key else {}


def body(question: Question, without: AbstractSet[str]) -> dict[str, Any]:  # noqa: ARG001 - it has no dialects
    limits = question.limits
    return {
        "model": question.model,
        "messages": [{"role": m.role, "content": m.text} for m in question.chat],
        "stream": True,
        "options": {
            "num_ctx": question.context or -(-(estimate_chat(question.chat) + limits.max_output) // _STEP) * _STEP,
            "num_predict": limits.max_output,
            "temperature": limits.temperature,
        },
    }


def take(event: dict[str, Any], answer: Answer) -> str:
    message = event.get("message", {})
    if not isinstance(message, dict):
        raise Foreign(f"a message is {str(message)[:60]!r}")
    if event.get("done") is True:
        reason = str(event.get("done_reason") or "stop")[:40]
        answer.finish = "tool_calls" if answer.called or message.get("tool_calls") else reason
        answer.usage = {
            "prompt_tokens": event.get("prompt_eval_count"),
            "completion_tokens": event.get("eval_count"),
        }
    elif message.get("tool_calls"):
        answer.called = True
    thought, text = message.get("thinking"), message.get("content")
    if isinstance(thought, str):
        answer.thought += len(thought)
    if not isinstance(text, str) or not text:
        return ""
    answer.pieces.append(text)
    answer.size += len(text)
    return text


def names(listing: dict[str, Any]) -> list[object]:
    rows = listing.get("models")
    return [row.get("name") for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def lengths(model: str) -> Iterator[Inquiry]:
    yield Inquiry("api/show", {"model": model}, context_length.shown)
