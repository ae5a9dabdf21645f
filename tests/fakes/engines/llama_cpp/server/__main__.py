"""A scripted engine: speaks OpenAI's protocol as the real ones do, loads nothing, and fails as it is told to.

FAKE_ENGINE names a folder: `script.json` says what to do, `starts.jsonl` gets a line for each start, `asked.jsonl` one
for each question. The script: `starts` (one word for each start, the last one for all others: well, memory, taken,
never, missing, family, chatter, unasked) and `answers` (one for each question after the warm-up: a text, or
{"text", "die": true}).
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

HERE = Path(os.environ["FAKE_ENGINE"])
SCRIPT: dict[str, Any] = json.loads((HERE / "script.json").read_text())
KEY = os.environ.get("VLLM_API_KEY") or os.environ.get("API_KEY", "")


def noted(name: str, **words: object) -> int:
    """Add a line; how many there were before."""
    path = HERE / name
    before = len(path.read_text().splitlines()) if path.exists() else 0
    with path.open("a") as file:
        file.write(json.dumps(words) + "\n")
    return before


class Handler(BaseHTTPRequestHandler):
    how = "well"

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def _send(self, status: int, body: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _refused(self) -> bool:
        if not KEY or self.headers.get("Authorization") == f"Bearer {KEY}":
            return False
        self._send(401, b'{"error": {"message": "wrong key"}}')
        return True

    def do_GET(self) -> None:
        if not self._refused():
            self._send(200, b'{"data": []}')

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self._refused():
            return
        if self.how == "unasked":
            sys.stderr.write("jinja2.exceptions.TemplateError: only one user\n")
            sys.stderr.flush()
            self._send(500, b'{"error": {"message": "no template"}}')
            return
        if body["max_tokens"] == 1:
            self._stream("yes", "length")
            return
        nth = noted("asked.jsonl", pid=os.getpid(), body=body)
        answers = SCRIPT["answers"]
        answer = answers[min(nth, len(answers) - 1)]
        if isinstance(answer, str):
            self._stream(answer, "stop")
            return
        if answer["text"]:
            self._stream(answer["text"], None)
        os.kill(os.getpid(), signal.SIGKILL)

    def _stream(self, text: str, finish: str | None) -> None:
        events: list[dict[str, Any]] = [{"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]}]
        if finish:
            usage = {"prompt_tokens": 11, "completion_tokens": 7}
            events.append({"choices": [{"index": 0, "delta": {}, "finish_reason": finish}], "usage": usage})
        lines = [f"data: {json.dumps(event)}\n\n" for event in events] + (["data: [DONE]\n\n"] if finish else [])
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        self.wfile.write("".join(lines).encode())
        self.wfile.flush()


def chatter() -> None:
    """Without end; a line when four megabytes are written."""
    for number in itertools.count(1):
        os.write(2, b"x" * (1 << 16))
        if number == 64:
            noted("chattered.jsonl", bytes=number << 16)


def main(arguments: list[str]) -> int:
    known = [name for name in os.environ if name != "FAKE_ENGINE"]
    words = {"pid": os.getpid(), "argv": arguments, "environment": sorted(known), "key": KEY}
    nth = noted("starts.jsonl", **words)
    starts = SCRIPT["starts"]
    how = Handler.how = starts[min(nth, len(starts) - 1)]
    port = int(arguments[arguments.index("--port") + 1])
    if how == "memory":
        sys.stderr.write("loading weights\ntorch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB\n")
        return 1
    if how == "missing":
        sys.stderr.write(f"ImportError: no kernel for {{this}} GPU, with {KEY or 'no key'}\n")
        return 3
    if how == "taken":
        sys.stderr.write("OSError: [Errno 98] Address already in use\n")
        return 1
    if how == "never":
        signal.pause()
    if how == "family":  # a worker that has left the session, and does not heed SIGTERM
        code = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); signal.pause()"
        worker = subprocess.Popen([sys.executable, "-c", code], start_new_session=True, stdout=subprocess.PIPE)
        assert worker.stdout is not None
        worker.stdout.readline()
        noted("workers.jsonl", pid=worker.pid)
    if how == "chatter":
        threading.Thread(target=chatter, daemon=True).start()
    HTTPServer(("127.0.0.1", port), Handler).serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
