"""OpenAI's chat completions: also vLLM, llama.cpp, LM Studio, the router of Hugging Face and most gateways."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from functools import partial
from typing import Any

from greenloop.model import context_length
from greenloop.model.question import Inquiry, Question
from greenloop.model.stream import Answer

KIND = "an OpenAI-compatible endpoint"
ENDS = "in `/v1`"
CHAT = "chat/completions"
LIST = "models"
DIALECTS: tuple[str, ...] = ("max_completion_tokens", "stream_options", "temperature")
LINES = False
WRITTEN: float | None = None


def headers(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"} if key else {}


def body(question: Question, without: AbstractSet[str]) -> dict[str, Any]:
    size = "max_completion_tokens" if "max_completion_tokens" in without else "max_tokens"
    made: dict[str, Any] = {
        "model": question.model,
        "messages": [{"role": m.role, "content": m.text} for m in question.chat],
        size: question.limits.max_output,
        "temperature": question.limits.temperature,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    for word in without & {"temperature", "stream_options"}:
        del made[word]
    return made


def take(event: dict[str, Any], answer: Answer) -> str:
    return answer.take(event)


def names(listing: dict[str, Any]) -> list[object]:
    rows = listing.get("data")
    return [row.get("id") for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def lengths(model: str) -> Iterator[Inquiry]:
    # llama.cpp's own is beside its `/v1`, and says what runs; in the list it says what the model was trained for
    yield Inquiry("../props", None, context_length.props)
    yield Inquiry(LIST, None, partial(context_length.listed, model=model))
