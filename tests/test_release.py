"""What makes a release, as the workflow runs it, in a clone of a small repository."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import git
from fakes.advisories import Advisories

ROOT = Path(__file__).resolve().parents[1]
IMAGE = "ghcr.io/octo/greenloop@sha256:" + "a1" * 32
CHANGELOG = "# Changelog\n\n## Unreleased\n\n## 1.2.0 (2026-11-21)\n\n- More.\n\n## 1.1.0\n\n- Less.\n"


def release(folder: Path, *argv: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, ROOT / ".ci/release.py", *argv], cwd=folder, check=False, capture_output=True, text=True
    )
    return done.returncode, (done.stdout + done.stderr).strip()


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    folder = tmp_path / "clone"
    git("init", "-q", "--bare", "origin", cwd=tmp_path)
    git("clone", "-q", "origin", "clone", cwd=tmp_path)
    (folder / "bot/greenloop").mkdir(parents=True)
    (folder / "bot/greenloop/__init__.py").write_text('__version__ = "1.2.0"\n')
    (folder / "CHANGELOG.md").write_text(CHANGELOG)
    (folder / "action.yml").write_bytes((ROOT / "action.yml").read_bytes())
    commit(folder)
    git("push", "-q", "origin", "HEAD:main", cwd=folder)
    return folder


def commit(folder: Path) -> None:
    git("add", "-A", cwd=folder)
    git("-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-qm", "work", cwd=folder)


def write(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)
    commit(folder)


def test_the_tags_name_a_commit_that_takes_the_image_by_its_digest(clone: Path) -> None:
    built = git("rev-parse", "HEAD", cwd=clone)
    code, made = release(clone, "tag", "1.2.0", IMAGE, "--push")
    assert code == 0, made
    there = git("ls-remote", "origin", "v1.2.0^{}", "v1^{}", "refs/heads/main", cwd=clone)
    assert there.split() == [built, "refs/heads/main", made, "refs/tags/v1^{}", made, "refs/tags/v1.2.0^{}"]
    assert git("rev-parse", f"{made}^", cwd=clone) == built
    changed = git("diff", "--unified=0", built, made, cwd=clone).splitlines()
    assert [line for line in changed[4:] if line[0] in "+-"] == ["-  image: Dockerfile", f"+  image: docker://{IMAGE}"]
    assert git("status", "--porcelain", cwd=clone) == ""

    write(clone, "bot/greenloop/__init__.py", '__version__ = "1.1.0"\n')
    assert release(clone, "check", "1.1.0") == (1, "release: v1.2.0 is newer: v1 would move backwards.")


def test_both_tags_are_there_or_none(clone: Path) -> None:
    """A release that was half made could not be made again: its version is taken."""
    hook = clone.parent / "origin/hooks/update"
    hook.write_text('#!/bin/sh\ntest "$1" != refs/tags/v1\n')
    hook.chmod(0o755)
    code, said = release(clone, "tag", "1.2.0", IMAGE, "--push")
    assert (code, "release: git push: " in said) == (1, True)
    assert git("ls-remote", "--tags", "origin", cwd=clone) == ""


def test_a_newer_one_is_named(clone: Path) -> None:
    """Of this major version; that of another one does not move."""
    write(clone, "bot/greenloop/__init__.py", '__version__ = "2.0.0"\n')
    write(clone, "CHANGELOG.md", "# Changelog\n\n## 2.0.0\n\n- All of it.\n")
    for name in ("v1.10.0", "v2.1.0", "v10.0.0"):
        git("tag", name, cwd=clone)
    assert release(clone, "check", "2.0.0")[1] == "release: v2.1.0 is newer: v2 would move backwards."
    git("tag", "--delete", "v2.1.0", cwd=clone)
    assert release(clone, "check", "2.0.0")[0] == 0


def test_without_push_nothing_leaves_the_clone(clone: Path) -> None:
    assert release(clone, "check", "1.2.0") == (0, f"v1.2.0 may be made of {git('rev-parse', 'HEAD', cwd=clone)}.")
    code, made = release(clone, "tag", "1.2.0", IMAGE)
    assert (code, git("rev-parse", "v1^{}", cwd=clone)) == (0, made)
    assert git("ls-remote", "--tags", "origin", cwd=clone) == ""
    assert release(clone, "tag", "1.2.0", IMAGE)[1] == (
        "release: v1.2.0 is there already, and what was released never changes."
    )


def test_the_notes_are_the_section_of_the_changelog(clone: Path) -> None:
    assert release(clone, "notes", "1.2.0") == (0, "- More.")
    assert release(clone, "notes", "1.1.0") == (0, "- Less.")


def test_what_is_no_release_is_refused_with_its_reason(clone: Path) -> None:
    code, said = release(clone, "check", "1.2")
    assert (code, said) == (1, "release: '1.2' is no version: it has to be three numbers, such as 1.2.0.")
    assert release(clone, "check", "1.3.0")[1] == "release: bot/greenloop/__init__.py says 1.2.0, not 1.3.0."
    assert release(clone, "tag", "1.2.0", "ghcr.io/octo/greenloop:1.2.0")[1] == (
        "release: 'ghcr.io/octo/greenloop:1.2.0' names no image by its digest: REGISTRY/OWNER/NAME@sha256:…."
    )
    (clone / "action.yml").write_text("")
    assert release(clone, "check", "1.2.0")[1] == "release: the checkout has changes that are not committed."
    commit(clone)
    assert release(clone, "check", "1.2.0")[1] == (
        "release: action.yml does not build the Dockerfile: start from the branch, not from a release."
    )
    write(clone, "CHANGELOG.md", "# Changelog\n\n## 1.2.0\n\n## 1.1.0\n\n- Less.\n")
    assert release(clone, "check", "1.2.0") == (
        1,
        "release: CHANGELOG.md has no section `## 1.2.0`: give what is under `## Unreleased` that name.",
    )


def supply(service: str) -> tuple[int, list[str]]:
    done = subprocess.run(
        [sys.executable, ROOT / ".ci/supply.py"],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "ADVISORIES": service},
    )
    return done.returncode, done.stdout.splitlines()


def test_a_known_vulnerability_of_what_we_bring_along_fails() -> None:
    with Advisories({}) as service:
        code, fine = supply(service.address)
        pins = [line.split()[:2] for line in fine[:-1]]
        assert (code, fine[-1]) == (
            0,
            f"{len(pins)} distributions; vulnerabilities: {len(pins)} none known, 0 with some, 0 not checked.",
        )
        assert [[query["package"]["name"], query["version"]] for query in service.asked] == pins
    with Advisories({"{}=={}".format(*pins[0]): ("GHSA-x",)}) as service:
        code, bad = supply(service.address)
    assert (code, bad[-1]) == (1, f"Known vulnerabilities: {pins[0][0]} GHSA-x. See `make lock`.")
    code, unasked = supply("http://127.0.0.1:9")
    counted = f"{len(pins)} distributions; vulnerabilities: 0 none known, 0 with some, {len(pins)} not checked."
    assert (code, unasked[-1]) == (0, counted)
