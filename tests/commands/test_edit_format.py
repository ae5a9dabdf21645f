"""What `greenloop doctor --model` finds out chooses what later runs ask of that model. As programs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fakes.model_server import ModelServer, Step
from greenloop.commands.models import FILE
from greenloop.configuration import load
from greenloop.domain import Snippet, Task
from greenloop.errors import Misconfigured
from greenloop.model.abilities import FILE as STORE
from greenloop.model.abilities import chosen, keep, suited
from greenloop.prompts import chat, system
from greenloop.prompts.asked_formats import ASKED
from greenloop.settings import Settings
from program import run

Repo = Callable[[dict[str, str]], Path]
TINY = {"tiny.py": FILE}
HALF = FILE.replace("/ 3", "/ 2")


def whole_files_only(body: dict[str, Any]) -> Step:
    """Confused by any other form: it answers those with words."""
    told, asked = body["messages"][0]["content"], body["messages"][-1]["content"]
    if "SEARCH" in told or "diff" in told:
        return "I would rather not."
    text = "def half(x):\n    return x / 2\n" if "Remove" in asked else HALF + "\n\ndef twice(x):\n    return 2 * x\n"
    return f"Summary: change it\n\ntiny.py\n```python\n{text}```\n"


def test_a_model_that_manages_whole_files_is_asked_for_them_afterwards(make_repo: Repo, tmp_path: Path) -> None:
    repo = make_repo(TINY)
    with ModelServer(whole_files_only) as server:
        model = ("--model", "m", "--api-base", server.api_base)
        ask = ("generate", "half() must divide by 2", *model, "--check", "ruff", "--fresh")
        store = {"GREENLOOP_STORE": str(tmp_path / "store")}
        before = run(*ask, cwd=repo, **store)
        assert (before.returncode, "Two answers in a row could not be used" in before.stderr) == (4, True)
        tried = run("doctor", *model, cwd=repo, **store)
        assert tried.stdout.endswith(
            "It follows `whole file` best. On this machine it is asked for: whole files only.\n"
        ), tried.stderr
        after = run(*ask, cwd=repo, **store)
        assert after.returncode == 0, after.stderr
        told = server.chats[-1]["messages"][0]["content"]
        assert (told, "SEARCH" in told) == (system(edit_format="whole"), False)
        other = run(*ask[:3], "other", *ask[4:], cwd=repo, **store)
        assert other.returncode == 4  # another model was never tried


def test_a_weak_model_is_told(make_repo: Repo, tmp_path: Path) -> None:
    repo = make_repo(TINY)
    with ModelServer(lambda _: "I would rather not.") as server:
        model, store = ("--model", "m", "--api-base", server.api_base), {"GREENLOOP_STORE": str(tmp_path)}
        assert run("doctor", *model, cwd=repo, **store).returncode == 8
        done = run("generate", "half() must divide by 2", *model, cwd=repo, **store)
    assert f"greenloop: m at {server.api_base} did not do two of three tiny tasks in any edit format" in done.stderr


SCORES = [((3, 3, 0), "any"), ((2, 2, 3), "any"), ((3, 1, 2), "whole"), ((1, 3, 3), "search"), ((1, 0, 2), "diff")]


@pytest.mark.parametrize(("found", "form"), [*SCORES, ((1, 1, 1), "")])
def test_the_format_follows_from_what_was_found(found: tuple[int, int, int], form: str, tmp_path: Path) -> None:
    scores = dict(zip(("whole", "search", "diff"), found, strict=True))
    assert chosen(scores) == form
    settings, said = Settings(model="m", api_base="http://h/v1"), list[str]()
    assert suited(settings, tmp_path) is settings
    assert not (tmp_path / STORE).exists()
    keep(settings, scores, tmp_path)
    assert suited(settings, tmp_path, warn=said.append).edit_format == (form or "auto")
    assert len(said) == (0 if form else 1)
    mine = load("model: m\napi_base: http://h/v1\nedit_format: any\n")
    assert suited(mine, tmp_path, warn=said.append) is mine
    elsewhere = Settings(model="m", api_base="http://other/v1")
    assert suited(elsewhere, tmp_path) is elsewhere


def test_nothing_changes_for_everybody_else() -> None:
    part = Snippet(source="repository", path="a.py", start=3, text="x = 1\n", reason="named", whole=False)
    plain = chat(Task(goal="g"), (part,))
    assert (
        plain == chat(Task(goal="g"), (part,), edit_format="auto") == chat(Task(goal="g"), (part,), edit_format="any")
    )
    assert ASKED["any"] in plain[0].text
    assert "a.py (lines 3-3 only: change by SEARCH/REPLACE)" in plain[1].text
    whole = chat(Task(goal="g"), (part,), edit_format="whole")
    assert "a.py (lines 3-3 only: to read, not to change)" in whole[1].text
    assert len(system(edit_format="diff")) < len(system())


def test_another_format_is_none() -> None:
    with pytest.raises(Misconfigured, match=r":1: `edit_format` must be `auto`, .*, not `json`\.$"):
        load("edit_format: json\n")
