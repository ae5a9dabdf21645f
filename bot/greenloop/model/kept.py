"""A model whose calls are noted, and whose complete answers are kept and given again to the same request."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256

from greenloop.domain import Request, Usage
from greenloop.errors import ModelUnreachable, OutOfBudget
from greenloop.hygiene.redact import hide
from greenloop.model.answers import Answers, free, request_sha256
from greenloop.model.around import Around
from greenloop.model.audit import Audit, Call, database
from greenloop.model.budget import cost_of, most_tokens
from greenloop.model.keys import split
from greenloop.ports import CallLimits, Chat, Model, Reply
from greenloop.records.places import Places
from greenloop.records.recording import prompt_sha256
from greenloop.settings import Settings

STORED = "from the store"
_ENDS = frozenset({"stop", "length", "content_filter", "tool_calls"})  # others are some provider's words: text


def _utc() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """Where and for whom. `answers` None: nothing is kept and nothing given again; `given` False: only kept."""

    request: Request
    audit: Audit
    answers: Answers | None = None
    given: bool = True
    endpoint: str = ""
    keys: tuple[str, ...] = field(default=(), repr=False)
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], str] = _utc


def remembering(model: Model, request: Request, settings: Settings, places: Places, *, given: bool = True) -> Model:
    """`model` with the memory that the settings allow. Nothing is opened before the first call."""
    kept = settings.cache_days > 0
    days, room = settings.cache_days, settings.cache_megabytes
    return Kept(
        model,
        Keeping(
            request=request,
            audit=Audit(database(places.state)),
            answers=Answers(places.cache, days=days, megabytes=room) if kept else None,
            given=given,
            endpoint=" ".join((settings.api_base, *(settings.candidate_models if settings.candidates > 1 else ()))),
            keys=split(settings.api_key),
        ),
    )


class Kept(Around):
    """`model`, with a memory. The answer that a request got when a run made it for the n-th time is given when a run
    makes it for the n-th time again: who asks twice wants two answers."""

    def __init__(self, model: Model, keeping: Keeping) -> None:
        super().__init__(model)
        self._keeping = keeping
        self._asked: Counter[str] = Counter()
        self._lock = threading.Lock()

    def complete(self, chat: Chat, *, limits: CallLimits, on_chunk: Callable[[str], None]) -> Reply:
        name, began = self.name, self._keeping.clock()
        request = request_sha256(chat, limits, model=name, endpoint=self._keeping.endpoint)
        with self._lock:
            nth = self._asked[request]
            self._asked[request] += 1
        known = self._known(request, nth, limits)
        if known is not None:
            on_chunk(known.text)
            self._note(chat, began, STORED, known)
            return known
        try:
            reply = self._model.complete(chat, limits=limits, on_chunk=on_chunk)
        except ModelUnreachable as error:
            self._failed(chat, limits, began, spent=error.spent)
            raise
        except OutOfBudget:  # nothing was asked
            raise
        except BaseException:
            self._failed(chat, limits, began, spent=True)
            raise
        self._note(chat, began, reply.finish if reply.finish in _ENDS else "other", reply)
        if self._keeping.answers is not None and self._worth(reply) and self.name == name:
            self._keeping.answers.keep(request, nth, reply)
        return reply

    def _known(self, request: str, nth: int, limits: CallLimits) -> Reply | None:
        if self._keeping.answers is None or not self._keeping.given:
            return None
        found = self._keeping.answers.find(request, nth)
        usable = found is not None and self._worth(found) and found.usage.output <= limits.max_output
        return free(found) if found is not None and usable else None

    def _worth(self, reply: Reply) -> bool:
        """Only complete answers, and none in which a key of ours stands."""
        return (
            reply.finish == "stop" and bool(reply.text.strip()) and hide(reply.text, self._keeping.keys) == reply.text
        )

    def _failed(self, chat: Chat, limits: CallLimits, began: float, *, spent: bool) -> None:
        """If it may have been billed, the estimate stands here as it does in the budget."""
        most = Usage(calls=1, input=most_tokens(chat), output=limits.max_output, cost=None, estimated=True)
        word = "failed, may be billed" if spent else "failed"
        self._add(chat, began, word, most if spent else Usage())

    def _note(self, chat: Chat, began: float, outcome: str, reply: Reply) -> None:
        self._add(chat, began, outcome, reply.usage, model=reply.model, answer=reply.text)

    def _add(self, chat: Chat, began: float, outcome: str, used: Usage, *, model: str = "", answer: str = "") -> None:
        if used.cost is None:
            cached = min(used.cached, used.input)
            used = replace(used, cost=cost_of(self.price, into=used.input, out=used.output, cached=cached))
        about = self._keeping.request
        self._keeping.audit.add(
            Call(
                at=self._keeping.now(),
                requester=about.actor,
                repository=about.repository,
                run=about.key,
                model=model or self.name,
                input=used.input,
                output=used.output,
                cached=used.cached,
                cost=used.cost,
                estimated=used.estimated,
                seconds=round(self._keeping.clock() - began, 3),
                outcome=outcome,
                prompt=prompt_sha256(chat),
                answer=sha256(answer.encode()).hexdigest() if answer else "",
            )
        )
