"""`make test-local-model`, second part: a real model that greenloop fetches, serves and ends itself.

The tiny model of tiny.py lies in a hub on loopback. `greenloop generate --model local/org/tiny@…` fetches it, serves it
by `transformers serve` and makes a change with it; then its server is killed and started again, and it is served with 4
bits by bitsandbytes on the processor, and as GGUF by `llama_cpp.server`. Code beside the weights is not run, and a chat
template without end is ended. The interpreter that has them all is the first argument. Minutes; apart from `make test`.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event

import httpx

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from fakes.engine import gone  # noqa: E402 - tests are no package
from fakes.hub import COMMIT, REPOSITORY, Hub  # noqa: E402
from fakes.model_server import Failed, ModelServer  # noqa: E402
from greenloop.errors import ModelUnreachable  # noqa: E402
from greenloop.model.local.engines import PYTHON  # noqa: E402
from greenloop.model.local.hardware import here  # noqa: E402
from greenloop.model.local.loading import Around, Choice, Wanted, choose, serve  # noqa: E402
from greenloop.model.local.names import named  # noqa: E402
from greenloop.model.local.served import Served  # noqa: E402
from greenloop.model.local.serving import Serving  # noqa: E402
from greenloop.model.local.store import Store  # noqa: E402
from greenloop.ports import CallLimits, Chat, ChatMessage  # noqa: E402
from greenloop.settings import Settings  # noqa: E402

BEFORE = "def half(x):\n    return x / 3\n\n\ndef twice(x):\n    return 3 * x\n"
AFTER = BEFORE.replace("/ 3", "/ 2")
REQUEST = "half() must divide by 2"
ANSWER = f"Summary: {REQUEST}\n\nscale.py\n```python\n{AFTER}```\n"
SETTINGS = "context_tokens: 1600\nmax_output: 400\n"  # the model has 2048 positions
MODEL = f"local/{REPOSITORY}@{COMMIT}"
LIMITS = CallLimits(max_output=400, seconds=300.0, more=lambda _: 400)


def main(python: str, *only: str) -> int:
    with TemporaryDirectory(prefix="greenloop-own-") as name:
        folder = Path(name)
        repo, model = folder / "repo", folder / "model"
        _make_repo(repo)
        with ModelServer(lambda _: Failed(400)) as server:
            _greenloop(repo, folder, "--model", "m", "--api-base", server.api_base)
            chat = server.chats[0]["messages"]
        (folder / "cases.json").write_text(json.dumps([{"chat": chat, "answer": ANSWER}]))
        say("making the model")
        subprocess.run([python, HERE / "tiny.py", model, folder / "cases.json"], check=True)
        with Hub({path.name: path.read_bytes() for path in model.iterdir()}) as hub:
            os.environ |= {"HF_ENDPOINT": hub.origin, PYTHON: str(Path(python).absolute())}
            _generates(repo, folder)
            asked = tuple(ChatMessage(role=m["role"], text=m["content"]) for m in chat)
            _restarted(folder, asked)
            _quantized(folder, asked)
        _code_beside(folder, model, asked)
        _endless_template(folder, model)
        if not only or "llama_cpp" in only:
            say("writing it as GGUF")
            subprocess.run([python, HERE / "to_gguf.py", model, folder / "tiny.gguf"], check=True)
            _by_llama(folder, asked)
    say("passed")
    return 0


def say(words: str) -> None:
    sys.stdout.write(f"local model: {words}\n")
    sys.stdout.flush()


def _make_repo(repo: Path) -> None:
    (repo / ".github").mkdir(parents=True)
    (repo / "scale.py").write_text(BEFORE)
    (repo / ".github/greenloop.yml").write_text(SETTINGS)
    who = ("-c", "user.name=Local Model", "-c", "user.email=local@greenloop.invalid")
    for words in (("init", "-q", "-b", "main"), ("add", "-A"), (*who, "commit", "-q", "-m", "Two functions")):
        subprocess.run(["git", *words], cwd=repo, check=True)


def _greenloop(repo: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    kept = {n: os.environ[n] for n in ("PATH", "TMPDIR", "HF_ENDPOINT", PYTHON) if n in os.environ}
    asked = ("generate", REQUEST, "--file", "scale.py", "--check", "ruff", "--fresh", "--no-cache", "--json")
    return subprocess.run(
        [sys.executable, "-m", "greenloop", *asked, *words],
        cwd=repo,
        env={**kept, "HOME": str(folder), "GREENLOOP_STORE": str(folder / "store")},
        capture_output=True,
        text=True,
        check=False,
    )


def _generates(repo: Path, folder: Path) -> None:
    done = _greenloop(repo, folder, "--model", MODEL)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
    said = json.loads(done.stdout)
    argv = ["git", "show", f"{said['branch']}:scale.py"]
    shown = subprocess.run(argv, cwd=repo, capture_output=True, text=True, check=True)
    assert (said["status"], shown.stdout) == ("green", AFTER)
    say(f"fetched, served and asked: {next(line for line in done.stderr.splitlines() if ' by transformers' in line)}")


def _settings() -> Settings:
    return Settings(model=MODEL, context_tokens=1600, max_output=400)


def _restarted(folder: Path, chat: Chat) -> None:
    """Killed between two questions; nothing is left of either server."""
    killed: list[int] = []
    with Serving(folder / "store", os.environ) as serving:
        model = Served(_settings(), serving)
        for _ in range(2):
            reply = model.complete(chat, limits=LIMITS, on_chunk=lambda _: None)
            assert reply.text.strip() == ANSWER.strip(), reply.text
            server = model._server
            assert server is not None
            assert server._kept is not None
            killed.append(max(server._kept.processes()))
            os.kill(killed[-1], signal.SIGKILL)
        model.end()
    assert len(set(killed)) == 2
    assert all(gone(process) for process in killed)
    say("killed, and started again")


def _quantized(folder: Path, chat: Chat) -> None:
    """With 4 bits, which nobody would choose for a megabyte of weights."""
    stopped, log = Event(), folder / "engine.log"
    store = Store(folder / "store" / "models", os.environ, stopped)
    around = Around(machine=here, environment=os.environ, store=store, log=log, stopped=stopped, tell=lambda _: None)
    wanted = Wanted(named=named(MODEL), context=2000, seconds=600.0)
    made = choose(wanted, around)
    choice: Choice = replace(made, plan=replace(made.plan, quantization="nf4"))
    assert made.looked is not None
    server = serve(wanted, choice, store.fetch(made.looked, (), lambda _: None), around)
    with Serving(folder / "store", os.environ) as serving:
        model = Served(_settings(), serving)
        answers: list[str] = []

        def ask(_: float) -> None:
            reply = model._endpoint(server).complete(chat, limits=LIMITS, on_chunk=lambda _: None)
            answers.append(reply.text)

        try:
            server.start(ask)
        finally:
            server.end()
    assert "```python" in answers[0], answers
    right = answers[0].strip() == ANSWER.strip()
    say(f"served with 4 bits by bitsandbytes, and the answer is {'the same' if right else 'another'}")


def _hostile(folder: Path, model: Path, name: str, text: str) -> Path:
    """A copy of the model with one file more, or another one."""
    made = folder / f"with-{name}"
    shutil.copytree(model, made)
    (made / name).write_text(text)
    return made


def _code_beside(folder: Path, model: Path, chat: Chat) -> None:
    """`auto_map` names a module that lies beside the weights, as models with code of their own do."""
    ran = folder / "ran"
    made = _hostile(
        folder, model, "evil.py", f"open({str(ran)!r}, 'w').close()\nclass Model: pass\nclass Config: pass\n"
    )
    config = json.loads((made / "config.json").read_text())
    code = {"AutoConfig": "evil.Config", "AutoModelForCausalLM": "evil.Model", "AutoTokenizer": ["evil.Model", None]}
    (made / "config.json").write_text(json.dumps({**config, "auto_map": code}))
    with Serving(folder / "store", os.environ) as serving:
        own = Served(replace(_settings(), model=f"local/{made}"), serving)
        assert own.complete(chat, limits=LIMITS, on_chunk=lambda _: None).text.strip() == ANSWER.strip()
    assert not ran.exists()
    say("code beside the weights was not run")


def _endless_template(folder: Path, model: Path) -> None:
    loops = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
    made = _hostile(folder, model, "chat_template.jinja", loops)
    with Serving(folder / "store", os.environ) as serving:
        own = Served(replace(_settings(), model=f"local/{made}", load_minutes=1.5), serving)
        said = "nothing is wrong"
        try:
            own.complete((ChatMessage(role="user", text="Hello."),), limits=LIMITS, on_chunk=lambda _: None)
        except ModelUnreachable as error:
            said = str(error)
        assert "gave no answer to a first question of two words" in said, said
        server = own._server
        assert server is not None
        assert not server.alive
    say("a template without end was ended")


def _by_llama(folder: Path, chat: Chat) -> None:
    """From a file of this machine, and for nobody without the key that was drawn for it."""
    with Serving(folder / "store", os.environ) as serving:
        model = Served(replace(_settings(), model=f"local/{folder}/tiny.gguf"), serving)
        reply = model.complete(chat, limits=LIMITS, on_chunk=lambda _: None)
        server = model._server
        assert server is not None
        stranger = httpx.post(f"{server.base}/chat/completions", json={"messages": []}, timeout=30, trust_env=False)
        assert stranger.status_code == 401, stranger.text
        model.end()
    assert reply.text.strip() == ANSWER.strip(), reply.text
    say(f"served by llama.cpp from a file: {reply.model}")


if __name__ == "__main__":
    if len(sys.argv) < 2 or not shutil.which(sys.argv[1]):
        raise SystemExit("usage: own.py PYTHON-WITH-TRANSFORMERS [SERVER…]; see `make test-local-model`")
    sys.exit(main(*sys.argv[1:]))
