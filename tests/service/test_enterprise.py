"""Wherever GitHub is: every address comes from the runner's environment."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fakes.github import FakeGitHub
from fakes.model_server import ModelServer
from greenloop.domain import Source
from greenloop.report.trailers import Made, message
from job_step import asked, made, seen
from values import attempt, report, request

ONE = attempt()
MADE = Made(
    summary="x", number=1, attempts=1, before="", report=report(), verdict=ONE.verdict, model="m", usage=ONE.usage
)
BOT = Path(__file__).parents[2] / "bot"


@pytest.mark.parametrize(
    ("api", "graphql"),
    [("", "/graphql"), ("/api/v3", "/api/graphql"), ("/api/v3", "/elsewhere/graphql")],
    ids=["as github.com", "as a server of one's own", "as the runner says"],
)
def test_everything_goes_where_the_runner_says(tmp_path: Path, api: str, graphql: str) -> None:
    """REST, GraphQL and git, by a command that uses all three."""
    with FakeGitHub(tmp_path, api=api, graphql=graphql) as fake:
        step = made(fake, tmp_path)
        with ModelServer([]) as server:
            code, log = step.run("issue_comment", asked(step, "/status"), server)
        assert code == 0, log
        assert "Nothing is at work here" in seen(step)["issues"][1]["comments"][1]["body"]
        kinds = {
            "git" if ".git/" in r.path else "graphql" if r.path == graphql else "rest" if r.path.startswith(api) else ""
            for r in fake.requests
        }
        assert kinds == {"git", "graphql", "rest"}


def test_people_have_their_addresses_at_the_server() -> None:
    for server, host in (("", "github.com"), ("ghe.example.org", "ghe.example.org")):
        asker = request(source=Source.ISSUE, actor="ada", server=server)
        text = message(MADE, asker, sign_off=True)
        assert re.findall(r"<(.*)>", text) == [f"ada@users.noreply.{host}"] * 2


def test_no_address_of_github_stands_in_the_code() -> None:
    """But for what stands in when there is no runner, and for examples."""
    found = {
        str(path.relative_to(BOT / "greenloop"))
        for path in BOT.rglob("*.py")
        if re.search(r"https?://(api\.)?github\.com(?!/(ggml|acme))", path.read_text("utf-8"))
    }
    assert found == {"action/inputs.py", "forge/github/connection.py"}
