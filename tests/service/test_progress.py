"""What is to be seen while an answer comes: a line in the log and the one comment, now and then and never a flood."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from fakes.asking import Clock
from fakes.github import FakeGitHub
from fakes.github.faults import broken
from fakes.model_server import ModelServer
from greenloop.domain import Source
from greenloop.forge.github import Connection, GitHub, Pace
from greenloop.forge.terminal import Terminal
from greenloop.orders import Words
from greenloop.ports import Progress
from greenloop.report.seldom import Seldom
from greenloop.service import words
from greenloop.service.told import Told
from greenloop.settings import Settings
from job_step import Step, answer, asked
from values import attempt, outcome, request

HOUR = 3600
REPLY = Progress(phase="reply", attempt=1, detail="x" * 10)


def test_it_is_told_ever_more_seldom() -> None:
    clock = Clock()
    seldom, due = Seldom(30.0, clock), []
    for second in range(HOUR):
        clock.now = 1000.0 + second
        due += [second] if seldom.due() else []
    assert due == [30, 90, 210, 450, 930, 1890]
    seldom.again()
    clock.now += 30
    assert seldom.due(), "the next answer begins anew"


def test_the_comment_moves_while_an_answer_comes_and_a_failure_does_not_end_it(tmp_path: Path) -> None:
    clock = Clock()
    with FakeGitHub(tmp_path) as fake:
        repository = fake.repository("own/repo", {"a.py": "x = 1\n"})
        fake.issue("Add retry", "It fails.", author="ada")
        token = fake.actions_token()
        connection = Connection(api_url=fake.api_url, server_url=fake.url, repository=repository.full_name, token=token)
        github = GitHub(connection, clock=clock, sleep=clock.sleep, pace=Pace(writes=0.0))
        told = Told(github, request(source=Source.ISSUE, number=1), Words.of(Settings(), me="x"), clock=clock)
        told(Progress(phase="model", attempt=1))
        began = len(fake.calls)
        for _ in range(HOUR):
            clock.now += 1.0
            told(REPLY)
        edits = [call for call in fake.calls[began:] if call.startswith("PATCH")]
        assert (len(edits), len(fake.calls) - began) == (6, 6), "an hour of chunks is six calls"
        (said,) = repository.comments.values()
        assert "Attempt 1: the model answers: 18900 characters so far…" in said.body
        told(Progress(phase="checks", attempt=1))
        fake.on("PATCH", "/comments/", broken(), times=4)
        for _ in range(31):
            clock.now += 1.0
            told(REPLY)
        assert "answers" not in next(iter(repository.comments.values())).body


@pytest.mark.parametrize("whose", ["the job", "ada"])
def test_on_a_pull_request_it_is_said_what_the_token_starts(tmp_path: Path, whose: str) -> None:
    """Also where commits go to a pull request that is there already, whose text is a person's."""
    with FakeGitHub(tmp_path) as fake:
        repository = fake.repository("own/repo", {"a.py": "x = 1\n"})
        token = fake.actions_token() if whose == "the job" else fake.personal_token(whose)
        connection = Connection(api_url=fake.api_url, server_url=fake.url, repository=repository.full_name, token=token)
        github = GitHub(connection, pace=Pace(writes=0.0))
        told = Told(github, request(source=Source.PULL_REQUEST, number=1), Words.of(Settings(), me="x"))
        told.on(base="main", settings=Settings(), pull="http://x/own/repo/pull/1")
        said = told.last_words(outcome(attempt(), url="http://x/own/repo/pull/1"))
    advice = words.ADVICE_PENDING if whose == "the job" else words.ADVICE_SECRETS
    assert [text in said for text in (advice, words.ADVICE_PENDING, words.ADVICE_SECRETS)].count(True) == 2


def test_the_log_of_a_job_gets_a_bounded_number_of_lines() -> None:
    clock, stream = Clock(), io.StringIO()
    with Terminal(4, stream, clock=clock) as tell:
        for event in (Progress(phase="model", attempt=1), *[REPLY] * HOUR, Progress(phase="checks", attempt=1)):
            tell(event)
            clock.now += 1.0
        for done in range(HOUR):
            tell(Progress(phase="index", detail=f"{done} of 3600 files"))
            clock.now += 1.0
    lines = stream.getvalue().splitlines()
    assert (lines[0], lines[-10:-8]) == (
        "greenloop: attempt 1/4: asking the model",
        [
            "greenloop: attempt 1/4: running the checks",
            "greenloop: indexing the repository: 0 of 3600 files",
        ],
    )
    assert sum("characters so far" in line for line in lines) == 8
    assert sum("indexing" in line for line in lines) == 9


def test_the_job_tells_in_its_log_what_goes_on(step: Step) -> None:
    """From outside: a dispatch has no comment, so the log is all that there is."""
    with ModelServer([answer("result = number", "result += number", "add up")]) as server:
        code, log = step.run("issue_comment", asked(step), server)
    assert code == 0, log
    told = [line for line in log.splitlines() if line.startswith("greenloop: ")]
    assert "greenloop: running the checks on the base" in told
    assert "greenloop: attempt 1/3: asking the model" in told
    assert len(told) < 20
