"""What the adapter writes to GitHub, under every fault: nothing doubled, nothing lost, no longer wait than allowed."""

from __future__ import annotations

import json
import socket
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from traceback import format_exception
from typing import Any

import pytest

from fakes.github import FakeGitHub, shapes
from fakes.github.faults import Fault as Planned
from fakes.github.faults import answers, broken, cut, dropped, lost, meanwhile, primary, refused, secondary
from forge.conftest import Hub
from greenloop import __version__
from greenloop.forge.github import (
    CheckRun,
    Fault,
    Forbidden,
    GitHub,
    Missing,
    NotAllowed,
    Note,
    Pace,
    Proposed,
    RateLimited,
)

MARK = "<!-- greenloop:run=run-1 -->\n"
ME = "github-actions[bot]"
FAULTS = {
    "lost": lost(),
    "lost 504": lost(504),
    "cut": cut(),
    "half": Planned(status=200, raw=b'{"id": 1', effect=True),
    "broken": broken(),
    "dropped": dropped(),
}


def comments(hub: Hub, number: int = 1) -> list[tuple[str, str]]:
    seen = hub.fake.snapshot()["own/repo"]["issues"][number]["comments"]
    return [(c["author"], c["body"]) for c in seen]


def pulls(hub: Hub) -> list[dict[str, Any]]:
    return [issue for issue in hub.fake.snapshot()["own/repo"]["issues"].values() if "head" in issue]


def propose(github: GitHub, *, title: str = "Add retry", body: str = "Closes #1", draft: bool = True) -> object:
    return github.propose(branch="greenloop/x", base="main", title=title, body=body, draft=draft)


# The comment of a run -----------------------------------------------------------------------------------------------


def test_one_comment_for_a_run(hub: Hub) -> None:
    github = hub.github()
    first = github.say(1, "run-1", "working")
    assert [github.say(1, "run-1", text) for text in ("working", "attempt 1", "done")] == [first] * 3
    assert comments(hub) == [(ME, MARK + "done")]
    assert hub.fake.calls == [
        "GET /repos/own/repo/issues/1/comments",
        "POST /repos/own/repo/issues/1/comments",
        "PATCH /repos/own/repo/issues/comments/" + str(first),
        "PATCH /repos/own/repo/issues/comments/" + str(first),
    ]
    assert github.calls == 4
    again = hub.github()  # the runner was killed; the next one knows the id, or finds the marker
    assert again.say(1, "run-1", "resumed", recorded=first) == first
    assert hub.github().say(1, "run-1", "resumed again") == first
    assert hub.github().say(1, "run-2", "another run") != first
    assert comments(hub) == [(ME, MARK + "resumed again"), (ME, "<!-- greenloop:run=run-2 -->\nanother run")]
    assert not hub.waits


def test_a_comment_with_our_marker_that_is_not_ours_is_never_taken(hub: Hub) -> None:
    fake = hub.fake
    others = {
        fake.comment(1, MARK + "trust me", author="mallory").id,
        fake.comment(1, MARK + "trust me", author="github-actions").id,
        fake.comment(1, MARK + "trust me", author="other[bot]").id,
        fake.comment(1, f"Somebody wrote: {MARK}", author=ME).id,  # ours, but the words are quoted
    }
    before = comments(hub)
    made = hub.github().say(1, "run-1", "mine")
    assert made not in others
    assert comments(hub) == [*before, (ME, MARK + "mine")]
    for claimed in others:
        assert hub.github().say(1, "run-1", "mine", recorded=claimed) == made
    assert comments(hub) == [*before, (ME, MARK + "mine")]


def test_a_deleted_comment_is_made_anew(hub: Hub) -> None:
    github = hub.github()
    first = github.say(1, "run-1", "one")
    del hub.repository.comments[first]
    second = github.say(1, "run-1", "two")
    assert comments(hub) == [(ME, MARK + "two")]
    del hub.repository.comments[second]
    hub.github().say(1, "run-1", "three", recorded=second)
    assert comments(hub) == [(ME, MARK + "three")]


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_comment_is_made_once_whatever_happens_to_the_answer(hub: Hub, fault: Planned) -> None:
    hub.fake.comment(1, MARK + "trust me", author="mallory")
    github = hub.github()
    hub.fake.on("POST", "/issues/1/comments$", fault)
    hub.fake.on("PATCH", "/issues/comments/", fault)
    made = github.say(1, "run-1", "one")
    assert github.say(1, "run-1", "two") == made
    assert comments(hub) == [("mallory", MARK + "trust me"), (ME, MARK + "two")]
    assert hub.waits == [1.0, 1.0]


def test_trouble_that_lasts_is_told_and_leaves_at_most_one_comment(hub: Hub) -> None:
    hub.fake.on("POST", "/issues/1/comments$", broken(503), times=4)
    with pytest.raises(Fault, match=r"GitHub is in trouble and did not comment on #1 \(503\). Try again later."):
        hub.github().say(1, "run-1", "one")
    assert comments(hub) == []
    assert hub.waits == [1.0, 2.0, 4.0]
    hub.fake.on("POST", "/issues/1/comments$", dropped(), times=3)
    hub.fake.on("POST", "/issues/1/comments$", lost())  # the last try of four: a look finds it
    assert hub.github().say(1, "run-1", "two")
    assert comments(hub) == [(ME, MARK + "two")]


def test_nobody_looks_when_github_cannot_be_asked(hub: Hub) -> None:
    """The look fails as well: then nothing is sent again."""
    hub.fake.on("POST", "/issues/1/comments$", lost())
    hub.fake.on("GET", "/issues/1/comments$", broken(), times=4, skip=1)
    with pytest.raises(Fault, match=r"did not read the comments of #1 \(502\)"):
        hub.github().say(1, "run-1", "one")
    assert comments(hub) == [(ME, MARK + "one")]


def test_bodies_fit(hub: Hub) -> None:
    github = hub.github()
    made = github.say(1, "run-1", "\n".join(f"line {n} äöü😀" for n in range(10_000)))
    body = comments(hub)[0][1]
    assert body.startswith(MARK + "line 0 ")
    assert body.endswith(
        "äöü😀\n\n*The rest does not fit here; it is in the summary of the job and in `result.json`.*\n"
    )
    assert 59_000 < len(body) <= 60_000
    assert github.say(1, "run-1", "x" * 100_000) == made
    assert len(comments(hub)[0][1]) <= 60_000
    github.say(1, "run-1", "a\0b\udc80c")
    assert comments(hub) == [(ME, MARK + "ab?c")]


# Reactions ----------------------------------------------------------------------------------------------------------


def test_reactions_are_there_once(hub: Hub) -> None:
    hub.repository.git.commit("feature", {"b.py": "y\n"})
    pull = hub.fake.pull_request("feature")
    comment = hub.fake.comment(1, "/generate")
    hub.fake.review(pull.number, comments=({"body": "why?"},))
    (inline,) = hub.repository.review_comments
    github = hub.github()
    hub.fake.on("POST", "/reactions$", lost())
    hub.fake.on("POST", "/reactions$", cut(), skip=1)
    for _ in range(2):
        github.react("issue", 1, "eyes")
        github.react("comment", comment.id, "+1")
        github.react("pull_request", pull.number, "rocket")
        github.react("review_comment", inline, "confused")
    seen = [(r.subject, r.login, r.content) for r in hub.repository.reactions]
    assert seen == [
        (("issue", 1), ME, "eyes"),
        (("comment", comment.id), ME, "+1"),
        (("issue", pull.number), ME, "rocket"),
        (("review_comment", inline), ME, "confused"),
    ]
    with pytest.raises(Missing, match="react to comment 5 "):
        github.react("comment", 5, "eyes")


# Pull requests ------------------------------------------------------------------------------------------------------


def test_a_pull_request_is_proposed_once_and_then_kept_up_to_date(hub: Hub) -> None:
    hub.repository.git.commit("greenloop/x", {"b.py": "y\n"})
    github, url = hub.github(), f"{hub.fake.url}/own/repo/pull/2"
    assert propose(github) == Proposed(number=2, url=url, draft=True, created=True)
    assert propose(github) == Proposed(number=2, url=url, draft=True, created=False)
    again = hub.github()
    assert propose(again, title="Add  retry\nnow", body="b" * 70_000, draft=False) == Proposed(
        number=2, url=url, draft=False, created=False
    )
    (seen,) = pulls(hub)
    assert (seen["title"], seen["draft"], seen["head"], seen["base"]) == ("Add retry now", False, "greenloop/x", "main")
    assert 59_000 < len(seen["body"]) <= 60_000
    assert seen["author"] == ME
    propose(again, title="T" * 300)
    (seen,) = pulls(hub)
    assert (seen["title"], seen["draft"], seen["body"]) == ("T" * 249 + "…", True, "Closes #1")


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_pull_request_is_made_once_whatever_happens_to_the_answer(hub: Hub, fault: Planned) -> None:
    hub.repository.git.commit("greenloop/x", {"b.py": "y\n"})
    github = hub.github()
    hub.fake.on("POST", "/pulls$", fault)
    hub.fake.on("PATCH", "/pulls/2$", fault)
    hub.fake.on("POST", "/graphql$", fault, skip=1)  # the first asks for our name
    propose(github)
    propose(github, body="Now green", draft=False)
    seen = [(p["title"], p["body"], p["draft"], p["state"]) for p in pulls(hub)]
    assert seen == [("Add retry", "Now green", False, "open")]
    assert hub.waits == [1.0, 1.0, 1.0]


def test_somebody_else_is_quicker(hub: Hub) -> None:
    hub.repository.git.commit("greenloop/x", {"b.py": "y\n"})
    github = hub.github()
    hub.fake.on("POST", "/pulls$", meanwhile(lambda: hub.fake.pull_request("greenloop/x", "By hand", author="ada")))
    assert propose(github) == Proposed(
        number=2, url=f"{hub.fake.url}/own/repo/pull/2", draft=False, created=False, ours=False
    )
    propose(hub.github(), body="Now green", draft=True)
    seen = [(p["author"], p["title"], p["body"], p["draft"]) for p in pulls(hub)]
    assert seen == [("ada", "By hand", "", False)]  # a person's words stay


def test_only_the_open_pull_request_of_this_very_branch_counts(hub: Hub) -> None:
    git, fake = hub.repository.git, hub.fake
    git.commit("greenloop/x", {"b.py": "y\n"})
    fork = fake.repository("bob/repo", {"a.py": "x = 3\n"})
    fork.git.commit("greenloop/x", {"c.py": "z = 3\n"})
    closed = fake.pull_request("greenloop/x", "Closed", author=ME)
    closed.state = "closed"
    fake.pull_request("greenloop/x", "Of a fork", source=fork, author="bob")
    made = propose(hub.github())
    assert isinstance(made, Proposed)
    assert (made.number, made.created) == (4, True)
    whole = fake.world.repositories["own/repo"]
    hub.fake.on("GET", "/pulls$", answers(_list_of_all(fake)))  # a filter that GitHub ignores
    assert propose(hub.github()) == Proposed(number=4, url=made.url, draft=True, created=False)
    assert [i.title for i, _ in whole.pulls()] == ["Closed", "Of a fork", "Add retry"]


def _list_of_all(fake: FakeGitHub) -> bytes:
    home = fake.world.repositories["own/repo"]
    return json.dumps([shapes.pull(fake.world, home, issue, whole=False) for issue, _ in home.pulls()]).encode()


def test_pull_requests_that_cannot_be(hub: Hub) -> None:
    git, github = hub.repository.git, hub.github()
    with pytest.raises(Fault, match=r"create the pull request of greenloop/x \(422\).*Validation Failed"):
        propose(github)
    git.move("refs/heads/greenloop/x", git.sha("refs/heads/main"))
    with pytest.raises(Fault, match="No commits between main and greenloop/x"):
        propose(github)
    git.commit("greenloop/x", {"b.py": "y\n"})
    hub.fake.on("POST", "/pulls$", refused(422, "A pull request already exists for own:greenloop/x."))
    with pytest.raises(Fault, match="already exists"):  # but none is found
        propose(github)
    hub.repository.drafts = False
    made = propose(github)
    assert made == Proposed(number=2, url=f"{hub.fake.url}/own/repo/pull/2", draft=False, created=True)
    with pytest.raises(Fault, match=r"make pull request #2 a draft \(422\).*cannot be converted"):
        propose(github)


def test_where_actions_may_not_create_pull_requests(hub: Hub) -> None:
    hub.repository.git.commit("greenloop/x", {"b.py": "y\n"})
    hub.repository.actions_may_propose = False
    made = propose(hub.github())
    assert isinstance(made, NotAllowed)
    assert made.compare_url == f"{hub.fake.url}/own/repo/compare/main...greenloop/x?expand=1"
    assert "Allow GitHub Actions to create and approve pull requests" in made.advice
    assert pulls(hub) == []
    little = hub.github(hub.fake.actions_token(contents="write", pull_requests="read"))
    hub.repository.actions_may_propose = True
    with pytest.raises(Forbidden, match="Give the job `permissions: pull-requests: write`"):
        propose(little)
    hub.fake.pull_request("greenloop/x", "Add retry", "Closes #1", draft=True, author=ME)
    with pytest.raises(Forbidden, match="`permissions: contents: write` and `pull-requests: write`"):
        propose(little, draft=False)


# Limits and refusals ------------------------------------------------------------------------------------------------


def test_limits_are_waited_for_up_to_a_bound(hub: Hub) -> None:
    github, clock = hub.github(), hub.clock
    path = "/issues/1/comments$"
    hub.fake.on("POST", path, secondary(7))
    github.say(1, "a", "x")
    hub.fake.on("POST", path, secondary())  # without a number: a minute
    github.say(1, "b", "x")
    hub.fake.on("GET", "/issues/1$", primary(int(clock()) + 30))
    github.issue(1)
    hub.fake.on("GET", "/issues/1$", secondary(5, status=429))
    github.issue(1)
    assert clock.slept == [7.0, 60.0, 31.0, 5.0]
    assert len(comments(hub)) == 2
    clock.slept.clear()
    words = r"limits our requests and did not comment on #1 \(403\). It wants us to wait 300 s"
    hub.fake.on("POST", path, secondary(300))
    with pytest.raises(RateLimited, match=words) as caught:
        github.say(1, "c", "x")
    assert (caught.value.wait, clock.slept, len(comments(hub))) == (300.0, [], 2)
    hub.fake.on("POST", path, secondary(50), times=3)
    with pytest.raises(RateLimited, match="wait 50 s"):
        github.say(1, "c", "x")
    assert clock.slept == [50.0, 50.0]  # together no more than two minutes
    hub.fake.on("GET", "/issues/1$", secondary(0), times=4)
    with pytest.raises(RateLimited):
        github.issue(1)
    hub.fake.on("POST", "/graphql$", answers(b'{"errors": [{"type": "RATE_LIMITED", "message": "too fast"}]}'))
    assert hub.github().whoami() == ME


def test_writes_keep_the_distance_that_github_asks_for(hub: Hub) -> None:
    github = hub.github(pace=Pace())
    github.say(1, "run-1", "one")
    assert hub.waits == []
    github.say(1, "run-1", "two")
    github.issue(1)
    assert hub.waits == [1.0]
    hub.clock.now += 0.25
    github.say(1, "run-1", "three")
    hub.clock.now += 5
    github.say(1, "run-1", "four")
    assert hub.waits == [1.0, 0.75]


def test_in_a_hurry_nothing_waits(hub: Hub) -> None:
    github = hub.github(pace=Pace())
    github.say(1, "run-1", "one")
    github.hurry()
    hub.fake.on("PATCH", "/issues/comments/", lost())
    github.say(1, "run-1", "two")
    hub.fake.on("POST", "/issues/1/comments$", lost())
    github.say(1, "run-2", "three")
    hub.fake.on("GET", "/issues/1$", secondary(1))
    with pytest.raises(RateLimited):
        github.issue(1)
    assert hub.waits == []
    assert [body for _, body in comments(hub)] == [MARK + "two", "<!-- greenloop:run=run-2 -->\nthree"]


def test_refusals_name_the_cure(hub: Hub) -> None:
    github = hub.github()
    hub.fake.on("POST", "/comments$", refused(410, "This issue was deleted"))
    with pytest.raises(Missing, match=r"needed to comment on #1 \(410\). It was deleted or switched off"):
        github.say(1, "run-1", "x")
    hub.repository.issues[1].locked = True
    with pytest.raises(Forbidden, match=r"did not comment on #1: the conversation is locked .403.. Unlock it"):
        github.say(1, "run-1", "x")
    hub.repository.archived = True
    with pytest.raises(Forbidden, match="the repository is archived"):
        github.say(1, "run-1", "x")
    hub.repository.archived = False
    hub.fake.comment(1, MARK + "old", author=ME)
    hub.fake.on("PATCH", "/issues/comments/", refused(301, "Moved Permanently"))
    with pytest.raises(Fault, match=r"edit comment \d+ but points elsewhere \(301\). Was the repository renamed"):
        github.say(1, "run-1", "x")
    little = hub.github(hub.fake.actions_token(contents="write"))
    with pytest.raises(Forbidden) as caught:
        little.say(1, "run-2", "x")
    assert str(caught.value) == (
        "The token may not comment on #1 (403). Give the job `permissions: issues: write` and `pull-requests: write`, "
        'or pass a `github_token` that may. It says: "Resource not accessible by integration".'
    )
    assert (caught.value.status, caught.value.exit_code) == (403, 5)


def test_the_token_is_in_no_error_and_in_no_text(hub: Hub) -> None:
    """GitHub, or a proxy in between, may echo what it was sent; a tool may print what it found."""
    hub.repository.git.commit("greenloop/x", {"b.py": "y\n"})
    hub.repository.git.commit("feature", {"b.py": "y\n"})
    hub.fake.pull_request("feature", draft=True)
    hub.fake.comment(1, "<!-- greenloop:run=old -->\n", author=ME)
    github = hub.github()
    token = hub.token
    encoded = b64encode(f"x-access-token:{token}".encode()).decode()
    told = json.dumps({"errors": [{"message": f"{token} is wrong", "type": "FORBIDDEN"}]}).encode()
    echoes: tuple[tuple[str, Planned, Callable[[], object]], ...] = (
        ("GET", refused(401, f"Bad credentials: {token}"), lambda: github.issue(1)),
        ("GET", answers(f"<p>{token}</p>".encode()), lambda: github.issue(1)),
        ("PATCH", refused(422, f"Authorization: basic {encoded}"), lambda: github.say(1, "old", "x")),
        ("POST", answers(told), lambda: github.resolve(2, "x")),
    )
    for method, fault, ask in echoes:
        hub.fake.on(method, ".*", fault)
        with pytest.raises(Fault) as caught:
            ask()
        shown = "".join(format_exception(caught.value)) + caught.value.words
        assert token not in shown
        assert encoded not in shown
        assert "[redacted]" in shown
    assert token not in f"{github!r} {hub.connection()!r}"
    github.say(1, "run-1", f"the log says {token}")
    propose(github, title=f"Use {token}", body=f"with {token}")
    seen = hub.fake.snapshot()["own/repo"]["issues"]
    assert seen[1]["comments"][1]["body"] == MARK + "the log says [redacted]"
    assert (seen[3]["title"], seen[3]["body"]) == ("Use [redacted]", "with [redacted]")


def test_no_server(hub: Hub) -> None:
    """Nobody listens, or an address that leads elsewhere."""
    port = closed_port()
    nobody = replace(hub.connection(), api_url=f"http://127.0.0.1:{port}/api/v3")
    with pytest.raises(Fault, match=r"no whole answer when asked to read issue #1 \(.*refused.*\). Is the network up"):
        GitHub(nobody, clock=hub.clock, sleep=hub.clock.sleep).issue(1)
    assert hub.waits == [1.0, 2.0, 4.0]
    elsewhere = refused(301, "Moved")
    hub.fake.on("GET", "/issues/1$", replace(elsewhere, headers={"Location": "https://evil.example/x"}))
    with pytest.raises(Fault, match=r"not one of GitHub: .*redirected from http protocol to https"):
        hub.github().issue(1)
    assert [r.path for r in hub.fake.requests] == ["/api/v3/repos/own/repo/issues/1"]


def closed_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def test_the_calls_of_a_green_run(hub: Hub) -> None:
    """The budget of an issue with two attempts is 25; every request names what is sent, and the version it speaks."""
    fake = hub.fake
    fake.user("ada", permission="write")
    order = fake.comment(1, "/generate")
    github = hub.github()
    assert github.permission("ada") == "write"
    home = github.repository()
    assert github.file(".github/greenloop.yml", home.default_branch)
    github.react("comment", order.id, "eyes")
    github.thread(1)
    for text in ("started", "attempt 1", "attempt 2", "judged"):
        github.say(1, "run-1", text)
    hub.repository.git.commit("greenloop/x", {"b.py": "y\n"})
    assert isinstance(propose(github, draft=False), Proposed)
    github.say(1, "run-1", "done")
    assert github.calls == len(fake.calls) == 13
    assert {r.headers["x-github-api-version"] for r in fake.requests} == {"2022-11-28"}
    assert {r.headers["user-agent"] for r in fake.requests} == {f"greenloop/{__version__}"}
    assert all(hub.token not in str(r.headers) for r in fake.requests)
    assert fake.snapshot()["own/repo"] == {
        "refs": {"refs/heads/main": ["initial"], "refs/heads/greenloop/x": ["initial", "a change"]},
        "issues": {
            1: {
                "title": "Add retry",
                "body": "It fails on 503.",
                "author": "ada",
                "state": "open",
                "reactions": [],
                "comments": [
                    {"author": "ada", "body": "/generate", "reactions": [(ME, "eyes")]},
                    {"author": ME, "body": MARK + "done", "reactions": []},
                ],
            },
            2: {
                "title": "Add retry",
                "body": "Closes #1",
                "author": ME,
                "state": "open",
                "reactions": [],
                "comments": [],
                "head": "greenloop/x",
                "base": "main",
                "draft": False,
            },
        },
    }


# Check runs ---------------------------------------------------------------------------------------------------------


def test_a_check_run_is_made_once_with_its_annotations_in_portions(hub: Hub) -> None:
    token = hub.fake.actions_token(contents="write", checks="write")
    sha = hub.repository.git.commit("feature", {"b.py": "y\n"})
    notes = tuple(Note(path="b.py", line=n + 1, level="failure", title="ruff F401", message=token) for n in range(170))
    run = CheckRun(
        name="greenloop", commit=sha, key="run-1", conclusion="failure", title="Not green", summary="x", notes=notes
    )
    hub.fake.on("POST", "/check-runs$", lost())
    hub.github(token).make_check_run(run)
    hub.github(token).make_check_run(run, look_first=True)
    [made] = hub.repository.check_runs
    assert [note["start_line"] for note in made["annotations"]] == list(range(1, 151))
    assert {note["message"] for note in made["annotations"]} == {"[redacted]"}
    hub.github(token).make_check_run(replace(run, key="run-2"), look_first=True)
    assert [r["external_id"] for r in hub.repository.check_runs] == ["run-1", "run-2"]
    with pytest.raises(Forbidden, match="`permissions: checks: write`"):
        hub.github(hub.fake.actions_token(contents="write")).make_check_run(run)
