"""How much memory serving a model takes, by engine and quantization. Pure.

    weights   parameters x bits; bitsandbytes leaves embeddings and output layer at 16 bits
    cache     layers x numbers for a token x 2 bytes x tokens
    work      what one pass over the prompt holds at once: (3 x inner + 4 x hidden) x 2 bytes for each token that
              is worked on together (transformers: the whole prompt; vLLM: at most 8192)
    fixed     what the engine takes before the first token

The first three are within 10 % of what is published (tests/local/test_facts.py); `fixed` is an allowance of ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from greenloop.model.local.facts import GIB, Model

VLLM, TRANSFORMERS, LLAMA = "vllm", "transformers", "llama_cpp"
# bits of a parameter. bitsandbytes keeps a 32-bit scale for each 64 parameters of 4 bits; llama.cpp: its own table,
# https://github.com/ggml-org/llama.cpp/blob/master/tools/quantize/README.md
BITS: Mapping[str, float] = {"16-bit": 16.0, "fp8": 8.0, "int8": 8.0, "nf4": 4.5, "Q8_0": 8.5, "Q4_K_M": 4.89}
AS_IT_IS = "as it is"
_EMBEDDED = frozenset({"fp8", "int8", "nf4"})  # leave the embeddings at 16 bits
_TOGETHER = 8192  # tokens that vLLM works on at once
_FIXED = {VLLM: 2 * GIB, TRANSFORMERS: GIB, LLAMA: GIB // 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """Bytes."""

    weights: int
    cache: int
    work: int
    fixed: int

    @property
    def all(self) -> int:
        return self.weights + self.cache + self.work + self.fixed


def weights(model: Model, quantization: str) -> int:
    if model.file:
        return model.file
    bits = BITS[quantization]
    if quantization not in _EMBEDDED:
        return round(model.parameters * bits / 8)
    return round((model.parameters - model.embeddings) * bits / 8 + model.embeddings * 2)


def need(model: Model, engine: str, quantization: str, *, context: int, prompt: int | None = None) -> Need:
    """For `context` tokens of prompt and answer together; `prompt` of them are known to be the prompt's."""
    asked = context if prompt is None else prompt
    together = {VLLM: min(asked, _TOGETHER), TRANSFORMERS: asked}.get(engine, 0)
    return Need(
        weights=weights(model, quantization),
        cache=model.cached * 2 * context,
        work=together * (3 * model.inner + 4 * model.hidden) * 2,
        fixed=_FIXED[engine],
    )
