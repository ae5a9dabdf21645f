"""What `greenloop doctor --model` finds out chooses what later runs ask of that model. As programs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conftest import git
from fakes.model_server import Failed, ModelServer, Step
from greenloop.commands.models import FILE
from greenloop.configuration import load
from greenloop.domain import Snippet, Task
from greenloop.errors import Misconfigured
from greenloop.model.abilities import FILE as STORE
from greenloop.model.abilities import chosen, keep, note, suited
from greenloop.model.rows import rows
from greenloop.prompts import chat, system
from greenloop.prompts.asked_formats import ASKED
from greenloop.setting_values import ProviderRow
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


def test_what_came_of_its_answers_chooses_the_form_of_later_runs(make_repo: Repo, tmp_path: Path) -> None:
    """Nobody has asked `doctor`: two runs end after two useless answers each, and the third asks in another form."""
    repo, store = make_repo(TINY), {"GREENLOOP_STORE": str(tmp_path / "store")}
    with ModelServer(whole_files_only) as server:
        model = ("--model", "m", "--api-base", server.api_base, "--check", "ruff")
        done = [run("generate", f"half() must divide by 2, try {n}", *model, cwd=repo, **store) for n in range(4)]
        asked = [chat["messages"][0]["content"] for chat in server.chats]
    whole = system(edit_format="whole")
    assert ([d.returncode for d in done], asked) == ([4, 4, 0, 0], [*4 * [system()], whole, whole])
    told = "4 of 4 answers of m could not be used, its edits asked for as `any`; they are asked for as `whole` now."
    assert [told in d.stderr for d in done] == [False, False, True, True]


def test_the_record_of_a_form_is_its_own_and_yields_to_the_settings(tmp_path: Path) -> None:
    settings, said = Settings(model="m", api_base="http://h/v1"), list[str]()

    def form() -> str:
        return suited(rows(settings), tmp_path, warn=said.append)[0].settings.edit_format

    for used, useless, then in ((4, 3, "auto"), (0, 1, "auto"), (0, 1, "whole"), (0, 4, "search"), (9, 3, "search")):
        note(settings, tmp_path, used=used, useless=useless)
        assert form() == then
    note(replace(settings, fallback_models=("b",)), tmp_path, used=0, useless=99)  # of which model is not known
    assert form() == "search"
    note(settings, tmp_path, used=0, useless=9)
    assert form() == "diff"
    note(settings, tmp_path, used=0, useless=9)
    assert form() == "auto", "where none is of use, as ever"
    keep(settings, {"whole": 3, "search": 0, "diff": 0}, tmp_path)
    assert form() == "whole", "what was tried on purpose counts when nothing else is left"
    mine = rows(replace(settings, edit_format="search"))
    assert suited(mine, tmp_path, warn=said.append) == mine


def test_each_model_is_asked_in_its_own_form_also_when_it_stands_in(make_repo: Repo, tmp_path: Path) -> None:
    """The first one manages whole files only and is down; the other was never tried."""
    edit = "Summary: halve\n\ntiny.py\n<<<<<<< SEARCH\n    return x / 3\n=======\n    return x / 2\n>>>>>>> REPLACE\n"
    with ModelServer(whole_files_only) as server, ModelServer(lambda _: edit) as other:
        spare = f"fallback_models: [b]\nproviders: {{b: {{model: b, api_base: '{other.api_base}'}}}}\n"
        repo = make_repo({**TINY, ".github/greenloop.yml": spare})
        model = ("--model", "m", "--api-base", server.api_base)
        store = {"GREENLOOP_STORE": str(tmp_path / "store"), "GREENLOOP_ENDPOINTS": other.origin}
        assert run("doctor", *model, cwd=repo, **store).returncode == 0
        server.script = lambda _: Failed(401)
        done = run("generate", "half() must divide by 2", *model, "--check", "ruff", cwd=repo, **store)
        assert done.returncode == 0, done.stderr
        first, second = (s.chats[-1]["messages"][0]["content"] for s in (server, other))
    assert (first, second) == (system(edit_format="whole"), system())


def test_after_two_useless_answers_the_model_that_stands_in_is_asked(make_repo: Repo, tmp_path: Path) -> None:
    """And it is told of no answer that was not its own."""
    edit = f"Summary: halve\n\ntiny.py\n```python\n{HALF}```\n"
    with ModelServer(lambda _: "I would rather not.") as server, ModelServer([edit]) as other:
        spare = f"fallback_models: [b]\nproviders: {{b: {{model: b, api_base: '{other.api_base}'}}}}\n"
        repo = make_repo({**TINY, ".github/greenloop.yml": spare})
        model = ("--model", "m", "--api-base", server.api_base, "--check", "ruff")
        done = run("generate", "half() must divide by 2", *model, cwd=repo, GREENLOOP_STORE=str(tmp_path / "store"))
        assert done.returncode == 0, done.stderr
        assert (len(server.chats), len(other.chats)) == (2, 1)
        asked = [chat["messages"][1]["content"] for chat in (*server.chats, *other.chats)]
        assert ["did not count" in text for text in asked] == [False, True, False]
        assert other.chats[0]["temperature"] == 0.0
        key = git("for-each-ref", "--format=%(refname:lstrip=3)", "refs/greenloop/runs", cwd=repo)
        again = run("replay", key, cwd=repo, GREENLOOP_STORE=str(tmp_path / "store"))
        assert again.returncode == 0, again.stderr


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
    assert suited(rows(settings), tmp_path) == rows(settings)
    assert not (tmp_path / STORE).exists()
    keep(settings, scores, tmp_path)
    own = suited(rows(settings), tmp_path, warn=said.append)[0].settings
    assert own == replace(settings, edit_format=form or "auto")
    assert len(said) == (0 if form else 1)
    mine = rows(load("model: m\napi_base: http://h/v1\nedit_format: any\n"))
    assert suited(mine, tmp_path, warn=said.append) == mine
    elsewhere = rows(Settings(model="m", api_base="http://other/v1"))
    assert suited(elsewhere, tmp_path) == elsewhere


def test_how_long_prompts_are_follows_where_the_settings_do_not_say(tmp_path: Path) -> None:
    settings = Settings(model="m", api_base="http://h/v1")
    keep(settings, dict.fromkeys(("whole", "search", "diff"), 3), tmp_path, context=4096)
    found = suited(rows(settings), tmp_path)[0].settings
    assert (found.context_tokens, found.max_output) == (2048, 2048)
    said = ProviderRow(model="m", api_base="http://h/v1", context_tokens=16_000)
    told = suited(rows(replace(settings, model="x", providers={"x": said})), tmp_path)[0].settings
    assert (told.context_tokens, told.max_output) == (8000, 8000), "what the settings say wins"


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
