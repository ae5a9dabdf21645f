"""Opening a model: what is refused, which key goes where, and that nothing heavy is loaded before it is used."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from fakes.asking import Clock, ask
from fakes.model_server import ModelServer
from greenloop.errors import Misconfigured
from greenloop.model import key_from, open_model
from greenloop.model.endpoint import Endpoint
from greenloop.model.faults import Side, unreachable
from greenloop.model.keys import variables
from greenloop.ports import Price, Reply
from greenloop.setting_values import Prices
from greenloop.settings import Settings

REFUSED = [
    (
        Settings(),
        "No model is named. Name one in one of these ways:\n  on the command line   greenloop generate --model ",
    ),
    (
        Settings(model="gpt"),
        "The model 'gpt' names no provider. Write provider/name, such as anthropic/claude-sonnet-5,",
    ),
    (Settings(api_base="localhost:8000/v1"), "`api_base` is 'localhost:8000/v1', which is no address of an endpoint; "),
    (Settings(api_base="ftp://h/v1"), "`api_base` is 'ftp://h/v1', which is no address of an endpoint; one looks like"),
    (Settings(api_base="http:///v1"), "`api_base` is 'http:///v1', which is no address of an endpoint; one looks like"),
    (
        Settings(api_base="http://h:x/"),
        "`api_base` is 'http://h:x/', which is no address of an endpoint; one looks like",
    ),
    (Settings(api_base="http://[::1/"), "`api_base` is 'http://[::1/', which is no address of an endpoint; one looks"),
    (
        Settings(api_base="http://u:pw123456@h/v1"),
        "`api_base` holds a user, a password, a `?` or a `#`. Give the address",
    ),
    (
        Settings(api_base="http://h/v1?key=pw123456"),
        "`api_base` holds a user, a password, a `?` or a `#`. Give the add",
    ),
    (
        Settings(api_base="http://h/v1/chat/completions/"),
        "`api_base` ends before `/chat/completions`, usually in `/v1`.",
    ),
    (
        Settings(model="a/b", api_key="pw123456\npw"),
        "The key holds blanks, line breaks or signs that no key has; was it",
    ),
    (Settings(api_base="http://h/v1", api_key="pw1234 56"), "The key holds blanks, line breaks or signs that no key"),
    (Settings(api_base="http://h/v1", api_key="pw12345é"), "The key holds blanks, line breaks or signs that no key"),
]


@pytest.mark.parametrize(("settings", "message"), REFUSED, ids=range(len(REFUSED)))
def test_what_cannot_be_a_model_is_refused_at_once(settings: Settings, message: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        open_model(settings)
    assert str(caught.value).startswith(message)
    assert "pw1" not in str(caught.value)


def test_without_litellm_the_cure_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "litellm", None)
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.delitem(sys.modules, "litellm")
    with pytest.raises(Misconfigured) as caught:
        open_model(Settings(model="anthropic/claude-sonnet-5"))
    assert str(caught.value) == (
        "The model 'anthropic/claude-sonnet-5' needs litellm, which is not installed: pip install 'greenloop[litellm]' "
        "(up to Python 3.13). An OpenAI-compatible endpoint needs no litellm: give its address with --api-base."
    )


def test_an_endpoint_is_opened_late_and_works() -> None:
    with ModelServer(["hello", "again"]) as server:
        model = open_model(Settings(api_base=server.api_base, prices=Prices(input=1.0, output=2.0)))
        assert (model.name, repr(model)) == ("default", "open_model('default')")
        model.warm()
        assert server.requests == []
        reply = ask(model)
        assert isinstance(reply, Reply)
        assert (reply.text, model.name, model.price) == ("hello", "m", Price(input=1.0, output=2.0))
        assert isinstance(ask(model), Reply)


def test_a_proxy_that_cannot_be_used_is_named_at_the_first_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "gopher://proxy.invalid:1")
    model = open_model(Settings(model="m", api_base="https://models.invalid/v1"))
    model.warm()
    error = ask(model)
    assert isinstance(error, Misconfigured)
    assert str(error).startswith("The proxy in HTTP_PROXY, HTTPS_PROXY or ALL_PROXY cannot be used: ")


def test_tls_is_wanted_where_it_is_said() -> None:
    """Against a server without it, and with the words of one whose certificate nobody knows."""
    with ModelServer(["never"]) as server:
        settings = Settings(model="m", api_base=server.api_base.replace("http:", "https:"))
        error = ask(Endpoint(settings, pace=Clock().pace()))
    assert str(error).startswith(f"{settings.api_base} cannot be reached ([SSL")
    assert server.requests == []
    side = Side(place="https://h/v1", model="m", variables=("GREENLOOP_API_KEY",), given=True)
    fault = unreachable(side, "[SSL: CERTIFICATE_VERIFY_FAILED] self-signed certificate")
    assert (str(fault), fault.again) == (
        (
            "The certificate of https://h/v1 is not trusted ([SSL: CERTIFICATE_VERIFY_FAILED] self-signed "
            "certificate). "
            "If it is your own, name your authority's file in SSL_CERT_FILE."
        ),
        False,
    )


def test_proxies_are_for_others_not_for_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    with ModelServer(["through the proxy"]) as proxy, ModelServer(["direct"]) as server:
        for name in ("HTTP_PROXY", "http_proxy"):
            monkeypatch.setenv(name, proxy.origin)
        direct = ask(open_model(Settings(model="m", api_base=server.api_base)))
        via = ask(open_model(Settings(model="m", api_base="http://models.invalid/v1")))
    assert isinstance(direct, Reply)
    assert isinstance(via, Reply)
    assert (direct.text, via.text) == ("direct", "through the proxy")
    assert [r.path for r in proxy.requests] == ["http://models.invalid/v1/chat/completions"]


ENVIRONMENT = {
    "OPENAI_API_KEY": "openai",
    "ANTHROPIC_API_KEY": " anthropic\n",
    "HF_TOKEN": "hf",
    "MISTRAL_API_KEY": "mistral",
    "GEMINI_API_KEY": " ",
    "GOOGLE_API_KEY": "google",
    "OLLAMA_API_KEY": "ollama",
}


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        (Settings(model="anthropic/claude-sonnet-5"), "anthropic"),
        (Settings(model="openai/gpt-x"), "openai"),
        (Settings(model="Gemini/pro"), "google"),
        (Settings(model="mistral/large"), "mistral"),
        (Settings(model="unknown/x"), ""),
        (Settings(model="ollama/x"), ""),
        (Settings(), ""),
        (Settings(model="openai/gpt-x", api_base="https://api.openai.com/v1"), "openai"),
        (Settings(model="gpt-x", api_base="https://router.huggingface.co/v1"), "hf"),
        (Settings(model="openai/gpt-x", api_base="http://api.openai.com/v1"), ""),
        (Settings(model="openai/gpt-x", api_base="https://api.openai.com.evil.example/v1"), ""),
        (Settings(model="openai/gpt-x", api_base="http://127.0.0.1:8000/v1"), ""),
        (Settings(model="openai/gpt-x", api_base="http://[::1/v1"), ""),
        (Settings(model="openai/gpt-x", api_key="given"), "given"),
    ],
)
def test_a_key_goes_to_its_own_provider_only(settings: Settings, key: str) -> None:
    assert key_from(ENVIRONMENT, settings) == key
    ours = settings.api_key or "ours"
    assert key_from(ENVIRONMENT | {"GREENLOOP_API_KEY": "ours"}, settings) == ours
    assert variables(settings)[0] == "GREENLOOP_API_KEY"


HEAVY = ("httpx", "litellm", "click", "rich", "ssl", "openai")
PROGRAM = """
import json, sys
from greenloop.model import open_model
from greenloop.settings import Settings
heavy = lambda: sorted(set(sys.argv[1].split()) & set(sys.modules))
model = open_model(Settings(model="m", api_base="http://127.0.0.1:9/v1"))
open_model(Settings(model="anthropic/claude-sonnet-5", api_key="k"))
opened = heavy()
model.warm()
print(json.dumps([opened, heavy()]))
"""


def test_nothing_heavy_is_loaded_before_it_is_used() -> None:
    source = Path(__file__).resolve().parents[2] / "bot"
    environment = {"PYTHONPATH": str(source), "PATH": "/usr/bin"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, " ".join(HEAVY)], capture_output=True, text=True, check=True, env=environment
    )
    assert json.loads(done.stdout) == [[], ["httpx", "ssl"]]


def test_importing_the_layer_is_cheap() -> None:
    """What a first prompt needs is loaded with it: values, counting and budgets are twice as much as the rest."""
    code = (
        "import sys, greenloop.model; "
        "print([n for n in ('domain', 'ledger', 'ports', 'model.budget') if f'greenloop.{n}' in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
