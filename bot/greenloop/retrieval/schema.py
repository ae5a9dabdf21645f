"""The tables of the index, and whether a file that lies in its place is one: of this format, of this degree of trust,
with these tables and nothing else in it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

FORMAT = 2  # another number when the tables or the words in them change
_OURS = 0x67_6C_72_78  # "glrx": SQLite's application id
_WAIT = 30_000  # milliseconds for another indexer's transaction
_SCHEMA = """
CREATE TABLE mark (text TEXT NOT NULL);
CREATE TABLE file (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, first INTEGER NOT NULL, lengths BLOB NOT NULL,
                   chunks BLOB NOT NULL);
CREATE TABLE posting (segment INTEGER NOT NULL, term TEXT NOT NULL, ids BLOB NOT NULL, body BLOB NOT NULL,
                      name BLOB NOT NULL, PRIMARY KEY (segment, term)) WITHOUT ROWID;
CREATE TABLE segment (id INTEGER PRIMARY KEY, postings INTEGER NOT NULL);
CREATE TABLE vector (model TEXT NOT NULL, chunk TEXT NOT NULL, data BLOB NOT NULL,
                     PRIMARY KEY (model, chunk)) WITHOUT ROWID;
"""


class Foreign(Exception):
    """A file that is no index of ours, and why."""


def connect(path: Path | None, mark: str) -> sqlite3.Connection:
    """Raises `Foreign` for a file that is not an index of this format and trust, `sqlite3.Error` for other trouble."""
    if path is not None and (path.is_symlink() or (path.exists() and not path.is_file())):
        raise Foreign(f"{path} is no plain file")
    db = sqlite3.connect(
        ":memory:" if path is None else path, isolation_level=None, timeout=_WAIT / 1000, check_same_thread=False
    )
    try:
        _prepare(db, mark)
    except sqlite3.OperationalError:
        db.close()
        raise
    except sqlite3.DatabaseError as error:  # no database, or a damaged one
        db.close()
        raise Foreign(str(error)) from None
    except Foreign:
        db.close()
        raise
    return db


def _prepare(db: sqlite3.Connection, mark: str) -> None:
    db.execute("PRAGMA trusted_schema = OFF")
    db.execute("PRAGMA synchronous = OFF")  # a cache: what a power cut damages is made anew
    if _value(db, "SELECT count(*) FROM sqlite_master") == 0:
        db.execute("BEGIN IMMEDIATE")
        if _value(db, "SELECT count(*) FROM sqlite_master") == 0:  # nobody else was quicker
            for statement in _SCHEMA.split(";")[:-1]:
                db.execute(statement)
            db.execute("INSERT INTO mark VALUES (?)", (mark,))
            db.execute(f"PRAGMA application_id = {_OURS}")
            db.execute(f"PRAGMA user_version = {FORMAT}")
        db.execute("COMMIT")
    if _value(db, "PRAGMA application_id") != _OURS:
        raise Foreign("it is a database of another program")
    if _value(db, "PRAGMA user_version") != FORMAT:
        raise Foreign("it has another format")
    made = {sql for (sql,) in db.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")}
    if made != {statement.strip() for statement in _SCHEMA.split(";")[:-1]}:
        raise Foreign("its tables are not ours")
    if _value(db, "SELECT coalesce(max(text), '') FROM mark") != mark:
        raise Foreign("it was written for another degree of trust")


def _value(db: sqlite3.Connection, query: str) -> object:
    return db.execute(query).fetchone()[0]
