"""A recorded run goes into lines and comes back equal; everything else is an error that names its line."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from types import MappingProxyType

import pytest

from fakes.asking import CHAT
from greenloop.domain import Reason, Request, Source, Tree, Usage
from greenloop.ports import ChatMessage, Reply
from greenloop.records.recording import (
    BrokenRecording,
    Discarded,
    Ended,
    Entry,
    Judged,
    Replied,
    Run,
    dumps,
    loads,
    prompt_sha256,
    replied,
    replies,
)
from greenloop.setting_values import CommandCheck, Prices
from greenloop.settings import Settings

REQUEST = Request(
    key="k",
    at="2026-11-20T10:00:00Z",
    command="generate",
    text="add a retry\u2028 née \ud800",
    source=Source.PULL_REQUEST,
    repository="o/r",
    actor="Ada <ada@example.org>",
    base="b" * 40,
    head=None,
    number=7,
    comment=8,
    fork=True,
    files=("a.py", "ü.py"),
)
SETTINGS = Settings(
    model="m",
    api_base="http://127.0.0.1:1/v1",
    api_key="sk-never-written",
    max_cost=3,
    prices=Prices(input=1.0, output=2.5),
    checks=("ruff", "jest"),
    commands=MappingProxyType({"jest": CommandCheck(run="npx jest", report="j.xml", format="junit", timeout=5)}),
    allow=("tests/**",),
    tidy=False,
)
USAGE = Usage(calls=1, input=5, output=2, cached=1, cost=None, estimated=True)
REPLY = Reply(text="```\nx\r\n```\n", finish="stop", usage=USAGE, model="m", first_token=0.25)
RUN = Run(request=REQUEST, settings=SETTINGS, base="b" * 40, model="m")
ENTRIES: tuple[Entry, ...] = (
    RUN,
    replied(REPLY, attempt=1, prompt=prompt_sha256(CHAT)),
    Discarded(attempt=1, message="nothing to apply"),
    Judged(
        attempt=1,
        tree=Tree("t" * 40),
        commit="c" * 40,
        decision="green, proven",
        score=(1.0, -2.5),
        checks=MappingProxyType({"pytest": "passed"}),
    ),
    Ended(reason=Reason.OUT_OF_BUDGET, tree=Tree("t" * 40)),
    Ended(reason=Reason.GREEN),
)
TEXT = "".join(map(dumps, ENTRIES))


def test_a_run_comes_back_whole_but_for_the_key() -> None:
    back = loads(TEXT)
    assert back == (replace(RUN, settings=replace(SETTINGS, api_key="")), *ENTRIES[1:])
    assert "sk-never-written" not in TEXT
    assert replies(back) == (REPLY,)
    assert [json.loads(line)["kind"] for line in TEXT.splitlines()] == [
        "run",
        "reply",
        "unusable",
        "judged",
        "end",
        "end",
    ]
    assert json.loads(TEXT.splitlines()[3]) == {
        "kind": "judged",
        "attempt": 1,
        "tree": "t" * 40,
        "commit": "c" * 40,
        "decision": "green, proven",
        "score": [1.0, -2.5],
        "checks": {"pytest": "passed"},
    }


def test_every_setting_is_written_and_every_default_comes_back() -> None:
    row = json.loads(TEXT.splitlines()[0])
    assert set(row["settings"]) == {f.name for f in fields(Settings)} - {"api_key"}
    plain = Run(request=replace(REQUEST, text="x"), settings=Settings(), base="b", model="")
    assert loads(dumps(plain)) == (plain,)
    row["settings"] = {"model": "only"}
    (run,) = loads(json.dumps(row))
    assert isinstance(run, Run)
    assert run.settings == Settings(model="only")


def test_a_last_line_that_a_crash_cut_does_not_count() -> None:
    lines = [dumps(e) for e in ENTRIES[:2]]
    assert loads(lines[0] + lines[1][:-20]) == loads(lines[0])
    assert loads(lines[0] + lines[1].rstrip("\n")) == loads("".join(lines))
    assert loads(lines[0] + "\n\n" + lines[1]) == loads("".join(lines))


def changed(line: int, **words: object) -> str:
    rows = [json.loads(x) for x in TEXT.splitlines()]
    target = rows[line]
    for path, value in words.items():
        *way, last = path.split("__")
        inner = target
        for step in way:
            inner = inner[step]
        if value is ...:
            del inner[last]
        else:
            inner[last] = value
    return "".join(json.dumps(r) + "\n" for r in rows)


BROKEN: list[tuple[str, str]] = [
    ("", "The recording is empty: a recorded run begins with a line of the kind `run`."),
    ("\n\n", "The recording is empty: a recorded run begins with a line of the kind `run`."),
    ("hello\n", "Line 1 of the recording is not JSON: Expecting value: line 1 column 1 (char 0)."),
    ("[" * 100_000 + "\n", "Line 1 of the recording is not JSON: "),
    ("[1]\n", "Line 1 of the recording is not an object."),
    (
        "{}\n",
        "Line 1 of the recording has the unknown kind None; version 1 has run, reply, unanswered, look, ",
    ),
    (TEXT + '{"kind": ["run"]}\n', "Line 7 of the recording has the unknown kind ['run']; version 1 has "),
    (TEXT + '{"kind": "dream"}\n', "Line 7 of the recording has the unknown kind 'dream'; version 1 has run, reply,"),
    (TEXT + dumps(ENTRIES[0]), "A recording has exactly one line of the kind `run`, and it is the first."),
    ("".join(map(dumps, ENTRIES[1:])), "A recording has exactly one line of the kind `run`, and it is the first."),
    (
        changed(0, version=2),
        "The recording has version 2, and this greenloop plays version 1. Play it with the release that wrote it.",
    ),
    (
        changed(0, settings__api_key="x"),
        "Line 1 of the recording (run): settings.api_key is unknown; Settings has model",
    ),
    (changed(0, settings__later=1), "Line 1 of the recording (run): settings.later is unknown; Settings has model"),
    (changed(0, settings__attempts="4"), "Line 1 of the recording (run): settings.attempts is str, not int."),
    (changed(0, settings__tidy=1), "Line 1 of the recording (run): settings.tidy is int, not bool."),
    (changed(0, settings__checks="ruff"), "Line 1 of the recording (run): settings.checks is str, not list."),
    (changed(0, settings__checks=[1]), "Line 1 of the recording (run): settings.checks[0] is int, not str."),
    (
        changed(0, settings__commands={"j": {}}),
        "Line 1 of the recording (run): settings.commands.j.run is missing.",
    ),
    (changed(0, settings__commands=[]), "Line 1 of the recording (run): settings.commands is list, not dict."),
    (changed(0, request="x"), "Line 1 of the recording (run): request is str, not dict."),
    (
        changed(0, request__source="letter"),
        (
            "Line 1 of the recording (run): request.source is 'letter', not one of issue, pull_request, review, "
            "dispatch, terminal, api."
        ),
    ),
    (changed(1, text=...), "Line 2 of the recording (reply): text is missing."),
    (changed(1, usage__cost="1"), "Line 2 of the recording (reply): usage.cost is str, not float."),
    (
        changed(1, first_token=float("nan")),
        "Line 2 of the recording is not JSON: NaN is no number.",
    ),
    (changed(3, tree={"id": "x"}), "Line 4 of the recording (judged): tree.id is dict, not str."),
    (changed(4, reason="tired"), "Line 5 of the recording (end): reason is 'tired', not one of green, answered,"),
]


@pytest.mark.parametrize(("text", "message"), BROKEN, ids=range(len(BROKEN)))
def test_what_is_no_recording_is_refused_by_line(text: str, message: str) -> None:
    with pytest.raises(BrokenRecording) as caught:
        loads(text)
    assert str(caught.value).startswith(message)


def test_the_prompts_hash_tells_prompts_apart() -> None:
    user = ChatMessage(role="user", text="a")
    prompts = [(), (user,), (user, user), (replace(user, role="system"),), (replace(user, text="é\ud800"),)]
    assert len({prompt_sha256(p) for p in prompts}) == len(prompts)


def test_a_reply_that_cannot_be_a_number_is_not_written() -> None:
    entry = Replied(attempt=1, prompt_sha256="", text="", finish="", usage=USAGE, model="", first_token=float("inf"))
    with pytest.raises(ValueError, match="Out of range"):
        dumps(entry)
