"""Recorded answers in their order, a live model after them, and a recorder that keeps what was billed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fakes.asking import CHAT, LIMITS, ask
from fakes.model_server import Cut, ModelServer
from fakes.scripted import Scripted, reply
from greenloop.domain import Usage
from greenloop.errors import ModelUnreachable
from greenloop.model import open_model
from greenloop.model.replay import Recorder, Replay
from greenloop.ports import Price, Reply
from greenloop.records.recording import prompt_sha256
from greenloop.setting_values import Prices
from greenloop.settings import Settings

FIRST = Reply(
    text="one", finish="stop", usage=Usage(calls=1, input=5, output=2, cost=0.5), model="a/b", first_token=2.5
)
SECOND = Reply(
    text="two", finish="length", usage=Usage(calls=1, input=9, output=3, cost=None), model="c", first_token=1
)


def test_replies_come_in_order_and_then_no_more() -> None:
    chunks: list[str] = []
    model = Replay([FIRST, SECOND], name="recorded")
    model.warm()
    got = [ask(model, on_chunk=chunks.append) for _ in range(3)]
    assert got[:2] == [replace(FIRST, first_token=0.0), replace(SECOND, first_token=0.0)]
    assert isinstance(got[2], ModelUnreachable)
    assert str(got[2]) == (
        "The recording holds 2 replies, and the run asks for another one. It was made with other code, settings or "
        "checks; run it again with a live model (--model)."
    )
    assert (chunks, model.name, model.price, got[2].spent) == (["one", "two"], "recorded", None, False)


def test_a_resumed_run_goes_on_live() -> None:
    with ModelServer(["three"]) as server:
        live = open_model(Settings(model="m", api_base=server.api_base, prices=Prices(input=1.0, output=2.0)))
        model = Replay([FIRST], name="m", then=live)
        model.warm()
        assert ask(model) == replace(FIRST, first_token=0.0)
        assert server.chats == []
        third = ask(model)
    assert isinstance(third, Reply)
    assert (third.text, model.price) == ("three", Price(input=1.0, output=2.0))


def test_a_reply_is_recorded_before_it_is_used() -> None:
    kept: list[tuple[Reply, str]] = []

    def on_reply(reply: Reply, prompt: str) -> None:
        kept.append((reply, prompt))
        if reply.text == "two":
            raise OSError("disk full")

    model = Recorder(Replay([FIRST, SECOND], name="inner"), on_reply)
    model.warm()
    assert ask(model) == replace(FIRST, first_token=0.0)
    with pytest.raises(OSError, match="disk full"):
        model.complete(CHAT, limits=LIMITS, on_chunk=lambda _: None)
    assert kept == [
        (replace(FIRST, first_token=0.0), prompt_sha256(CHAT)),
        (replace(SECOND, first_token=0.0), prompt_sha256(CHAT)),
    ]
    assert (model.name, model.price) == ("inner", None)


def test_what_failed_is_not_recorded() -> None:
    kept: list[Reply] = []
    with ModelServer([Cut("half")]) as server:
        live = open_model(Settings(model="m", api_base=server.api_base))
        assert isinstance(ask(Recorder(live, lambda reply, _: kept.append(reply))), ModelUnreachable)
    assert kept == []


def test_each_draw_gets_its_own_whoever_asks_first() -> None:
    """What was asked for at once came in any order; what did not come is not asked for again."""

    def say(model: Replay, draw: int) -> str:
        try:
            limits = replace(LIMITS, draw=draw)
            return model.complete(CHAT, limits=limits, on_chunk=lambda _: None).text
        except ModelUnreachable as error:
            return f"{error}"

    kept = [replace(FIRST, draw=3), replace(SECOND, draw=1), replace(FIRST, text="later")]
    live = Scripted(reply("live"), reply("live again"))
    model = Replay(kept, name="m", then=live, missing={2: "it was down"})
    assert [say(model, draw) for draw in (1, 2, 3, 0)] == ["two", "it was down", "one", "later"]
    assert ([say(model, draw) for draw in (4, 0)], live.asked) == (["live", "live again"], 2)
