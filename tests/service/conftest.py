"""A job's step against a GitHub of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.github import FakeGitHub
from job_step import Step, made


@pytest.fixture
def step(tmp_path: Path) -> Iterator[Step]:
    with FakeGitHub(tmp_path) as fake:
        yield made(fake, tmp_path)
