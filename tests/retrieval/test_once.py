"""What several sources bring is quoted once: a human's word, a traceback, a search, the rules, knowledge."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fakes.model_server import ModelServer
from program import QUICK, run_json

Repo = Callable[..., Path]
PAD = "".join(f"\n\ndef helper_{n}(value):\n    return value + {n}\n" for n in range(40))
FILES = {
    "sums.py": f"def total(numbers):  # SUMS\n    return 0\n{PAD}",
    "test_sums.py": "from sums import total  # TESTS\n\n\ndef test_total():\n    assert total([1, 2]) == 3\n",
    "CONTRIBUTING.md": "RULES: a total of numbers has a test.\n",
    "docs/design/totals.md": "DESIGN of the total of numbers.\n",
    "docs/named.md": "NAMED guide to the total of numbers.\n",
    "other.py": "def total_of_totals(numbers):  # OTHER\n    return total(numbers)\n",
    ".github/greenloop.yml": f"knowledge: [docs, docs/design, .]\nchecks: [pytest]\ntest_command: {QUICK}\n",
}
RIGHT = "Summary: fix: add up\n\nsums.py\n```python\n<<<<<<< SEARCH\n    return 0\n=======\n    return sum(numbers)\n"
RIGHT += ">>>>>>> REPLACE\n```\n"
ASKED = 'total of numbers is 0 in sums.py, see docs/named.md\n  File "sums.py", line 2, in total'


def test_each_file_stands_in_the_prompt_once(make_repo: Repo, tmp_path: Path) -> None:
    repo = make_repo(FILES)
    with ModelServer([RIGHT]) as server:
        words = ("--model", "m", "--api-base", server.api_base, "--file", "sums.py", "--knowledge", f"{repo}@HEAD:docs")
        code, _ = run_json("generate", ASKED, *words, cwd=repo, XDG_CACHE_HOME=str(tmp_path), GREENLOOP_API_KEY="k")
    prompt = server.chats[0]["messages"][-1]["content"]
    marks = ("# SUMS", "# OTHER", "RULES:", "DESIGN of", "NAMED guide")
    assert (code, [prompt.count(mark) for mark in marks]) == (0, [1, 1, 1, 1, 1])
