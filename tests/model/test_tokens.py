"""Tokens by the model's own tokenizer, where it lies on the machine, and by an estimate where it does not."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import pytest

from greenloop.model import tokens
from greenloop.model.budget import estimate_tokens
from greenloop.settings import Settings

TEXT = "def total(numbers):\n    return sum(numbers)\n"


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setitem(sys.modules, "litellm", None)
    tokens._own.cache_clear()
    tokens._counter.cache_clear()


def downloaded(folder: Path, name: str = "Qwen/Tiny") -> Path:
    """A word is a token."""
    library = import_module("tokenizers")
    made = library.Tokenizer(library.models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    made.pre_tokenizer = library.pre_tokenizers.WhitespaceSplit()
    place = folder / f"models--{name.replace('/', '--')}" / "snapshots" / "abc"
    place.mkdir(parents=True)
    made.save(str(place / "tokenizer.json"))
    return place / "tokenizer.json"


@pytest.mark.parametrize(
    "settings",
    [Settings(model="Qwen/Tiny", api_base="http://127.0.0.1:1/v1"), Settings(model="hosted_vllm/Qwen/Tiny")],
)
def test_a_model_that_was_downloaded_is_counted_by_its_own(tmp_path: Path, settings: Settings) -> None:
    downloaded(tmp_path)
    assert tokens.counter(settings)(TEXT) == len(TEXT.split())


@pytest.mark.parametrize("name", ["", "other", "../Qwen/Tiny", "Qwen/Tiny\n"])
def test_any_other_is_estimated(tmp_path: Path, name: str) -> None:
    downloaded(tmp_path)
    assert tokens.counter(Settings(model=name, api_base="http://127.0.0.1:1/v1"))(TEXT) == estimate_tokens(TEXT)


def test_a_tokenizer_that_is_none_is_not_missed(tmp_path: Path) -> None:
    downloaded(tmp_path).write_text('{"model": 5}')
    settings = Settings(model="Qwen/Tiny", api_base="http://127.0.0.1:1/v1")
    assert tokens.counter(settings)(TEXT) == estimate_tokens(TEXT)


def test_litellm_counts_what_it_has_tokenizers_for_when_it_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    class Loaded:
        @staticmethod
        def token_counter(*, model: str, text: str) -> int:
            return 100 * (model == "anthropic/claude-sonnet-5") + len(text)

    monkeypatch.setitem(sys.modules, "litellm", Loaded)
    assert tokens.counter(Settings(model="anthropic/claude-sonnet-5"))("word") == 114
    assert tokens.counter(Settings(model="huggingface/a/b"))(TEXT) == estimate_tokens(TEXT), "that would ask the hub"
    direct = Settings(model="anthropic/claude-sonnet-5", api_base="http://127.0.0.1:1/v1")
    assert tokens.counter(direct)(TEXT) == estimate_tokens(TEXT)
