"""What the adapter reads from GitHub, as whole values; and answers that are not GitHub's."""

from __future__ import annotations

import re
import socket
from dataclasses import replace
from threading import Thread

import pytest

from fakes.github.faults import answers, refused
from fakes.github.state import Comment as OnGitHub
from forge.conftest import Hub
from greenloop.errors import GreenloopError, Misconfigured, Refused
from greenloop.forge.github import (
    Comment,
    Connection,
    Fault,
    Forbidden,
    Issue,
    Missing,
    PullRequest,
    Repository,
    reading,
)
from greenloop.forge.github.logs import ending


def test_permission_is_the_role_that_the_api_tells(hub: Hub) -> None:
    roles = ("admin", "maintain", "write", "triage", "read", "none")
    for role in roles:
        hub.fake.user(f"{role}-er", permission=role)
    hub.fake.user("stranger")
    hub.fake.user("own-role", permission="write")
    hub.repository.custom_roles["own-role"] = "Release Captain"
    github = hub.github()
    assert [github.permission(f"{role}-er") for role in roles] == list(roles)
    assert github.permission("own") == "admin"
    assert github.permission("stranger") == "read"  # anybody may read a public repository
    assert github.permission("own-role") == "write"  # an organisation's own names are folded
    assert github.permission("nobody-at-all") == "none"
    asked = len(hub.fake.requests)
    for login in ("../../../user", "a/b", "", "a b", "ada?x=1", "ada\n", "[bot]"):
        assert github.permission(login) == "none"
    assert len(hub.fake.requests) == asked  # what cannot be a login is not asked for


def test_permission_fails_closed(hub: Hub) -> None:
    hub.fake.user("ada", permission="admin")
    github, path = hub.github(), "/collaborators/ada/permission$"
    wrong = (
        refused(403, "Resource not accessible by integration"),
        refused(401, "Bad credentials"),
        answers(b'{"permission": "all", "role_name": "everything"}'),
        answers(b'{"role_name": "Captain"}'),
        answers(b'["admin"]'),
        answers(b"<html>log in to the wifi</html>"),
        answers(b""),
    )
    for fault in wrong:
        hub.fake.on("GET", path, fault)
        with pytest.raises(GreenloopError):
            github.permission("ada")
    hub.fake.on("GET", path, refused(500, "oops"), times=4)
    with pytest.raises(Fault):
        github.permission("ada")
    hub.fake.on("GET", path, refused(404, "Not Found"))
    assert github.permission("ada") == "none"
    assert github.permission("ada") == "admin"


def test_repository_and_issue(hub: Hub) -> None:
    github, url = hub.github(), hub.fake.url
    assert github.repository() == Repository(
        name="own/repo",
        default_branch="main",
        private=False,
        archived=False,
        clone_url=f"{url}/own/repo.git",
        url=f"{url}/own/repo",
    )
    hub.repository.issues[1].locked = True
    hub.repository.git.commit("feature", {"b.py": "y = 2\n"})
    pull = hub.fake.pull_request("feature", author="bob")
    assert github.issue(1) == Issue(
        number=1,
        state="open",
        locked=True,
        title="Add retry",
        body="It fails on 503.",
        author="ada",
        is_pull_request=False,
    )
    found = github.issue(pull.number)
    assert (found.is_pull_request, found.body, found.author) == (True, "", "bob")
    with pytest.raises(Missing, match=r"does not find what is needed to read issue #77 \(404\)"):
        github.issue(77)


def test_pull_request_of_a_branch_of_a_fork_and_of_a_deleted_one(hub: Hub) -> None:
    git, fake = hub.repository.git, hub.fake
    base, tip = git.sha("refs/heads/main"), git.commit("feature", {"b.py": "y = 2\n"})
    fork = fake.repository("bob/repo", {"a.py": "x = 3\n"})
    there = fork.git.commit("patch", {"c.py": "z = 3\n"})
    one = fake.pull_request("feature", "Mine", "Closes #1", draft=True, author="ada")
    two = fake.pull_request("patch", "Theirs", source=fork, author="bob")
    assert two.pull is not None
    two.pull.maintainer_can_modify = True
    github = hub.github()
    mine = github.pull_request(one.number)
    assert mine == PullRequest(
        number=2,
        state="open",
        draft=True,
        head_ref="feature",
        head_sha=tip,
        head_repository="own/repo",
        base_ref="main",
        base_sha=base or "",
        is_fork=False,
        maintainer_can_modify=False,
        title="Mine",
        body="Closes #1",
        author="ada",
        url=f"{fake.url}/own/repo/pull/2",
        node=mine.node,
    )
    theirs = github.pull_request(two.number)
    seen = (theirs.is_fork, theirs.head_repository, theirs.maintainer_can_modify, theirs.head_sha, theirs.draft)
    assert seen == (True, "bob/repo", True, there, False)
    two.pull.source = None
    gone = github.pull_request(two.number)
    assert (gone.is_fork, gone.head_repository) == (True, None)


def test_comments_and_threads(hub: Hub) -> None:
    fake = hub.fake
    first, second = fake.comment(1, "/generate"), fake.comment(1, "ok", author="helper[bot]")
    github = hub.github()
    one = github.comment(first.id)
    assert one == Comment(
        id=first.id,
        author="ada",
        author_type="User",
        body="/generate",
        created_at=first.created_at,
        updated_at=first.updated_at,
        url=f"{fake.url}/own/repo/issues/1#issuecomment-{first.id}",
    )
    assert [(c.author, c.author_type) for c in github.thread(1)] == [("ada", "User"), ("helper[bot]", "Bot")]
    assert github.thread(1)[0] == one
    del hub.repository.comments[second.id]
    with pytest.raises(Missing):
        github.comment(second.id)


def test_a_very_long_thread_is_bounded_to_its_newest_pages(hub: Hub) -> None:
    ada = hub.fake.user("ada")
    for number in range(10_001, 11_251):  # thirteen pages
        hub.repository.comments[number] = OnGitHub(id=number, number=1, author=ada, body="x")
    github = hub.github()
    assert [c.id for c in github.thread(1)] == list(range(10_301, 11_251))
    assert github.calls == 11
    for number in range(10_151, 11_251):
        del hub.repository.comments[number]
    github = hub.github()
    assert [c.id for c in github.thread(1)] == list(range(10_001, 10_151))
    assert github.calls == 2


def test_a_deleted_account_is_the_ghost() -> None:
    raw = {"id": 1, "user": None, "body": None, "created_at": "t", "updated_at": "t", "html_url": "u"}
    made = reading.read(reading.comment, raw)
    assert made == Comment(id=1, author="ghost", author_type="User", body="", created_at="t", updated_at="t", url="u")


def test_what_is_not_githubs_is_a_fault(hub: Hub) -> None:
    github = hub.github()
    bad = (b'{"id": 1}', b"[]", b"null", b'{"number": "one"}', b'{"number": 1, "state": "open", "locked": "no"}')
    for raw in bad:
        hub.fake.on("GET", "/issues/1$", answers(raw))
        with pytest.raises(Fault, match=r"not one of GitHub: .* in what should be the issue|the issue is"):
            github.issue(1)
    hub.fake.on("GET", "/issues/1/comments$", answers(b"{}"))
    with pytest.raises(Fault, match="a list is dict"):
        github.thread(1)
    hub.fake.on("GET", "/issues/1/comments$", answers(b"[1]"))
    with pytest.raises(Fault, match="what should be the comment is int"):
        github.thread(1)
    assert github.calls == 7  # such an answer is not asked for again


def test_files_of_the_default_branch(hub: Hub) -> None:
    git, github = hub.repository.git, hub.github()
    tip = git.commit("feature", {"sub/ä b#?.txt": b"\0\xff\r\n", "empty": b"", "large": b"x" * 1_000_001})
    assert github.file(".github/greenloop.yml", "main") == b"attempts: 2\n"
    assert github.file("sub/ä b#?.txt", tip) == b"\0\xff\r\n"
    assert github.file("empty", "feature") == b""
    assert github.file("sub/ä b#?.txt", "main") is None
    assert github.file("a.py", "no-such-branch") is None
    for path, words in (("sub", "sub is no file on feature"), ("large", "too large.*has 1000001 bytes")):
        with pytest.raises(Fault, match=words):
            github.file(path, "feature")
    hub.fake.on("GET", "/contents/a.py$", answers(b'{"type": "file", "encoding": "base64", "content": 5}'))
    with pytest.raises(Fault, match=r"a\.py has no content"):
        github.file("a.py", "main")


def test_who_we_are(hub: Hub) -> None:
    github = hub.github()
    assert (github.whoami(), github.whoami(), github.calls) == ("github-actions[bot]", "github-actions[bot]", 1)
    assert hub.github(hub.fake.personal_token("ada")).whoami() == "ada"
    assert hub.github(hub.fake.actions_token(app="my-app[bot]")).whoami() == "my-app[bot]"
    assert hub.github(hub.fake.actions_token(app="short")).whoami() == "short[bot]"  # never a person of that name
    hub.fake.on("POST", "/graphql$", refused(404, "Not Found"), times=2)
    assert hub.github(hub.fake.personal_token("ada")).whoami() == "ada"
    assert hub.github(hub.fake.actions_token()).whoami() == "github-actions[bot]"
    hub.fake.on("POST", "/graphql$", answers(b'{"data": {"viewer": null}}'))
    hub.fake.on("GET", "/user$", refused(401, "Bad credentials"))
    with pytest.raises(Forbidden, match="pass a fresh one"):
        hub.github().whoami()
    hub.fake.on("POST", "/graphql$", refused(503, "oops"), times=4)
    with pytest.raises(Fault, match=r"in trouble and did not ask for our own name \(503\)"):
        hub.github().whoami()


def test_a_private_repository_is_hidden_from_other_tokens(hub: Hub) -> None:
    hub.repository.private = True
    stranger = hub.github(hub.fake.personal_token("stranger"))
    with pytest.raises(Missing, match="or the token may not see it: that needs `permissions: contents: read`"):
        stranger.repository()
    little = hub.github(hub.fake.actions_token(contents="read"))
    assert little.repository().private
    with pytest.raises(Refused, match="Give the job `permissions: issues: read`") as caught:
        little.issue(1)
    assert caught.value.exit_code == 5


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"api_url": "api.github.com"}, "GITHUB_API_URL is 'api.github.com', not an address"),
        ({"api_url": "ftp://github.com"}, "GITHUB_API_URL"),
        ({"server_url": ""}, "GITHUB_SERVER_URL is ''"),
        ({"server_url": "https://x@evil.example"}, "GITHUB_SERVER_URL"),
        ({"repository": "own"}, "GITHUB_REPOSITORY is 'own', not `owner/name`"),
        ({"repository": "own/.."}, "GITHUB_REPOSITORY"),
        ({"repository": "own/repo/../../user"}, "GITHUB_REPOSITORY"),
        ({"token": ""}, "`github_token` is empty"),
        ({"token": "ghs_a\n"}, "white space"),
    ],
)
def test_a_connection_that_cannot_be(change: dict[str, str], words: str) -> None:
    right = {"api_url": "https://h/api/v3", "server_url": "https://h", "repository": "own/.github", "token": "ghs_x"}
    assert Connection(**right).owner == "own"
    with pytest.raises(Misconfigured, match=re.escape(words)) as caught:
        Connection(**(right | change))
    assert "ghs_" not in str(caught.value)


def test_a_log_lies_elsewhere_and_only_there_is_it_fetched(hub: Hub) -> None:
    token = hub.fake.actions_token(actions="read", checks="read")
    run = hub.fake.failed_run("main", ("tests", "failure", f"it says {token}\n" * 20_000), ("docs", "success", "fine"))
    number = str(run["workflow_run"]["id"])
    [(name, log)] = hub.github(token).failed_logs(number, 2)
    assert (name, len(log) <= 200_000, token in log, log.endswith("it says [redacted]\n")) == (
        "tests",
        True,
        False,
        True,
    )
    assert hub.github(token).failed_logs("../1", 2) == hub.github(token).suite_output("x") == ()
    for address in ("http://192.0.2.1/log", "file:///etc/passwd", "ftp://192.0.2.1/log", ""):
        hub.fake.on("GET", "/logs$", replace(refused(302, "Found"), headers={"Location": address}))
        with pytest.raises(Fault, match="that is not encrypted; it was not read"):
            hub.github(token).failed_logs(number, 2)
    elsewhere = hub.fake.url + "/nowhere"
    hub.fake.on("GET", "/logs$", replace(refused(302, "Found"), headers={"Location": elsewhere}))
    with pytest.raises(Fault, match="The log could not be fetched from 127"):
        hub.github(token).failed_logs(number, 2)
    hub.fake.on("GET", "/jobs$", answers(b"{}"))
    with pytest.raises(Fault, match="there are no jobs in the answer"):
        hub.github(token).failed_logs(number, 2)


@pytest.mark.parametrize(
    "said",
    [
        b"220 another protocol\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ncut",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nno size\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 200,
    ],
)
def test_where_a_log_lies_something_else_may_answer(said: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        thread = Thread(target=_answer_once, args=(server, said), daemon=True)
        thread.start()
        with pytest.raises(Fault, match=r"The log could not be fetched from 127\.0\.0\.1"):
            ending(f"{url}/log", near=url)
        thread.join(30)


def _answer_once(server: socket.socket, said: bytes) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(65_536)
        connection.sendall(said)
