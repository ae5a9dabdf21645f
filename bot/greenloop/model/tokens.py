"""How many tokens a text is to this model: by its own tokenizer where one lies on this machine, by litellm's where that
is loaded anyway, else by an estimate that is rather too high. Asks no network.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from pathlib import Path

from greenloop.model.budget import estimate_tokens
from greenloop.settings import Settings

_BUNDLED = ("openai/", "azure/", "anthropic/")  # what litellm counts by tokenizers that it brings along
_MARGIN = 1.1  # its count for some is near to the truth, no more


def counter(settings: Settings) -> Callable[[str], int]:
    """Nothing is loaded before the first text. The same for the same model."""
    return _counter(settings.model, bool(settings.api_base))


@lru_cache(maxsize=8)
def _counter(model: str, direct: bool) -> Callable[[str], int]:
    name = model if direct else model.partition("/")[2]

    @lru_cache(maxsize=512)
    def count(text: str) -> int:
        own = _own(name)
        if own is not None:
            return own(text)
        bundled = _litellm(model) if not direct else None
        return estimate_tokens(text) if bundled is None else round(bundled(text) * _MARGIN)

    return count


@lru_cache(maxsize=8)
def _own(name: str) -> Callable[[str], int] | None:
    """By the tokenizer in the cache of the Hugging Face hub, where the model was ever downloaded to this machine.
    `tokenizers` is no dependency of ours: it is used where it is."""
    found = _file(name)
    if found is None:
        return None
    try:
        tokenizer = import_module("tokenizers").Tokenizer.from_file(str(found))
    except Exception:  # noqa: BLE001 - the library raises nothing narrower for a file that it cannot read
        return None

    def count(text: str) -> int:
        return len(tokenizer.encode(text, add_special_tokens=False).ids)

    return count


def _file(name: str) -> Path | None:
    """Of several revisions the newest."""
    if not name or ".." in name or not name.isprintable():
        return None
    home = Path(os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface")
    hub = Path(os.environ.get("HF_HUB_CACHE") or home / "hub")
    revisions = (hub / f"models--{name.replace('/', '--')}" / "snapshots").glob("*/tokenizer.json")
    return max(revisions, key=lambda path: path.stat().st_mtime, default=None)


def _litellm(model: str) -> Callable[[str], int] | None:
    loaded = sys.modules.get("litellm")
    if loaded is None or not model.startswith(_BUNDLED):
        return None

    def count(text: str) -> int:
        counted: int = loaded.token_counter(model=model, text=text)
        return counted

    return count
