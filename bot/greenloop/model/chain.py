"""The next model when one cannot be had, and an answer that broke off continued once.

Every further call that is paid for is set aside before it (`CallLimits.more`); where that is refused, the failure is
raised as it is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from greenloop.domain import Usage
from greenloop.errors import ModelUnreachable, OutOfBudget
from greenloop.model.around import Among
from greenloop.model.budget import estimate_chat, estimate_tokens
from greenloop.model.continuing import continuation, joined, open_fence
from greenloop.model.faults import Fault
from greenloop.model.fitting import overflowed, reworded, within
from greenloop.ports import CallLimits, Chat, Fit, Model, Reply

PATIENCE = 20.0  # seconds that a provider is waited for while there is another one
_BROKE_OFF = frozenset({"cut", "late"})
_LEAST_SECONDS = 1.0
_WORDS = {
    "key": "it refused the key",
    "limited": "it limits our requests",
    "long": "the prompt is too long",
    "request": "it did not accept the request",
    "down": "it is in trouble",
    "unreachable": "it cannot be reached",
    "late": "it took too long",
    "cut": "its answer was cut off",
    "foreign": "its answer was none",
    "withheld": "it refused to answer",
    "limit": "its limits are used up",
    "resting": "it failed before and rests",
}
_KEPT_OUT = "`only_endpoint` keeps this repository's code there, so {names} was not asked."


class Chain(Among):
    """The first of `models` that answers; the run stays with it. `kept_out` are those that may not be asked."""

    def __init__(
        self, models: Sequence[Model], *, kept_out: Sequence[str] = (), clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(models)
        self._kept_out = tuple(kept_out)
        self._clock = clock
        self._context = 0  # of the first model, where its provider told by refusing a prompt

    def __repr__(self) -> str:
        return f"open_model({self.name!r})"

    @property
    def fit(self) -> Fit:
        return within(self._models[0].fit, self._context)

    def pass_on(self) -> bool:
        if len(self._models) < 2:
            return False
        self._models.pop(0)
        self._context = 0
        return True

    def warm(self) -> None:
        self._models[0].warm()

    def complete(self, chat: Chat, *, limits: CallLimits, on_chunk: Callable[[str], None]) -> Reply:
        deadline = self._clock() + limits.seconds
        failed: list[str] = []
        bill: list[Usage] = []  # of calls that were paid for and gave no answer
        while True:
            model, more, fit = self._models[0], len(self._models) > 1, self.fit
            own = replace(limits, seconds=deadline - self._clock(), patience=PATIENCE if more else limits.patience)
            try:
                began = self._clock()
                try:
                    _await(model)
                finally:  # what has to be loaded first has a deadline of its own
                    deadline += self._clock() - began
                reply = self._whole(model, chat, own, on_chunk, deadline=deadline, bill=bill)
            except ModelUnreachable as error:
                if self._shortened(error, limits, fit):
                    chat, limits = reworded(chat, limits, fit, self.fit)
                    continue
                if not more or self._over(deadline):
                    raise self._told(error, failed, paid=bool(bill)) from None
                if error.spent:
                    bill.append(_estimate(chat, limits))
                    limits = _paid(chat, limits, error)
                failed.append(f"{model.name} ({_word(error)})")
            else:
                known = replace(reply, usage=sum(bill, Usage()) + reply.usage) if bill else reply
                if not more or reply.text.strip() or self._over(deadline):
                    return known
                try:
                    limits = _paid(chat, limits)
                except OutOfBudget:
                    return known
                bill.append(reply.usage)
                failed.append(f"{model.name} (no text)")
            if self._models[0] is model:  # another thread may have been faster
                self._models.pop(0)
                self._context = 0
            chat, limits = reworded(chat, limits, fit, self.fit)

    def _over(self, deadline: float) -> bool:
        """Whether too little time is left for a further call: it would be paid for, and cut off."""
        return deadline - self._clock() < _LEAST_SECONDS

    def _shortened(self, error: ModelUnreachable, limits: CallLimits, fit: Fit) -> bool:
        """Whether a prompt that was too long can be made again, shorter. It was refused, so it cost nothing. The length
        may have been told to a call beside this one, meanwhile."""
        if limits.anew is None or not overflowed(error):
            return False
        if self._context:
            return self.fit != fit
        self._context = overflowed(error)
        return True

    def _whole(
        self,
        model: Model,
        chat: Chat,
        limits: CallLimits,
        on_chunk: Callable[[str], None],
        *,
        deadline: float,
        bill: list[Usage],
    ) -> Reply:
        """One model's answer, continued once if it breaks off. Fails with all that there was."""
        broke: ModelUnreachable | None = None
        try:
            first = model.complete(chat, limits=limits, on_chunk=on_chunk)
        except ModelUnreachable as error:
            if getattr(error, "cause", "") not in _BROKE_OFF or not error.partial.strip():
                raise
            partial, used, broke = error.partial, _estimate(chat, limits, error.partial), error
        else:
            if first.finish != "stop" or not open_fence(first.text):
                return first
            partial, used = first.text, first.usage
        asked, seconds = continuation(chat, partial), deadline - self._clock()
        try:
            limits = _paid(asked, limits, broke) if seconds >= _LEAST_SECONDS else _no_time(broke)
        except OutOfBudget:
            return first
        bill.append(used)
        try:
            second = model.complete(asked, limits=replace(limits, seconds=seconds), on_chunk=on_chunk)
        except ModelUnreachable as error:
            whole = joined(partial, error.partial)
            raise Fault(f"{error} It was continued once.", partial=whole, spent=True, cause=_cause(error)) from None
        return replace(second, text=joined(partial, second.text))

    def _told(self, error: ModelUnreachable, failed: list[str], *, paid: bool) -> ModelUnreachable:
        notes = [f"Before that: {', '.join(failed)}."] if failed else []
        if self._kept_out:
            notes.append(_KEPT_OUT.format(names=" or ".join(self._kept_out)))
        if not notes:
            return error
        return ModelUnreachable(" ".join([str(error), *notes]), partial=error.partial, spent=error.spent or paid)


def _await(model: Model) -> None:
    """Until it can be asked at all."""
    wait = getattr(model, "ready", None)
    if wait is not None:
        wait()


def _paid(chat: Chat, limits: CallLimits, error: ModelUnreachable | None = None) -> CallLimits:
    """The limits of a further call, whose cost is set aside now. Where that cannot be, raises what ended the call
    before it, or `OutOfBudget`."""
    if limits.more is None:
        raise error or OutOfBudget("One call is all that may be paid for.")
    try:
        return replace(limits, max_output=min(limits.max_output, limits.more(chat)))
    except OutOfBudget as refused:
        raise (error or refused) from None


def _no_time(error: ModelUnreachable | None) -> CallLimits:
    raise error or OutOfBudget("No time is left.")


def _cause(error: ModelUnreachable) -> str:
    return getattr(error, "cause", "") or "request"


def _word(error: ModelUnreachable) -> str:
    return _WORDS[_cause(error)]


def _estimate(chat: Chat, limits: CallLimits, partial: str | None = None) -> Usage:
    """Of a call whose usage nobody told."""
    out = limits.max_output if partial is None else min(limits.max_output, estimate_tokens(partial))
    return Usage(calls=1, input=estimate_chat(chat), output=out, cost=None, estimated=True)
