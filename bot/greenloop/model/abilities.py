"""What `greenloop doctor --model` has found out about models, kept on this machine; and what edit format follows."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from greenloop.database import Database, to_stderr
from greenloop.model.rows import rows
from greenloop.settings import Settings

FILE = "models.sqlite"
ENOUGH = 2  # of three tiny tasks
FORMS = ("whole", "search", "diff")
WEAK = (
    "{model} at {place} did not do two of three tiny tasks in any edit format, so hardly anything will come of this. "
    "Take a larger model, or try it again: greenloop doctor --model {model}"
)
_VERSION = 1
_SCHEMA = (
    "CREATE TABLE models (place TEXT, model TEXT, whole INTEGER NOT NULL, search INTEGER NOT NULL, "
    "diff INTEGER NOT NULL, at REAL NOT NULL, PRIMARY KEY (place, model)) WITHOUT ROWID;"
)


def chosen(scores: Mapping[str, int]) -> str:
    """The form to ask for; "" for a model that manages none. One that manages the two usual forms is asked as ever."""
    if min(scores["whole"], scores["search"]) >= ENOUGH:
        return "any"
    best = max(FORMS, key=lambda form: scores[form])
    return best if scores[best] >= ENOUGH else ""


def keep(settings: Settings, scores: Mapping[str, int], folder: Path, *, now: Callable[[], float] = time.time) -> None:
    row = rows(settings)[0]
    values = (row.place, row.settings.model, *(scores[form] for form in FORMS), now())
    store = Database(folder / FILE, _SCHEMA, version=_VERSION)
    store.attempt(lambda known: known.execute("INSERT OR REPLACE INTO models VALUES (?, ?, ?, ?, ?, ?)", values), None)
    store.close()


def suited(settings: Settings, folder: Path, *, warn: Callable[[str], None] = to_stderr) -> Settings:
    """The settings with the edit format that suits the model, where they leave it open and it has been tried here."""
    if settings.edit_format != "auto" or not (folder / FILE).exists():
        return settings
    row = rows(settings)[0]

    def work(known: sqlite3.Connection) -> tuple[int, ...] | None:
        wanted = "SELECT whole, search, diff FROM models WHERE place = ? AND model = ?"
        found: tuple[int, ...] | None = known.execute(wanted, (row.place, row.settings.model)).fetchone()
        return found

    store = Database(folder / FILE, _SCHEMA, version=_VERSION, warn=warn)
    found = store.attempt(work, None)
    store.close()
    if found is None:
        return settings
    form = chosen(dict(zip(FORMS, found, strict=True)))
    if not form:
        warn(WEAK.format(model=row.settings.model or "the model", place=row.place))
        return settings
    return replace(settings, edit_format=form)
