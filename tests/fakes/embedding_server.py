"""An embedding endpoint on loopback: OpenAI's form and Hugging Face's. Vectors tell what a text is about."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

TOPICS = (("retry", "again", "backoff"), ("colour", "color", "paint"), ("mail", "letter", "post"))


def vector(text: str) -> list[float]:
    low = text.lower()
    return [0.1 + sum(low.count(word) for word in words) for words in TOPICS]


class EmbeddingServer:
    """`answer` may replace what is said: status and body, by what was asked."""

    def __init__(self, answer: Callable[[dict[str, Any]], tuple[int, object]] | None = None) -> None:
        self.asked: list[tuple[str, str, list[str]]] = []  # path, Authorization, texts
        self._answer = answer or _whole
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                texts = body.get("input", body.get("inputs"))
                owner.asked.append((self.path, self.headers.get("Authorization", ""), texts))
                status, said = owner._answer(body)
                data = said if isinstance(said, bytes) else json.dumps(said).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the library
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    @property
    def texts(self) -> list[str]:
        return [text for _, _, texts in self.asked for text in texts]

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()


def _whole(body: dict[str, Any]) -> tuple[int, object]:
    if "inputs" in body:
        return 200, [vector(text) for text in body["inputs"]]
    rows = [{"index": n, "embedding": vector(text)} for n, text in enumerate(body["input"])]
    return 200, {"data": rows[::-1]}
