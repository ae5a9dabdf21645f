"""How long a model's context is, as the place where it is tells: in its list of models, or beside it. Pure.

Every server calls it differently, and none has to tell; what is no plausible number is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_LEAST, _MOST = 256, 100_000_000
# vLLM, SGLang; OpenRouter; Groq; Mistral, LM Studio; Anthropic; llama.cpp's `meta`, what runs before what was trained
_NAMES = (
    "max_model_len",
    "context_length",
    "context_window",
    "max_context_length",
    "max_input_tokens",
    "n_ctx",
    "n_ctx_train",
)


def plausible(value: object) -> int:
    return value if type(value) is int and _LEAST <= value <= _MOST else 0


def listed(listing: Mapping[str, Any], model: str) -> int:
    """By the entry of `model` in a list of models, or the only entry; 0 when it does not say."""
    known = list(_rows(listing.get("data")))
    found = [row for row in known if row.get("id") == model] or known
    return entry(found[0]) if len(found) == 1 else 0


def entry(row: Mapping[str, Any]) -> int:
    """By one model's own entry. Where several providers serve it (the router of Hugging Face), the shortest of them."""
    meta = row.get("meta")
    for part in (row, meta if isinstance(meta, dict) else {}):
        found = next((length for name in _NAMES if (length := plausible(part.get(name)))), 0)
        if found:
            return found
    lengths = [plausible(provider.get("context_length")) for provider in _rows(row.get("providers"))]
    return min(filter(None, lengths), default=0)


def props(said: Mapping[str, Any]) -> int:
    """By llama.cpp's `/props`."""
    inner = said.get("default_generation_settings")
    return plausible(inner.get("n_ctx")) if isinstance(inner, dict) else 0


def shown(said: Mapping[str, Any]) -> int:
    """By Ollama's `/api/show`: `qwen2.context_length`, by the model's family."""
    inner = said.get("model_info")
    known = inner.items() if isinstance(inner, dict) else ()
    return next((plausible(value) for name, value in known if str(name).endswith(".context_length")), 0)


def _rows(value: object) -> Iterator[dict[str, Any]]:
    found: Iterable[object] = value if isinstance(value, list) else ()
    return (row for row in found if isinstance(row, dict))
