"""The next model when one cannot be had, an answer that broke off continued once, and what may be paid for that."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fakes.asking import CHAT, LIMITS, Clock
from fakes.model_server import Answer, Cut, Failed, ModelServer, Script, Step
from greenloop.domain import Usage
from greenloop.errors import ModelUnreachable, OutOfBudget
from greenloop.model.budget import Budget
from greenloop.model.chain import Chain
from greenloop.model.continuing import GO_ON, joined, open_fence
from greenloop.model.endpoint import Endpoint
from greenloop.model.replay import Replay
from greenloop.ports import CallLimits, Chat, Model, Price, Reply
from greenloop.setting_values import Prices
from greenloop.settings import Settings

FENCE = "```python\nx = 1\n"


def model(server: ModelServer, name: str, prices: Prices | None = None, clock: Clock | None = None) -> Model:
    settings = Settings(model=name, api_base=server.api_base, prices=prices)
    return Endpoint(settings, pace=(clock or Clock()).pace())


def paying(calls: int = 9) -> tuple[CallLimits, list[Chat]]:
    """Limits that allow so many further calls, and the prompts that were set aside."""
    asked: list[Chat] = []

    def more(chat: Chat) -> int:
        if len(asked) >= calls:
            raise OutOfBudget("no more")
        asked.append(chat)
        return 40

    return CallLimits(max_output=50, seconds=20.0, more=more), asked


def play(
    script: Script, limits: CallLimits, on_chunk: Callable[[str], None] = lambda _: None, **words: tuple[str, ...]
) -> tuple[Reply | ModelUnreachable, list[tuple[str, int, int]]]:
    """Two models of one server: what comes of a call, and what was asked: model, messages, most tokens."""
    with ModelServer(script) as server:
        clock = Clock()
        both = Chain([model(server, "a", clock=clock), model(server, "b", clock=clock)], clock=clock, **words)
        came: Reply | ModelUnreachable
        try:
            came = both.complete(CHAT, limits=limits, on_chunk=on_chunk)
        except ModelUnreachable as error:
            came = error
        return came, [(c["model"], len(c["messages"]), c["max_tokens"]) for c in server.chats]


def reply(text: str, model: str, usage: Usage) -> Reply:
    return Reply(text=text, finish="stop", usage=usage, model=model, first_token=0.0)


COUNTED = Usage(calls=1, input=11, output=7, cost=None)


def test_the_first_that_answers_is_kept() -> None:
    with ModelServer([Failed(401), "yes", "again"]) as server:
        both = Chain([model(server, "a"), model(server, "b")])
        both.warm()
        assert (both.name, repr(both)) == ("a", "open_model('a')")
        texts = [both.complete(CHAT, limits=LIMITS, on_chunk=lambda _: None).text for _ in range(2)]
        assert (texts, both.name, [c["model"] for c in server.chats]) == (["yes", "again"], "b", ["a", "b", "b"])


def test_the_price_is_the_dearest_and_unknown_when_one_is() -> None:
    with ModelServer() as server:
        cheap, dear = model(server, "a", Prices(input=3, output=1)), model(server, "b", Prices(input=2, output=8))
        assert Chain([cheap, dear]).price == Price(input=3, output=8), "of each part"
        assert Chain([cheap, Replay((), name="r")]).price is None
    with pytest.raises(ValueError, match="no model"):
        Chain([])


@pytest.mark.parametrize("step", [Cut("half"), Failed(504), "", Answer(FENCE)], ids=["cut", "504", "empty", "fence"])
def test_without_leave_nothing_is_paid_for_twice(step: Answer | Cut | Failed | str) -> None:
    script: list[Step] = [step] * (3 if isinstance(step, Failed) else 1)
    came, asked = play([*script, "never"], LIMITS)
    assert {name for name, _, _ in asked} == {"a"}
    assert isinstance(came, ModelUnreachable) == isinstance(step, Cut | Failed)
    came, again = play([*script, "never"], paying(0)[0])
    assert again == asked


def test_a_cut_answer_is_continued_once_with_what_there_was() -> None:
    chunks: list[str] = []
    limits, set_aside = paying()
    came, asked = play([Cut("def half(x):\n    ret"), "urn x / 2\n"], limits, chunks.append)
    used = Usage(calls=2, input=20 + 11, output=6 + 7, cost=None, estimated=True)
    assert came == reply("def half(x):\n    return x / 2\n", "a", used)
    assert asked == [("a", 2, 50), ("a", 4, 40)]
    assert [(m.role, m.text) for m in set_aside[0][2:]] == [("assistant", "def half(x):\n    ret"), ("user", GO_ON)]
    assert "".join(chunks) == "def half(x):\n    return x / 2\n"


def test_an_unclosed_fence_is_a_cut_answer_whatever_its_provider_says() -> None:
    came, asked = play([FENCE, "y = 2\n```\n"], paying()[0])
    assert came == reply(FENCE + "y = 2\n```\n", "a", COUNTED + COUNTED)
    assert asked == [("a", 2, 50), ("a", 4, 40)]
    came, asked = play([FENCE, "y = 2\n"], paying()[0])
    assert isinstance(came, Reply)
    assert (came.text, len(asked)) == (FENCE + "y = 2\n", 2), "once: what is still open, the loop sees"


def test_what_breaks_off_twice_goes_to_the_next_and_fails_with_all_there_was() -> None:
    came, asked = play([Cut("one "), Cut("two "), "whole"], paying()[0])
    assert isinstance(came, Reply)
    assert (came.text, came.model, came.usage.calls) == ("whole", "b", 3)
    assert asked == [("a", 2, 50), ("a", 4, 40), ("b", 2, 40)]
    came, asked = play([Cut("one "), Cut("two "), Cut("three "), Cut("four")], paying()[0])
    assert isinstance(came, ModelUnreachable)
    assert (came.partial, came.spent, len(asked)) == ("three four", True, 4)
    assert str(came).endswith("It was continued once. Before that: a (its answer was cut off).")


@pytest.mark.parametrize("calls", [0, 1, 2])
def test_each_further_call_is_set_aside_or_not_made(calls: int) -> None:
    limits, set_aside = paying(calls)
    came, asked = play([Cut("one "), Cut("two "), Cut("three "), Cut("four")], limits)
    assert isinstance(came, ModelUnreachable)
    assert (len(asked), len(set_aside)) == (1 + calls, calls)


def test_an_answer_without_text_goes_to_the_next_one_and_the_last_one_is_the_answer() -> None:
    came, asked = play(["", "text"], paying()[0])
    assert came == reply("text", "b", COUNTED + COUNTED)
    assert [name for name, _, _ in asked] == ["a", "b"]
    came, asked = play(["", ""], paying()[0])
    assert came == reply("", "b", COUNTED + COUNTED)


def test_a_provider_that_wants_a_long_wait_is_not_waited_for_while_there_is_another() -> None:
    came, asked = play([Failed(429, "busy", {"Retry-After": "30"}), "b's"], CallLimits(max_output=50, seconds=900.0))
    assert came == reply("b's", "b", COUNTED)
    assert asked == [("a", 2, 50), ("b", 2, 50)]


def test_the_total_deadline_holds_over_all() -> None:
    """Of 20 seconds the first one has waited for 15, so the second one cannot wait for 6."""
    busy, later = Failed(503, "no", {"Retry-After": "15"}), Failed(503, "no", {"Retry-After": "6"})
    came, asked = play([busy, busy, later, "too late"], LIMITS)
    assert isinstance(came, ModelUnreachable)
    assert [name for name, _, _ in asked] == ["a", "a", "b"]


def test_nobody_else_is_asked_when_the_time_is_over() -> None:
    """A call that is made with nothing left would be paid for, and a busy machine may even see its answer."""
    busy = Failed(503, "no", {"Retry-After": "15"})
    came, asked = play([busy, busy, "too late"], CallLimits(max_output=50, seconds=15.5))
    assert isinstance(came, ModelUnreachable)
    assert [name for name, _, _ in asked] == ["a", "a"]
    empty, asked = play([busy, "", "too late"], CallLimits(max_output=50, seconds=15.5))
    assert (empty, [name for name, _, _ in asked]) == (reply("", "a", COUNTED), ["a", "a"])


def test_what_was_tried_is_told_and_who_was_kept_out() -> None:
    came, _ = play([Failed(403), Failed(404)], LIMITS, kept_out=("c", "d"))
    assert str(came).endswith(
        "Before that: a (it refused the key). "
        "`only_endpoint` keeps this repository's code there, so c or d was not asked."
    )


def test_a_budget_holds_for_all_calls_under_one_reservation() -> None:
    prices = Price(input=1.0, output=1.0)
    budget = Budget(Settings(max_tokens=3000, max_calls=3))
    held = budget.reserve(CHAT, prices, 1000)
    assert budget.grow(held, CHAT) == 1000
    with pytest.raises(OutOfBudget, match="tokens"):
        budget.grow(held, CHAT)
    with pytest.raises(OutOfBudget, match="tokens"):
        budget.reserve(CHAT, prices, 1000)
    budget.failed(held, spent=True)
    assert (budget.used.calls, budget.used.output) == (2, 2000)
    small = budget.reserve(CHAT, prices, 10)
    with pytest.raises(OutOfBudget, match="All 3 calls"):
        budget.grow(small, CHAT)


def test_parts_are_joined_without_what_is_said_twice() -> None:
    assert joined("def half(x):\n    ret", "urn x / 2") == "def half(x):\n    return x / 2"
    assert joined("def half(x):\n    ret", "def half(x):\n    return x") == "def half(x):\n    return x"
    assert joined("    ", "    x") == "        x", "a few characters may well stand there twice"


def test_open_fences() -> None:
    texts = {
        "": False,
        "no code": False,
        "```py\nx\n```\n": False,
        "```py\nx\n": True,
        "~~~\n```\n": True,
        "````md\n```py\nx\n```\n": True,
        "````md\n```py\nx\n```\n````": False,
        "```a`b\n": False,
        "```py\nx\n```\n```": True,
    }
    assert {text: open_fence(text) for text in texts} == texts


def test_a_model_of_no_use_is_left_for_the_one_that_stands_in() -> None:
    with ModelServer(["prose", "more prose", "text"]) as server:
        both = Chain([model(server, "a"), model(server, "b")])
        asked = [both.complete(CHAT, limits=LIMITS, on_chunk=lambda _: None).model for _ in range(2)]
        assert (both.pass_on(), both.name, both.pass_on()) == (True, "b", False), "the last one stays"
        assert [*asked, both.complete(CHAT, limits=LIMITS, on_chunk=lambda _: None).model] == ["a", "a", "b"]
    assert Replay((), name="r").pass_on() is False
    assert Replay([reply("x", "b", COUNTED)], name="r").pass_on() is True, "a record that goes on tells that it did"
    later = Chain([model(server, "a"), model(server, "b")])
    assert (Replay([reply("x", "b", COUNTED)], name="a", then=later).pass_on(), later.name) == (True, "b")
