"""What a model's own files say of it, also when they lie: a config or a head of GGUF is somebody else's words."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest

from fakes.engine import gguf
from greenloop.model.local.reading import Unreadable, by_config, by_gguf

SHAPE: dict[str, Any] = {
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "hidden_size": 64,
    "vocab_size": 99,
    "max_position_embeddings": 4096,
}


def test_a_config_says_what_a_model_is_like() -> None:
    found = by_config("a/b", {**SHAPE, "num_key_value_heads": 2, "torch_dtype": "float32"}, size=400, template=True)
    assert (found.parameters, found.kv_heads, found.head_dim, found.inner) == (100, 2, 16, 256)
    latent = by_config("a/b", {**SHAPE, "kv_lora_rank": 512, "n_routed_experts": 4}, size=400, template=False)
    assert (latent.parameters, latent.kv_width, latent.experts, latent.template) == (200, 576, True, "")
    inside = by_config("a/b", {"text_config": SHAPE}, size=400, template=True)
    assert inside.layers == 2


@pytest.mark.parametrize("value", [None, 0, -1, 2.0, "2", True, 1 << 50])
def test_a_config_that_says_nonsense_is_refused(value: object) -> None:
    with pytest.raises(Unreadable, match=r"config\.json of a/b does not say `num_hidden_layers`\."):
        by_config("a/b", {**SHAPE, "num_hidden_layers": value}, size=400, template=True)


def test_the_head_of_a_file_says_what_a_model_is_like(tmp_path: Path) -> None:
    more: dict[str, Any] = {"attention.head_count_kv": 1, "attention.key_length": 128}
    found = by_gguf(gguf(tmp_path / "a.gguf", **more))
    assert (found.layers, found.kv_heads, found.head_dim, found.context) == (2, 1, 128, 65536)
    assert (found.template, found.file) == ("its own", (tmp_path / "a.gguf").stat().st_size)
    with pytest.raises(Unreadable, match=r"does not say `qwen2\.block_count`"):
        by_gguf(gguf(tmp_path / "b.gguf", block_count=0))


def text(words: str) -> bytes:
    return struct.pack("<Q", len(words)) + words.encode()


HEAD = struct.pack("<4sIQQ", b"GGUF", 3, 0, 1) + text("k")
LIES = {
    "no GGUF": b"PK\x03\x04" + bytes(40),
    "an unknown version": struct.pack("<4sIQQ", b"GGUF", 9, 0, 1),
    "entries without end": struct.pack("<4sIQQ", b"GGUF", 3, 0, 1 << 60),
    "cut off": HEAD[:-1],
    "a text without end": HEAD + struct.pack("<IQ", 8, 1 << 60),
    "a list without end": HEAD + struct.pack("<IIQ", 9, 0, 1 << 60),
    "lists in lists": HEAD + struct.pack("<I", 9) + struct.pack("<IQ", 9, 1) * 20,
    "a kind that is none": HEAD + struct.pack("<I", 77),
    "no text": HEAD + struct.pack("<IQ", 8, 2) + b"\xff\xff",
}


@pytest.mark.parametrize("lie", LIES)
def test_a_head_that_lies_is_refused(tmp_path: Path, lie: str) -> None:
    (tmp_path / "a.gguf").write_bytes(LIES[lie])
    why = "a list in its head is too long" if "list" in lie else ""  # it is not followed to the end of the file
    with pytest.raises(Unreadable, match=rf"a\.gguf cannot be read as GGUF: {why}"):
        by_gguf(tmp_path / "a.gguf")
