"""`make test-local-model`: a request goes through all of greenloop to a real model that runs on this machine.

Makes a tiny model (tiny.py) that answers our own prompt, serves it by `transformers serve` and, as GGUF, by
`llama_cpp.server`; lets our client stream from each, and lets `greenloop generate` as a program make the change. The
first argument is the interpreter that has them, servers to leave the others out may follow. Minutes; apart from
`make test`.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.error import URLError
from urllib.request import urlopen

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from fakes.model_server import Failed, ModelServer  # noqa: E402 - tests are no package
from greenloop.errors import ModelUnreachable  # noqa: E402
from greenloop.model import open_model  # noqa: E402
from greenloop.ports import CallLimits, ChatMessage  # noqa: E402
from greenloop.settings import Settings  # noqa: E402

FILES = {"scale.py": "def half(x):\n    return x / 3\n\n\ndef twice(x):\n    return 3 * x\n"}
CASES = {"half() must divide by 2": FILES["scale.py"].replace("/ 3", "/ 2")}
OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
READY = 240.0  # seconds for the server to load torch


@dataclass(frozen=True)
class Served:
    """A server on loopback: what starts it, where it says that it is ready, and how it calls the model."""

    name: str
    argv: tuple[str, ...]
    health: str
    model: str


def servers(python: str, model: Path) -> dict[str, Served]:
    by_folder = (str(Path(python).parent / "transformers"), "serve", str(model))
    file = model.parent / "tiny.gguf"
    by_file = (python, "-m", "llama_cpp.server", "--model", str(file), "--n_ctx", "2048", "--model_alias", "tiny")
    return {
        "transformers": Served("transformers serve", by_folder, "/health", str(model)),
        "llama_cpp": Served("llama_cpp.server", by_file, "/v1/models", "tiny"),
    }


def main(python: str, wanted: list[str]) -> int:
    with TemporaryDirectory(prefix="greenloop-local-") as place:
        folder = Path(place)
        repo, model = folder / "repo", folder / "model"
        _make_repo(repo)
        say("taking down the prompts that the model will get")
        chats = {request: _prompt(request, repo, folder) for request in CASES}
        answers = {
            request: f"Summary: {request}\n\nscale.py\n```python\n{text}```\n" for request, text in CASES.items()
        }
        cases = folder / "cases.json"
        cases.write_text(json.dumps([{"chat": chats[r], "answer": answers[r]} for r in CASES]))
        say("making the model")
        began = time.monotonic()
        subprocess.run([python, HERE / "tiny.py", model, cases], env={**os.environ, **OFFLINE}, check=True)
        say(f"made in {time.monotonic() - began:.0f} s")
        for name, served in servers(python, model).items():
            if wanted and name not in wanted:
                continue
            if name == "llama_cpp":
                subprocess.run([python, HERE / "to_gguf.py", model, folder / "tiny.gguf"], check=True)
            say(f"serving it by `{served.name}`")
            with _served(served, folder / f"{name}.log") as base:
                _streams(base, served.model, chats, answers)
                _generates(base, served.model, repo, folder)
    say("passed")
    return 0


def say(words: str) -> None:
    sys.stdout.write(f"local model: {words}\n")
    sys.stdout.flush()


def _make_repo(repo: Path) -> None:
    repo.mkdir()
    for path, text in FILES.items():
        (repo / path).write_text(text)
    who = ("-c", "user.name=Local Model", "-c", "user.email=local@greenloop.invalid")
    for words in (("init", "-q", "-b", "main"), ("add", "-A"), (*who, "commit", "-q", "-m", "Two functions")):
        subprocess.run(["git", *words], cwd=repo, check=True)


def _greenloop(request: str, base: str, model: str, repo: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
    words = ("generate", request, "--file", "scale.py", "--model", model, "--api-base", base, "--check", "ruff")
    return subprocess.run(
        [sys.executable, "-m", "greenloop", *words, "--fresh", "--no-cache", "--json"],
        cwd=repo,
        env={**kept, "HOME": str(folder), "GREENLOOP_STORE": str(folder / "store")},
        capture_output=True,
        text=True,
        check=False,
    )


def _prompt(request: str, repo: Path, folder: Path) -> list[dict[str, str]]:
    """What greenloop would ask, from a server that answers nothing."""
    with ModelServer(lambda _: Failed(400)) as server:
        _greenloop(request, server.api_base, "m", repo, folder)
        messages: list[dict[str, str]] = server.chats[0]["messages"]
    return messages


@contextmanager
def _served(served: Served, log: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    argv = [*served.argv, "--host", "127.0.0.1", "--port", str(port)]
    with log.open("w") as out:
        server = subprocess.Popen(argv, env={**os.environ, **OFFLINE}, stdout=out, stderr=subprocess.STDOUT)
    try:
        _wait(f"http://127.0.0.1:{port}{served.health}", server, log)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.terminate()
        server.wait()


def _wait(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + READY
    while time.monotonic() < end and server.poll() is None:
        try:
            with urlopen(address, timeout=5) as answer:  # noqa: S310 - loopback
                if answer.status == 200:
                    return
        except (URLError, OSError):
            time.sleep(0.5)
    raise SystemExit(f"the server did not come up:\n{log.read_text()[-4000:]}")


def _streams(base: str, model: str, chats: dict[str, list[dict[str, str]]], answers: dict[str, str]) -> None:
    """Through our chain, piece by piece, whole, with its finish reason and counted tokens."""
    ours = open_model(Settings(model=model, api_base=base))
    for request, messages in chats.items():
        pieces: list[str] = []
        system, user = (message["content"] for message in messages)
        chat = ChatMessage(role="system", text=system), ChatMessage(role="user", text=user)
        try:
            reply = ours.complete(chat, limits=CallLimits(max_output=400, seconds=300.0), on_chunk=pieces.append)
        except ModelUnreachable as error:
            raise SystemExit(f"the model cannot be had: {error}") from None
        assert reply.text.strip() == answers[request].strip(), f"it answered {reply.text!r}"
        assert "".join(pieces) == reply.text
        assert len(pieces) > 10, f"{len(pieces)} pieces are no stream"
        assert reply.finish == "stop", reply.finish
        assert reply.usage.input > 100, reply.usage
        say(f"streamed {len(pieces)} pieces, {reply.usage.input} tokens in, {reply.usage.output} out")


def _generates(base: str, model: str, repo: Path, folder: Path) -> None:
    for request, text in CASES.items():
        done = _greenloop(request, base, model, repo, folder)
        assert done.returncode == 0, f"{done.stdout}{done.stderr}"
        said = json.loads(done.stdout)
        shown = subprocess.run(
            ["git", "show", f"{said['branch']}:scale.py"],
            cwd=repo,
            capture_output=True,
            text=True,
            check=True,
        )
        assert (said["status"], shown.stdout) == ("green", text)
        say(f"{request}: green, on {said['branch']}")


if __name__ == "__main__":
    if len(sys.argv) < 2 or not shutil.which(sys.argv[1]) or not set(sys.argv[2:]) <= {"transformers", "llama_cpp"}:
        raise SystemExit("usage: run.py PYTHON [transformers] [llama_cpp]; see `make test-local-model`")
    sys.exit(main(sys.argv[1], sys.argv[2:]))
