"""From what arrived to a `Reply`: it is complete, its usage is counted, no key is in its text. For every adapter."""

from __future__ import annotations

from dataclasses import dataclass

from greenloop.domain import Usage
from greenloop.hygiene.redact import hide
from greenloop.model import faults
from greenloop.model.budget import cost_of, estimate_chat, estimate_tokens
from greenloop.model.stream import Answer, counted
from greenloop.ports import Chat, Price, Reply

_CUT = frozenset({"error", "abort", "cancelled"})  # finish reasons of answers that are not finished
_SIGNS_PER_TOKEN = 3  # of reasoning, of which we keep only the length


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a reply is the answer to, as far as counting it needs."""

    side: faults.Side
    chat: Chat
    price: Price | None
    keys: tuple[str, ...]


def reply_of(answer: Answer, asked: Asked) -> Reply:
    """Raises `Fault` for an answer without a finish reason, or with one that says it is none."""
    if not answer.finish:
        raise faults.cut(asked.side, answer.text, "the stream ended without a finish reason")
    if answer.finish in _CUT:
        raise faults.cut(asked.side, answer.text, f"the finish reason is {answer.finish!r}")
    if answer.refused and not answer.text:
        raise faults.refused(asked.side, hide(answer.refused, asked.keys))
    if answer.finish == "content_filter":
        raise faults.withheld(asked.side, answer.text)
    return Reply(
        text=hide(answer.text, asked.keys),
        finish=answer.finish,
        usage=_usage(answer, asked),
        model=asked.side.model,
        first_token=answer.first,
    )


def _usage(answer: Answer, asked: Asked) -> Usage:
    """The provider's count; where it gives none, ours, marked as estimated."""
    count = counted(answer.usage)
    into, out, cached, written = count or (
        estimate_chat(asked.chat),
        estimate_tokens(answer.text) + answer.thought // _SIGNS_PER_TOKEN,
        0,
        None,
    )
    cost = cost_of(asked.price, into=into, out=out, cached=cached, written=written)
    return Usage(calls=1, input=into, output=out, cached=cached, cost=cost, estimated=count is None)
