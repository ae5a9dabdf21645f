"""A model with a memory: what is given again, what is not, and what is noted of each call."""

from __future__ import annotations

import sqlite3
from hashlib import sha256
from pathlib import Path

import pytest

from fakes.asking import CHAT, ask
from fakes.scripted import Scripted, reply
from greenloop.domain import Usage
from greenloop.errors import ModelUnreachable
from greenloop.model.answers import Answers
from greenloop.model.audit import FILE, Audit, Call, database
from greenloop.model.budget import most_tokens
from greenloop.model.kept import Keeping, Kept
from greenloop.ports import CallLimits, Chat, ChatMessage, Price, Reply
from greenloop.records.recording import prompt_sha256
from values import request

KEY = "sk-of-the-maintainer-0123456789"
DAY = 86_400.0


class Store:
    """One folder, and the models that use it, each of a run of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.now = folder, 1_000_000.0
        self.told: list[str] = []

    def answers(self, **limits: float) -> Answers:
        given = {"days": 7.0, "megabytes": 1.0, **limits}
        return Answers(self.folder, clock=lambda: self.now, warn=self.told.append, **given)

    def model(self, *replies: Reply | BaseException, **more: object) -> Kept:
        known = {"answers": self.answers(), "keys": (KEY,), "clock": iter([5.0, 7.5] * 9).__next__}
        known |= {"now": lambda: "2026-11-21T10:00:00.000+00:00", **more}
        name, price = str(known.pop("name", "m")), known.pop("price", None)
        audit = Audit(database(self.folder, self.told.append))
        keeping = Keeping(request=request(), audit=audit, **known)  # type: ignore[arg-type]
        return Kept(Scripted(*replies, name=name, price=price), keeping)  # type: ignore[arg-type]

    def calls(self) -> list[Call]:
        return list(Audit(database(self.folder)).calls())


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def test_an_identical_request_is_answered_for_nothing(store: Store) -> None:
    assert ask(store.model(reply())) == reply()
    said: list[str] = []
    again = ask(store.model(), on_chunk=said.append)
    assert (again, said) == (
        Reply(text="an answer", finish="stop", usage=Usage(), model="m", first_token=0.0),
        ["an answer"],
    )


OTHER: Chat = (*CHAT[:1], ChatMessage(role="user", text="Fix it, please!"))
NOT_THE_SAME: dict[str, tuple[dict[str, object], dict[str, object]]] = {
    "another message": ({"chat": OTHER}, {}),
    "another role": ({"chat": (*CHAT[:1], ChatMessage(role="assistant", text=CHAT[1].text))}, {}),
    "another temperature": ({"limits": CallLimits(max_output=50, seconds=20.0, temperature=0.6)}, {}),
    "another model": ({}, {"name": "n"}),
    "another endpoint": ({}, {"endpoint": "http://127.0.0.1:1/v1"}),
    "less room than the answer took": ({"limits": CallLimits(max_output=6, seconds=20.0)}, {}),
    "not wanted": ({}, {"given": False}),
    "no cache": ({}, {"answers": None}),
}


@pytest.mark.parametrize("what", NOT_THE_SAME)
def test_everything_else_is_asked(store: Store, what: str) -> None:
    asked, made = NOT_THE_SAME[what]
    ask(store.model(reply()))
    assert ask(store.model(reply("another"), **made), **asked) == reply("another")  # type: ignore[arg-type]


def test_the_limits_are_no_part_of_a_request(store: Store) -> None:
    ask(store.model(reply()))
    again = ask(store.model(), limits=CallLimits(max_output=7, seconds=1.0))
    assert isinstance(again, Reply)
    assert again.text == "an answer"


@pytest.mark.parametrize(
    "never",
    [
        reply(finish="length"),
        reply(finish="content_filter"),
        reply(" \n"),
        reply(f"use {KEY}"),
        ModelUnreachable("cut", partial="half", spent=True),
    ],
)
def test_only_complete_answers_without_a_key_are_kept(store: Store, never: Reply | ModelUnreachable) -> None:
    assert ask(store.model(never)) == never
    assert ask(store.model(reply("fresh"))) == reply("fresh")
    assert all(KEY.encode() not in path.read_bytes() for path in store.folder.iterdir())


def test_an_answer_that_another_model_gave_is_not_kept(store: Store) -> None:
    model = store.model(reply())
    inner = model._model

    def elsewhere(text: str) -> None:
        inner.name = text and "fallback"  # type: ignore[misc]

    ask(model, on_chunk=elsewhere)
    assert ask(store.model(reply("fresh"))) == reply("fresh")


def test_who_asks_twice_gets_two_answers_and_both_again(store: Store) -> None:
    twice = store.model(reply("first"), reply("second"))
    assert [ask(twice), ask(twice)] == [reply("first"), reply("second")]
    again = store.model(reply("third"))
    texts = [getattr(ask(again), "text", None) for _ in range(3)]
    assert texts == ["first", "second", "third"]


def test_old_answers_are_not_given(store: Store) -> None:
    ask(store.model(reply()))
    store.now += 7 * DAY + 1
    assert ask(store.model(reply("fresh"))) == reply("fresh")
    store.now -= 100 * DAY  # a file from the future, or a clock that was wrong
    assert ask(store.model(reply("fresher"))) == reply("fresher")


def test_the_oldest_answers_make_room(store: Store) -> None:
    small = {"answers": store.answers(megabytes=0.002)}
    for number in range(9):
        store.now += 1
        ask(store.model(reply(f"{number}" * 200), **small), chat=(ChatMessage(role="user", text=str(number)),))
    with sqlite3.connect(store.folder / "answers.sqlite") as rows:
        kept = [text[10] for (text,) in rows.execute("SELECT reply FROM answers ORDER BY at")]
    assert kept == ["4", "5", "6", "7", "8"]
    ask(store.model(reply("x" * 600), **small))
    assert ask(store.model(reply("fresh"), **small)) == reply("fresh"), "too large for the room"


def test_an_answer_that_was_tampered_with_is_no_answer(store: Store) -> None:
    ask(store.model(reply()))
    with sqlite3.connect(store.folder / "answers.sqlite") as rows:
        rows.execute("UPDATE answers SET reply = '{\"text\": 5}'")
    assert ask(store.model(reply("fresh"))) == reply("fresh")


def test_each_call_is_a_row_without_text_or_key(store: Store) -> None:
    price = Price(input=1e6, output=2e6, cached=1e5)
    model = store.model(reply(f"text {KEY}"), reply(finish="length"), ModelUnreachable("x", spent=False), price=price)
    asked = [ask(model) for _ in range(3)]
    assert asked[:2] == [reply(f"text {KEY}"), reply(finish="length")]
    ask(store.model(reply("stored"), answers=store.answers()))
    ask(store.model(ModelUnreachable("x", spent=True), price=price), chat=OTHER)
    ask(store.model())
    about = {
        "at": "2026-11-21T10:00:00.000+00:00",
        "requester": "Ada Tester <ada@example.org>",
        "repository": "repo",
        "run": "0123456789ab",
        "model": "m",
        "seconds": 2.5,
        "prompt": prompt_sha256(CHAT),
    }
    used = {"input": 11, "output": 7, "cached": 4}
    cost = 7 * 1.0 + 4 * 0.1 + 7 * 2.0
    most = most_tokens(OTHER)
    rows: list[dict[str, object]] = [
        {**used, "cost": cost, "outcome": "stop", "answer": sha256(f"text {KEY}".encode()).hexdigest()},
        {**used, "cost": cost, "outcome": "length", "answer": sha256(b"an answer").hexdigest()},
        {"outcome": "failed"},
        {**used, "cost": None, "outcome": "stop", "answer": sha256(b"stored").hexdigest()},
        {
            "input": most,
            "output": 50,
            "cost": most + 100.0,
            "estimated": True,
            "outcome": "failed, may be billed",
            "prompt": prompt_sha256(OTHER),
        },
        {"outcome": "from the store", "answer": sha256(b"stored").hexdigest()},
    ]
    assert store.calls() == [Call(**{**about, **row}) for row in rows]  # type: ignore[arg-type]
    written = b"".join(path.read_bytes() for path in store.folder.glob(f"{FILE}*"))
    assert [word for word in (KEY, "an answer", "Fix it") if word.encode() in written] == []
    assert store.told == []


def test_a_store_that_cannot_be_used_costs_a_warning_each_and_no_call(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = Store(tmp_path / "file")
    model = store.model(reply("a"), reply("b"))
    assert [ask(model), ask(model)] == [reply("a"), reply("b")]
    assert len(store.told) == 2
    assert all(text.endswith("The run goes on without it.") for text in store.told)
