"""A job's step against a GitHub of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from fakes.github import FakeGitHub
from job_step import BY_PYTEST, FILES, Step, made


@pytest.fixture
def holding(request: pytest.FixtureRequest) -> Mapping[str, str]:
    """What the repository holds: its tests are run by a small program, and by pytest where a test is marked so."""
    return BY_PYTEST if request.node.get_closest_marker("by_pytest") else FILES


@pytest.fixture
def step(tmp_path: Path, holding: Mapping[str, str]) -> Iterator[Step]:
    with FakeGitHub(tmp_path) as fake:
        yield made(fake, tmp_path, holding)
