"""Our own clone, and pushes that only go forward; the token is in no argument, file or message."""

from __future__ import annotations

from pathlib import Path

import pytest

from conftest import git
from fakes.github import FakeGitHub
from fakes.github.faults import rejected
from greenloop.domain import Patch, Write
from greenloop.workspace import NotPushed, Remote


def remote(fake: FakeGitHub, token: str) -> Remote:
    return Remote(url=f"{fake.url}/octo/sums.git", token=token)


def test_forward_only(tmp_path: Path) -> None:
    with FakeGitHub(tmp_path) as fake:
        fake.repository("octo/sums", {"a.py": "x = 1\n"})
        there = remote(fake, fake.actions_token())
        clone = tmp_path / "clone"
        clone.mkdir()
        with there.clone(clone, ["refs/heads/main", "refs/heads/absent"]) as workspace:
            base = workspace.resolve("refs/heads/main")
            tree = workspace.apply(
                workspace.tree(base), Patch(summary="s", edits=(Write(path="b.py", text="y = 2\n"),))
            )
            one, two = (workspace.commit(tree, (base,), words) for words in ("one", "two"))
            there.push(clone, one, "refs/heads/topic")
            with pytest.raises(NotPushed, match="Somebody has moved it meanwhile"):
                there.push(clone, two, "refs/heads/topic")
            assert fake.snapshot()["octo/sums"]["refs"]["refs/heads/topic"] == ["initial", "one"]
        assert git("for-each-ref", "--format=%(refname)", cwd=clone) == "refs/heads/main"


def test_the_token_is_told_to_nobody(tmp_path: Path) -> None:
    with FakeGitHub(tmp_path) as fake:
        fake.repository("octo/sums", {"a.py": "x = 1\n"})
        token = fake.actions_token()
        there = remote(fake, token)
        clone = tmp_path / "clone"
        clone.mkdir()
        with there.clone(clone, ["refs/heads/main"]) as workspace:
            fake.on("POST", "git-receive-pack$", rejected(f"protected branch hook declined {token}"))
            sha = workspace.commit(workspace.tree("refs/heads/main"), (workspace.resolve("refs/heads/main"),), "x")
            with pytest.raises(NotPushed) as caught:
                there.push(clone, sha, "refs/heads/main")
        assert "A rule of the repository protects it" in str(caught.value)
        assert token not in str(caught.value) + repr(there)
        held = [path for path in clone.rglob("*") if path.is_file() and token.encode() in path.read_bytes()]
        assert held == []
