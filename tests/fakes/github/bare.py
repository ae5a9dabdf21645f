"""A bare repository on disk: the branches of the fake GitHub, for its REST side and for git over HTTP alike."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from itertools import count
from pathlib import Path

ENVIRONMENT = {
    "PATH": os.environ.get("PATH", os.defpath),
    "HOME": "/nonexistent",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}
_CONFIG = {
    "http.receivepack": "true",
    "receive.hideRefs": "refs/pull",
    "receive.unpackLimit": "1000",
    "uploadpack.allowAnySHA1InWant": "true",
    "uploadpack.allowFilter": "true",
    "gc.auto": "0",
}
_SECONDS = count(1_790_000_000)


class Bare:
    def __init__(self, path: Path) -> None:
        self.path = path

    def create(self, branch: str) -> None:
        subprocess.run(
            ["git", "init", "-q", "--bare", "-b", branch, self.path], env=ENVIRONMENT, check=True, capture_output=True
        )
        with (self.path / "config").open("a") as file:
            for name, value in _CONFIG.items():
                section, key = name.split(".")
                file.write(f"[{section}]\n\t{key} = {value}\n")

    def git(self, *args: str, stdin: bytes = b"") -> bytes:
        done = subprocess.run(
            ["git", *args], cwd=self.path, input=stdin, env=ENVIRONMENT, check=False, capture_output=True
        )
        if done.returncode:
            raise RuntimeError(f"git {args}: {done.stderr.decode(errors='replace')}")
        return done.stdout

    def commit(
        self,
        branch: str,
        files: Mapping[str, str | bytes | None],
        message: str = "a change",
        author: str = "ada",
        committer: str = "",
    ) -> str:
        """A person's commit on `branch`, a new one begins at the default branch; None deletes a file."""
        ref, now = f"refs/heads/{branch}", f"{next(_SECONDS)} +0000"
        who = f"author {author} <{author}@example.org> {now}\n"
        who += f"committer {committer or author} <{committer or author}@example.org> {now}\n"
        stream = [f"commit {ref}\n{who}".encode(), _data(message.encode())]
        start = self.sha(ref) or self.resolve("HEAD")
        if start:
            stream.append(f"from {start}\n".encode())
        for path, text in files.items():
            if text is None:
                stream.append(f"D {path}\n".encode())
            else:
                data = text.encode() if isinstance(text, str) else text
                stream += [f"M 100644 inline {path}\n".encode(), _data(data)]
        self.git("fast-import", "--quiet", "--force", stdin=b"".join(stream))
        tip = self.sha(ref)
        assert tip is not None
        return tip

    def move(self, ref: str, sha: str | None) -> None:
        """Put a ref somewhere, forced; None removes it."""
        self.git("update-ref", *((ref, sha) if sha else ("-d", ref)))

    def refs(self, prefix: str = "refs/") -> dict[str, str]:
        lines = self.git("for-each-ref", "--format=%(refname) %(objectname)").decode().splitlines()
        pairs = (line.split() for line in lines)
        return {name: sha for name, sha in pairs if name.startswith(prefix)}

    def sha(self, ref: str) -> str | None:
        return self.refs(ref).get(ref)

    def resolve(self, name: str) -> str | None:
        """The commit of a branch, tag, full ref or id."""
        for candidate in (f"refs/heads/{name}", f"refs/tags/{name}", name):
            try:
                return self.git("rev-parse", "--verify", "--quiet", f"{candidate}^{{commit}}").decode().strip()
            except RuntimeError:
                continue
        return None

    def subjects(self, ref: str) -> list[str]:
        """First lines of the messages, oldest first."""
        return self.git("log", "--reverse", "--first-parent", "--format=%s", ref).decode().splitlines()

    def files(self, ref: str) -> dict[str, str]:
        names = self.git("ls-tree", "-r", "-z", "--name-only", ref).decode().split("\0")
        return {name: self.git("cat-file", "blob", f"{ref}:{name}").decode(errors="replace") for name in names if name}

    def entry(self, ref: str, path: str) -> tuple[str, str, str] | None:
        """Mode, kind and id of what is at `path`."""
        line = self.git("ls-tree", ref, "--", path).decode().split("\t")[0]
        mode, kind, sha = line.split() if line else ("", "", "")
        return (mode, kind, sha) if line else None

    def shown(self, base: str, head: str) -> dict[str, set[int]]:
        """The lines of the new side that a pull request's page shows, by file."""
        found: dict[str, set[int]] = {}
        path = ""
        for line in self.git("diff", "--no-ext-diff", "--no-renames", f"{base}...{head}").decode().splitlines():
            if line.startswith("+++ b/"):
                path = line.removeprefix("+++ b/")
            hunk = re.match(r"@@ -\S+ \+(\d+)(?:,(\d+))? @@", line)
            if hunk:
                first, many = int(hunk[1]), int(hunk[2] or 1)
                found.setdefault(path, set()).update(range(first, first + many))
        return found

    def ahead(self, base: str, head: str) -> int:
        return int(self.git("rev-list", "--count", f"{base}..{head}"))

    def take(self, source: Bare, sha: str, ref: str) -> None:
        """Have `sha` of another repository here, as `ref`."""
        if source is not self:
            self.git("fetch", "-q", "--no-tags", str(source.path), sha)
        self.move(ref, sha)

    def workflows_in(self, new: str) -> list[str]:
        """The workflow files that commits touch which are not on any ref yet."""
        out = self.git("log", "-m", "--name-only", "--format=", new, "--not", "--all", "--", ".github/workflows")
        return sorted(set(out.decode().split("\n")) - {""})


def _data(data: bytes) -> bytes:
    return b"data %d\n%b\n" % (len(data), data)
