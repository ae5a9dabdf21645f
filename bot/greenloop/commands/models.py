"""Which models the settings name, whether each can be reached, and how well one does what a run asks of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from time import monotonic

from greenloop.domain import Replace, Unusable, Write
from greenloop.edits import parse
from greenloop.model import abilities, context, open_model, reach
from greenloop.model.budget import estimate_tokens
from greenloop.model.local.serving import Serving
from greenloop.model.own_keys import withheld
from greenloop.model.rows import row as row_of
from greenloop.model.rows import rows, stand_in
from greenloop.ports import CallLimits, ChatMessage, Reply
from greenloop.prompts.asked_formats import ASKED
from greenloop.settings import Settings

OUTPUT = 1000  # tokens that an answer to a tiny task may have
_SECONDS = 120.0
_SYSTEM = "You change code. Answer with the change and nothing else.\n\n"
FILE = "def half(x):\n    return x / 3\n\n\ndef name():\n    return 'half'\n"
TASKS: Mapping[str, tuple[str, Callable[[str], bool]]] = {
    "change a line": ("half() in tiny.py must divide by 2.", lambda text: "/ 2" in text or "* 0.5" in text),
    "add a function": ("Add twice(x), which returns 2 * x, to tiny.py.", lambda text: "def twice(" in text),
    "remove a function": ("Remove name() from tiny.py.", lambda text: "def name(" not in text and "half" in text),
}
STYLES = {
    "whole file": "Answer with the whole new file.",
    "search and replace": "Answer with SEARCH/REPLACE blocks, not with the whole file.",
    "unified diff": "Answer with a unified diff, not with the whole file.",
}


FORMS = dict(zip(STYLES, abilities.FORMS, strict=True))
ASKS = {
    "any": "whole files, and SEARCH/REPLACE where they are large",
    "whole": "whole files only",
    "search": "SEARCH/REPLACE blocks",
    "diff": "unified diffs",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    name: str
    place: str
    model: str
    uses: tuple[str, ...]  # "edit", "chat", "fallback"; none for a row that nothing names
    key: bool
    reach: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """One format on three tiny tasks: how many changes came out right, and what was wrong with the others."""

    style: str
    right: int
    wrong: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    model: str
    context: int | None  # tokens, None where nobody tells
    context_by: str  # who tells
    finishes: tuple[str, ...]
    speed: float  # tokens a second, first token to last, all answers together
    followed: tuple[Followed, ...]

    @property
    def best(self) -> Followed:
        return max(self.followed, key=lambda f: f.right)

    @property
    def enough(self) -> bool:
        """Whether it does at least two of three tiny tasks in one format."""
        return self.best.right >= abilities.ENOUGH

    @property
    def scores(self) -> dict[str, int]:
        """How many tasks came out right, by the word of the setting `edit_format`."""
        return {FORMS[followed.style]: followed.right for followed in self.followed}


def listed(
    settings: Settings, environment: Mapping[str, str], *, text: str | None = None, given: str = ""
) -> Iterator[Listed]:
    """One after the other: reaching a place takes as long as it takes. `text` and `given` as in `own_keys`."""
    uses: dict[str, list[str]] = {}
    for use, names in (
        ("edit", (settings.models.get("edit") or settings.model,)),
        ("chat", (settings.models.get("chat") or settings.model,)),
        ("review", tuple(filter(None, [settings.models.get("review")]))),
        ("fallback", settings.fallback_models),
        ("candidate", settings.candidate_models),
        ("", tuple(settings.providers)),
    ):
        for name in names:
            uses.setdefault(name, []).append(use)
    edit = row_of(settings.models.get("edit") or settings.model, settings, first=True)
    for name, found in uses.items():
        if not name and not settings.api_base:
            continue
        row = row_of(name, settings, first=not {"edit", "chat", "review"}.isdisjoint(found))
        row = row if "edit" in found else stand_in(row, edit)
        why = withheld(row, settings, environment, text=text, given=given)
        key, told = (False, f"not asked: {why}") if why else reach(row, environment)
        yield Listed(
            name=name or "default",
            place=row.place,
            model=row.settings.model,
            uses=tuple(use for use in found if use),
            key=key,
            reach=told,
        )


def probe(
    settings: Settings, environment: Mapping[str, str], tell: Callable[[str], None], serving: Serving | None = None
) -> Probe:
    """Nine small calls. Raises `GreenloopError` when the model cannot be had at all."""
    model = open_model(settings, environment=environment, serving=serving)
    length, by = context(rows(settings)[0], environment)
    finishes: dict[str, None] = {}
    tokens, seconds = 0, 0.0
    followed = []
    for style, words in STYLES.items():
        wrong = []
        for task, (request, right) in TASKS.items():
            tell(f"{style}: {task}")
            chat = (
                ChatMessage(role="system", text=_SYSTEM + ASKED[FORMS[style]]),
                ChatMessage(role="user", text=f"{request} {words}\n\ntiny.py\n```python\n{FILE}```"),
            )
            began = monotonic()
            reply = model.complete(
                chat, limits=CallLimits(max_output=OUTPUT, seconds=_SECONDS), on_chunk=lambda _: None
            )
            seconds += max(monotonic() - began - reply.first_token, 0.001)
            tokens += reply.usage.output or estimate_tokens(reply.text)
            finishes[reply.finish] = None
            trouble = _trouble(reply, right)
            wrong += [f"{task}: {trouble}"] if trouble else []
        followed.append(Followed(style=style, right=len(TASKS) - len(wrong), wrong=tuple(wrong)))
    return Probe(
        model=model.name,
        context=length or None,
        context_by=by,
        finishes=tuple(finishes),
        speed=tokens / seconds,
        followed=tuple(followed),
    )


def _trouble(reply: Reply, right: Callable[[str], bool]) -> str:
    """What is wrong with an answer; "" for a change that does what was asked."""
    patch = parse(reply.text, {"tiny.py": FILE.encode()}.get, {"tiny.py"}, finish=reply.finish, expected=("tiny.py",))
    if isinstance(patch, Unusable):
        return patch.message.splitlines()[0]
    text = FILE
    for edit in patch.edits:
        if isinstance(edit, Write) and edit.path == "tiny.py":
            text = edit.text
        elif isinstance(edit, Replace) and edit.path == "tiny.py":
            text = text.replace(edit.old, edit.new, 1)
    if text == FILE:
        return "tiny.py is not changed"
    return "" if right(text) else "the change does something else"
