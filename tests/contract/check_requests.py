"""Every request that our adapter makes is one that GitHub describes. Run by `make test-contract`."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from graphql import build_schema, execute_sync, parse, validate

from contract.fetch import place
from contract.openapi import Description
from fakes.github import FakeGitHub, graphql
from fakes.github.server import API, GRAPHQL
from greenloop.forge.github import CheckRun, GitHub, LineComment, Note, Remarks
from greenloop.forge.github.commits import COMMIT

# where the description is known to be behind GitHub: operation → what it says
BEHIND = {
    "git/list-matching-refs": ["the query 'per_page' is unknown"],  # every list is asked for by the hundred
}


def drive(fake: FakeGitHub, github: GitHub) -> set[str]:
    """Call every method of the adapter, on the ways on which it asks for something else; their names."""
    repository = next(iter(fake.world.repositories.values()))
    issue = fake.issue("Add retry", author="ada")
    tip = repository.git.sha("refs/heads/main")
    assert tip is not None
    for ref in ("refs/heads/greenloop/a-b", "refs/greenloop/runs/key"):
        repository.git.commit(ref.removeprefix("refs/heads/"), {"a.py": "x = 2\n"}, "change", "ada")
    theirs = fake.comment(issue.number, "/generate", author="ada")
    repository.jobs[1] = lambda: None
    calls: dict[str, list[Any]] = {
        "hurry": [()],
        "whoami": [()],
        "permission": [("ada",), ("eve",), ("greenloop[bot]",)],
        "repository": [()],
        "issue": [(issue.number,)],
        "cancel": [("1",), ("2",)],
        "said": [(issue.number, "key")],
        "pull_request_of": [("greenloop/a-b",)],
        "comment": [(theirs.id,)],
        "thread": [(issue.number,)],
        "file": [(".github/greenloop.yml", "main"), ("ordner/ä ö.py", "main")],
    }
    for name, many in calls.items():
        for words in many:
            getattr(github, name)(*words)
    return set(calls) | _converse(fake, github, issue.number) | _propose(fake, github)


def _converse(fake: FakeGitHub, github: GitHub, number: int) -> set[str]:
    made = github.say(number, "key", "first")
    github.say(number, "key", "second")
    github.say(number, "key", "third", recorded=made)
    github.react("issue", number, "eyes")
    github.react("comment", made, "confused")
    return {"say", "react"} | _review(fake, github)


def _review(fake: FakeGitHub, github: GitHub) -> set[str]:
    repository = next(iter(fake.world.repositories.values()))
    pull = fake.pull_request("greenloop/a-b", author="ada")
    fake.review(pull.number, "Please change it.", comments=({"body": "here", "path": "a.py"},))
    github.react("pull_request", pull.number, "eyes")
    github.react("review_comment", next(iter(repository.review_comments)), "eyes")
    github.pull_request(pull.number)
    [thread] = github.review_threads(pull.number).all
    github.answer(pull.number, thread, "key", "fixed")
    github.resolve(pull.number, thread.node)
    remark = LineComment(path="a.py", line=1, body="here")
    said = Remarks(commit=pull.pull.sha, body="first", comments=(remark,), alone="first, here")  # type: ignore[union-attr]
    github.post_review(pull.number, "key", said)
    assert github.reviewed(pull.number, "key")
    notes = tuple(Note(path="a.py", line=1, level="failure", title="ruff F401", message="unused") for _ in range(51))
    run = CheckRun(
        name="greenloop", commit=said.commit, key="key", conclusion="failure", title="a", summary="b", notes=notes
    )
    github.make_check_run(run)
    github.make_check_run(run, look_first=True)
    assert len(repository.check_runs) == 1
    github.upload_sarif(said.commit, "refs/heads/greenloop/a-b", "{}")
    return {
        "make_check_run",
        "upload_sarif",
        "post_review",
        "reviewed",
        "pull_request",
        "review_threads",
        "answer",
        "resolve",
    }


def _propose(fake: FakeGitHub, github: GitHub) -> set[str]:
    repository = next(iter(fake.world.repositories.values()))
    repository.git.commit("greenloop/c", {"a.py": "x = 3\n"}, "change", "ada")
    offer = {"branch": "greenloop/c", "base": "main", "title": "A change"}
    github.propose(**offer, body="first", draft=True)
    github.propose(**offer, body="second", draft=False)
    github.propose(**offer, body="third", draft=True)
    run = fake.failed_run("greenloop/c", ("tests", "failure", "log"))["workflow_run"]["id"]
    assert github.failed_logs(str(run), 1) == (("tests", "log"),)
    github.suite_output("7")
    github.merged_titles()
    github.label(3, ("greenloop",))
    github.ask_reviewers(3, ("ada",), ("team",))
    tip = str(repository.git.sha("refs/heads/greenloop/c"))
    github.commit("greenloop/c", onto=tip, message="one\n\ntwo\n", written={"b.py": b"x"}, deleted=("a.py",))
    return {"failed_logs", "suite_output", "propose", "merged_titles", "label", "ask_reviewers", "commit"}


def test_every_request_is_one_that_github_describes(fake: FakeGitHub, github: GitHub, description: Description) -> None:
    methods = {name for name, _ in inspect.getmembers(GitHub, inspect.isfunction) if not name.startswith("_")}
    assert drive(fake, github) == methods, "a method of the adapter is not driven here"
    asked, wrong = set(), []
    for request in fake.requests:
        if request.path.startswith(API):
            path = request.path.removeprefix(API)
            name, problems = description.problems(request.method, path, request.query, request.body)
            asked.add(name)
            wrong += [f"{request}: {problem}" for problem in problems if problem not in BEHIND.get(name, ())]
    assert wrong == []
    assert len(asked) >= 15


def test_every_query_fits_githubs_graphql_schema(fake: FakeGitHub, github: GitHub) -> None:
    """And so do its variables, and what the fake answers: the schema, asked for the answer, gives it back."""
    drive(fake, github)
    schema = build_schema(place("@octokit/graphql-schema").read_text(), assume_valid=True)  # it has a field twice
    asked = [request for request in fake.requests if request.path == GRAPHQL]
    queries = {request.body["query"] for request in asked}
    assert {tuple(map(str, validate(schema, parse(query)))) for query in queries} == {()}
    assert len(queries) == 6
    for request in asked:
        answer = graphql.respond(fake.world, next(iter(fake.world.tokens.values())), request.body)
        query, variables = parse(request.body["query"]), request.body.get("variables")
        given = execute_sync(schema, query, root_value=answer["data"], variable_values=variables)
        if not answer.get("errors"):  # what is done already is refused
            assert (given.errors, given.data) == (None, answer["data"])
    assert validate(schema, parse("query { viewer { name_of_no_field } }"))
    bad = execute_sync(schema, parse(COMMIT), variable_values={"input": {"branch": {}, "expectedHeadOid": "x"}})
    assert "message" in str(bad.errors)


@pytest.mark.parametrize(
    ("method", "path", "query", "body", "problem"),
    [
        ("POST", "/repos/o/r/issues/1/comments", {}, {"body": "x"}, None),
        ("POST", "/repos/o/r/issues/1/comments", {}, {}, "'body' is a required property"),
        ("POST", "/repos/o/r/issues/1/comments", {}, None, "the body is missing"),
        ("POST", "/repos/o/r/issues/1/comments", {}, {"body": 1}, "1 is not of type 'string'"),
        ("POST", "/repos/o/r/issues/1/comments", {}, {"body": "x", "b": 1}, "the property 'b' is unknown"),
        ("POST", "/repos/o/r/issues/one/comments", {}, {"body": "x"}, "issue_number: 'one' is not of type 'integer'"),
        ("GET", "/repos/o/r/pulls", {"state": "open", "per_page": "100"}, None, None),
        ("GET", "/repos/o/r/pulls", {"state": "none"}, None, "state: 'none' is not one of ['open', 'closed', 'all']"),
        ("GET", "/repos/o/r/pulls", {"page_size": "3"}, None, "the query 'page_size' is unknown"),
        ("GET", "/repos/o/r/issues/1", {}, {"a": 1}, "it takes no body"),
        ("GET", "/repos/o/r/git/ref/heads/a/b", {}, None, None),
        ("PATCH", "/repos/o/r/pulls", {}, {}, "there is no such operation"),
    ],
)
def test_what_github_would_not_take_is_found(
    method: str,
    path: str,
    query: dict[str, str],
    body: Any,
    problem: str | None,
    description: Description,
) -> None:
    """Else the test above could not fail."""
    _, problems = description.problems(method, path, query, body)
    assert problems == ([problem] if problem else [])
