"""One prompt: what the files are now, packed into the room that there is, in words."""

from __future__ import annotations

from collections.abc import Iterable

from greenloop import prompts
from greenloop.context import Source, refresh
from greenloop.domain import Task
from greenloop.model.tokens import counter
from greenloop.packing import pack
from greenloop.ports import Chat
from greenloop.prompts.looks import NO_LOOKS, Looks


def framed(  # noqa: PLR0913 - what a prompt is made of, by name
    task: Task,
    source: Source,
    *,
    written: Iterable[str],
    failures: str,
    history: Iterable[str],
    nudge: str,
    last: bool,
    looks: Looks = NO_LOOKS,
) -> tuple[Chat, tuple[str, ...]]:
    """The prompt, and what it had no room for. `written` are the paths that attempts have changed."""
    changed = frozenset(written)
    packed = pack(
        task,
        refresh(task, source, written),
        history,
        room=source.settings.context_tokens,
        count=counter(source.settings),
        around=(
            prompts.system(looks=looks.offered, edit_format=source.settings.edit_format),
            failures,
            nudge,
            *sum(looks.answers, ()),
        ),
    )
    chat = prompts.chat(
        packed.task,
        packed.snippets,
        failures=failures,
        history=packed.history,
        nudge=nudge,
        last=last,
        changed=changed,
        looks=looks,
        edit_format=source.settings.edit_format,
    )
    return chat, packed.dropped
