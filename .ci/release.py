"""A release: may this commit be one, what is said of it, and the commit that its tags name. Needs Python and git.

    python .ci/release.py check VERSION
    python .ci/release.py notes VERSION
    python .ci/release.py tag VERSION ghcr.io/OWNER/greenloop@sha256:… [--push]

The image is made of a commit and so cannot be named in it: the tags are on a commit of their own on top of it, whose
only change is that `action.yml` takes the image by its digest. Nothing of this is run by hand: see
.github/workflows/release.yml; without `--push`, `tag` is a dry run in the clone that it is started in.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")  # of https://semver.org, without pre-releases
IMAGE = re.compile(r"[a-z0-9.-]+(/[a-z0-9._-]+){2,}@sha256:[0-9a-f]{64}")
BUILT_THERE = "  image: Dockerfile\n"
WHO = ("-c", "user.name=github-actions[bot]", "-c", "user.email=41898282+github-actions[bot]@users.noreply.github.com")


class Refused(Exception):
    """Why this is no release, for whoever started it."""


def git(*argv: str, stdin: str = "", index: str = "") -> str:
    environment = {**os.environ, "GIT_INDEX_FILE": index} if index else None
    done = subprocess.run(["git", *argv], check=False, capture_output=True, text=True, input=stdin, env=environment)
    if done.returncode:
        raise Refused(f"git {argv[0]}: {done.stderr.strip()}")
    return done.stdout.strip()


def notes(version: str) -> str:
    """The section of the changelog. Raises `Refused` when there is none, or nothing in it."""
    text = Path("CHANGELOG.md").read_text(encoding="utf-8")
    found = re.search(rf"^## {re.escape(version)}\b[^\n]*\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    if not found or not found[1].strip():
        raise Refused(f"CHANGELOG.md has no section `## {version}`: give what is under `## Unreleased` that name.")
    return found[1].strip()


def check(version: str) -> None:
    """Raises `Refused` unless the checkout may become this version."""
    if not VERSION.fullmatch(version):
        raise Refused(f"{version!r} is no version: it has to be three numbers, such as 1.2.0.")
    said = re.search(r'__version__ = "(.*)"', Path("bot/greenloop/__init__.py").read_text(encoding="utf-8"))
    if not said or said[1] != version:
        raise Refused(f"bot/greenloop/__init__.py says {said[1] if said else 'nothing'}, not {version}.")
    notes(version)
    if git("tag", "--list", f"v{version}"):
        raise Refused(f"v{version} is there already, and what was released never changes.")
    major = version.partition(".")[0]
    later = [tag for tag in git("tag", "--list", f"v{major}.*.*").split() if _numbers(tag[1:]) > _numbers(version)]
    if later:
        raise Refused(f"{later[0]} is newer: v{major} would move backwards.")
    if git("status", "--porcelain", "--untracked-files=no"):
        raise Refused("the checkout has changes that are not committed.")
    if BUILT_THERE not in Path("action.yml").read_text(encoding="utf-8"):
        raise Refused("action.yml does not build the Dockerfile: start from the branch, not from a release.")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in version.split(".")) if VERSION.fullmatch(version) else ()


def tag(version: str, image: str, *, push: bool) -> str:
    """The commit with the digest, `v1.2.3` on it, and `v1` moved to it. Returns its id."""
    check(version)
    if not IMAGE.fullmatch(image):
        raise Refused(f"{image!r} names no image by its digest: REGISTRY/OWNER/NAME@sha256:….")
    text = Path("action.yml").read_text(encoding="utf-8").replace(BUILT_THERE, f"  image: docker://{image}\n")
    blob = git("hash-object", "-w", "--stdin", stdin=text)
    with TemporaryDirectory() as folder:
        index = f"{folder}/index"
        git("read-tree", "HEAD", index=index)
        git("update-index", "--cacheinfo", f"100644,{blob},action.yml", index=index)
        tree = git("write-tree", index=index)
    message = f"Release {version}: the action takes the image by its digest"
    made = git(*WHO, "commit-tree", tree, "-p", "HEAD", "-m", message)
    major = f"v{version.partition('.')[0]}"
    git(*WHO, "tag", "--annotate", f"v{version}", made, "-m", f"greenloop {version}")
    git(*WHO, "tag", "--annotate", "--force", major, made, "-m", f"greenloop {version}")
    if push:
        # both or none: a job that is run again finds no half of a release
        git("push", "--atomic", "origin", f"refs/tags/v{version}", f"+refs/tags/{major}")
    return made


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for name, words in (("check", "may this be it?"), ("notes", "the changelog's section"), ("tag", "commit and tags")):
        commands.add_parser(name, help=words).add_argument("version")
    tagging = commands.choices["tag"]
    tagging.add_argument("image", help="with its digest")
    tagging.add_argument("--push", action="store_true", help="not only here")
    given = parser.parse_args()
    try:
        if given.command == "tag":
            print(tag(given.version, given.image, push=given.push))
        elif given.command == "notes":
            print(notes(given.version))
        else:
            check(given.version)
            print(f"v{given.version} may be made of {git('rev-parse', 'HEAD')}.")
    except Refused as refused:
        print(f"release: {refused}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
