"""Everything between a prompt and a provider. Opening a model is cheap: libraries are loaded by `warm` or
the first call.

The direct client speaks to OpenAI-compatible endpoints; every other provider goes through litellm.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

from greenloop.errors import GreenloopError, Misconfigured
from greenloop.model.given import check_address, check_key, check_provider
from greenloop.model.keys import key_from
from greenloop.ports import CallLimits, Chat, Model, Price, Reply
from greenloop.settings import FILE, Settings

__all__ = ["key_from", "open_model"]

_NO_MODEL = f"""No model is named. Name one in one of these ways:
  on the command line   greenloop generate --model anthropic/claude-sonnet-5 "…"   (key in ANTHROPIC_API_KEY)
  a local endpoint      greenloop generate --api-base http://127.0.0.1:8000/v1 "…"  (vLLM, llama.cpp, Ollama, LM Studio)
  in {FILE}   model: anthropic/claude-sonnet-5
The key comes from the environment alone: GREENLOOP_API_KEY, or the provider's own variable."""


def open_model(settings: Settings) -> Model:
    """The model that the settings name. Raises `Misconfigured`; opens no connection and loads no library."""
    check_key(settings.api_key)
    if settings.api_base:
        check_address(settings.api_base)
        return _Later(settings, _endpoint)
    if not settings.model:
        raise Misconfigured(_NO_MODEL)
    check_provider(settings.model)
    return _Later(settings, _provider)


class _Later:
    """A model whose client is made at the first use, by whichever thread comes first."""

    def __init__(self, settings: Settings, make: Callable[[Settings], Model]) -> None:
        self._settings = settings
        self._make = make
        self._made: Model | None = None
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"open_model({self.name!r})"

    def _model(self) -> Model:
        with self._lock:
            if self._made is None:
                self._made = self._make(self._settings)
            return self._made

    @property
    def name(self) -> str:
        return self._made.name if self._made else self._settings.model or "default"

    @property
    def price(self) -> Price | None:
        return self._model().price

    def warm(self) -> None:
        with suppress(GreenloopError):  # the first call says it
            self._model().warm()

    def complete(self, chat: Chat, *, limits: CallLimits, on_chunk: Callable[[str], None]) -> Reply:
        return self._model().complete(chat, limits=limits, on_chunk=on_chunk)


def _endpoint(settings: Settings) -> Model:
    from greenloop.model.endpoint import Endpoint  # noqa: PLC0415 - one of the two, and 10 ms

    return Endpoint(settings)


def _provider(settings: Settings) -> Model:
    from greenloop.model.providers import Provider  # noqa: PLC0415 - one of the two, and 10 ms

    return Provider(settings)
