"""Through litellm, against the scripted server: its `openai/…` provider is the one that can be pointed at loopback.

What litellm does here is a contract that our adapter leans on; a new version that breaks it turns this red.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import pytest

from fakes.asking import CHAT, Clock, ask
from fakes.model_server import (
    EMPTY,
    HUGE,
    LENGTH,
    Answer,
    Cut,
    Endless,
    ErrorInside,
    Failed,
    ModelServer,
    Reset,
    Script,
    Stall,
    Step,
)
from greenloop.domain import Usage
from greenloop.errors import Misconfigured, ModelUnreachable
from greenloop.model import open_model
from greenloop.model.providers import Provider
from greenloop.model.stream import Answer as Answering
from greenloop.ports import CallLimits, Price, Reply
from greenloop.setting_values import Prices
from greenloop.settings import Settings

pytestmark = pytest.mark.filterwarnings("ignore")  # litellm's own, of pydantic and asyncio

KEY = "sk-made-up-4f9a8b7c6d5e"
NAME = "openai/some-model"
PRICES = Prices(input=1_000_000.0, output=2_000_000.0)


def provider(server: ModelServer, clock: Clock | None = None, **words: Any) -> Provider:
    given: dict[str, Any] = {"model": NAME, "api_key": KEY, "prices": PRICES} | words
    settings = Settings(**given)
    return Provider(settings, pace=(clock or Clock()).pace(), api_base=server.api_base)


def reply(text: str, finish: str = "stop") -> Reply:
    usage = Usage(calls=1, input=11, output=7, cost=25.0)
    return Reply(text=text, finish=finish, usage=usage, model=NAME, first_token=0.0)


def test_complete_answers() -> None:
    chunks: list[str] = []
    cached = {"prompt_tokens": 9, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 8}}
    script: list[Step] = [
        "def half(x):\n    return x / 2\n",
        LENGTH,
        Answer("c", usage=cached),
        EMPTY,
        Answer("t", thought="hm"),
    ]
    with ModelServer(script) as server:
        model = provider(server)
        got = [ask(model, on_chunk=chunks.append) for _ in script]
    assert got == [
        reply("def half(x):\n    return x / 2\n"),
        reply("def half(", "length"),
        replace(reply("c"), usage=Usage(calls=1, input=9, output=2, cached=8, cost=13.0)),
        replace(reply(""), usage=Usage(calls=1, input=11, output=0, cost=11.0)),
        reply("t"),
    ]
    assert "".join(chunks) == "def half(x):\n    return x / 2\ndef half(ct"
    body = server.chats[0]
    assert {k: body[k] for k in ("model", "max_tokens", "temperature", "stream")} == {
        "model": "some-model",
        "max_tokens": 50,
        "temperature": 0.0,
        "stream": True,
    }
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"


FAULTS: list[tuple[str, Script, str, str, bool, int, list[float]]] = [
    ("401", [Failed(401, f"Incorrect API key provided: {KEY}.")], "openai refused the key (401).", "", False, 1, []),
    ("404", [Failed(404)], "openai does not know the model 'openai/some-model' (404).", "", False, 1, []),
    ("400", [Failed(400, "bad")], "openai did not accept the request (400).", "", False, 1, []),
    (
        "context too long",
        [Failed(400, "This model's maximum context length is 4096 tokens.")],
        "The prompt does not fit the context of 'openai/some-model' (400).",
        "",
        False,
        1,
        [],
    ),
    (
        "429 with and without Retry-After",
        [Failed(429, "slow", {"Retry-After": "7"}), Failed(429, "slow"), Failed(429, "slow")],
        "openai is limiting our requests (429).",
        "",
        False,
        3,
        [7.0, 2.0],
    ),
    ("5xx", [Failed(500), Failed(503), Failed(502)], "openai is in trouble (50", "", False, 3, [1.0, 2.0]),
    (
        "clean end without a finish reason, which litellm takes for complete",
        [Cut("def half(x):\n")],
        "The answer of 'openai/some-model' was cut off after 13 characters (the stream ended without a finish reason).",
        "def half(x):\n",
        True,
        1,
        [],
    ),
    (
        "reset in the middle",
        [Reset("def half(")],
        "The answer of 'openai/some-model' was cut off after 9 characters (",
        "def half(",
        True,
        1,
        [],
    ),
    (
        "error object after the first token",
        [ErrorInside("def f")],
        "The answer of 'openai/some-model' was cut off after 5 characters (",
        "def f",
        True,
        1,
        [],
    ),
    (
        "huge",
        [HUGE],
        "The answer of 'openai/some-model' does not end: more than 3200",
        "*",
        True,
        1,
        [],
    ),
    (
        "content filter",
        [Answer("I", finish="content_filter")],
        "The provider's content filter withheld the answer of 'openai/some-model'.",
        "I",
        True,
        1,
        [],
    ),
]


@pytest.mark.parametrize(
    ("script", "message", "partial", "spent", "calls", "slept"), [f[1:] for f in FAULTS], ids=[f[0] for f in FAULTS]
)
def test_everything_else_is_a_fault_and_litellm_retries_nothing(
    script: Script, message: str, partial: str, spent: bool, calls: int, slept: list[float]
) -> None:
    clock = Clock()
    with ModelServer(script) as server:
        error = ask(provider(server, clock))
    assert isinstance(error, ModelUnreachable), error
    assert str(error).startswith(message)
    assert (error.partial == partial) or (partial == "*" and error.partial != "")
    assert (error.spent, len(server.chats), clock.slept) == (spent, calls, slept)
    assert KEY not in str(error)
    assert error.__cause__ is None


def test_a_stall_ends_and_is_not_asked_again() -> None:
    limits = CallLimits(max_output=50, seconds=0.5)
    with ModelServer([Stall("def f"), Stall(), Stall(head=False)]) as server:
        middle, start, mute = (ask(provider(server), limits=limits) for _ in range(3))
    for error, partial in ((middle, "def f"), (start, ""), (mute, "")):
        assert isinstance(error, ModelUnreachable), error
        assert (error.partial, error.spent) == (partial, True)
    assert len(server.chats) == 3


def test_the_deadline_is_ours() -> None:
    with ModelServer([Endless("x")]) as server:
        error = ask(provider(server, Clock(step=1.0)), limits=CallLimits(max_output=50, seconds=9.5))
    assert isinstance(error, ModelUnreachable)
    assert str(error).startswith("'openai/some-model' took too long: no complete answer within 9.5 s.")
    assert error.spent


def test_nothing_of_ours_holds_the_key(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with ModelServer([f"the key is {KEY}", Failed(500, KEY), Failed(500, KEY), Failed(500, KEY)]) as server:
        model = provider(server)
        got, error = ask(model), ask(model)
    assert got == reply("the key is [redacted]")
    assert isinstance(error, ModelUnreachable)
    chain: list[BaseException] = [error]
    while chain[-1].__context__:
        chain.append(chain[-1].__context__)
    assert [KEY in repr(e) + str(e) for e in chain] == [False] * len(chain)
    assert (KEY in caplog.text, KEY in repr(model), repr(model)) == (False, False, f"Provider({NAME!r})")


def test_prices_come_from_the_settings_or_from_litellms_list() -> None:
    def price(model: str, **words: Any) -> Price | None:
        return open_model(Settings(model=model, **words)).price

    assert price("openai/gpt-4o") == Price(input=2.5, output=10.0, cached=1.25)
    claude = price("anthropic/claude-sonnet-4-20250514")
    assert claude == Price(input=3.0, output=15.0, cached=0.3, written=3.75)
    assert price("openai/gpt-4o", prices=PRICES) == Price(input=1_000_000.0, output=2_000_000.0)
    assert price("openai/nobody-knows") is None
    assert price("ollama_chat/nobody-knows") is None


def test_ollama_is_told_how_much_context_it_needs() -> None:
    """Without that it drops the beginning of the prompt in silence. The server does not speak its protocol."""
    with ModelServer([Failed(400)]) as server:
        settings = Settings(model="ollama_chat/tiny", prices=PRICES)
        model = Provider(settings, pace=Clock().pace(), api_base=server.origin)
        assert isinstance(ask(model), ModelUnreachable)
    assert server.chats[0]["options"]["num_ctx"] == 20 + 50


def test_a_model_without_provider_is_refused_here_too() -> None:
    with pytest.raises(Misconfigured):
        Provider(Settings(model="gpt"))


def test_warming_loads_litellm_without_the_network() -> None:
    model = open_model(Settings(model=NAME, api_key=KEY))
    model.warm()
    assert (model.name, repr(model)) == (NAME, f"open_model({NAME!r})")


def test_whatever_litellm_raises_is_a_fault() -> None:
    """An unknown provider, and an exception without a status, as its own bugs are."""
    model = Provider(Settings(model="no-such-provider/x"), pace=Clock().pace())
    error = ask(model, chat=CHAT)
    assert isinstance(error, ModelUnreachable)
    assert "no-such-provider" in str(error)
    fault = model._fault(KeyError("choices"), Answering())
    assert (str(fault), fault.again, fault.spent) == ("no-such-provider failed: KeyError: 'choices'", False, True)


def test_no_key_at_all_is_told_as_that_and_not_asked_again() -> None:
    """Its library calls it a failure of the server."""
    model = Provider(Settings(model=NAME), pace=Clock().pace())
    missing = RuntimeError("Missing credentials. Please pass an `api_key` or set OPENAI_API_KEY")
    missing.status_code = 500  # type: ignore[attr-defined]
    fault = model._fault(missing, Answering())
    assert (str(fault).partition(" It says")[0], fault.again) == (
        "openai refused the key (401). No key was sent: set GREENLOOP_API_KEY or OPENAI_API_KEY.",
        False,
    )
