"""How long a model's context is: as each server tells it, and as nobody does."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from fakes.model_server import Lines, ModelServer, Step
from greenloop.model import context
from greenloop.model.context_length import entry, listed, plausible, props, shown
from greenloop.model.rows import rows
from greenloop.setting_values import ProviderRow
from greenloop.settings import Settings
from program import run

VLLM = {"object": "list", "data": [{"id": "m", "max_model_len": 32768, "root": "m"}, {"id": "lora"}]}
LLAMA = {"data": [{"id": "gguf", "meta": {"n_ctx_train": 131072, "n_params": 7}}]}
ROUTER = {"id": "m", "providers": [{"provider": "a", "context_length": 131072}, {"context_length": 32768}, {}]}
SHOWN = {"model_info": {"general.architecture": "qwen2", "qwen2.context_length": 16384}, "parameters": "num_ctx 2048"}


def test_every_server_tells_it_its_own_way() -> None:
    assert (listed(VLLM, "m"), listed(VLLM, "lora"), listed(VLLM, "other")) == (32768, 0, 0)
    assert listed(LLAMA, "whatever it is called here") == 131072, "the only one there"
    assert props({"default_generation_settings": {"n_ctx": 4096}, "total_slots": 1}) == 4096
    assert (entry(ROUTER), entry({"context_window": 8192}), shown(SHOWN)) == (32768, 8192, 16384)


HOSTILE: list[dict[str, Any]] = [
    {},
    {"data": None},
    {"data": ["m", 5]},
    {"data": [{"id": "m", "max_model_len": "32768"}]},
    {"data": [{"id": "m", "max_model_len": True}]},
    {"data": [{"id": "m", "max_model_len": -4096, "meta": 7, "providers": {"a": 1}}]},
    {"data": [{"id": "m", "max_model_len": 1e300}]},
]


@pytest.mark.parametrize("said", HOSTILE, ids=range(len(HOSTILE)))
def test_what_is_no_length_is_none(said: Mapping[str, Any]) -> None:
    assert (listed(said, "m"), props({"default_generation_settings": said}), shown({"model_info": said})) == (0, 0, 0)
    assert [plausible(n) for n in (0, 255, 256, 10**9, None)] == [0, 0, 256, 0, 0]


def test_it_is_asked_where_the_model_is_and_the_settings_stand_in() -> None:
    body = json.dumps(SHOWN).encode()
    with ModelServer(lambda _: Lines(body, "application/json")) as server:
        row = ProviderRow(model="m", api_base=server.origin, format="ollama")
        found = context(rows(Settings(model="x", providers={"x": row}))[0], {})
        assert found == (16384, "its endpoint says so")
        assert [(r.method, r.path, r.body) for r in server.requests] == [("POST", "/api/show", {"model": "m"})]
    with ModelServer() as server:
        settings = Settings(model="m", api_base=server.api_base)
        assert context(rows(settings)[0], {}) == (0, "")
        assert [(r.method, r.path) for r in server.requests] == [("GET", "/props"), ("GET", "/v1/models")]
        mine = Settings(
            model="x", providers={"x": ProviderRow(model="m", api_base=server.api_base, context_tokens=9000)}
        )
        assert context(rows(mine)[0], {}) == (9000, "the settings say so")
    nobody = rows(Settings(model="m", api_base="http://127.0.0.1:9/v1"))[0]
    assert context(nobody, {}) == (0, "")
    listed_one = rows(Settings(model="anthropic/claude-sonnet-4-5"))[0]
    assert context(listed_one, {}) == (200_000, "litellm's list says so")


def answered(body: dict[str, Any]) -> Step:
    del body
    return "Summary: halve\n\ntiny.py\n```python\ndef half(x):\n    return x / 2\n```\n"


def test_doctor_tells_it_and_the_next_run_packs_for_it(make_repo: Callable[..., Path], tmp_path: Path) -> None:
    with ModelServer(answered, models=[{"id": "m", "max_model_len": 3000}]) as server:
        model = ("--model", "m", "--api-base", server.api_base)
        store = {"GREENLOOP_STORE": str(tmp_path / "store")}
        told = run("doctor", *model, cwd=tmp_path, **store)
        assert "  context length: 3000 tokens (its endpoint says so)\n" in told.stdout, told.stderr
        said = json.loads(run("doctor", *model, "--json", cwd=tmp_path, **store).stdout)
        assert (said["context"], said["context_by"]) == (3000, "its endpoint says so")
        large = "".join(f"name_{n} = {n}\n" for n in range(400))
        repo = make_repo({"tiny.py": "def half(x):\n    return x / 3\n", "large.py": large})
        ask = ("generate", "half() must divide by 2", "--file", "tiny.py", "--file", "large.py", *model)
        done = run(*ask, "--check", "ruff", cwd=repo, **store)
        assert done.returncode == 0, done.stderr
        asked = server.chats[-1]
    assert asked["max_tokens"] == 1500
    assert "return x / 3" in asked["messages"][1]["content"]
    assert "name_399 = 399" not in asked["messages"][1]["content"], "the whole file has no place in it"
    unknown = run("doctor", "--model", "m", "--api-base", "http://127.0.0.1:9/v1", cwd=tmp_path, **store)
    assert unknown.returncode == 8
