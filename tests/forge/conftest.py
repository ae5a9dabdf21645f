"""A fake GitHub with one repository, and our adapter that talks to it: its clock stands still, its sleep is noted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fakes.asking import Clock
from fakes.github import FakeGitHub
from fakes.github.state import Repository
from greenloop.forge.github import Connection, GitHub, Pace

FILES = {"a.py": "x = 1\n", ".github/greenloop.yml": "attempts: 2\n"}


@dataclass
class Hub:
    fake: FakeGitHub
    repository: Repository
    clock: Clock = field(default_factory=Clock)
    token: str = ""

    @property
    def waits(self) -> list[float]:
        return self.clock.slept

    def connection(self, token: str = "") -> Connection:
        self.token = token or self.token or self.fake.actions_token()
        return Connection(
            api_url=self.fake.api_url,
            server_url=self.fake.url,
            repository=self.repository.full_name,
            token=self.token,
        )

    def github(self, token: str = "", *, pace: Pace | None = None) -> GitHub:
        """A process of ours: what it remembers, another one does not know."""
        return GitHub(self.connection(token), clock=self.clock, sleep=self.clock.sleep, pace=pace or Pace(writes=0.0))


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    with FakeGitHub(tmp_path) as fake:
        repository = fake.repository("own/repo", FILES)
        fake.issue("Add retry", "It fails on 503.", author="ada")
        yield Hub(fake, repository)
