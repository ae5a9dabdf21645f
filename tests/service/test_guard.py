"""Who may, in the order in which it is asked; GitHub is asked no more than is needed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from fakes.github import FakeGitHub
from greenloop.domain import Source
from greenloop.forge import events
from greenloop.forge.github import HURRY, Connection, GitHub
from greenloop.service.guard import Refusal, refusal


def test_the_order_of_refusals(tmp_path: Path) -> None:
    with FakeGitHub(tmp_path) as fake:
        fake.repository("octo/sums", {"a.py": "x = 1\n"})
        for login, role in (("ada", "write"), ("tess", "triage"), ("eve", "read"), ("mia", "maintain")):
            fake.user(login, permission=role)
        fake.user("zoe")
        connection = Connection(
            api_url=fake.api_url, server_url=fake.url, repository="octo/sums", token=fake.actions_token()
        )
        github = GitHub(connection, pace=HURRY)
        comment = fake.comment(fake.issue().number, "/generate x")
        payload = fake.event("issue_comment", comment)
        asked = events.parse("issue_comment", payload)
        assert asked is not None

        def said(actor: str) -> str | None:
            found = refusal(replace(asked, actor=actor), {**payload, "sender": {"type": "User"}}, github)
            return found.why if found else None

        assert [
            said(actor) for actor in ("ada", "mia", "tess", "eve", "zoe", "renovate[bot]", "github-actions[bot]")
        ] == [
            None,
            None,
            "tess has no write access to this repository (triage).",
            "eve has no write access to this repository (read).",
            "zoe has no write access to this repository (read).",
            "renovate[bot] is a bot, and bots are not obeyed.",
            "This is a comment of our own.",
        ]
        strict = [refusal(replace(asked, actor=a), payload, github, "maintain") for a in ("mia", "ada", "eve", "tess")]
        assert [no and (no.why.partition(" access")[0], no.stranger) for no in strict] == [
            None,
            ("ada has no maintain", False),
            ("eve has no maintain", True),
            ("tess has no maintain", True),
        ]
        assert refusal(replace(asked, actor="tess"), payload, github, "triage") is None
        assert [
            refusal(replace(asked, actor=actor), payload, github, needs) is None
            for actor, needs in (("eve", "triage"), ("zoe", "read"), ("mia", "everybody"))
        ] == [False] * 3
        calls = len(fake.calls)
        bot = refusal(asked, {**payload, "sender": {"type": "Bot"}}, github)
        fork = refusal(replace(asked, fork=True, source=Source.REVIEW), payload, github)
        assert (bot is not None, fork is not None, len(fake.calls)) == (True, True, calls)
        comment.body = "/generate y"
        assert refusal(asked, payload, github) == Refusal(
            "The comment was changed after it was written. Write a new one.", stranger=False
        )
