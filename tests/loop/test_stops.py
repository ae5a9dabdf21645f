"""When a run ends, and how large its prompts are meanwhile: measured at the model's end of the wire."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from fakes.model_server import ModelServer
from greenloop.model.budget import estimate_tokens
from program import QUICK, run_json

MODULE = '"""Sums."""\n\n\ndef total(numbers):\n    return numbers[-1]\n'
TESTS = """import pytest

from sums import total


@pytest.mark.parametrize("size", range(2, 40))
def test_total(size):
    numbers = list(range(1, size))
    print("numbers", numbers * 200)
    assert {"numbers": numbers, "total": total(numbers)} == {"numbers": numbers, "total": sum(numbers)}
"""
# as short as such files are: with none at all a prompt would be of a size that no repository leads to
STYLE = """# How code is written here

- Functions are short, take what they need as arguments and return a value; nothing is kept in module variables.
- Names are whole words. A comment says why something is so, never what the next line does.
- Numbers of any kind are accepted, so never convert to `int`; empty input is valid and has a natural result.
- No dependency beyond the standard library. Standard functions (`sum`, `min`, `sorted`) are preferred to loops.
- Public functions have a docstring of one line in the imperative, and a test in the file beside them.
- Lines are at most 100 characters long; strings have double quotes; imports are sorted and absolute.
"""
FILES = {"sums.py": MODULE, "test_sums.py": TESTS, "AGENTS.md": STYLE}
CHANGED = "# Files that attempts have changed, as they are now"

Repo = Callable[..., Path]


def ask(server: ModelServer) -> tuple[str, ...]:
    model = ("--model", "m", "--api-base", server.api_base, "--test-command", QUICK)
    return ("generate", "total is wrong, see sums.py", *model, "--check", "pytest")


def whole(body: str) -> str:
    return f'Summary: try\n\nsums.py\n```python\n"""Sums."""\n\n\ndef total(numbers):\n    {body}\n```\n'


def prompts(server: ModelServer) -> list[str]:
    return ["\n".join(message["content"] for message in chat["messages"]) for chat in server.chats]


def without_feedback(prompt: str) -> tuple[int, int]:
    """Tokens of the prompt without the feedback and the current text of changed files, and of the feedback."""
    feedback = "".join(re.findall(r'<quoted-\w+ checks="the checks">.*?</quoted-\w+>', prompt, re.DOTALL))
    rest = re.sub(r"^sums\.py\n```\n.*?^```$", "", prompt.replace(feedback, ""), flags=re.DOTALL | re.MULTILINE)
    return estimate_tokens(rest.replace(CHANGED, "")), estimate_tokens(feedback)


def test_never_right_is_four_proposals_and_prompts_stay_as_they_are(make_repo: Repo) -> None:
    repo = make_repo(FILES)

    def wrong(_: object) -> str:
        tries = len(server.chats)
        thoughts = "\n    ".join(f"# thought {n} of try {tries}" for n in range(9))
        return whole(f"{thoughts}\n    return {-tries}")

    with ModelServer(wrong) as server:
        code, said = run_json(*ask(server), cwd=repo)
    assert (code, said["reason"], len(said["attempts"]), len(server.chats)) == (4, "unchanged", 4, 4)
    sizes = [without_feedback(prompt) for prompt in prompts(server)]
    flat = [rest for rest, _ in sizes]
    assert max(flat) <= 1.1 * min(flat), sizes
    assert all(100 < feedback <= 1500 for _, feedback in sizes), sizes


def test_the_same_answer_twice_is_followed_by_a_fresh_try(make_repo: Repo) -> None:
    repo = make_repo(FILES)
    with ModelServer(lambda _: whole("return 0")) as server:
        code, said = run_json(*ask(server), cwd=repo)
    assert (code, len(said["attempts"]), said["unusable"]) == (4, 1, 2)
    assert [chat["temperature"] for chat in server.chats] == [0.0, 0.0, 0.6]
    assert "Nothing would change: block 1, sums.py is what the files hold." in prompts(server)[2]
