"""What is known about models, kept on this machine: what `greenloop doctor --model` has found out, and how many answers
of runs could be used, by the form that was asked for. The edit format follows from both, and how long prompts are.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from greenloop.model.rows import Row, lengths, rows
from greenloop.records.database import Database, to_stderr
from greenloop.settings import Settings

FILE = "models.sqlite"
ENOUGH = 2  # of three tiny tasks
FORMS = ("whole", "search", "diff")
WEAK = (
    "{model} at {place} did not do two of three tiny tasks in any edit format, so hardly anything will come of this. "
    "Take a larger model, or try it again: greenloop doctor --model {model}"
)
USED = (
    "{useless} of {all} answers of {model} could not be used, its edits asked for as `{form}`; they are asked for as "
    "`{other}` now. To choose yourself: `edit_format`."
)
_TELLING = 4  # useless answers, and more of them than of the others, are no accident
_MOST = 40  # answers, from which on older ones count for less
_VERSION = 3
_SCHEMA = (
    "CREATE TABLE models (place TEXT, model TEXT, whole INTEGER NOT NULL, search INTEGER NOT NULL, "
    "diff INTEGER NOT NULL, context INTEGER NOT NULL, at REAL NOT NULL, PRIMARY KEY (place, model)) WITHOUT ROWID;"
    "CREATE TABLE answers (place TEXT, model TEXT, form TEXT, used INTEGER NOT NULL, useless INTEGER NOT NULL, "
    "PRIMARY KEY (place, model, form)) WITHOUT ROWID;"
)
_THAT = "WHERE place = ? AND model = ? AND form = ?"
_ADDED = "INSERT OR REPLACE INTO models VALUES (?, ?, ?, ?, ?, ?, ?)"


class _Known(NamedTuple):
    tried: tuple[int, ...] | None
    counts: Mapping[str, tuple[int, int]]  # used and useless answers, by form


def chosen(scores: Mapping[str, int]) -> str:
    """The form to ask for; "" for a model that manages none. One that manages the two usual forms is asked as ever."""
    if min(scores["whole"], scores["search"]) >= ENOUGH:
        return "any"
    best = max(FORMS, key=lambda form: scores[form])
    return best if scores[best] >= ENOUGH else ""


def keep(
    settings: Settings,
    scores: Mapping[str, int],
    folder: Path,
    *,
    context: int = 0,
    now: Callable[[], float] = time.time,
) -> None:
    """`context`: tokens of its context, 0 where that could not be found out."""
    row = rows(settings)[0]
    values = (row.place, row.settings.model, *(scores[form] for form in FORMS), context, now())
    store = Database(folder / FILE, _SCHEMA, version=_VERSION)
    store.attempt(lambda known: known.execute(_ADDED, values), None)
    store.close()


def note(settings: Settings, folder: Path, *, used: int, useless: int) -> None:
    """How many answers of a run became a tree, and how many could not be used; of runs that asked one model alone."""
    if not used + useless or settings.fallback_models or settings.candidate_models:
        return
    row = suited(rows(settings)[:1], folder, warn=lambda _: None)[0]
    key = (row.place, row.settings.model, _form(row.settings))

    def work(known: sqlite3.Connection) -> None:
        before = known.execute(f"SELECT used, useless FROM answers {_THAT}", key).fetchone() or (0, 0)  # noqa: S608
        share = 2 if sum(before) >= _MOST else 1
        sums = before[0] // share + used, before[1] // share + useless
        known.execute("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?)", (*key, *sums))

    store = Database(folder / FILE, _SCHEMA, version=_VERSION)
    store.attempt(work, None)
    store.close()


def _form(settings: Settings) -> str:
    return "any" if settings.edit_format == "auto" else settings.edit_format


def suited(found: Iterable[Row], folder: Path, *, warn: Callable[[str], None] = to_stderr) -> tuple[Row, ...]:
    """Each model's row with what was found out about it on this machine, where the settings leave that open."""
    if not (folder / FILE).exists():
        return tuple(found)
    store = Database(folder / FILE, _SCHEMA, version=_VERSION, warn=warn)
    try:
        return tuple(_suited(row, store, warn) for row in found)
    finally:
        store.close()


def _suited(row: Row, store: Database, warn: Callable[[str], None]) -> Row:
    """What was tried counts first; a form in which its answers have been of no use gives way to another."""
    key, nothing = (row.place, row.settings.model), _Known(None, {})

    def work(known: sqlite3.Connection) -> _Known:
        wanted = "SELECT whole, search, diff, context FROM models WHERE place = ? AND model = ?"
        counts = known.execute("SELECT form, used, useless FROM answers WHERE place = ? AND model = ?", key)
        return _Known(known.execute(wanted, key).fetchone(), {form: (used, useless) for form, used, useless in counts})

    found, counts = store.attempt(work, nothing)
    tried = row if found is None else _tried(row, found, warn)
    return _used(tried, counts, warn) if row.settings.edit_format == "auto" else tried


def _used(row: Row, counts: Mapping[str, tuple[int, int]], warn: Callable[[str], None]) -> Row:
    form = _form(row.settings)
    bad = {name for name, (used, useless) in counts.items() if useless >= _TELLING and useless > used}
    other = next((name for name in ("any", *FORMS) if name not in bad), form)
    if form not in bad or other == form:
        return row
    used, useless = counts[form]
    warn(USED.format(useless=useless, all=used + useless, model=row.settings.model, form=form, other=other))
    return replace(row, settings=replace(row.settings, edit_format=other))


def _tried(row: Row, found: tuple[int, ...], warn: Callable[[str], None]) -> Row:
    settings = row.settings
    *scores, context = found
    if not row.context:
        room, output = lengths(settings.context_tokens, settings.max_output, context)
        settings = replace(settings, context_tokens=room, max_output=output)
    if settings.edit_format == "auto":
        form = chosen(dict(zip(FORMS, scores, strict=True)))
        settings = replace(settings, edit_format=form or "auto")
        if not form:
            warn(WEAK.format(model=settings.model or "the model", place=row.place))
    return replace(row, settings=settings)
