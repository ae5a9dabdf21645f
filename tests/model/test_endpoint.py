"""The direct client against a server with every fault: what comes of each, word for word, over real HTTP."""

from __future__ import annotations

import json
import socket
from dataclasses import replace
from typing import Any

import pytest

from fakes.asking import CHAT, Clock, ask
from fakes.model_server import (
    EMPTY,
    HUGE,
    INVALID_JSON,
    LENGTH,
    PROSE,
    WRONG_TYPE,
    Answer,
    Cut,
    Drip,
    Endless,
    ErrorInside,
    Failed,
    Lines,
    ModelServer,
    Redirect,
    Reset,
    Script,
    Stall,
    Step,
)
from greenloop.domain import Usage
from greenloop.errors import Misconfigured, ModelUnreachable
from greenloop.model.endpoint import Endpoint
from greenloop.model.watch import Watch
from greenloop.ports import CallLimits, Price, Reply
from greenloop.setting_values import Prices
from greenloop.settings import Settings

KEY = "sk-made-up-4f9a8b7c6d5e"
COUNTED = Usage(calls=1, input=11, output=7, cost=None)


def endpoint(server: ModelServer, clock: Clock, **words: Any) -> Endpoint:
    silence = words.pop("silence", 5.0)
    settings = Settings(**{"model": "m", "api_base": server.api_base, "api_key": KEY} | words)
    return Endpoint(settings, pace=clock.pace(), silence=silence)


def reply(text: str, finish: str = "stop", usage: Usage = COUNTED) -> Reply:
    return Reply(text=text, finish=finish, usage=usage, model="m", first_token=0.0)


ANSWERS: list[tuple[str, Step, Reply]] = [
    ("stream", "def half(x):\n    return x / 2\n", reply("def half(x):\n    return x / 2\n")),
    ("whole body", Answer("one body", plain=True), reply("one body")),
    ("no [DONE]", Answer("no end mark", done=False), reply("no end mark")),
    ("length", LENGTH, reply("def half(", "length")),
    ("prose", PROSE, reply(PROSE)),
    ("empty", EMPTY, reply("", usage=Usage(calls=1, input=11, output=0, cost=None))),
    ("thought", Answer("x", thought="hm " * 9), reply("x")),
    ("typed as text", Answer("odd type", content_type="text/plain"), reply("odd type")),
    ("unicode", Answer("naïve 🙂 \u2028 ok", size=1), reply("naïve 🙂 \u2028 ok")),
    (
        "cached tokens",
        Answer("c", usage={"prompt_tokens": 9, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 8}}),
        reply("c", usage=Usage(calls=1, input=9, output=2, cached=8, cost=None)),
    ),
    (
        "no usage: our own count, marked",
        Answer("x = 1", usage=None, thought="12345678"),
        reply("x = 1", usage=Usage(calls=1, input=20, output=5, cost=None, estimated=True)),
    ),
    (
        "a usage that makes no sense: our own count",
        Answer("x = 1", usage={"prompt_tokens": -5, "completion_tokens": 2}),
        reply("x = 1", usage=Usage(calls=1, input=20, output=3, cost=None, estimated=True)),
    ),
    (
        "reset after the finish reason: nothing is missing but the count",
        Reset("whole", finish="stop"),
        reply("whole", usage=Usage(calls=1, input=20, output=2, cost=None, estimated=True)),
    ),
]


@pytest.mark.parametrize(("step", "expected"), [a[1:] for a in ANSWERS], ids=[a[0] for a in ANSWERS])
def test_a_complete_answer_is_a_reply(step: Step, expected: Reply) -> None:
    chunks: list[str] = []
    with ModelServer([step]) as server:
        assert ask(endpoint(server, Clock()), on_chunk=chunks.append) == expected
    assert "".join(chunks) == expected.text
    assert len(server.chats) == 1


CUT = "{base} may say why; run it again, or lower `max_output`."
FAULTS: list[tuple[str, Script, str, str, bool, int, list[float]]] = [
    (
        "401",
        [Failed(401, f"Incorrect API key provided: {KEY}.")],
        (
            "{base} refused the key (401). The key in GREENLOOP_API_KEY is wrong, expired, or may not use 'm'. "
            'It says: "Incorrect API key provided: [redacted].".'
        ),
        "",
        False,
        1,
        [],
    ),
    (
        "404",
        [Failed(404, "no such model")],
        "{base} does not know the model 'm' (404). It has: big, small. It says: \"no such model\".",
        "",
        False,
        1,
        [],
    ),
    (
        "400",
        [Failed(400, "bad\n\n  \x1b[31mrequest")],
        '{base} did not accept the request (400). Check `model` and `api_base`. It says: "bad [31mrequest".',
        "",
        False,
        1,
        [],
    ),
    (
        "an error page without an end",
        [Failed(400, raw="x" * 1_000_000)],
        '{base} did not accept the request (400). Check `model` and `api_base`. It says: "' + "x" * 499 + '…".',
        "",
        False,
        1,
        [],
    ),
    (
        "context too long",
        [Failed(400, "This model's maximum context length is 4096 tokens.")],
        (
            "The prompt does not fit the context of 'm' (400). Lower `context_tokens` or `max_output`, or take a model "
            'with a longer context. It says: "This model\'s maximum context length is 4096 tokens.".'
        ),
        "",
        False,
        1,
        [],
    ),
    (
        "429 with and without Retry-After",
        [Failed(429, "slow down", {"Retry-After": "7"}), Failed(429, "slow down"), Failed(429, "slow down")],
        (
            '{base} is limiting our requests (429). Try again later, or name another model. It says: "slow down". '
            "Tried 3 times."
        ),
        "",
        False,
        3,
        [7.0, 2.0],
    ),
    (
        "429 that asks for more time than there is",
        [Failed(429, "tomorrow", {"Retry-After": "3600"})],
        (
            '{base} is limiting our requests (429). Try again later, or name another model. It says: "tomorrow". '
            "Trying again would need to wait 3600 s, and there is not so much time left."
        ),
        "",
        False,
        1,
        [],
    ),
    (
        "5xx, then an error page",
        [Failed(500), Failed(503), Failed(502, raw="<h1>Bad gateway</h1>")],
        (
            '{base} is in trouble (502). Try again later, or name another model. It says: "<h1>Bad gateway</h1>". '
            "Tried 3 times."
        ),
        "",
        False,
        3,
        [1.0, 2.0],
    ),
    (
        "a gateway that gave up waiting: perhaps billed",
        [Failed(504), Failed(504), Failed(504)],
        (
            '{base} is in trouble (504). Try again later, or name another model. It says: "scripted failure". '
            "Tried 3 times."
        ),
        "",
        True,
        3,
        [1.0, 2.0],
    ),
    (
        "an error object before the first token counts as its status",
        [ErrorInside(), ErrorInside(), ErrorInside(error={"message": "no", "code": 400})],
        '{base} did not accept the request (400). Check `model` and `api_base`. It says: "no". Tried 3 times.',
        "",
        False,
        3,
        [1.0, 2.0],
    ),
    (
        "an error object after the first token",
        [ErrorInside("def f")],
        "The answer of 'm' was cut off after 5 characters (the server said: the engine died). The log of " + CUT,
        "def f",
        True,
        1,
        [],
    ),
    (
        "an error object without a status",
        [ErrorInside(error="out of memory")],
        "The answer of 'm' was cut off after 0 characters (the server said: out of memory). The log of " + CUT,
        "",
        True,
        1,
        [],
    ),
    (
        "clean end without a finish reason",
        [Cut("def half(x):\n")],
        "The answer of 'm' was cut off after 13 characters (the stream ended without a finish reason). The log of "
        + CUT,
        "def half(x):\n",
        True,
        1,
        [],
    ),
    (
        "one body without a finish reason",
        [Answer("half", finish=None, plain=True)],
        "The answer of 'm' was cut off after 4 characters (the stream ended without a finish reason). The log of "
        + CUT,
        "half",
        True,
        1,
        [],
    ),
    (
        "a finish reason that says it is not finished",
        [Answer("half", finish="error")],
        "The answer of 'm' was cut off after 4 characters (the finish reason is 'error'). The log of " + CUT,
        "half",
        True,
        1,
        [],
    ),
    (
        "content filter",
        [Answer("I", finish="content_filter")],
        (
            "The provider's content filter withheld the answer of 'm'. "
            "Word the request differently, or name another model."
        ),
        "I",
        True,
        1,
        [],
    ),
    (
        "reset in the middle",
        [Reset("def half(")],
        "The answer of 'm' was cut off after 9 characters ([Errno 104] Connection reset by peer). The log of " + CUT,
        "def half(",
        True,
        1,
        [],
    ),
    (
        "never-ending",
        [Endless("more ")],
        (
            "The answer of 'm' does not end: more than 167936 bytes came, and no answer that was asked for is so long. "
            "The server seems to ignore `max_tokens`."
        ),
        "*",
        True,
        1,
        [],
    ),
    (
        "huge",
        [HUGE],
        (
            "The answer of 'm' does not end: more than 167936 bytes came, and no answer that was asked for is so long. "
            "The server seems to ignore `max_tokens`."
        ),
        "*",
        True,
        1,
        [],
    ),
    (
        "huge line without an end",
        [Lines(b"data: " + b"x" * 300_000)],
        (
            "The answer of 'm' does not end: more than 167936 bytes came, and no answer that was asked for is so long. "
            "The server seems to ignore `max_tokens`."
        ),
        "",
        True,
        1,
        [],
    ),
    (
        "invalid JSON",
        [INVALID_JSON],
        (
            "{base} does not answer as an OpenAI-compatible endpoint does: '{\"choices\": [' is not JSON. "
            "Is `api_base` right? It usually ends in `/v1`."
        ),
        "",
        True,
        1,
        [],
    ),
    (
        "JSON nested beyond all measure",
        [Lines(b"data: " + b"[" * 100_000 + b"\n\n")],
        "{base} does not answer as an OpenAI-compatible endpoint does: '" + "[" * 60 + "'… is not JSON. "
        "Is `api_base` right? It usually ends in `/v1`.",
        "",
        True,
        1,
        [],
    ),
    (
        "choices of another form",
        [Lines(b'data: {"choices": [{"delta": {"content": "a"}}]}\n\ndata: {"choices": ["b"]}\n\n')],
        (
            "{base} does not answer as an OpenAI-compatible endpoint does: an event holds choices of another form: "
            "\"['b']\". Is `api_base` right? It usually ends in `/v1`."
        ),
        "a",
        True,
        1,
        [],
    ),
    (
        "a web page",
        [WRONG_TYPE],
        (
            "{base} does not answer as an OpenAI-compatible endpoint does: it sent text/html: <html>It works!</html>. "
            "Is `api_base` right? It usually ends in `/v1`."
        ),
        "",
        True,
        1,
        [],
    ),
    (
        "compressed",
        [Lines(b"\x1f\x8b", headers={"Content-Encoding": "gzip"})],
        (
            "{base} does not answer as an OpenAI-compatible endpoint does: the answer is compressed, though we asked "
            "that it is not. Is `api_base` right? It usually ends in `/v1`."
        ),
        "",
        True,
        1,
        [],
    ),
]


@pytest.mark.parametrize(
    ("script", "message", "partial", "spent", "calls", "slept"), [f[1:] for f in FAULTS], ids=[f[0] for f in FAULTS]
)
def test_everything_else_is_an_error_with_cause_and_cure(
    script: Script, message: str, partial: str, spent: bool, calls: int, slept: list[float]
) -> None:
    clock = Clock()
    with ModelServer(script, models=("big", "small")) as server:
        error = ask(endpoint(server, clock))
    assert isinstance(error, ModelUnreachable), error
    assert str(error) == message.replace("{base}", server.api_base)
    assert (error.partial == partial) or (partial == "*" and error.partial != "")
    assert (error.spent, len(server.chats), clock.slept) == (spent, calls, slept)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_what_cannot_get_better_is_asked_once(status: int) -> None:
    with ModelServer([Failed(status), "too late"], models=404) as server:
        assert isinstance(ask(endpoint(server, Clock())), ModelUnreachable)
    assert len(server.chats) == 1


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 529])
def test_what_may_get_better_is_asked_again(status: int) -> None:
    clock = Clock()
    with ModelServer([Failed(status), Failed(status), "there"]) as server:
        assert ask(endpoint(server, clock)) == replace(reply("there"), first_token=3.0)
    assert clock.slept == [1.0, 2.0]


def test_a_refused_connection_is_tried_again_and_named() -> None:
    clock = Clock()
    with ModelServer() as server:
        gone = endpoint(server, clock)
    error = ask(gone)
    assert isinstance(error, ModelUnreachable)
    assert str(error) == (
        f"{server.api_base} cannot be reached ([Errno 111] Connection refused). Is the server running there, and is "
        "`api_base` right? Tried 3 times."
    )
    assert (error.spent, clock.slept) == (False, [1.0, 2.0])


def test_a_stall_ends_at_the_deadline_and_at_the_first_token_limit() -> None:
    """Real time, but nothing depends on how much: the server would wait for half a minute."""
    limits = CallLimits(max_output=50, seconds=0.4)
    script: list[Step] = [Stall("def f"), Stall(), Stall("def g"), Endless(comments=True), Drip()]
    with ModelServer(script) as server:
        clock = Clock()
        total = ask(endpoint(server, clock), limits=limits)
        first = ask(endpoint(server, clock, silence=0.2))
        later = ask(endpoint(server, clock, silence=0.2))
        alive = ask(endpoint(server, Clock(step=1.0), silence=5.0))
        drip = ask(endpoint(server, clock), limits=limits)
    assert str(drip) == str(total)
    assert [str(e) for e in (total, first, later, alive)] == [
        "'m' took too long: no complete answer within 0.4 s. Raise `max_minutes`, or take a faster model.",
        "'m' took too long: nothing came for 0.2 s. Raise `max_minutes`, or take a faster model.",
        "'m' took too long: nothing came for 0.2 s. Raise `max_minutes`, or take a faster model.",
        "'m' took too long: no token within 5 s. Raise `max_minutes`, or take a faster model.",
    ]
    faults = [e for e in (total, first, later, alive) if isinstance(e, ModelUnreachable)]
    assert [(e.partial, e.spent) for e in faults] == [("def f", True), ("", True), ("def g", True), ("", True)]
    assert len(server.chats) == 5, "what may have been billed is not asked again"


def test_a_connection_that_is_made_too_late_is_closed_at_once() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        watch = Watch()
        watch.strike()
        watch.trace("connection.connect_tcp.complete", {"return_value": Connected(ours)})
        assert (watch.late, theirs.recv(1)) == (True, b"")


class Connected:
    """What httpx tells of a connection."""

    def __init__(self, made: socket.socket) -> None:
        self._made = made

    def get_extra_info(self, name: str) -> socket.socket:
        assert name == "socket"
        return self._made


def test_the_request_is_the_protocol_and_nothing_more() -> None:
    with ModelServer(["ok"]) as server:
        ask(endpoint(server, Clock()), limits=CallLimits(max_output=50, seconds=20.0, temperature=0.6))
    (request,) = server.requests
    assert request.path == "/v1/chat/completions"
    assert request.body == {
        "model": "m",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Fix it, please."},
        ],
        "max_tokens": 50,
        "temperature": 0.6,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    host = server.origin.removeprefix("http://")
    assert {k: v for k, v in request.headers.items() if k != "content-length"} == {
        "host": host,
        "accept": "*/*",
        "accept-encoding": "identity",
        "authorization": f"Bearer {KEY}",
        "connection": "keep-alive",
        "content-type": "application/json",
        "user-agent": "greenloop",
    }


def test_no_key_means_no_header_and_says_which_variable() -> None:
    with ModelServer([], key="another") as server:
        error = ask(endpoint(server, Clock(), api_key=""))
    assert str(error).startswith(f"{server.api_base} refused the key (401). No key was sent: set GREENLOOP_API_KEY.")
    assert "authorization" not in server.requests[0].headers


def test_other_dialects_are_learnt_once() -> None:
    """Newer models of OpenAI know neither `max_tokens` nor a temperature; older servers no `stream_options`."""

    def picky(body: dict[str, Any]) -> Step:
        for word, cure in (
            ("max_tokens", "Use 'max_completion_tokens' instead."),
            ("temperature", "'temperature' does not support 0.0 with this model."),
            ("stream_options", "unknown field: stream_options"),
        ):
            if word in body:
                return Failed(400, cure)
        return "ok"

    with ModelServer(picky) as server:
        model = endpoint(server, Clock())
        assert [ask(model), ask(model)] == [reply("ok"), reply("ok")]
    assert [sorted(body.keys() - {"messages", "model", "stream"}) for body in server.chats] == [
        ["max_tokens", "stream_options", "temperature"],
        ["max_completion_tokens", "stream_options", "temperature"],
        ["max_completion_tokens", "stream_options"],
        ["max_completion_tokens"],
        ["max_completion_tokens"],
    ]


def test_a_dialect_that_does_not_help_is_an_error_at_last() -> None:
    with ModelServer(
        lambda _: Failed(400, "max_completion_tokens, temperature and stream_options: all wrong")
    ) as server:
        error = ask(endpoint(server, Clock()))
    assert str(error).startswith(f"{server.api_base} did not accept the request (400).")
    assert len(server.chats) == 4


def test_without_a_name_the_only_model_is_asked() -> None:
    with ModelServer(["one", "two"], models=("only/one",)) as server:
        model = endpoint(server, Clock(), model="")
        assert (model.name, repr(model)) == ("default", f"Endpoint('{server.api_base}', 'default')")
        first, second = ask(model), ask(model)
    assert isinstance(first, Reply)
    assert isinstance(second, Reply)
    assert (first.model, second.model, model.name) == ("only/one", "only/one", "only/one")
    assert [r.path for r in server.requests] == ["/v1/models", "/v1/chat/completions", "/v1/chat/completions"]
    assert server.chats[0]["model"] == "only/one"


@pytest.mark.parametrize(
    ("models", "has"),
    [
        (("a", "b"), "it has a, b"),
        (tuple(f"m{i}" for i in range(12)), "it has m0, m1, m2, m3, m4, m5, m6, m7, m8, m9 and 2 more"),
        ((), "it does not list what it has"),
        (("evil\nname",), "it does not list what it has"),
        (500, "it does not list what it has"),
    ],
)
def test_without_a_name_and_without_the_only_one(models: tuple[str, ...] | int, has: str) -> None:
    with ModelServer(["never"], models=models) as server:
        error = ask(endpoint(server, Clock(), model=""))
    assert isinstance(error, Misconfigured)
    assert str(error) == f"No model is named for {server.api_base}, and {has}. Name one with `--model` or `model:`."
    assert server.chats == []


def test_without_a_name_a_wrong_key_is_a_wrong_key() -> None:
    with ModelServer([], key="another") as server:
        error = ask(endpoint(server, Clock(), model=""))
    assert str(error).startswith(f"{server.api_base} refused the key (401).")
    assert KEY not in str(error)


def test_redirects_go_to_the_same_host_only() -> None:
    with (
        ModelServer(["stolen"]) as thief,
        ModelServer(
            [
                Redirect(f"{thief.api_base}/chat/completions"),
                Redirect("/v1/chat/completions", status=308),
                "home",
                Redirect("/v1/chat/completions"),
                Redirect("/v1/chat/completions"),
                Redirect("/v1/chat/completions"),
                Redirect("http://[::1"),
                Redirect("http:\\\\elsewhere.invalid/x"),
                Redirect("ftp://127.0.0.1/x"),
                Redirect("//user@127.0.0.1/x"),
            ]
        ) as server,
    ):
        model = endpoint(server, Clock())
        away, home, *others = (ask(model) for _ in range(7))
    assert str(away) == (
        f"{server.api_base} redirects to {thief.api_base}/chat/completions. We follow within the same host only, "
        "because the key goes along, and 2 times at most. If that is the right place, set it as `api_base`."
    )
    assert home == reply("home")
    assert [type(other).__name__ for other in others] == ["Fault"] * 5
    assert len(server.chats) == 1 + 2 + 3 + 4
    assert thief.requests == []


def test_the_key_is_nowhere_but_in_the_header() -> None:
    """A server that echoes the key in every way it can: in errors, in a stream, in the answer itself."""
    echoes: list[Step] = [
        Failed(403, f"key {KEY} is not allowed"),
        Failed(400, raw=f"Authorization: Bearer {KEY} in {json.dumps({'key': KEY})}"),
        ErrorInside("x", error={"message": f"bad key {KEY}"}),
        Lines(f"what is {KEY}?".encode(), content_type="text/plain"),
        Redirect(f"http://elsewhere.invalid/?key={KEY}"),
        Answer(f'API_KEY = "{KEY}"', size=5),
    ]
    with ModelServer(echoes) as server:
        model = endpoint(server, Clock())
        ends = [ask(model) for _ in echoes]
    shown = [repr(e) + str(e) + getattr(e, "partial", "") for e in ends] + [repr(model)]
    assert [KEY in text for text in shown] == [False] * len(shown)
    assert ends[-1] == reply('API_KEY = "[redacted]"')


def test_money_is_counted_where_there_is_a_price() -> None:
    prices = Prices(input=1_000_000.0, output=2_000_000.0)
    with ModelServer(["ok"]) as server:
        model = endpoint(server, Clock(), prices=prices)
        assert model.price == Price(input=1_000_000.0, output=2_000_000.0)
        assert ask(model) == reply("ok", usage=Usage(calls=1, input=11, output=7, cost=25.0))
        assert endpoint(server, Clock()).price is None


def test_a_consumer_that_stops_is_not_swallowed() -> None:
    class Stopped(BaseException):
        pass

    def stop(_: str) -> None:
        raise Stopped

    with ModelServer([Endless()]) as server, pytest.raises(Stopped):
        ask(endpoint(server, Clock()), on_chunk=stop)


def test_first_token_is_measured_from_the_call() -> None:
    with ModelServer([Answer("x", thought="hm")]) as server:
        got = ask(endpoint(server, Clock(step=0.5)), chat=CHAT)
    assert isinstance(got, Reply)
    assert got.first_token > 0
