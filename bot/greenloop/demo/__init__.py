"""`greenloop demo`: the main job on a small real repository, offline. The answers are a recording that ships with the
package; everything else, the checks and their verdict, is as real as in any run."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.resources import as_file, files
from pathlib import Path
from shutil import copytree, ignore_patterns
from tempfile import mkdtemp

from greenloop import app
from greenloop.domain import Outcome
from greenloop.errors import UsageError
from greenloop.forge.terminal import document, printable
from greenloop.model.replay import Replay
from greenloop.records import recording
from greenloop.report import render

REQUEST = "Add retry to upload: try TRIES times while the archive refuses with a ConnectionError, then let it through."
RECORDING = "recording.jsonl"
_INTRO = """\
greenloop demo: a real repository, real pytest, ruff and bandit in the sandbox, real commits.
The model is a recording that ships with greenloop; nothing goes over the network.
The request: {request}
"""
_OUTRO = """
The repository lies in {folder}; look at what was committed:

  git -C {folder} log --stat {branch}
  greenloop evaluate --repo {folder} --base {branch}~{count} {branch}

With a live model, in any checkout of yours:

  greenloop generate "what you want" --model MODEL --api-base http://127.0.0.1:8000/v1   (vLLM, llama.cpp, Ollama)
  GREENLOOP_API_KEY=… greenloop generate "what you want" --model PROVIDER/MODEL          (any API)
"""


def play(folder: Path | None, answers: Path | None) -> int:
    """Returns the exit code of the run: what the checks say, not what the recording meant to show."""
    text = answers.read_text("utf-8") if answers else files(__name__).joinpath(RECORDING).read_text("utf-8")
    root = prepare(folder)
    print(_INTRO.format(request=REQUEST), flush=True)
    order = app.Order(text=REQUEST, repo=root)
    outcome = app.generate(order, os.environ, model=Replay.of(recording.loads(text), name="a recording"))
    document(f"# {render.title(outcome)}\n\n{render.pull_request(outcome)}")
    print(summary(outcome, root), flush=True)
    print(f"greenloop: {printable(render.closing(outcome))}", file=sys.stderr)
    return outcome.reason.exit_code


def prepare(folder: Path | None) -> Path:
    """The small repository, with one commit that has the same id on every machine."""
    root = folder or Path(mkdtemp(prefix="greenloop-demo-"))
    if root.exists() and any(root.iterdir()):
        raise UsageError(f"{root} is not empty; name an empty folder, or none.")
    with as_file(files(__name__).joinpath("project")) as project:
        copytree(project, root, dirs_exist_ok=True, ignore=ignore_patterns("__pycache__"))
    who = {"NAME": "greenloop demo", "EMAIL": "demo@greenloop.invalid", "DATE": "2026-01-01T00:00:00+00:00"}
    fixed = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in who.items()}
    environment = {**os.environ, **fixed, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "An uploader that gives up"]):
        subprocess.run(["git", *words], cwd=root, env=environment, check=True)  # noqa: S607 - the user's own git
    return root


def summary(outcome: Outcome, root: Path) -> str:
    """The table of attempts as a terminal shows it, and where everything lies."""
    rows = [
        f"  {a.number}  {'green' if a.verdict.green else 'red':5}  {a.commit[:9]}  {printable(a.summary)}"
        for a in outcome.attempts
    ]
    head = "Attempts:\n" + "\n".join(rows) if rows else "No attempt was made."
    count = max(1, len(outcome.attempts))
    return f"{head}\n{_OUTRO.format(folder=root, branch=outcome.branch or 'main', count=count)}"
