"""The store from outside: what was paid once is not paid again, and `usage` tells what was."""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from fakes.model_server import Answer, ModelServer
from greenloop.commands.usage import Line, lines_of
from greenloop.model.audit import Call
from program import QUICK, run, run_json

FILES = {
    "sums.py": "def total(numbers):\n    return 0\n",
    "test_sums.py": "from sums import total\n\n\ndef test_total():\n    assert total([1, 2]) == 3\n",
}
ANSWER = "Summary: add up\n\nsums.py\n```python\ndef total(numbers):\n    return sum(numbers)\n```\n"
PRICED = "prices: {input: 10.0, output: 20.0}\n"

Repo = Callable[..., Path]


def ask(server: ModelServer, *words: str) -> tuple[str, ...]:
    model = ("--model", "m", "--api-base", server.api_base, "--test-command", QUICK)
    return ("generate", "total is wrong, see test_total", *model, "--check", "pytest", *words)


def test_a_call_is_paid_once_noted_and_told(make_repo: Repo, tmp_path: Path) -> None:
    repo = make_repo({**FILES, ".github/greenloop.yml": PRICED})
    copy, store = tmp_path / "copy", tmp_path / "store"
    shutil.copytree(repo, copy)  # as the repository was before the run: a crash that has lost even the journal
    mine = {"GREENLOOP_STORE": str(store)}
    with ModelServer([ANSWER, ANSWER]) as server:
        code, first = run_json(*ask(server), cwd=repo, **mine)
        assert (code, first["usage"]["calls"], len(server.chats)) == (0, 1, 1)
        code, again = run_json(*ask(server, "--repo", str(copy)), cwd=repo, **mine)
        assert (code, again["usage"], len(server.chats)) == (
            0,
            {"calls": 0, "input": 0, "output": 0, "cached": 0, "cost": 0.0},
            1,
        )
        assert [a["tree"] for a in again["attempts"]] == [a["tree"] for a in first["attempts"]]
        code, third = run_json(*ask(server, "--no-cache", "--branch", "third"), cwd=repo, **mine)
        assert (code, third["usage"]["calls"], len(server.chats)) == (0, 1, 2)
    told = json.loads(run("usage", "--by", "requester", "--format", "json", cwd=repo, **mine).stdout)
    used = first["usage"]
    assert [{k: v for k, v in line.items() if k != "seconds"} for line in told] == [
        {
            "requester": "Ada Tester <ada@example.org>",
            "calls": 2,
            "from_store": 1,
            "failed": 0,
            "input": 2 * used["input"],
            "cached": 0,
            "output": 2 * used["output"],
            "cost": 2 * used["cost"],
            "unpriced": 0,
        }
    ]
    table = run("usage", cwd=repo, **mine).stdout.splitlines()
    assert (table[0].split()[:2], len(table)) == (["day", "calls"], 2)
    rows = list(csv.DictReader(run("usage", "--by", "model", "--format", "csv", cwd=repo, **mine).stdout.splitlines()))
    assert [(row["model"], row["calls"], row["from_store"]) for row in rows] == [("m", "2", "1")]
    assert {path.stat().st_mode & 0o777 for path in store.iterdir()} == {0o600}


def test_a_limit_by_day_ends_a_run_and_says_whose_it_is(make_repo: Repo, tmp_path: Path) -> None:
    repo = make_repo({**FILES, ".github/greenloop.yml": "daily_tokens: 9000\nmax_output: 2000\n"})
    mine, wrong = {"GREENLOOP_STORE": str(tmp_path / "store")}, ANSWER.replace("sum(numbers)", "{0}")
    usage = {"prompt_tokens": 3000, "completion_tokens": 500, "total_tokens": 3500}
    with ModelServer([Answer(wrong.format(-number), usage=usage) for number in range(1, 9)]) as server:
        code, said = run_json(*ask(server), cwd=repo, **mine)
    assert (code, said["reason"], len(said["attempts"]), len(server.chats)) == (6, "out_of_budget", 2, 2)
    words = (
        r"The next call needs up to \d+ tokens, and 2000 of 9000 that Ada Tester <ada@example\.org> may spend a day "
    )
    assert re.fullmatch(words + r"are left\. `daily_tokens` frees up on \d{4}-\d\d-\d\d at 00:00 UTC\.", said["detail"])
    assert said["usage"]["input"] + said["usage"]["output"] == 7000
    with ModelServer([ANSWER]) as server:  # neither does another run, in another process
        code, said = run_json(*ask(server, "--branch", "other"), cwd=repo, **mine)
    assert (code, said["reason"], len(server.chats)) == (6, "out_of_budget", 0)


def test_what_a_prompt_has_no_room_for_is_named_to_the_model_and_in_the_report(make_repo: Repo) -> None:
    """Two files that are named, and room for one."""
    large = "".join(f"def function_{n}(argument):\n    return argument + {n}\n\n\n" for n in range(40))
    config = "context_tokens: 2600\n"
    repo = make_repo({**FILES, "one.py": large, "two.py": large, ".github/greenloop.yml": config})
    with ModelServer([ANSWER]) as server:
        code, said = run_json(*ask(server, "--file", "one.py", "--file", "two.py", "--file", "sums.py"), cwd=repo)
    prompt = server.chats[0]["messages"][-1]["content"]
    left_out = [line for line in ("one.py: did not fit", "two.py: did not fit") if line in said["omitted"]]
    assert (code, bool(left_out)) == (0, True)
    assert [f"not shown: {line}" in prompt for line in left_out] == [True] * len(left_out)
    assert [large in prompt, "function_20" in prompt].count(True) in {0, 2}, "whole or not at all"


def test_without_calls_it_says_where_it_looked(tmp_path: Path) -> None:
    done = run("usage", cwd=tmp_path, GREENLOOP_STORE=str(tmp_path / "s"))
    assert (done.returncode, done.stdout) == (0, f"No calls are noted in {tmp_path}/s/usage.sqlite.\n")
    done = run("usage", "--since", "yesterday", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (
        2,
        "greenloop: --since is 'yesterday'; write a day such as 2026-11-01, or 7d.\n",
    )


def test_a_store_that_is_rubbish_stops_nothing(make_repo: Repo, tmp_path: Path) -> None:
    store = tmp_path / "store"
    store.mkdir()
    for name in ("usage.sqlite", "answers.sqlite"):
        (store / name).write_bytes(b"rubbish" * 99)
    with ModelServer([ANSWER]) as server:
        done = run(*ask(server), cwd=make_repo(FILES), GREENLOOP_STORE=str(store))
    assert done.returncode == 0, done.stderr
    told = [line for line in done.stderr.splitlines() if "set aside" in line]
    assert sorted(told) == [
        f"greenloop: {store}/{name}.sqlite cannot be trusted: it is none of ours. "
        f"It was set aside as {name}.sqlite.aside-1, and a new one was begun."
        for name in ("answers", "usage")
    ]


def call(**fields: object) -> Call:
    known = {"at": "2026-11-21T10:00:00.000+00:00", "requester": "ada", "repository": "o/r", "run": "1", "model": "m"}
    known |= {"prompt": "p", "outcome": "stop"}
    return Call(**{"seconds": 1.5, "input": 10, "output": 5, **known, **fields})  # type: ignore[arg-type]


OTHER = call(at="2026-11-20T23:59:59.999+00:00", requester="bob", model="n", cost=0.25, outcome="failed")
CALLS = (call(cost=0.5), OTHER, call(cost=None), call(outcome="from the store", input=0, output=0))


@pytest.mark.parametrize(
    ("by", "one", "three"),
    [("day", "2026-11-20", "2026-11-21"), ("model", "n", "m"), ("requester", "bob", "ada")],
)
def test_calls_are_added_up_by_what_is_asked(by: str, one: str, three: str) -> None:
    few = Line(
        group=one, calls=1, from_store=0, failed=1, input=10, cached=0, output=5, cost=0.25, unpriced=0, seconds=1.5
    )
    many = Line(
        group=three, calls=2, from_store=1, failed=0, input=20, cached=0, output=10, cost=0.5, unpriced=1, seconds=4.5
    )
    assert lines_of(CALLS, by=by) == tuple(sorted((few, many), key=lambda line: line.group))
