"""Real projects in fresh folders, checked in the real sandbox."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from greenloop.ports import Environment, Sandbox, Subject
from greenloop.sandbox import open_sandbox

PROJECTS = Path(__file__).parents[1] / "projects"

Lay = Callable[..., Subject]


@pytest.fixture(scope="session")
def sandbox() -> Sandbox:
    return open_sandbox()


@pytest.fixture
def lay(tmp_path: Path) -> Lay:
    """`lay("red")` or `lay({"a.py": "…"}, changed=("a.py",))` → a subject whose folder holds these files alone."""
    count = iter(range(1000))

    def laid(files: str | Mapping[str, str | bytes], **given: Any) -> Subject:
        folder = tmp_path / f"tree{next(count)}"
        if isinstance(files, str):
            shutil.copytree(PROJECTS / files, folder)
        else:
            folder.mkdir()
            for path, text in files.items():
                target = folder / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(text if isinstance(text, bytes) else text.encode())
                if text[:2] in {"#!", b"#!"}:
                    target.chmod(0o755)
        given.setdefault("environment", Environment(python=Path(sys.executable)))
        return Subject(folder=folder, **given)

    return laid
