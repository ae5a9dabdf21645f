"""What a provider writes in each wire format: pieces of a stream, and every way in which one can go wrong."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fakes.model_server import Failed, Spoilt, Step

PATHS = {"openai": "/v1", "anthropic": "/v1", "ollama": "", "huggingface": "/v1"}
TEXT = "def half(x):\n    return x / 2\n"


@dataclass(frozen=True)
class Writer:
    name: str

    @property
    def format(self) -> str:
        return "openai" if self.name == "huggingface" else self.name

    @property
    def kind(self) -> str:
        return "application/x-ndjson" if self.name == "ollama" else "text/event-stream"

    def event(self, value: Mapping[str, Any]) -> bytes:
        if self.name == "ollama":
            return json.dumps(value).encode() + b"\n"
        head = f"event: {value['type']}\n".encode() if self.name == "anthropic" else b""
        return head + b"data: " + json.dumps(value).encode() + b"\n\n"

    def text(self, text: str) -> bytes:
        if self.name == "anthropic":
            delta = {"type": "text_delta", "text": text}
            return self.event({"type": "content_block_delta", "index": 0, "delta": delta})
        if self.name == "ollama":
            return self.event({"model": "m", "message": {"role": "assistant", "content": text}, "done": False})
        return self.delta({"content": text})

    def delta(self, delta: Mapping[str, Any], finish: str | None = None) -> bytes:
        return self.event({"id": "c", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})

    def end(self, reason: str = "") -> bytes:
        """The finish reason, the usage and the end mark."""
        if self.name == "anthropic":
            told = {
                "type": "message_delta",
                "delta": {"stop_reason": reason or "end_turn"},
                "usage": {"output_tokens": 7},
            }
            return self.event(told) + self.event({"type": "message_stop"})
        if self.name == "ollama":
            counted = {"prompt_eval_count": 11, "eval_count": 7}
            message = {"role": "assistant", "content": ""}
            return self.event({"message": message, "done": True, "done_reason": reason or "stop", **counted})
        usage = {"choices": [], "usage": {"prompt_tokens": 11, "completion_tokens": 7}}
        return self.delta({}, reason or "stop") + self.event(usage) + b"data: [DONE]\n\n"

    def begin(self) -> bytes:
        if self.name != "anthropic":
            return b""
        return self.event({"type": "message_start", "message": {"usage": {"input_tokens": 11, "output_tokens": 1}}})

    def spoilt(self, raw: bytes, then: str = "end") -> Spoilt:
        return Spoilt(self.begin() + raw, self.kind, then)

    def whole(self, text: str = TEXT) -> Step:
        return self.spoilt(self.text(text) + self.end())

    def failed(self, status: int, words: str, headers: Mapping[str, str]) -> Step:
        error: Any = {"message": words, "type": "scripted"}
        body = {"error": words} if self.name in {"ollama", "huggingface"} else {"type": "error", "error": error}
        return Failed(status, raw=json.dumps(body), headers=dict(headers))

    def tool(self) -> bytes:
        call = {"function": {"name": "shell", "arguments": "{}"}}
        if self.name == "anthropic":
            start = {"type": "content_block_start", "content_block": {"type": "tool_use", "name": "shell"}}
            return self.event(start) + self.end("tool_use")
        if self.name == "ollama":
            return self.event({"message": {"content": "", "tool_calls": [call]}, "done": False}) + self.end()
        return self.delta({"tool_calls": [call]}) + self.end("tool_calls")

    def refusal(self) -> bytes:
        if self.name == "anthropic":
            return self.end("refusal")
        if self.name == "ollama":  # it has no word for it
            return self.text("I cannot help with that.") + self.end()
        return self.delta({"refusal": "I cannot help with that."}) + self.end()


@dataclass(frozen=True, kw_only=True)
class Case:
    """A fault in one format. `time` and `silent` are for those that take the little real time that a call is given as a
    whole, or until the next byte."""

    name: str
    step: Step | None  # None: nobody listens
    time: bool = False
    silent: bool = False


STATUSES: list[tuple[str, int, str, Mapping[str, str]]] = [
    *((str(status), status, "no", {}) for status in (401, 403, 404, 408, 409, 413, 422, 429)),
    ("429, Retry-After: 7", 429, "no", {"Retry-After": "7"}),
    ("429, Retry-After: 3600", 429, "no", {"Retry-After": "3600"}),
    *((str(status), status, "no", {}) for status in (500, 502, 503, 529)),
    ("context overflow", 400, "This model's maximum context length is 4096 tokens.", {}),
]


def cases(name: str) -> list[Case]:
    writer = Writer(name)
    begun, half = writer.begin(), writer.text("def half(x):\n")
    broken = b'{"message": {\n' if name == "ollama" else b'data: {"choices": [\n\n'
    return [
        *(Case(name=what, step=writer.failed(status, said, more)) for what, status, said, more in STATUSES),
        Case(name="refused connection", step=None),
        Case(name="reset in mid-stream", step=writer.spoilt(half, "reset")),
        Case(name="clean early end", step=writer.spoilt(half)),
        Case(name="never-ending stream", step=Spoilt(begun + half * 50, writer.kind, "endless")),
        Case(name="1 byte a second", step=writer.spoilt(half, "drip"), time=True),
        Case(name="silence in mid-stream", step=writer.spoilt(half, "stall"), silent=True),
        Case(name="silence before the first token", step=writer.spoilt(b"", "stall"), silent=True),
        Case(name="invalid JSON", step=writer.spoilt(broken)),
        Case(name="wrong content type", step=Spoilt(b"<html>It works!</html>", "text/html")),
        Case(name="empty answer", step=writer.spoilt(writer.end())),
        Case(name="refusal", step=writer.spoilt(writer.refusal())),
        Case(name="tool call instead of text", step=writer.spoilt(writer.tool())),
        Case(name="unclosed fence", step=writer.spoilt(writer.text("```python\nx = 1\n") + writer.end())),
        Case(name="duplicate chunks", step=writer.spoilt(half + half + writer.end())),
        Case(name="huge answer", step=writer.spoilt(writer.text("x" * 400_000) + writer.end())),
    ]
