"""What the model layer costs beside raw httpx, the `openai` client and litellm: CPU of a streamed chunk, and imports.

.venv/bin/python bench/model.py [--chunks 5000] [--turns 7] [--json]

A server in a process of its own sends the same precomputed stream to each. Every contestant is a fresh process, which
makes one small call first and then measures its own CPU over the whole stream; contestants take turns. The floor is a
loop over raw httpx that splits lines, calls `json.loads` on each event and keeps the text. Imports are the CPU of whole
processes, less that of one that imports nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import threading
from dataclasses import asdict, dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from statistics import median

CALLS = {
    "httpx": """
import httpx, json
client = httpx.Client()
def call(n):
    body, texts, rest = {"model": n, "messages": [{"role": "user", "content": "x"}], "stream": True}, [], b""
    with client.stream("POST", base + "/chat/completions", json=body, timeout=60) as response:
        for chunk in response.iter_raw():
            *lines, rest = (rest + chunk).split(b"\\n")
            for line in lines:
                if line.startswith(b"data: {"):
                    event = json.loads(line[6:])
                    if event["choices"]:
                        texts.append(event["choices"][0]["delta"].get("content") or "")
    return "".join(texts)
""",
    "greenloop": """
from greenloop.model import open_model
from greenloop.ports import CallLimits, ChatMessage
from greenloop.settings import Settings
def call(n):
    model = open_model(Settings(model=n, api_base=base))
    chat = (ChatMessage(role="user", text="x"),)
    return model.complete(chat, limits=CallLimits(max_output=64000, seconds=60.0), on_chunk=lambda text: None).text
""",
    "openai": """
import openai
client = openai.OpenAI(base_url=base, api_key="k", max_retries=0)
def call(n):
    texts, asked = [], [{"role": "user", "content": "x"}]
    for event in client.chat.completions.create(model=n, messages=asked, stream=True):
        if event.choices:
            texts.append(event.choices[0].delta.content or "")
    return "".join(texts)
""",
    "litellm": """
import os
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
import litellm
def call(n):
    texts, asked = [], [{"role": "user", "content": "x"}]
    given = {"api_base": base, "api_key": "k", "max_retries": 0}
    for event in litellm.completion("openai/" + n, messages=asked, stream=True, **given):
        texts.append(event.choices[0].delta.content or "")
    return "".join(texts)
""",
}
MEASURED = """
import sys, time
base = sys.argv[1]
{call}
call("small")
began = time.process_time(), time.perf_counter()
text = call("large")
print(time.process_time() - began[0], time.perf_counter() - began[1], len(text))
"""
IMPORTS = {
    "nothing": "pass",
    "the model layer": "import greenloop.model",
    "httpx": "import httpx",
    "the direct client": "import greenloop.model.endpoint; from greenloop.model.wire import load; load()",
    "openai": "import openai",
    "litellm": "import os; os.environ['LITELLM_LOCAL_MODEL_COST_MAP'] = 'True'; import litellm",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Streamed:
    """Microseconds for each chunk; the ratio is that of CPU to raw httpx in the same turn."""

    cpu: float
    wall: float
    ratio: float


def main() -> int:
    options = _options()
    if options.serve:
        return _serve(options.chunks)
    server = subprocess.Popen(
        [sys.executable, __file__, "--serve", "--chunks", str(options.chunks)], stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    try:
        streamed = _streamed(server.stdout.readline().strip(), options.chunks, options.turns)
    finally:
        server.terminate()
        server.wait()
    imported = _imported(options.turns)
    if options.json:
        print(json.dumps({"streamed": {k: asdict(v) for k, v in streamed.items()}, "imports_ms": imported}, indent=2))
        return 0
    print(f"{options.chunks} chunks, medians of {options.turns} turns\n")
    for name, found in streamed.items():
        print(f"{name:12} {found.cpu:8.1f} µs CPU, {found.wall:8.1f} µs wall a chunk, {found.ratio:6.2f} times httpx")
    print()
    for name, cost in imported.items():
        print(f"import {name:18} {cost:8.1f} ms CPU over nothing")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chunks", type=int, default=5000)
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def _streamed(base: str, chunks: int, turns: int) -> dict[str, Streamed]:
    found: dict[str, list[Streamed]] = {name: [] for name in CALLS}
    environment = {**os.environ, "no_proxy": "*"}
    for _ in range(turns):
        floor = 0.0
        for name, call in CALLS.items():
            words = [sys.executable, "-c", MEASURED.format(call=call), base]
            done = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
            cpu, wall, size = (float(part) for part in done.stdout.split())
            assert size == chunks * len(_word(0)), f"{name} has read {size} characters"
            floor = floor or cpu
            found[name].append(Streamed(cpu=cpu / chunks * 1e6, wall=wall / chunks * 1e6, ratio=cpu / floor))
    return {
        name: Streamed(
            cpu=median(r.cpu for r in rows), wall=median(r.wall for r in rows), ratio=median(r.ratio for r in rows)
        )
        for name, rows in found.items()
    }


def _imported(turns: int) -> dict[str, float]:
    """Milliseconds of CPU, children included, over a process that imports nothing in the same turn."""
    found: dict[str, list[float]] = {name: [] for name in IMPORTS}
    for _ in range(2 * turns):
        costs = {name: _cpu(code) for name, code in IMPORTS.items()}
        for name, cost in costs.items():
            found[name].append((cost - costs["nothing"]) * 1e3)
    return {name: median(costs) for name, costs in found.items() if name != "nothing"}


def _cpu(code: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _word(number: int) -> str:
    """Never the same twice in a row, for litellm takes a hundred of one kind for a model that is stuck."""
    return f" w{number % 1000:03}"


def _events(number: int) -> bytes:
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}

    def line(delta: dict[str, str], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return b"data: " + json.dumps({**head, "choices": [choice]}).encode() + b"\n\n"

    words = b"".join(line({"content": _word(at)}) for at in range(number))
    return words + line({}, "stop") + b"data: [DONE]\n\n"


def _serve(chunks: int) -> int:
    """Prints its address; each event is written on its own as one HTTP chunk, twenty to a packet."""
    bodies = {"small": _chunked(_events(20)), "large": _chunked(_events(chunks))}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the library
            """Silent."""

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for packet in bodies[asked["model"]]:
                self.wfile.write(packet)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_address[1]}/v1", flush=True)
    threading.Event().wait()
    return 0


def _chunked(body: bytes) -> list[bytes]:
    events = [b"%x\r\n%b\r\n" % (len(event) + 2, event + b"\n\n") for event in body.split(b"\n\n") if event]
    packets = [b"".join(events[at : at + 20]) for at in range(0, len(events), 20)]
    return [*packets, b"0\r\n\r\n"]


if __name__ == "__main__":
    sys.exit(main())
