"""`greenloop models` and `greenloop doctor --model`, as programs, against models of our own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from fakes.model_server import ModelServer, Step
from greenloop.commands.models import FILE


def run(*words: str, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PYTHONPATH": os.pathsep.join(sys.path),
        "GREENLOOP_API_KEY": "key-of-ours",
        **more,
    }
    argv = [sys.executable, "-m", "greenloop", *words]
    return subprocess.run(argv, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_models_are_listed_with_use_place_key_and_reach(tmp_path: Path) -> None:
    (tmp_path / ".github").mkdir()
    with ModelServer(models=("big",)) as server:
        (tmp_path / ".github/greenloop.yml").write_text(
            f"model: big\napi_base: {server.api_base}\nmodels: {{chat: small}}\n"
            f"providers: {{spare: {{model: s, api_base: 'http://127.0.0.1:1/v1'}}}}\n"
        )
        done = run("models", folder=tmp_path, GREENLOOP_ENDPOINTS=server.origin)
        told = json.loads(run("models", "--json", folder=tmp_path, GREENLOOP_ENDPOINTS=server.origin).stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        f"big (edit): big at {server.api_base}, a key; reachable",
        f"small (chat): small at {server.api_base}, a key; reachable, but it does not list 'small'",
        (
            "spare (not used): s at http://127.0.0.1:1/v1, no key; http://127.0.0.1:1/v1 cannot be reached "
            "([Errno 111] Connection refused). Is the server running there, and is `api_base` right?"
        ),
    ]
    assert [(row["name"], row["uses"]) for row in told] == [("big", ["edit"]), ("small", ["chat"]), ("spare", [])]


def test_a_model_on_the_command_line_wins_over_the_one_for_edits_in_the_file(tmp_path: Path) -> None:
    (tmp_path / ".github").mkdir()
    (tmp_path / ".github/greenloop.yml").write_text("model: a\nmodels: {edit: b, chat: c}\n")
    with ModelServer(models=("x", "c")) as server:
        done = run("models", "--model", "x", "--api-base", server.api_base, "--json", folder=tmp_path)
    told = json.loads(done.stdout)
    assert [(row["name"], row["uses"], row["reach"]) for row in told] == [
        ("x", ["edit"], "reachable"),
        ("c", ["chat"], "reachable"),
    ]


def answer(body: dict[str, Any]) -> Step:
    """Does whole files right, and nothing else."""
    asked = body["messages"][-1]["content"]
    if "whole new file" not in asked:
        return "I would rather not."
    text = FILE.replace("/ 3", "/ 2") + "\n\ndef twice(x):\n    return 2 * x\n"
    if "Remove" in asked:
        text = "def half(x):\n    return x / 3\n"
    return f"tiny.py\n```python\n{text}```\n"


def test_a_model_is_tried_in_each_format(tmp_path: Path) -> None:
    with ModelServer(answer) as server:
        done = run("doctor", "--model", "m", "--api-base", server.api_base, folder=tmp_path)
        assert len(server.chats) == 9
    assert done.returncode == 0, done.stderr
    assert "  whole file: 3 of 3 \n".strip() in done.stdout
    assert done.stdout.endswith("It follows `whole file` best. On this machine it is asked for: whole files only.\n")
    with ModelServer(lambda _: "I would rather not.") as server:
        weak = run("doctor", "--model", "m", "--api-base", server.api_base, "--json", folder=tmp_path)
    found = json.loads(weak.stdout)
    assert (weak.returncode, found["enough"], [f["right"] for f in found["followed"]]) == (8, False, [0, 0, 0])
