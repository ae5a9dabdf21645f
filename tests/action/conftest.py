"""A step in a workspace of its own, and the event that most tests begin with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from action.steps import Step


@pytest.fixture
def step(tmp_path: Path) -> Step:
    (tmp_path / "workspace").mkdir()
    return Step(tmp_path)


@pytest.fixture
def comment() -> Callable[..., dict[str, Any]]:
    def make(body: str = "/generate add retry", action: str = "created") -> dict[str, Any]:
        return {
            "action": action,
            "comment": {"id": 5, "body": body, "user": {"login": "ada"}, "created_at": "2026-11-21T10:00:00Z"},
            "issue": {"number": 12, "title": "Retry", "body": "Please."},
            "repository": {"full_name": "o/r"},
            "sender": {"login": "ada"},
        }

    return make
