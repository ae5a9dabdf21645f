"""What a prompt for a model has to suit, and how that changes when the next model or a shorter context has to do."""

from __future__ import annotations

from dataclasses import replace

from greenloop.errors import ModelUnreachable, OutOfBudget
from greenloop.model.budget import most_tokens
from greenloop.model.rows import lengths
from greenloop.model.tokens import counter
from greenloop.ports import CallLimits, Chat, Fit, Model
from greenloop.settings import Settings

SHORTEST = 1024  # tokens of a context that is worth a prompt
_MARGIN = 0.9  # of what is left beside the answer: our count of a prompt is an estimate


def fit_of(settings: Settings) -> Fit:
    """By a row's own settings."""
    return Fit(
        edit_format=settings.edit_format,
        room=settings.context_tokens,
        output=settings.max_output,
        count=counter(settings),
    )


def narrowed(settings: Settings, model: Model) -> Settings:
    """The settings of a run whose prompts the model has room for."""
    fit = model.fit
    room = settings.context_tokens if fit.room is None else min(fit.room, settings.context_tokens)
    output = settings.max_output if fit.output is None else min(fit.output, settings.max_output)
    return replace(settings, context_tokens=room, max_output=output)


def within(fit: Fit, context: int) -> Fit:
    """The same for a context that turned out to be so long."""
    if context < SHORTEST or fit.room is None or fit.output is None:
        return fit
    room, output = lengths(fit.room, fit.output, context)
    return replace(fit, room=min(room, int((context - output) * _MARGIN)), output=output)


def overflowed(error: ModelUnreachable) -> int:
    """How long the context is, by the words of a provider whose context was too short for a prompt; else 0."""
    length: int = 0 if error.spent else getattr(error, "context", 0)
    return length if length >= SHORTEST else 0


def reworded(chat: Chat, limits: CallLimits, before: Fit, now: Fit) -> tuple[Chat, CallLimits]:
    """The prompt as another model needs it. One that is longer is set aside before it is asked; where there is no room
    for that, it is asked as it was."""
    if limits.anew is None or now == before:
        return chat, limits
    new = limits.anew(now)
    if most_tokens(new) <= most_tokens(chat):
        return new, limits
    try:
        more = limits.more(new) if limits.more else 0
    except OutOfBudget:
        more = 0
    if not more:
        return limits.anew(before), limits
    return new, replace(limits, max_output=min(limits.max_output, more))
