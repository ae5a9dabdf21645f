"""git over HTTP as GitHub has it: git's own backend, a token at the door, GitHub's reasons for turning pushes down."""

from __future__ import annotations

import gzip
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

from fakes.github.bare import ENVIRONMENT
from fakes.github.state import Repository, Token, World

_ZERO = "0" * 40


@dataclass(frozen=True, kw_only=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, kw_only=True)
class GitCall:
    """One request below `/{owner}/{name}.git`; `service` is "git-upload-pack" or "git-receive-pack"."""

    world: World
    repository: Repository
    method: str
    inside: str  # "/info/refs"
    query: str
    headers: Mapping[str, str]  # names in lower case
    body: bytes
    service: str

    @property
    def pushes(self) -> bool:
        return self.service == "git-receive-pack"

    @property
    def content(self) -> bytes:
        zipped = self.headers.get("content-encoding") == "gzip"
        return gzip.decompress(self.body) if zipped else self.body


def door(call: GitCall, token: Token | None) -> Answer | None:
    """Why this may not be, or None."""
    repository = call.repository
    if token is None:
        closed = repository.private or call.pushes
        return _plain(401, "Authentication required", {"WWW-Authenticate": 'Basic realm="GitHub"'}) if closed else None
    if token.kind == "app":
        level = token.permissions.get("contents", "") if token.repository == repository.full_name else ""
        may_read, may_write = level in {"read", "write"}, level == "write"
    else:
        may_read, may_write = repository.may(token.user.login, "read"), repository.may(token.user.login, "write")
    if not may_read and repository.private:
        return _plain(404, "Repository not found.")
    if call.pushes and not may_write and not _invited(call, token):
        return _plain(403, f"Permission to {repository.full_name}.git denied to {token.user.login}.")
    if call.pushes and repository.archived:
        return _plain(403, "This repository was archived so it is read-only.")
    return None


def _invited(call: GitCall, token: Token) -> bool:
    """Whether a contributor lets this person, who may write to the upstream, push to the branch of a pull request. An
    app that is not installed on the fork may never."""
    homes = [home for home in call.world.repositories.values() if home.may(token.user.login, "write")]
    offered = (pull for home in homes for issue, pull in home.pulls() if issue.state == "open")
    theirs = {f"refs/heads/{p.head}" for p in offered if p.source is call.repository and p.maintainer_can_modify}
    if token.kind != "user" or not theirs:
        return False
    return call.method == "GET" or {ref for _, _, ref in _read(call.content)[0]} <= theirs


def serve(call: GitCall, token: Token | None, rejection: str = "") -> Answer:
    """What git answers; for a push that GitHub turns down, the reason for each ref."""
    if call.method == "POST" and call.pushes:
        reason = rejection or _refusal(call, token)
        if reason:
            return _turned_down(call, reason)
    answer = _backend(call)
    for repository in call.world.repositories.values():
        repository.follow()
    return answer


def _refusal(call: GitCall, token: Token | None) -> str:
    """GitHub looks at the commits before it takes them."""
    commands, pack = _read(call.content)
    if pack:
        call.repository.git.git("index-pack", "--stdin", "--fix-thin", stdin=pack)
    if token is not None and ("workflow" in token.scopes or token.permissions.get("workflows") == "write"):
        return ""
    kind = "a GitHub App" if token is not None and token.kind == "app" else "an OAuth App"
    missing = "permission" if token is not None and token.kind == "app" else "scope"
    name = "workflows" if missing == "permission" else "workflow"
    for _, new, _ in commands:
        touched = [] if new == _ZERO else call.repository.git.workflows_in(new)
        if touched:
            return f"refusing to allow {kind} to create or update workflow `{touched[0]}` without `{name}` {missing}"
    return ""


def _turned_down(call: GitCall, reason: str) -> Answer:
    report = _packet(b"unpack ok\n")
    for _, _, ref in _read(call.content)[0]:
        report += _packet(f"ng {ref} {reason}\n".encode())
    body = _packet(b"\1" + report + b"0000") + b"0000"  # on the band of a client that asks for bands; git's does
    return Answer(status=200, headers={"Content-Type": "application/x-git-receive-pack-result"}, body=body)


def _read(body: bytes) -> tuple[list[tuple[str, str, str]], bytes]:
    """Old commit, new commit and name of each ref that a push is about, and the pack that comes with it."""
    at, commands = 0, []
    while (size := int(body[at : at + 4] or b"0", 16)) > 4:
        line = body[at + 4 : at + size].split(b"\0")[0].decode().strip()
        at += size
        if not line.startswith("shallow "):  # what a shallow clone says of itself
            old, new, ref = line.split(" ", 2)
            commands.append((old, new, ref))
    return commands, body[at + 4 :]


def _packet(data: bytes) -> bytes:
    return b"%04x%b" % (len(data) + 4, data)


def _backend(call: GitCall) -> Answer:
    path = call.repository.git.path
    environment = ENVIRONMENT | {
        "GIT_PROJECT_ROOT": str(path.parent),
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": f"/{path.name}{call.inside}",
        "REQUEST_METHOD": call.method,
        "QUERY_STRING": call.query,
        "CONTENT_TYPE": call.headers.get("content-type", ""),
        "CONTENT_LENGTH": str(len(call.content)),
        "GIT_PROTOCOL": call.headers.get("git-protocol", ""),
        "REMOTE_USER": "pusher",
        "REMOTE_ADDR": "127.0.0.1",
        "GIT_COMMITTER_NAME": "GitHub",
        "GIT_COMMITTER_EMAIL": "noreply@github.com",
    }
    done = subprocess.run(
        ["git", "http-backend"], input=call.content, env=environment, check=False, capture_output=True
    )
    head, _, body = done.stdout.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if line)
    status = int(headers.pop("Status", "200").split()[0]) if headers else 500
    return Answer(status=status, headers=headers, body=body)


def _plain(status: int, text: str, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(status=status, headers={"Content-Type": "text/plain", **(headers or {})}, body=text.encode())
