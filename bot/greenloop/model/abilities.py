"""What `greenloop doctor --model` has found out about models, kept on this machine: the edit format that
follows, and how long a context is."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

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
_VERSION = 2
_SCHEMA = (
    "CREATE TABLE models (place TEXT, model TEXT, whole INTEGER NOT NULL, search INTEGER NOT NULL, "
    "diff INTEGER NOT NULL, context INTEGER NOT NULL, at REAL NOT NULL, PRIMARY KEY (place, model)) WITHOUT ROWID;"
)
_ADDED = "INSERT OR REPLACE INTO models VALUES (?, ?, ?, ?, ?, ?, ?)"


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
    def work(known: sqlite3.Connection) -> tuple[int, ...] | None:
        wanted = "SELECT whole, search, diff, context FROM models WHERE place = ? AND model = ?"
        found: tuple[int, ...] | None = known.execute(wanted, (row.place, row.settings.model)).fetchone()
        return found

    found = store.attempt(work, None)
    if found is None:
        return row
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
