"""Which model, where, with which key: what the settings say, and what a hostile repository cannot make them say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from fakes.asking import ask
from fakes.model_server import Failed, ModelServer
from greenloop.configuration import load
from greenloop.errors import Misconfigured, Refused
from greenloop.model import open_model, secrets
from greenloop.model.keys import read
from greenloop.model.rows import Row, kept_out, key_from, require_used, rows
from greenloop.ports import Reply
from greenloop.setting_values import ProviderRow
from greenloop.settings import Settings

LOCAL = ProviderRow(model="small", api_base="http://127.0.0.1:9/v1", context_tokens=10_000)


def shown(row: Row) -> tuple[str, str, str, tuple[str, ...]]:
    return row.settings.model, row.settings.api_base, row.format, row.variables


def test_a_name_becomes_a_place_a_format_and_variables() -> None:
    settings = Settings(
        model="local",
        providers={"local": LOCAL, "mine": ProviderRow(model="anthropic/claude", keys=("GREENLOOP_KEY_TWO",))},
        fallback_models=("mine", "ollama/qwen", "huggingface/org/name", "anthropic/claude", "vllm/x"),
    )
    assert [shown(row) for row in rows(settings)] == [
        ("small", "http://127.0.0.1:9/v1", "openai", ("GREENLOOP_KEY_LOCAL", "GREENLOOP_API_KEY")),
        ("anthropic/claude", "", "openai", ("GREENLOOP_KEY_MINE", "GREENLOOP_KEY_TWO")),
        ("qwen", "http://127.0.0.1:11434", "ollama", ("GREENLOOP_KEY_OLLAMA_QWEN",)),
        ("org/name", "https://router.huggingface.co/v1", "openai", ("GREENLOOP_KEY_HUGGINGFACE_ORG_NAME", "HF_TOKEN")),
        ("anthropic/claude", "", "openai", ("GREENLOOP_KEY_ANTHROPIC_CLAUDE", "ANTHROPIC_API_KEY")),
        ("x", "http://127.0.0.1:8000/v1", "openai", ("GREENLOOP_KEY_VLLM_X",)),
    ]
    own = rows(settings)[0].settings
    assert (own.context_tokens, own.max_output) == (5000, 5000), "half of a short context is the prompt's"


def test_with_an_address_plain_names_are_there_and_providers_are_not() -> None:
    settings = Settings(
        model="org/big", api_base="http://h/v1", api_key="k", fallback_models=("small", "org/small", "openai/gpt")
    )
    assert [(row.place, row.settings.model, row.settings.api_key) for row in rows(settings)] == [
        ("http://h/v1", "org/big", "k"),
        ("http://h/v1", "small", "k"),
        ("http://h/v1", "org/small", "k"),
        ("openai", "openai/gpt", ""),
    ]


def test_a_task_may_have_a_model_of_its_own() -> None:
    settings = load("model: a/b\nmodels: {chat: local}\nproviders: {local: {model: s, api_base: 'http://h/v1'}}\n")
    assert [rows(settings, task)[0].settings.model for task in ("edit", "chat")] == ["a/b", "s"]


def test_the_key_for_changes_goes_to_no_other_place_for_answers_in_words() -> None:
    settings = load(
        "model: a/b\nmodels: {chat: local}\nproviders: {local: {model: s, api_base: 'http://h/v1'}}\n",
    )
    row = rows(replace(settings, api_key="key-of-a"), "chat")[0]
    assert (row.settings.api_key, row.variables) == ("", ("GREENLOOP_KEY_LOCAL",))
    same = load("model: big\napi_base: http://h/v1\nmodels: {chat: small}\n")
    assert rows(replace(same, api_key="k"), "chat")[0].settings.api_key == "k"


ONLY = [
    ("http://h/v1", Settings(model="m", api_base="http://h/v1"), True),
    ("http://h", Settings(model="m", api_base="http://h/v1"), True),
    ("http://h:80/v1/", Settings(model="m", api_base="http://h/v1"), True),
    ("http://h/v1", Settings(model="m", api_base="https://h/v1"), False),
    ("http://h/v1", Settings(model="m", api_base="http://h.evil.example/v1"), False),
    ("http://h/v1", Settings(model="m", api_base="http://h:81/v1"), False),
    ("http://h/v1", Settings(model="m", api_base="http://h/v12"), False),
    ("http://h/v1", Settings(model="anthropic/c"), False),
    ("anthropic", Settings(model="anthropic/c"), True),
    ("anthropic", Settings(model="anthropic/c", api_base="http://evil.example/v1"), False),
    ("anthropic", Settings(model="openai/c"), False),
    ("local", Settings(model="local", providers={"local": LOCAL}), True),
    ("local", Settings(model="local", api_base="http://evil.example/v1"), False),
    ("ollama", Settings(model="ollama/q"), True),
]


@pytest.mark.parametrize(("only", "settings", "fine"), ONLY, ids=range(len(ONLY)))
def test_code_goes_to_the_only_endpoint_or_nowhere(only: str, settings: Settings, fine: bool) -> None:
    settings = replace(settings, only_endpoint=only)
    if fine:
        assert len(rows(settings)) == 1
        return
    with pytest.raises(Refused, match=r"^`only_endpoint` keeps this repository's code at "):
        open_model(settings)


def test_what_stands_in_elsewhere_is_not_asked_and_that_is_told() -> None:
    with ModelServer([Failed(404)], models=404) as server, ModelServer(["stolen"]) as thief:
        settings = load(
            f"only_endpoint: {server.api_base}\nmodel: m\napi_base: {server.api_base}\n"
            f"fallback_models: [away]\nproviders: {{away: {{model: x, api_base: '{thief.api_base}'}}}}\n"
        )
        error = ask(open_model(settings))
    assert kept_out(settings) == ("away",)
    assert str(error).endswith("`only_endpoint` keeps this repository's code there, so away was not asked.")
    assert thief.requests == []


@pytest.mark.parametrize("variable", ["AWS_SECRET_ACCESS_KEY", "ANTHROPIC_API_KEY", "GITHUB_TOKEN", "GREENLOOP_STORE"])
def test_a_repository_cannot_send_other_secrets_to_an_address_of_its_own(variable: str) -> None:
    text = f"model: x\nproviders: {{x: {{model: m, api_base: 'https://evil.example/v1', keys: [{variable}]}}}}\n"
    with pytest.raises(
        Misconfigured, match=rf"`providers.x.keys` holds {variable}, which may hold a secret of another"
    ):
        key_from({variable: "secret"}, load(text))


def test_the_key_of_the_first_model_goes_to_no_other_provider() -> None:
    with ModelServer([Failed(404)], models=404) as first, ModelServer(["b's"]) as second:
        settings = Settings(
            model="m",
            api_base=first.api_base,
            api_key="key-of-first",
            providers={"b": ProviderRow(model="x", api_base=second.api_base)},
            fallback_models=("b",),
        )
        environment = {"GREENLOOP_KEY_B": "key-of-b", "GREENLOOP_API_KEY": "key-of-first"}
        reply = ask(open_model(settings, environment=environment))
    assert isinstance(reply, Reply)
    assert (reply.text, reply.model) == ("b's", "x")
    assert [s.requests[0].headers["authorization"] for s in (first, second)] == [
        "Bearer key-of-first",
        "Bearer key-of-b",
    ]
    assert secrets(settings, environment) == ("key-of-first", "key-of-b")


def test_a_key_is_exchanged_while_the_run_goes_on(tmp_path: Path) -> None:
    """From a file, as mounted secrets are; and health is shared by a file of the machine."""
    file = tmp_path / "keys"
    file.write_text("old-key-1\nold-key-2\n")
    with ModelServer(["one", "two"]) as server:
        settings = Settings(model="m", api_base=server.api_base)
        environment: Mapping[str, str] = {"GREENLOOP_API_KEY_FILE": str(file)}
        settings = replace(settings, api_key=key_from(environment, settings))
        model = open_model(settings, environment=environment, health=tmp_path)
        ask(model)
        file.write_text("new-key\n")
        ask(model)
        assert [r.headers["authorization"] for r in server.requests] == ["Bearer old-key-1", "Bearer new-key"]
    assert settings.api_key == "old-key-1,old-key-2"
    assert (tmp_path / "health.sqlite").exists()
    with pytest.raises(Misconfigured, match=r"^NAME_FILE names /nowhere, which cannot be read: No such file"):
        read({"NAME_FILE": "/nowhere"}, ["NAME"])


WRONG = [
    ("models: {fix: a/b}", "`models.fix`: there is no such task. There are: `edit`, `chat`, `review`."),
    ("models: {chat: ' '}", "`models.chat` names an empty model."),
    ("fallback_models: ['']", "`fallback_models` names an empty model."),
    ("providers: {'a b': {model: x}}", "`providers.a b`: a name is 1 to 40 letters, digits, `-`, `_` or `.`."),
    ("providers: {a: {keys: [A]}}", "`providers.a` has neither `model` nor `api_base`, so it names no model."),
    ("providers: {a: {model: x, format: xml}}", "`providers.a.format` must be `openai`, `anthropic` or `ollama`, not"),
    ("providers: {a: {model: x, format: ollama}}", "`providers.a.format` is for an endpoint of your own."),
    ("providers: {a: {api_base: 'ftp://h'}}", "`providers.a.api_base` must be an address such as"),
    ("providers: {a: {api_base: 'http://u:p@h'}}", "`providers.a.api_base` must be an address such as"),
    ("providers: {a: {model: x, keys: [sk-123]}}", "`providers.a.keys` holds `sk-123`, which is no variable's name."),
    ("providers: {a: {model: x, tokens_per_minute: -1}}", "`providers.a.tokens_per_minute` must be zero or more"),
    ("providers: {a: {model: x, prices: {input: -1, output: 1}}}", "`providers.a.prices.input` must be zero or more"),
    ("providers: {a: {model: x, tokens: 1}}", "unknown setting `providers.a.tokens`."),
]


@pytest.mark.parametrize(("text", "message"), WRONG)
def test_what_a_row_cannot_be(text: str, message: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        load(text + "\n")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "fine"),
    [
        (Settings(model="m"), True),
        (Settings(), True),  # its only model
        (Settings(model="local/a/b"), True),
        (Settings(model="local"), False),
        (Settings(model="local", models={"chat": "m"}), True),
        (Settings(model="m", models={"edit": "local"}), False),
        (Settings(model="local", fallback_models=("m",)), True),
        (Settings(model="local", fallback_models=("anthropic/claude",)), False),
        (Settings(model="local", embedding_model="e"), True),
        (Settings(model="local", embedding_model="e", embedding_base="http://e/v1"), False),
    ],
)
def test_an_address_that_was_named_is_asked_or_refused(settings: Settings, fine: bool) -> None:
    settings = replace(settings, api_base="http://x/v1", providers={"local": LOCAL})
    require_used(settings, "", "--api-base")
    if fine:
        require_used(settings, "http://x/v1", "--api-base")
        return
    with pytest.raises(Misconfigured) as error:
        require_used(settings, "http://x/v1", "--api-base")
    assert str(error.value) == (
        "--api-base names http://x/v1, and no model of these settings would be asked there: 'local' is at "
        "http://127.0.0.1:9/v1. Leave --api-base out, or name a model by `model` that is there."
    )
