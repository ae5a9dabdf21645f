"""Calls for vectors count: in the run's budget, in the ledger, in the audit, and in what a report tells."""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from fakes.embedding_server import EmbeddingServer, vector
from fakes.model_server import ModelServer
from greenloop.domain import Usage
from greenloop.errors import ModelUnreachable
from greenloop.model.audit import Audit, database
from greenloop.model.book import Book
from greenloop.model.budget import Budget, estimate_tokens, most_tokens
from greenloop.model.metered import VECTORS, Meter, Metered, metered
from greenloop.ports import ChatMessage
from greenloop.records.ledger import Account
from greenloop.settings import Settings
from program import run
from values import request

TEXT = "def retry():\n    return again()\n"
MOST = most_tokens((ChatMessage(role="user", text=TEXT),))
SETTINGS = Settings(embedding_model="e", max_tokens=8 * MOST)


def told(body: dict[str, Any]) -> tuple[int, object]:
    rows = [{"index": n, "embedding": vector(text)} for n, text in enumerate(body["input"])]
    return 200, {"data": rows, "usage": {"prompt_tokens": 7, "total_tokens": 7}}


def meter(folder: Path, **limits: int) -> Meter:
    about = Account(requester="ada", repository="own/repo", run="r", **limits)
    rows = database(folder)
    return Meter(
        request=request(actor="ada", repository="own/repo", key="r"),
        audit=Audit(rows),
        ledger=Book(rows, about) if limits else None,
        clock=lambda: 5.0,
        now=lambda: "2026-11-21T10:00:00+00:00",
    )


def opened(server: EmbeddingServer, budget: Budget | None, folder: Path, **limits: int) -> Metered:
    made = metered(replace(SETTINGS, embedding_base=server.base), budget, meter(folder, **limits))
    assert isinstance(made, Metered)
    return made


def test_what_the_endpoint_counts_is_what_is_used_and_noted(tmp_path: Path) -> None:
    budget = Budget(SETTINGS)
    with EmbeddingServer(told) as server:
        made = opened(server, budget, tmp_path, daily_tokens=10_000)
        assert made.name == "e"
        vectors = list(made.embed([TEXT]))
        assert [type(v) for v in vectors] == [array]
    assert budget.used == Usage(calls=0, input=7, cost=0.0), "nobody is paid on loopback, and no call of the model"
    (row,) = Audit(database(tmp_path)).calls()
    assert (row.requester, row.repository, row.run, row.model, row.outcome) == ("ada", "own/repo", "r", "e", VECTORS)
    assert (row.input, row.output, row.cost, row.estimated, row.answer, len(row.prompt)) == (7, 0, 0.0, False, "", 64)
    assert TEXT.encode() not in (tmp_path / "usage.sqlite").read_bytes()
    spent = database(tmp_path).must(lambda rows: rows.execute("SELECT tokens, settled FROM ledger").fetchall())
    assert spent == [(7, 1)]


def test_without_its_count_ours_stands(tmp_path: Path) -> None:
    budget = Budget(SETTINGS)
    with EmbeddingServer() as server:
        list(opened(server, budget, tmp_path).embed([TEXT]))
    assert budget.used == Usage(input=estimate_tokens(TEXT), cost=0.0, estimated=True)


@pytest.mark.parametrize(
    ("settings", "limits", "words"),
    [
        ({"max_tokens": 4 * MOST - 4}, {}, r"^vectors may take a fourth of this run's tokens \(\d+ of `max_tokens`\)"),
        ({"max_minutes": 0.01}, {}, r"^The 0\.01 minutes of this run are over\."),
        ({}, {"daily_tokens": MOST - 1}, r"^The next call needs up to \d+ tokens, and \d+ of \d+ that ada may spend"),
    ],
    ids=["a fourth", "time", "ledger"],
)
def test_what_no_budget_has_room_for_is_not_asked(
    settings: dict[str, Any], limits: dict[str, int], words: str, tmp_path: Path
) -> None:
    own = replace(SETTINGS, **settings)
    with EmbeddingServer(told) as server:
        made = metered(replace(own, embedding_base=server.base), Budget(own), meter(tmp_path, **limits))
        assert made is not None
        with pytest.raises(ModelUnreachable, match=words):
            list(made.embed([TEXT]))
        assert server.asked == []


def test_a_fourth_is_for_vectors_however_many_calls_there_are(tmp_path: Path) -> None:
    """Eight times the text is the budget, so two of them are a fourth; each settles to seven tokens."""
    budget = Budget(SETTINGS)
    with EmbeddingServer(told) as server:
        made = opened(server, budget, tmp_path)
        with pytest.raises(ModelUnreachable, match="a fourth"):
            list(chain.from_iterable(made.embed([TEXT]) for _ in range(1000)))
        assert len(server.asked) == (2 * MOST - MOST) // 7 + 1
    assert budget.used.input <= SETTINGS.max_tokens // 4


def test_a_call_that_failed_counts_when_it_may_have_been_billed(tmp_path: Path) -> None:
    budget = Budget(SETTINGS)
    with EmbeddingServer(lambda _: (504, {"error": "late"})) as server, pytest.raises(ModelUnreachable):
        list(opened(server, budget, tmp_path, daily_tokens=10_000).embed([TEXT]))
    assert budget.used == Usage(input=MOST, cost=0.0, estimated=True)
    with EmbeddingServer(lambda _: (401, {"error": "key"})) as server, pytest.raises(ModelUnreachable):
        list(opened(server, budget, tmp_path, daily_tokens=10_000).embed([TEXT]))
    assert budget.used.input == MOST
    spent = database(tmp_path).must(lambda rows: rows.execute("SELECT tokens FROM ledger ORDER BY at").fetchall())
    assert sorted(spent) == [(0,), (MOST,)]
    assert [c.outcome for c in Audit(database(tmp_path)).calls()] == ["failed", "failed"]


def test_a_run_tells_what_its_vectors_took(make_repo: Callable[..., Path], tmp_path: Path) -> None:
    files = {"retry.py": TEXT, "paint.py": "def colour():\n    return 1\n"}
    edit = "Summary: again\n\nretry.py\n```python\ndef retry():\n    return 2\n```\n"
    store = {"GREENLOOP_STORE": str(tmp_path / "store"), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    with ModelServer(lambda _: edit) as server, EmbeddingServer(told) as vectors:
        config = f"embedding_model: e\nembedding_base: {vectors.base}\nchecks: [ruff]\n"
        repo = make_repo({**files, ".github/greenloop.yml": config})
        model = ("--model", "m", "--api-base", server.api_base)
        done = run("generate", "retry must return 2", *model, "--json", cwd=repo, **store)
        assert done.returncode == 0, done.stderr
        assert vectors.asked != []
        used = json.loads(done.stdout)["usage"]
        rows = json.loads(run("usage", "--by", "model", "--format", "json", cwd=repo, **store).stdout)
    assert used["input"] == 11 + 7 * len(vectors.asked)
    assert "e" in {row["model"] for row in rows}
