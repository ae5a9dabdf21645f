"""The attack: a clone whose own settings name an endpoint that collects keys. As a program, against a real server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from fakes.embedding_server import EmbeddingServer
from fakes.model_server import ModelServer
from greenloop.errors import Misconfigured, Refused
from greenloop.model import open_model
from greenloop.model.own_keys import keyed
from greenloop.setting_values import ProviderRow
from greenloop.settings import Settings
from program import run

Repo = Callable[..., Path]
KEY = "sk-of-the-user-0123456789"
FILES = {"half.py": "def half(x):\n    return x / 3\n"}
ANSWER = "Summary: halve\n\nhalf.py\n```python\ndef half(x):\n    return x / 2\n```\n"
ASK = ("generate", "half() must divide by 2", "--check", "ruff")


def told(line: int, base: str, origin: str, variable: str = "GREENLOOP_API_KEY") -> str:
    return (
        f".github/greenloop.yml:{line} names the endpoint {base}, and your key in {variable} was not sent there: a "
        f"repository can name any address. If the key is meant for it, name it yourself, with --api-base {base} or "
        f"GREENLOOP_ENDPOINTS={origin} in the environment; if it needs none, unset {variable}."
    )


def test_a_clone_cannot_collect_the_key(make_repo: Repo) -> None:
    with ModelServer([ANSWER], models=("m",)) as thief:
        repo = make_repo(FILES | {".github/greenloop.yml": f"model: m\napi_base: {thief.api_base}\n"})
        for words in (ASK, ("doctor", "--model", "m")):
            done = run(*words, cwd=repo, GREENLOOP_API_KEY=KEY)
            assert (done.returncode, done.stderr) == (5, f"greenloop: {told(2, thief.api_base, thief.origin)}\n")
        done = run("models", cwd=repo, GREENLOOP_API_KEY=KEY)
        said = f"m (edit, chat): m at {thief.api_base}, no key; not asked: {told(2, thief.api_base, thief.origin)}\n"
        assert (done.returncode, done.stdout) == (0, said)
        assert run("index", cwd=repo, GREENLOOP_API_KEY=KEY).returncode == 0  # without vectors it asks nobody
        assert thief.requests == []


@pytest.mark.parametrize("row", ["{model: anthropic/claude-sonnet-5}", "{model: m, api_base: 'http://127.0.0.1:9/v1'}"])
def test_nor_as_the_place_where_vectors_are_made(make_repo: Repo, row: str) -> None:
    """The key is for a model that is elsewhere, and the address that stands beside it is not that model's."""
    with EmbeddingServer() as thief:
        yaml = f"model: x\nproviders: {{x: {row}}}\napi_base: {thief.base}\nembedding_model: e\n"
        repo = make_repo(FILES | {".github/greenloop.yml": yaml})
        keys = {"GREENLOOP_API_KEY": KEY, "ANTHROPIC_API_KEY": KEY, "GREENLOOP_ENDPOINTS": "http://127.0.0.1:9"}
        assert run("index", "--query", "half", cwd=repo, **keys).returncode == 0
        assert {key for _, key, _ in thief.asked} == {""}


def test_an_index_asks_leave_for_what_it_uses_alone(make_repo: Repo) -> None:
    with EmbeddingServer() as vectors, ModelServer([], models=("m",)) as thief:
        beside = f"model: m\napi_base: {thief.api_base}\nembedding_model: e\n"
        repo = make_repo(FILES | {".github/greenloop.yml": f"{beside}embedding_base: {vectors.base}\n"})
        assert run("index", "--query", "half", cwd=repo, GREENLOOP_API_KEY=KEY).returncode == 0
        assert ({key for _, key, _ in vectors.asked}, thief.requests) == ({""}, [])
        both = make_repo(FILES | {".github/greenloop.yml": beside}, name="both")
        done = run("index", "--query", "half", cwd=both, GREENLOOP_API_KEY=KEY)
        assert (done.returncode, done.stderr) == (5, f"greenloop: {told(2, thief.api_base, thief.origin)}\n")
        assert thief.requests == []


def test_an_endpoint_that_the_user_names_gets_it(make_repo: Repo) -> None:
    with ModelServer(lambda _: ANSWER, models=("m",)) as server:
        repo = make_repo(FILES | {".github/greenloop.yml": f"model: m\napi_base: {server.api_base}\n"})
        named = f"https://other.invalid, {server.origin}/"
        assert run(*ASK, cwd=repo, GREENLOOP_API_KEY=KEY, GREENLOOP_ENDPOINTS=named).returncode == 0
        assert run(*ASK, "--fresh", "--api-base", server.api_base, cwd=repo, GREENLOOP_API_KEY=KEY).returncode == 0
        assert {r.headers.get("authorization") for r in server.requests} == {f"Bearer {KEY}"}
        server.requests.clear()
        assert run(*ASK, "--fresh", cwd=repo).returncode == 0  # one that needs no key is nobody's danger
        assert [r.headers.get("authorization") for r in server.requests if r.method == "POST"] == [None]


def test_an_address_at_which_nothing_would_be_asked_is_said(make_repo: Repo) -> None:
    """It used to be passed over: the model of the row was asked at the row's own."""
    fast = "model: fast\nproviders: {fast: {model: m, api_base: http://127.0.0.1:9/v1}}\n"
    repo = make_repo(FILES | {".github/greenloop.yml": fast})
    for words in (ASK, ("models",), ("doctor", "--model", "fast")):
        done = run(*words, "--api-base", "http://127.0.0.1:8/v1", cwd=repo)
        assert (done.returncode, done.stderr) == (
            2,
            (
                "greenloop: --api-base names http://127.0.0.1:8/v1, and no model of these settings would be asked "
                "there: 'fast' is at http://127.0.0.1:9/v1. Leave --api-base out, or name a model by `model` that is "
                "there.\n"
            ),
        )


def test_no_vectors_by_weights_that_only_the_repository_names(make_repo: Repo) -> None:
    """A stranger's gigabytes, and whatever reads them, in our own process."""
    name = "local/evil/huge"
    repo = make_repo(FILES | {".github/greenloop.yml": f"model: m\nembedding_model: {name}\n"})
    done = run("index", cwd=repo)
    assert (done.returncode, done.stderr) == (
        5,
        (
            f"greenloop: The settings of this repository name {name} as `embedding_model`, to be fetched to this "
            f"machine, and a repository can name anything. If you want that, say so, with "
            f"GREENLOOP_LOCAL_MODELS={name} in the environment.\n"
        ),
    )
    fine = Settings(model="m", api_base="http://127.0.0.1:9/v1", embedding_model=name)
    assert keyed(fine, {"GREENLOOP_LOCAL_MODELS": name}, text=None, given="") == fine
    here = replace(fine, embedding_model="local/./weights")
    assert keyed(here, {}, text=None, given="") == here


YAML = "model: m\n\nproviders:\n  local:\n    model: x\n    api_base: https://evil.example/v1\n"
ROW = ProviderRow(model="x", api_base="https://evil.example/v1")
HIDDEN: list[tuple[Settings, dict[str, str], str]] = [
    (Settings(model="local", providers={"local": ROW}), {"GREENLOOP_API_KEY": "k"}, "http://127.0.0.1:1/v1"),
    (Settings(model="local", providers={"local": ROW}), {"GREENLOOP_KEY_LOCAL": "k"}, "http://evil.example/v1"),
    (Settings(model="local", providers={"local": ROW}), {"GREENLOOP_ENDPOINTS": "https://evil.example:8443"}, ""),
    (
        Settings(model="local", api_base="http://127.0.0.1:1", fallback_models=("local",), providers={"local": ROW}),
        {"GREENLOOP_KEY_LOCAL": "k"},
        "http://127.0.0.1:1",
    ),
]


@pytest.mark.parametrize(("settings", "environment", "given"), HIDDEN, ids=range(len(HIDDEN)))
def test_nor_by_a_row_of_its_own(settings: Settings, environment: dict[str, str], given: str) -> None:
    """Another host, another scheme or another port is another endpoint."""
    environment = environment if "GREENLOOP_ENDPOINTS" not in environment else {**environment, "GREENLOOP_API_KEY": "k"}
    variable = next(name for name in environment if name != "GREENLOOP_ENDPOINTS")
    with pytest.raises(Refused) as caught:
        keyed(settings, environment, text=YAML, given=given)
    assert str(caught.value) == told(6, ROW.api_base, "https://evil.example:443", variable)


def test_without_an_address_of_the_file_nothing_changes() -> None:
    environment = {"GREENLOOP_API_KEY": "k"}
    for model in ("anthropic/c", "ollama/q"):
        assert keyed(Settings(model=model), environment, text=f"model: {model}\n", given="").api_key == "k"


def test_an_address_does_not_hide_in_a_models_name() -> None:
    with pytest.raises(Misconfigured, match=r"^The model 'oobabooga/https://evil\.example' holds an address"):
        open_model(Settings(model="oobabooga/https://evil.example"))


def test_a_slip_in_the_variable_is_told() -> None:
    settings = Settings(model="m", api_base="http://h/v1")
    environment = {"GREENLOOP_API_KEY": "k", "GREENLOOP_ENDPOINTS": "models.example.org"}
    with pytest.raises(Misconfigured, match=r"^GREENLOOP_ENDPOINTS holds 'models\.example\.org', which is no address;"):
        keyed(settings, environment, text=None, given="")
