"""Texts as vectors by a model in this process: weights of the Hugging Face hub or of a folder, by transformers.

Weights are safetensors, which are numbers; code beside them is never run.
"""

from __future__ import annotations

import json
import math
import os
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from greenloop.errors import Misconfigured, ModelUnreachable
from greenloop.model import faults
from greenloop.model.local.mirrors import trusted
from greenloop.model.local.names import named
from greenloop.model.local.store import offline

_TOKENS = 512  # of one text: what these models were made for
_BATCH = 32
_LONGEST = 6000  # characters of one text
_MISSING = (
    "`embedding_model: {name}` needs torch and transformers in greenloop's own environment: "
    "pip install 'greenloop[embeddings]'. An endpoint needs neither: `embedding_base`."
)
_BAD = "The embedding model {name} cannot be used: {why}"
_DAMAGED = (OSError, ValueError, LookupError, TypeError, AttributeError, RuntimeError)  # by what lies in its folder


class OwnEmbeddings:
    """Implements `ports.Embedder`. Loaded when it is first asked."""

    local = True  # nobody is paid for it

    def __init__(self, model: str) -> None:
        """Raises `Misconfigured` for what is no name of weights."""
        self.name = model
        self._weights = named(model)
        self._loaded: tuple[Any, Any, bool] | None = None

    def embed(self, texts: Sequence[str]) -> Iterator[array[float]]:
        """A vector of length one for each text, in order. Raises `ModelUnreachable`."""
        for start in range(0, len(texts), _BATCH):
            yield from self.batch(texts[start : start + _BATCH])[0]

    def batch(self, texts: Sequence[str]) -> tuple[list[array[float]], int]:
        """The vectors, and the tokens that were read."""
        words, model, first = self._load()
        import torch

        read = words(
            [text[:_LONGEST] or " " for text in texts],
            padding=True,
            truncation=True,
            max_length=min(_TOKENS, words.model_max_length),
            return_tensors="pt",
        )
        try:
            with torch.inference_mode():
                states = model(**read).last_hidden_state
        except _DAMAGED as error:  # words that the model has no numbers for, or no memory
            raise self._bad(error) from None
        mask = read["attention_mask"].unsqueeze(-1)
        pooled = states[:, 0] if first else (states * mask).sum(1) / mask.sum(1)
        return [self._unit(row) for row in pooled.float().tolist()], int(read["attention_mask"].sum())

    def _unit(self, row: list[float]) -> array[float]:
        size = math.sqrt(math.fsum(value * value for value in row))
        if not 0 < size < math.inf:
            raise ModelUnreachable(_BAD.format(name=self.name, why="one of its vectors has no direction."))
        return array("f", (value / size for value in row))

    def _bad(self, error: Exception) -> ModelUnreachable:
        why = faults.plain(str(error).strip().partition("\n")[0])
        return ModelUnreachable(_BAD.format(name=self.name, why=why[:300]))

    def _load(self) -> tuple[Any, Any, bool]:
        """Tokenizer, model, and whether the first token speaks for a text, and not the mean of all."""
        if self._loaded is None:
            try:
                import torch  # noqa: F401 - transformers comes without it
                from safetensors import SafetensorError
                from transformers import AutoModel, AutoTokenizer
            except ImportError:
                raise Misconfigured(_MISSING.format(name=self.name)) from None
            at = str(Path(self._weights.path).expanduser()) if self._weights.path else self._weights.hub
            safe: dict[str, Any] = {
                "trust_remote_code": False,
                "revision": self._weights.revision or None,
                "token": None if trusted(os.environ) else False,
                "local_files_only": bool(offline(os.environ)),
            }
            try:
                words = AutoTokenizer.from_pretrained(at, **safe)
                model = AutoModel.from_pretrained(at, use_safetensors=True, **safe).eval()
            except (*_DAMAGED, SafetensorError) as error:
                raise self._bad(error) from None
            self._loaded = words, model, _first(at, safe)
        return self._loaded


def _first(at: str, safe: dict[str, Any]) -> bool:
    """What the weights say about pooling, where they say anything."""
    from transformers.utils import cached_file

    try:
        kept = {name: value for name, value in safe.items() if name != "trust_remote_code"}
        found = cached_file(at, "1_Pooling/config.json", **kept, _raise_exceptions_for_missing_entries=False)
        said = json.loads(Path(found).read_text("utf-8")) if found else {}
    except (OSError, ValueError):
        return False
    return isinstance(said, dict) and said.get("pooling_mode_cls_token") is True
