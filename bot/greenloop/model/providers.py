"""Every other provider, through litellm: the only module that knows it. Loading it costs two seconds of CPU.

litellm translates; retries, budgets and the check for a cut stream are ours, because there it multiplies calls and
takes a cut stream for a complete one.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from greenloop.hygiene.redact import redact
from greenloop.model import faults
from greenloop.model.around import Alone
from greenloop.model.budget import estimate_chat
from greenloop.model.context_length import plausible
from greenloop.model.fitting import fit_of
from greenloop.model.given import check_key, check_provider
from greenloop.model.keys import variables
from greenloop.model.line import Line, plain_line
from greenloop.model.replies import Asked, reply_of
from greenloop.model.retry import Pace
from greenloop.model.stream import Answer
from greenloop.model.wire import SILENCE
from greenloop.ports import CallLimits, Chat, ChatMessage, Fit, Price, Reply
from greenloop.settings import Settings

_SIGNS_PER_TOKEN = 64  # an answer of more characters than this per token that was asked for does not end

_CACHING = ("anthropic/", "bedrock/anthropic", "vertex_ai/claude")

_loading = threading.Lock()


class Provider(Alone):
    """A model named `provider/name`. `api_base` is for tests: litellm's own endpoints otherwise."""

    def __init__(
        self,
        settings: Settings,
        *,
        pace: Pace | None = None,
        api_base: str | None = None,
        line: Line | None = None,
        named: tuple[str, ...] = (),
    ) -> None:
        check_provider(settings.model)
        check_key(settings.api_key)
        self._settings = settings
        place = settings.model.partition("/")[0]
        self._line = line or plain_line(settings, place, pace or Pace())
        self._pace = self._line.pace
        self._api_base = api_base
        self._side = faults.Side(
            place=place,
            model=settings.model,
            variables=named or variables(settings),
            given=bool(settings.api_key),
        )

    def __repr__(self) -> str:
        return f"Provider({self.name!r})"

    @property
    def name(self) -> str:
        return self._settings.model

    @property
    def price(self) -> Price | None:
        """Ours from the settings, else litellm's list; loads litellm then."""
        prices = self._settings.prices
        return Price(input=prices.input, output=prices.output) if prices else _listed_price(self.name)

    @property
    def fit(self) -> Fit:
        return fit_of(self._settings)

    def warm(self) -> None:
        with suppress(Exception):  # a broken installation: the first call says it
            _litellm()

    def complete(self, chat: Chat, *, limits: CallLimits, on_chunk: Callable[[str], None]) -> Reply:
        began = self._pace.clock()
        deadline = began + limits.seconds

        def once(key: str) -> Reply:
            answer = Answer()
            for text in self._pieces(key, chat, limits, answer, deadline=deadline):
                if not answer.began:
                    answer.began, answer.first = True, self._pace.clock() - began
                if text:
                    on_chunk(text)
            return reply_of(answer, Asked(side=self._side, chat=chat, price=self.price, keys=self._keys()))

        tokens = estimate_chat(chat) + limits.max_output
        return self._line.call(once, tokens=tokens, deadline=deadline, patience=limits.patience)

    def context(self) -> int:
        """By litellm's list; 0 when it is not there."""
        known = _listed(self.name)
        return plausible(known.get("max_input_tokens")) or plausible(known.get("max_tokens"))

    def _keys(self) -> tuple[str, ...]:
        return self._line.ring.seen()

    def _pieces(self, key: str, chat: Chat, limits: CallLimits, answer: Answer, *, deadline: float) -> Iterator[str]:
        """The text as it comes, "" for progress without text. Whatever litellm raises becomes a `Fault`, made outside
        of the handler, so that it does not carry the original and the key in it along."""
        fault: faults.Fault | None = None
        try:
            stream = self._open(key, chat, limits, seconds=deadline - self._pace.clock())
            for chunk in stream:
                came = _take(chunk, answer)
                if came is not None:
                    yield came
                self._check(answer, limits, deadline)
            answer.finish = "" if _truncated(stream) else answer.finish
        except faults.Fault:
            raise
        except Exception as error:  # noqa: BLE001 - litellm raises what its many providers raise, bare exceptions too
            fault = self._fault(error, answer)
        if fault:
            raise fault

    def _open(self, key: str, chat: Chat, limits: CallLimits, *, seconds: float) -> Any:  # noqa: ANN401 - a stream
        extra = {"num_ctx": estimate_chat(chat) + limits.max_output} if self._side.place.startswith("ollama") else {}
        return _litellm().completion(
            model=self.name,
            messages=[_message(m, self.name) for m in chat],
            api_key=key or None,
            api_base=self._api_base,
            temperature=limits.temperature,
            max_tokens=limits.max_output,
            timeout=max(0.001, min(SILENCE, seconds)),
            stream=True,
            stream_options={"include_usage": True},
            drop_params=True,  # a parameter that this model does not have
            num_retries=0,
            max_retries=0,
            **extra,
        )

    def _check(self, answer: Answer, limits: CallLimits, deadline: float) -> None:
        if self._pace.clock() > deadline:
            raise faults.late(self._side, answer.text, f"no complete answer within {round(limits.seconds, 1):g} s")
        most = _SIGNS_PER_TOKEN * limits.max_output
        if answer.size > most:
            raise faults.oversized(self._side, answer.text, most)

    def _fault(self, error: Exception, answer: Answer) -> faults.Fault:
        """By what litellm's exceptions have in common, whatever their class."""
        words = redact(faults.plain(str(error)), self._keys())
        kind, status = type(error).__name__, getattr(error, "status_code", None)
        if answer.began or kind == "MidStreamFallbackError":
            answer.pieces = answer.pieces or [str(getattr(error, "generated_content", "") or "")]
            return faults.cut(self._side, redact(answer.text, self._keys()), words)
        if kind == "Timeout":
            return faults.late(self._side, "", words)
        if type(status) is not int:
            return faults.Fault(f"{self._side.place} failed: {kind}: {words}", spent=True, cause="foreign")
        if status == 500 and not self._side.given and "api_key" in words:  # as litellm's openai has it
            status = 401
        headers = getattr(error, "litellm_response_headers", None) or {}
        return faults.by_status(self._side, status, words, wait=faults.retry_after(headers))


def _litellm() -> Any:  # noqa: ANN401 - a module without types
    """litellm, set up. Without the local price list its import would ask the network."""
    with _loading:
        os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
        import litellm

        litellm.telemetry = False
        litellm.suppress_debug_info = True  # no advertisement on the terminal at each error
        logging.getLogger("LiteLLM").setLevel(logging.CRITICAL)  # what there is to say of a failure, the fault says
        return litellm


def _message(message: ChatMessage, model: str) -> dict[str, Any]:
    """For Claude in pieces, of which those that stay the same are marked for its cache of prompts."""
    *kept, last = message.pieces
    if not kept or not model.startswith(_CACHING):
        return {"role": message.role, "content": message.text}
    marked: list[dict[str, Any]] = [{"type": "text", "text": t, "cache_control": {"type": "ephemeral"}} for t in kept]
    return {"role": message.role, "content": [*marked, {"type": "text", "text": last}]}


def _take(chunk: Any, answer: Answer) -> str | None:  # noqa: ANN401 - litellm's chunk
    """Add a chunk to the answer; its text, "" for reasoning, None for neither."""
    usage = getattr(chunk, "usage", None)
    if usage is not None:
        answer.usage = usage.model_dump()
    if not chunk.choices:
        return None
    choice = chunk.choices[0]
    if choice.finish_reason:
        answer.finish = str(choice.finish_reason)
    if getattr(choice.delta, "reasoning_content", None):
        answer.thought += len(choice.delta.reasoning_content)
        return ""
    text = choice.delta.content
    if not isinstance(text, str) or not text:
        return None
    answer.pieces.append(text)
    answer.size += len(text)
    return text


def _truncated(stream: Any) -> bool:  # noqa: ANN401 - litellm's stream
    """Whether the provider's stream ended without a finish reason. litellm invents one then ("stop", and a usage);
    only this attribute, which it does not document, tells. A test holds it to that."""
    return stream.received_finish_reason is None


def _listed(model: str) -> dict[str, Any]:
    """What litellm's own list holds of it."""
    known = _litellm().model_cost
    return known.get(model) or known.get(model.partition("/")[2]) or {}


def _listed_price(model: str) -> Price | None:
    """From litellm's own list. Its functions for that ask the network for some providers."""
    row = _listed(model)
    into, out = row.get("input_cost_per_token"), row.get("output_cost_per_token")
    if into is None or out is None:
        return None
    cached, written = row.get("cache_read_input_token_cost"), row.get("cache_creation_input_token_cost")
    return Price(
        input=into * 1e6,
        output=out * 1e6,
        cached=None if cached is None else cached * 1e6,
        written=None if written is None else written * 1e6,
    )
