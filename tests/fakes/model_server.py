"""A scripted OpenAI-compatible server on loopback, with every fault that a real one has shown. For all tests.

    with ModelServer(["first answer", Cut("half"), lambda body: Answer("…")]) as server:
        settings = Settings(model="m", api_base=server.api_base)

A script is a list (one step for each chat call) or a function from the request's body to a step. A plain string is a
complete answer. A list that is used up answers 400 "the script holds N steps", which no client tries again.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True, kw_only=True)
class Received:
    """One request as it came; header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """A complete answer, in `pieces` of a few characters. `plain` sends one JSON body instead of a stream."""

    text: str
    finish: str | None = "stop"
    usage: dict[str, Any] | None = field(default_factory=lambda: {"prompt_tokens": 11, "completion_tokens": 7})
    thought: str = ""
    done: bool = True  # whether `[DONE]` follows
    plain: bool = False
    size: int = 16  # characters of a piece
    content_type: str | None = None


@dataclass(frozen=True)
class Failed:
    """An error status with a body as OpenAI writes it; `raw` replaces that body."""

    status: int
    message: str = "scripted failure"
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: str | None = None


@dataclass(frozen=True)
class Cut:
    """A stream that ends cleanly after `text`, without a finish reason and without `[DONE]`."""

    text: str


@dataclass(frozen=True)
class Reset:
    """A stream whose connection is reset after `text`; with `finish` set, after that."""

    text: str
    finish: str | None = None


@dataclass(frozen=True)
class Stall:
    """Sends `text`, then nothing more until the client goes or the server is closed; without `head` nothing at all."""

    text: str = ""
    head: bool = True


@dataclass(frozen=True)
class Endless:
    """`text` again and again, until the client goes; with `comments`, only signs of life and never a token."""

    text: str = "more "
    comments: bool = False


@dataclass(frozen=True)
class Lines:
    """These very bytes as an event stream (or as `content_type`), and then a clean end."""

    raw: bytes
    content_type: str = "text/event-stream"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ErrorInside:
    """An error object inside a stream that began well, after `text`."""

    text: str = ""
    error: object = field(default_factory=lambda: {"message": "the engine died", "code": 500})


@dataclass(frozen=True)
class Drip:
    """A head that comes byte by byte, `pause` seconds apart, so that no single wait is long; then `text`."""

    text: str = "at last"
    pause: float = 0.1


@dataclass(frozen=True)
class Spoilt:
    """These bytes of any wire format, and `then` an "end", a "reset", a "stall", or these bytes again and again
    ("endless"); "drip" sends them one a second."""

    raw: bytes
    content_type: str = "text/event-stream"
    then: str = "end"


@dataclass(frozen=True)
class Redirect:
    location: str
    status: int = 307


Step = str | Answer | Failed | Cut | Reset | Stall | Endless | Lines | ErrorInside | Drip | Redirect | Spoilt
Models = Sequence[str | dict[str, Any]] | int
Script = Sequence[Step | Callable[[dict[str, Any]], Step]] | Callable[[dict[str, Any]], Step]

HUGE = Answer("x" * 4_000_000, size=64_000)
PROSE = "I would suggest to look at the retry logic first. Let me know if you want me to write it!"
EMPTY = Answer("", usage={"prompt_tokens": 11, "completion_tokens": 0})
LENGTH = Answer("def half(", finish="length")
INVALID_JSON = Lines(b'data: {"choices": [\n\n')
WRONG_TYPE = Lines(b"<html>It works!</html>", content_type="text/html")


class ModelServer:
    """`requests` holds all that came, `chats` the bodies of the chat calls. `models` is what `/models` lists, a status
    instead makes that fail; `key` set, every other key is a 401 that echoes it."""

    def __init__(
        self, script: Script = (), *, models: Sequence[str | dict[str, Any]] | int = ("m",), key: str = ""
    ) -> None:
        self.requests: list[Received] = []
        self.models = models
        self.key = key
        self.script = script
        self._lock = threading.Condition()
        self._next = 0
        self.closing = threading.Event()
        self._http = _Http(self)
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def api_base(self) -> str:
        return f"{self.origin}/v1"

    @property
    def chats(self) -> list[dict[str, Any]]:
        with self._lock:
            return [r.body for r in self.requests if r.method == "POST"]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def note(self, received: Received) -> None:
        with self._lock:
            self.requests.append(received)
            self._lock.notify_all()

    def wait_for(self, calls: int) -> None:
        """Until so many chat calls have come; fails after a minute."""
        with self._lock:
            came = self._lock.wait_for(lambda: sum(r.method == "POST" for r in self.requests) >= calls, timeout=60)
        if not came:
            raise AssertionError(f"fewer than {calls} calls came in a minute")

    def step(self, body: dict[str, Any]) -> Step:
        if callable(self.script):
            return self.script(body)
        with self._lock:
            number = self._next
            self._next += 1
        if number >= len(self.script):
            return Failed(400, f"the script holds {len(self.script)} steps")
        step = self.script[number]
        return step(body) if callable(step) else step


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, owner: ModelServer) -> None:
        self.owner = owner
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away in the middle is what many tests want; nothing to print."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the library
        """Silent."""

    @property
    def owner(self) -> ModelServer:
        assert isinstance(self.server, _Http)
        return self.server.owner

    def do_GET(self) -> None:
        self._note({})
        if not self._admitted():
            return
        models = self.owner.models
        if isinstance(models, int):
            self._error(Failed(models))
        else:
            self._whole(
                json.dumps(
                    {"object": "list", "data": [m if isinstance(m, dict) else {"id": m} for m in models]}
                ).encode()
            )

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._note(body)
        if not self._admitted():
            return
        step = self.owner.step(body)
        with suppress(BrokenPipeError, ConnectionResetError):
            self._play(Answer(step) if isinstance(step, str) else step, body)

    def _note(self, body: dict[str, Any]) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.owner.note(Received(method=self.command, path=self.path, headers=headers, body=body))

    def _admitted(self) -> bool:
        given = self.headers.get("Authorization", "")
        if not self.owner.key or given == f"Bearer {self.owner.key}":
            return True
        self._error(Failed(401, f"Incorrect API key provided: {given.removeprefix('Bearer ')}."))
        return False

    def _play(self, step: Step, body: dict[str, Any]) -> None:
        match step:
            case Answer(plain=True) | Answer() if not body.get("stream") or getattr(step, "plain", False):
                self._whole(json.dumps(_completion(step)).encode(), step.content_type or "application/json")
            case Answer():
                self._stream(step)
            case Failed():
                self._error(step)
            case Redirect():
                self._whole(b"", status=step.status, headers={"Location": step.location})
            case Stall(head=False):
                self.owner.closing.wait(30)
                self.close_connection = True
            case Drip():
                head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
                for byte in head:
                    self.wfile.write(bytes([byte]))
                    self.owner.closing.wait(step.pause)
                self.wfile.write(json.dumps(_completion(Answer(step.text))).encode())
                self.close_connection = True
            case Lines():
                self._begin(step.content_type, step.headers)
                self._send(step.raw)
                self._end()
            case Spoilt():
                self._spoil(step)
            case _:
                self._fault(step)

    def _spoil(self, step: Spoilt) -> None:
        self._begin(step.content_type)
        if step.then == "drip":
            for byte in step.raw:
                self._send(bytes([byte]))
                if self.owner.closing.wait(1.0):
                    break
        else:
            self._send(step.raw)
        while step.then == "endless" and not self.owner.closing.is_set():
            self._send(step.raw)
        if step.then == "stall":
            self.owner.closing.wait(30)
        if step.then == "reset":
            self._reset()
        elif step.then == "end":
            self._end()

    def _stream(self, step: Answer) -> None:
        self._begin(step.content_type or "text/event-stream")
        if step.thought:
            self._event({"reasoning_content": step.thought})
        for start in range(0, len(step.text), step.size):
            self._event({"content": step.text[start : start + step.size]})
        self._event({}, step.finish)
        if step.usage is not None:
            self._send(_line({"choices": [], "usage": step.usage}))
        if step.done:
            self._send(b"data: [DONE]\n\n")
        self._end()

    def _fault(self, step: Step) -> None:
        self._begin("text/event-stream")
        match step:
            case Cut():
                self._event({"content": step.text})
                self._end()
            case Reset():
                self._event({"content": step.text}, step.finish)
                self._reset()
            case Stall():
                if step.text:
                    self._event({"content": step.text})
                self.owner.closing.wait(30)
            case Endless():
                line = b": alive\n\n" if step.comments else _line(_chunk({"content": step.text}))
                while not self.owner.closing.is_set():
                    self._send(line)
            case ErrorInside():
                if step.text:
                    self._event({"content": step.text})
                self._send(_line({"error": step.error}))
                self._end()

    def _begin(self, kind: str, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Transfer-Encoding", "chunked")
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()

    def _event(self, delta: dict[str, str], finish: str | None = None) -> None:
        self._send(_line(_chunk(delta, finish)))

    def _send(self, data: bytes) -> None:
        if data:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))

    def _end(self) -> None:
        self.wfile.write(b"0\r\n\r\n")

    def _reset(self) -> None:
        """Not a close: the client sees that the connection broke."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        os.close(self.connection.detach())

    def _error(self, step: Failed) -> None:
        body = (
            step.raw if step.raw is not None else json.dumps({"error": {"message": step.message, "type": "scripted"}})
        )
        kind = "application/json" if step.raw is None else "text/html"
        self._whole(body.encode(), kind, status=step.status, headers=step.headers)

    def _whole(
        self,
        body: bytes,
        kind: str = "application/json",
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def _chunk(delta: dict[str, str], finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


def _completion(step: Answer) -> dict[str, Any]:
    message = {"role": "assistant", "content": step.text}
    choice = {"index": 0, "message": message, "finish_reason": step.finish}
    whole = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
    return whole | ({"usage": step.usage} if step.usage is not None else {})


def _line(event: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(event).encode() + b"\n\n"
