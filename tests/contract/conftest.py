"""What GitHub publishes, as `fetch.py` has laid it down; and the fake GitHub with our adapter in front of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contract.fetch import place
from contract.openapi import Description
from fakes.asking import Clock
from fakes.github import FakeGitHub
from greenloop.forge.github import Connection, GitHub, Pace

FILES = {"a.py": "x = 1\n", ".github/greenloop.yml": "attempts: 2\n"}


@pytest.fixture(scope="session")
def description() -> Description:
    return Description(json.loads(place("@octokit/openapi").read_text()))


@pytest.fixture(scope="session")
def examples() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(place("@octokit/webhooks-examples").read_text())
    return found


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeGitHub]:
    with FakeGitHub(tmp_path) as made:
        made.repository("own/repo", FILES)
        made.user("ada", permission="write")
        yield made


@pytest.fixture
def github(fake: FakeGitHub) -> GitHub:
    clock = Clock()
    may = dict.fromkeys(("contents", "issues", "pull_requests", "actions", "checks", "security_events"), "write")
    token = fake.actions_token(**may)  # type: ignore[arg-type]
    connection = Connection(api_url=fake.api_url, server_url=fake.url, repository="own/repo", token=token)
    return GitHub(connection, clock=clock, sleep=clock.sleep, pace=Pace(writes=0.0))
