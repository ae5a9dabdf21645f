"""One prompt: what the files are now, packed into the room that there is, in words."""

from __future__ import annotations

from collections.abc import Iterable

from greenloop import prompts
from greenloop.domain import Task
from greenloop.engine.context import Source, refresh
from greenloop.engine.packing import pack
from greenloop.model.tokens import counter
from greenloop.ports import Chat, Fit
from greenloop.prompts.asked_formats import asked
from greenloop.prompts.looks import NO_LOOKS, Looks
from greenloop.settings import Settings

_ANY = Fit()


def asked_form(settings: Settings, fit: Fit) -> str:
    """The form in which the edits are asked for."""
    return asked(settings.edit_format if fit.edit_format == "auto" else fit.edit_format)


def framed(  # noqa: PLR0913 - what a prompt is made of, by name
    task: Task,
    source: Source,
    *,
    written: Iterable[str],
    failures: str,
    history: Iterable[str],
    nudge: str,
    step: str = "",
    last: bool,
    looks: Looks = NO_LOOKS,
    fit: Fit = _ANY,
) -> tuple[Chat, tuple[str, ...]]:
    """The prompt, and what it had no room for. `written` are the paths that attempts have changed; `fit` is the
    model's."""
    changed = frozenset(written)
    tests = source.settings.tests != "never"
    most, form = source.settings.context_tokens, asked_form(source.settings, fit)
    packed = pack(
        task,
        refresh(task, source, written),
        history,
        room=most if fit.room is None else min(most, fit.room),
        count=fit.count or counter(source.settings),
        around=(
            prompts.system(looks=looks.offered, edit_format=form, tests=tests),
            failures,
            nudge,
            step,
            *sum(looks.answers, ()),
        ),
    )
    chat = prompts.chat(
        packed.task,
        packed.snippets,
        failures=failures,
        history=packed.history,
        nudge=nudge,
        step=step,
        last=last,
        changed=changed,
        looks=looks,
        edit_format=form,
        tests=tests,
    )
    return chat, packed.dropped
