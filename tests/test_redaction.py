"""A key of ours is in nothing that a run leaves, whoever has written it: log, result, journal, record, store."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from conftest import git
from fakes.model_server import Failed, ModelServer
from program import QUICK, run

KEY = "q8/Zk+w=7L0pVx2-of-the-maintainer"
FORMS = {
    "as it is": KEY,
    "json": json.dumps(json.dumps(KEY)),
    "url": quote(KEY, safe=""),
    "base64": b64encode(f"user:{KEY}".encode()).decode(),
}
FILES = {"sums.py": "def total(numbers):\n    return 0\n", "test_sums.py": "def test_it():\n    assert True\n"}


def test_a_key_that_a_provider_echoes_is_nowhere(make_repo: Callable[..., Path], tmp_path: Path) -> None:
    repo, store = make_repo(FILES), tmp_path / "store"
    words = f"the key {' or '.join(FORMS.values())} is wrong"
    answer = f"Summary: {words}\n\nsums.py\n```python\ndef total(numbers):\n    return sum(numbers)\n```\n"
    with ModelServer([answer, Failed(401, words)]) as server:
        model = ("--model", "m", "--api-base", server.api_base, "--test-command", QUICK, "--check", "pytest")
        outputs = [
            run("generate", f"total is wrong {n}", *model, cwd=repo, GREENLOOP_API_KEY=KEY, GREENLOOP_STORE=str(store))
            for n in range(2)
        ]
    assert [done.returncode for done in outputs][1] == 8, outputs[1].stderr
    left = [text for done in outputs for text in (done.stdout, done.stderr)]
    left += [path.read_bytes().decode("utf-8", "replace") for path in store.iterdir()]
    left += [path.read_text("utf-8") for path in (repo / ".git" / "greenloop").rglob("*") if path.is_file()]
    left += [git("log", "--all", "-p", "--format=%B", cwd=repo)]
    cores = {name: form.strip('"\\').removeprefix("dXNlc")[4:-6] for name, form in FORMS.items()}
    assert {name for name, core in cores.items() for text in left if core in text} == set()
    assert any("[redacted]" in text for text in left)
