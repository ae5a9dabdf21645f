"""The direct client: any endpoint that speaks one of the `formats`, streamed. No provider's library is needed.

A stream that ends without its finish reason is an error here, never an answer.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from greenloop.errors import GreenloopError, Misconfigured
from greenloop.model import faults
from greenloop.model.around import Alone
from greenloop.model.budget import estimate_chat
from greenloop.model.fitting import fit_of
from greenloop.model.formats import FORMATS
from greenloop.model.given import check_address, check_key
from greenloop.model.keys import variables
from greenloop.model.line import Line, plain_line
from greenloop.model.question import Question
from greenloop.model.replies import Asked, reply_of
from greenloop.model.retry import Pace
from greenloop.model.stream import DONE, Answer, Foreign, error_in, event, lines, payloads, words_of
from greenloop.model.wire import SILENCE, Wire, bounded
from greenloop.ports import CallLimits, Chat, Fit, Price, Reply
from greenloop.settings import Settings

if TYPE_CHECKING:
    import httpx

_LISTING = 10.0  # seconds for the list of models
_ERROR_BODY = 64 * 1024
_LIST_BODY = 1024 * 1024
_FRAME = 64 * 1024  # bytes around an answer
_PER_TOKEN = 2048  # bytes for each token of it; an event has about 300


class _Dialect(Exception):
    """A word of the request that this endpoint has differently, or not at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    key: str
    chat: Chat
    limits: CallLimits
    on_chunk: Callable[[str], None]
    began: float

    @property
    def deadline(self) -> float:
        return self.began + self.limits.seconds


class Endpoint(Alone):
    """A model behind `settings.api_base`. Raises `Misconfigured` for an address that cannot be one."""

    def __init__(
        self,
        settings: Settings,
        *,
        pace: Pace | None = None,
        silence: float = SILENCE,
        line: Line | None = None,
        form: str = "openai",
        named: tuple[str, ...] = (),
    ) -> None:
        check_address(settings.api_base)
        check_key(settings.api_key)
        self._line = line or plain_line(settings, settings.api_base.rstrip("/"), pace or Pace())
        self._pace = self._line.pace
        self._form = FORMATS[form]
        self._wire = Wire(settings.api_base, self._line.ring.seen, clock=self._pace.clock, silence=silence)
        self._settings = settings
        self._model = settings.model
        self._context = settings.context_tokens + settings.max_output if form == "ollama" else 0
        self._variables = named or variables(settings)
        self._prices = settings.prices
        self._dialect: set[str] = set()

    def __repr__(self) -> str:
        return f"Endpoint({self._wire.base!r}, {self.name!r})"

    @property
    def name(self) -> str:
        """Until the endpoint was asked for its only model, "default"."""
        return self._model or "default"

    @property
    def price(self) -> Price | None:
        if self._prices is None:
            return None
        dearer = self._form.WRITTEN
        written = None if dearer is None else self._prices.input * dearer
        return Price(input=self._prices.input, output=self._prices.output, written=written)

    @property
    def fit(self) -> Fit:
        return fit_of(self._settings)

    def warm(self) -> None:
        with suppress(GreenloopError):  # the first call will say it
            self._wire.client()

    def complete(self, chat: Chat, *, limits: CallLimits, on_chunk: Callable[[str], None]) -> Reply:
        """Also raises `Misconfigured`, when no model is named and the endpoint does not have exactly one."""
        began = self._pace.clock()
        return self._line.call(
            lambda key: self._once(_Call(key=key, chat=chat, limits=limits, on_chunk=on_chunk, began=began)),
            tokens=estimate_chat(chat) + limits.max_output,
            deadline=began + limits.seconds,
            patience=limits.patience,
        )

    def listed(self) -> tuple[str, ...]:
        """The models that the endpoint lists; none when it has no such list. Raises `Fault` as a call does."""
        return self._listed(self._line.ring.pick(), self._pace.clock() + _LISTING)

    def context(self) -> int:
        """Tokens of the model's context, as the endpoint tells; 0 when it does not. Costs nothing, never fails."""
        deadline = self._pace.clock() + _LISTING
        for asked in self._form.lengths(self.name):
            with suppress(GreenloopError, Foreign):
                body = None if asked.body is None else json.dumps(asked.body).encode()
                found = asked.read(self._inquired(asked.path, self._line.ring.pick(), deadline, body))
                if found:
                    return found
        return 0

    def _once(self, call: _Call) -> Reply:
        self._find_model(call)
        while True:
            try:
                answer = self._ask(call)
            except _Dialect as word:  # each word once, so this ends
                self._dialect.add(str(word))
                continue
            return reply_of(answer, Asked(side=self._side, chat=call.chat, price=self.price, keys=self._wire.keys()))

    def _ask(self, call: _Call) -> Answer:
        answer = Answer()
        question = Question(model=self.name, chat=call.chat, limits=call.limits, context=self._context)
        spoken = frozenset(self._dialect)  # calls beside this one may learn of further words meanwhile
        body = json.dumps(self._form.body(question, spoken)).encode()
        headers = self._form.headers(call.key)
        with self._wire.talk(
            self._form.CHAT, body, headers, side=self._side, deadline=call.deadline, answer=answer
        ) as (response, watch):
            if response.status_code >= 400:
                raise self._refused(response, call.key, spoken)
            self._gather(response, answer, call)
            if watch.late and not answer.finish:  # without a length, a closed socket looks like an end
                given = round(call.limits.seconds, 1)
                raise faults.late(self._side, answer.text, f"no complete answer within {given:g} s")
        return answer

    def _gather(self, response: httpx.Response, answer: Answer, call: _Call) -> None:
        """Read the answer as a stream of events, or as one body from a server that does not stream."""
        if response.headers.get("content-encoding", "identity") != "identity":
            raise Foreign("the answer is compressed, though we asked that it is not")
        kind = response.headers.get("content-type", "nothing that it names")
        chunks = self._limited(response.iter_raw(), answer, call)
        if self._form.LINES and "json" in kind:
            self._take(lines(chunks), answer, call)
            return
        if kind.startswith("text/event-stream"):
            self._take(payloads(chunks), answer, call)
            return
        body = b"".join(chunks).strip()
        if body.startswith(b"data:"):
            self._take(payloads([body]), answer, call)
        elif body.startswith(b"{") or kind.startswith("application/json"):
            self._take([body], answer, call)
        else:
            raise Foreign(f"it sent {kind}: {body[:200].decode(errors='replace')}")

    def _limited(self, chunks: Iterable[bytes], answer: Answer, call: _Call) -> Iterator[bytes]:
        """The chunks, as long as they are no more than an answer can have and the first token is not overdue."""
        limit = _FRAME + _PER_TOKEN * call.limits.max_output
        size, clock, latest = 0, self._pace.clock, self._pace.clock() + self._wire.silence
        for chunk in chunks:
            size += len(chunk)
            if size > limit:
                raise faults.oversized(self._side, answer.text, limit)
            yield chunk
            if not answer.began and clock() > latest:
                raise faults.late(self._side, "", f"no token within {self._wire.silence:g} s")

    def _take(self, events: Iterable[bytes], answer: Answer, call: _Call) -> None:
        take = self._form.take
        for payload in events:
            if payload == DONE:
                return
            value = event(payload)
            found = error_in(value)
            if found:
                raise self._broke_off(*found, answer)
            text = take(value, answer)
            if not answer.began and (text or answer.thought):
                answer.began, answer.first = True, self._pace.clock() - call.began
            if text:
                call.on_chunk(text)

    def _broke_off(self, status: int | None, words: str, answer: Answer) -> faults.Fault:
        """An error object inside a stream: as good as its status before the first token, a cut answer after it."""
        said = self._wire.clean(words)
        if status and not answer.began:
            return faults.by_status(self._side, status, said)
        return faults.cut(self._side, answer.text, f"the server said: {said}")

    def _refused(self, response: httpx.Response, key: str, spoken: frozenset[str]) -> Exception:
        status, words = response.status_code, self._wire.clean(words_of(bounded(response, _ERROR_BODY)))
        if status in {400, 422}:
            word = next((d for d in self._form.DIALECTS if d in words and d not in spoken), None)
            if word:
                return _Dialect(word)
        known: tuple[str, ...] = ()
        if status == 404:
            with suppress(GreenloopError):
                known = self._listed(key, self._pace.clock() + _LISTING)
        return faults.by_status(self._side, status, words, wait=faults.retry_after(response.headers), known=known)

    def _find_model(self, call: _Call) -> None:
        """A server for one model need not be told which."""
        if self._model:
            return
        known = self._listed(call.key, min(call.deadline, self._pace.clock() + _LISTING))
        if len(known) == 1:
            self._model = known[0]
            return
        has = f"it has {faults.listed(known)}" if known else "it does not list what it has"
        raise Misconfigured(f"No model is named for {self._wire.base}, and {has}. Name one with `--model` or `model:`.")

    def _listed(self, key: str, deadline: float) -> tuple[str, ...]:
        names = self._form.names(self._inquired(self._form.LIST, key, deadline))
        return tuple(n for n in names if isinstance(n, str) and 0 < len(n) <= 200 and n.isprintable())

    def _inquired(self, path: str, key: str, deadline: float, body: bytes | None = None) -> dict[str, Any]:
        """What is told there; nothing where that is not known. Raises `Fault` for a key that is refused."""
        headers, side = self._form.headers(key), self._side
        with self._wire.talk(path, body, headers, side=side, deadline=deadline, answer=Answer()) as (response, _):
            said = bounded(response, _LIST_BODY)
            if response.status_code in {401, 403}:
                raise faults.by_status(side, response.status_code, self._wire.clean(words_of(said)))
            return event(said) if response.status_code < 400 else {}

    @property
    def _side(self) -> faults.Side:
        return faults.Side(
            place=self._wire.base,
            model=self.name,
            variables=self._variables,
            given=bool(self._wire.keys()),
            kind=self._form.KIND,
            ends=self._form.ENDS,
        )
