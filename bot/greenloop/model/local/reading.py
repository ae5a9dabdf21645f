"""What a model is like, by its own files: `config.json`, or the head of a GGUF file. Both are somebody else's words."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from greenloop.model.local.facts import Model

_LONGEST = 64 * 1024 * 1024  # bytes of a head; the words of a vocabulary are in it
_MOST = 4_000_000  # entries of one list
_NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_TEXT, _LIST = 8, 9
_DEEPEST = 3


class Unreadable(Exception):
    """The file does not say what is needed; the message says which file, and what."""


def by_config(name: str, config: Mapping[str, Any], *, size: int, template: bool) -> Model:
    """`size` are the bytes of the safetensors files. Raises `Unreadable`."""
    text = config.get("text_config")
    inner: Mapping[str, Any] = text if isinstance(text, dict) else config

    def number(*keys: str, otherwise: int = 0) -> int:
        for key in keys:
            value = inner.get(key)
            if type(value) is int and 0 < value < 1 << 40:
                return value
        if not otherwise:
            raise Unreadable(f"config.json of {name} does not say `{keys[0]}`.")
        return otherwise

    heads, hidden = number("num_attention_heads", "n_head"), number("hidden_size", "n_embd")
    experts = any(key in inner for key in ("num_experts", "n_routed_experts", "num_local_experts"))
    used = number("num_experts_per_tok", otherwise=1) if experts else 1
    rank = inner.get("kv_lora_rank")
    return Model(
        id=name,
        parameters=max(1, size // (4 if str(inner.get("torch_dtype", inner.get("dtype"))) == "float32" else 2)),
        layers=number("num_hidden_layers", "n_layer"),
        heads=heads,
        kv_heads=number("num_key_value_heads", otherwise=heads),
        head_dim=number("head_dim", otherwise=max(1, hidden // heads)),
        hidden=hidden,
        inner=used * number("moe_intermediate_size", "intermediate_size", "n_inner", otherwise=4 * hidden),
        vocabulary=number("vocab_size"),
        tied=bool(inner.get("tie_word_embeddings", config.get("tie_word_embeddings", False))),
        context=number("max_position_embeddings", "n_positions"),
        experts=experts,
        kv_width=rank + number("qk_rope_head_dim", otherwise=64) if type(rank) is int and rank > 0 else 0,
        template="its own" if template else "",
    )


def by_gguf(path: Path) -> Model:
    """Raises `Unreadable`."""
    try:
        with path.open("rb") as read:
            said = _head(read)
    except (OSError, struct.error, UnicodeDecodeError, ValueError) as error:
        raise Unreadable(f"{path} cannot be read as GGUF: {error}.") from None
    kind = said.get("general.architecture", "")

    def number(key: str, otherwise: int = 0) -> int:
        value = said.get(f"{kind}.{key}")
        if type(value) is int and 0 < value < 1 << 40:
            return value
        if not otherwise:
            raise Unreadable(f"{path} does not say `{kind}.{key}`.")
        return otherwise

    heads, hidden = number("attention.head_count"), number("embedding_length")
    return Model(
        id=path.name,
        parameters=path.stat().st_size,
        file=path.stat().st_size,
        layers=number("block_count"),
        heads=heads,
        kv_heads=number("attention.head_count_kv", heads),
        head_dim=number("attention.key_length", max(1, hidden // heads)),
        hidden=hidden,
        inner=number("feed_forward_length", 4 * hidden),
        vocabulary=1,
        tied=True,
        context=number("context_length"),
        template="its own" if said.get("tokenizer.chat_template") else "",
    )


def _head(read: IO[bytes]) -> dict[str, Any]:
    """Numbers and texts of the head; lists are passed over."""
    magic, version, _tensors, count = struct.unpack("<4sIQQ", read.read(24))
    if magic != b"GGUF" or version not in {2, 3} or count > _MOST:
        raise ValueError("it does not begin as GGUF does")
    said: dict[str, Any] = {}
    for _ in range(count):
        key = _text(read)
        said[key] = _value(read, _one(read, "I"))
    return said


def _value(read: IO[bytes], kind: int, depth: int = 0) -> Any:  # noqa: ANN401 - as the file says
    if read.tell() > _LONGEST:
        raise ValueError("its head does not end")
    if kind == _TEXT:
        return _text(read)
    if kind == _LIST:
        inner, count = _one(read, "I"), _one(read, "Q")
        if count > _MOST or depth > _DEEPEST:
            raise ValueError("a list in its head is too long")
        if inner in _NUMBERS:
            read.seek(count * struct.calcsize(_NUMBERS[inner]), 1)
            return None
        for _ in range(count):
            _value(read, inner, depth + 1)
        return None
    if kind not in _NUMBERS:
        raise ValueError(f"there is no kind {kind} of values")
    return _one(read, _NUMBERS[kind])


def _one(read: IO[bytes], kind: str) -> Any:  # noqa: ANN401 - a number
    return struct.unpack(f"<{kind}", read.read(struct.calcsize(kind)))[0]


def _text(read: IO[bytes]) -> str:
    length = _one(read, "Q")
    if length > _LONGEST:
        raise ValueError("a text in its head is too long")
    return read.read(length).decode()
