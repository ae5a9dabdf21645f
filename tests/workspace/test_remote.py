"""Our own clone, and pushes that only go forward; the token is in no argument, file or message."""

from __future__ import annotations

from pathlib import Path

import pytest

from conftest import git
from fakes.github import FakeGitHub
from fakes.github.faults import Fault, broken, cut, dropped, lost, rejected
from greenloop.domain import Patch, Write
from greenloop.errors import GreenloopError, NotPushed
from greenloop.workspace import Remote


def remote(fake: FakeGitHub, token: str) -> Remote:
    return Remote(url=f"{fake.url}/octo/sums.git", token=token, sleep=lambda _: None)


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
            there.push(clone, one, "refs/heads/topic", expected=None)
            for expected in (None, base):  # it is there, and elsewhere
                with pytest.raises(NotPushed, match="Somebody has moved it meanwhile"):
                    there.push(clone, two, "refs/heads/topic", expected=expected)
            with pytest.raises(NotPushed, match="no step forward"):
                there.push(clone, two, "refs/heads/topic", expected=one)
            assert not there.remove(clone, {"refs/heads/topic": base})
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
                there.push(clone, sha, "refs/heads/main", expected=workspace.resolve("refs/heads/main"))
        assert "A rule of the repository protects it" in str(caught.value)
        assert token not in str(caught.value) + repr(there)
        held = [path for path in clone.rglob("*") if path.is_file() and token.encode() in path.read_bytes()]
        assert held == []


@pytest.mark.parametrize("fault", [lost(), cut(), broken(), broken(429), dropped()])
def test_what_fails_in_passing_is_tried_again(tmp_path: Path, fault: Fault) -> None:
    with FakeGitHub(tmp_path) as fake:
        fake.repository("octo/sums", {"a.py": "x = 1\n"})
        there = remote(fake, fake.actions_token())
        clone = tmp_path / "clone"
        clone.mkdir()
        fake.on("GET", "info/refs$", fault)
        fake.on("POST", "git-upload-pack$", fault, skip=1)
        fake.on("POST", "git-receive-pack$", fault)
        with there.clone(clone, ["refs/heads/main"]) as workspace:
            base = workspace.resolve("refs/heads/main")
            sha = workspace.commit(workspace.tree(base), (base,), "next")
            there.push(clone, sha, "refs/heads/main", expected=base)
            fake.on("POST", "git-receive-pack$", broken())
            assert there.remove(clone, {"refs/heads/main": sha}) is False  # the default branch; refused for good
        assert fake.snapshot()["octo/sums"]["refs"] == {"refs/heads/main": ["initial", "next"]}


def test_what_does_not_pass_is_told(tmp_path: Path) -> None:
    with FakeGitHub(tmp_path) as fake:
        fake.repository("octo/sums", {"a.py": "x = 1\n"})
        there = remote(fake, fake.actions_token())
        clone, other = tmp_path / "clone", tmp_path / "other"
        clone.mkdir()
        other.mkdir()
        with there.clone(clone, ["refs/heads/main"]) as workspace:
            base = workspace.resolve("refs/heads/main")
            sha = workspace.commit(workspace.tree(base), (base,), "next")
            fake.on("POST", "git-receive-pack$", broken(), times=3)
            with pytest.raises(NotPushed, match="could not be reached, three times"):
                there.push(clone, sha, "refs/heads/main", expected=base)
            fake.on("GET", "info/refs$", broken(), times=3)
            with pytest.raises(GreenloopError, match="502"):
                there.clone(other, ["refs/heads/main"])
