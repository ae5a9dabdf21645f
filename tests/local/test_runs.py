"""Runs with a model that is served here, as programs: from the hub to a green branch, and nothing left behind."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from time import sleep

from conftest import git
from fakes.engine import Engines, gone
from fakes.github import FakeGitHub
from fakes.hub import COMMIT, REPOSITORY, Hub
from fakes.model_server import ModelServer
from job_step import asked, made, seen
from program import QUICK, run, start

TEST = "from sums import total\n\n\ndef test_total():\n    assert total(1, 2) == 3\n"
FILES = {"sums.py": "def total(a, b):\n    return a - b\n", "test_sums.py": TEST}
RIGHT = "Summary: fix: add\n\nsums.py\n```python\ndef total(a, b):\n    return a + b\n```\n"
SHAPE = {"num_hidden_layers": 2, "num_attention_heads": 4, "hidden_size": 64, "vocab_size": 99}
CONFIG = json.dumps({**SHAPE, "max_position_embeddings": 65536}).encode()
WEIGHTS = {
    "config.json": CONFIG,
    "model.safetensors": (2).to_bytes(8, "little") + b"{}",
    "tokenizer_config.json": b"{}",
}
MODEL = f"local/{REPOSITORY}@{COMMIT}"
WORDS = ("generate", "total is wrong, see test_total", "--test-command", QUICK)
QUICKLY = ("--model", MODEL, "--check", "ruff", "--fresh")
Repo = Callable[..., Path]


def test_what_a_repository_names_is_fetched_and_served_once_it_is_allowed(make_repo: Repo, tmp_path: Path) -> None:
    repo = make_repo(FILES | {".github/greenloop.yml": f"model: {MODEL}\nchecks: [pytest, ruff]\n"})
    engines = Engines(tmp_path / "engines", starts=("family",), answers=(RIGHT,))
    with Hub(WEIGHTS) as hub:
        where = {"HF_ENDPOINT": hub.origin, **engines.environment}
        refused = run(*WORDS, cwd=repo, **where)
        assert hub.requests == []
        done = run(*WORDS, "--branch", "fixed", cwd=repo, GREENLOOP_LOCAL_MODELS=MODEL, **where)
    assert (refused.returncode, "to be fetched and served on this machine" in refused.stderr) == (5, True)
    assert done.returncode == 0, done.stderr
    message = git("log", "-1", "--format=%B", "fixed", cwd=repo)
    assert f"Greenloop-Model: local/{REPOSITORY}@{COMMIT[:12]}" in message
    assert ("proven(test_total)" in message, "cost=0.0000USD" in message) == (True, True)
    served = f"greenloop: model loading: local/{REPOSITORY}@{COMMIT[:12]} by transformers, 16-bit: it needs "
    assert served in done.stderr
    assert len(engines.processes) == 2
    assert all(gone(process) for process in engines.processes)


def started(engines: Engines, process: subprocess.Popen[str], name: str) -> None:
    while not engines.lines(name):
        assert process.poll() is None
        sleep(0.01)


def test_nothing_outlives_a_run_that_is_stopped_or_killed(make_repo: Repo, tmp_path: Path) -> None:
    repo = make_repo(FILES)
    for number, expected in ((signal.SIGTERM, 130), (signal.SIGKILL, -signal.SIGKILL)):
        engines = Engines(tmp_path / f"engines-{number}", starts=("family",), answers=({"text": "", "die": False},))
        with Hub(WEIGHTS) as hub:
            process = start(*WORDS, *QUICKLY, cwd=repo, HF_ENDPOINT=hub.origin, **engines.environment)
            started(engines, process, "workers")
            process.send_signal(number)
            out, err = process.communicate(timeout=120)
        assert process.returncode == expected, f"{out}{err}"
        assert all(gone(worker) for worker in engines.processes)


def test_a_comment_on_github_is_answered_by_a_model_of_the_job(tmp_path: Path) -> None:
    engines = Engines(tmp_path / "engines", answers=("It adds up.",))
    with FakeGitHub(tmp_path) as fake, Hub(WEIGHTS) as hub, ModelServer() as nobody:
        step = made(fake, tmp_path)
        where = {"INPUT_API_BASE": "", "INPUT_MODEL": MODEL, "HF_ENDPOINT": hub.origin, **engines.environment}
        code, log = step.run("issue_comment", asked(step, "/explain what does total do?"), nobody, **where)
        said = seen(step)["issues"][1]["comments"][-1]
    assert code == 0, log
    assert said["body"].partition("\n")[2].startswith("It adds up.")
    assert nobody.requests == []
    assert "INPUT_GITHUB_TOKEN" not in engines.lines("starts")[0]["environment"]
    assert all(gone(process) for process in engines.processes)


def test_a_model_that_cannot_be_loaded_says_why(make_repo: Repo, tmp_path: Path) -> None:
    repo, engines = make_repo(FILES), Engines(tmp_path / "engines", starts=("memory",))
    with Hub(WEIGHTS) as hub:
        full = run(*WORDS, *QUICKLY, cwd=repo, HF_ENDPOINT=hub.origin, **engines.environment)
    assert (full.returncode, "transformers ran out of memory while it loaded" in full.stderr) == (8, True)


def test_the_models_are_listed_and_tried(tmp_path: Path) -> None:
    engines = Engines(tmp_path / "engines", answers=("I would rather not.",))
    listed = run("models", "--model", MODEL, cwd=tmp_path)
    assert listed.stdout == f"{MODEL} (edit, chat): {MODEL} at local, no key; served here, when it is asked\n"
    with Hub(WEIGHTS) as hub:
        where = {"HF_ENDPOINT": hub.origin, **engines.environment}
        done = run("doctor", "--model", MODEL, cwd=tmp_path, **where)
    assert (done.returncode, "It is too weak" in done.stdout) == (8, True)
    assert len(engines.lines("asked")) == 9
    assert all(gone(process) for process in engines.processes)
