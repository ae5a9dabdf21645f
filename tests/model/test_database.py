"""A file of ours: shared, private, and never trusted when it is not what we wrote."""

from __future__ import annotations

import os
import sqlite3
import threading
from pathlib import Path

import pytest

from greenloop.records.database import Database, StoreTrouble
from greenloop.records.places import Places

SCHEMA = "CREATE TABLE words (word TEXT NOT NULL);"


class Told(list[str]):
    def __call__(self, text: str) -> None:
        self.append(text)


def store(path: Path, told: Told | None = None, version: int = 1) -> Database:
    return Database(path, SCHEMA, version=version, warn=Told() if told is None else told)


def add(database: Database, word: str) -> bool:
    def insert(rows: sqlite3.Connection) -> bool:
        rows.execute("INSERT INTO words VALUES (?)", (word,))
        return True

    return database.attempt(insert, False)


def words(database: Database) -> list[str]:
    return database.attempt(lambda rows: [w for (w,) in rows.execute("SELECT word FROM words")], ["nothing"])


def aside(path: Path, why: str, number: int = 1) -> str:
    there = f"{path.name}.aside-{number}"
    return f"{path} cannot be trusted: {why}. It was set aside as {there}, and a new one was begun."


def test_rows_outlive_the_process_in_a_file_of_the_users_own(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "store.sqlite"
    assert add(store(path), "one")
    assert words(store(path)) == ["one"]
    assert {f.stat().st_mode & 0o777 for f in path.parent.iterdir()} == {0o600}
    assert path.parent.stat().st_mode & 0o777 == 0o700
    path.chmod(0o644)
    assert words(store(path)) == ["one"]
    assert path.stat().st_mode & 0o777 == 0o600


def foreign(path: Path) -> None:
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE words (word TEXT)")
        other.execute("INSERT INTO words VALUES ('theirs')")


def older(path: Path) -> None:
    assert add(store(path, version=7), "old")


def writable(path: Path) -> None:
    assert add(store(path), "tampered")
    path.chmod(0o666)


def linked(path: Path) -> None:
    other = path.with_name("other")
    assert add(store(other), "theirs")
    path.symlink_to(other)


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda path: path.write_bytes(b"no database at all" * 100), "it is none of ours"),
        (foreign, "it is none of ours"),
        (older, "it has version 7, and this greenloop 1"),
        (writable, "others may write to it"),
        (linked, "it is no plain file"),
        (Path.mkdir, "it is no plain file"),
    ],
)
def test_what_is_not_ours_is_set_aside_and_never_read(tmp_path: Path, make: object, why: str) -> None:
    path, told = tmp_path / "store.sqlite", Told()
    make(path)  # type: ignore[operator]
    database = store(path, told)
    assert (words(database), told) == ([], [aside(path, why)])
    assert add(database, "new")
    assert words(store(path)) == ["new"]
    assert os.path.lexists(f"{path}.aside-1")


def test_damage_in_its_middle_is_found_when_it_is_met(tmp_path: Path) -> None:
    path, told = tmp_path / "store.sqlite", Told()
    first = store(path)
    for number in range(500):
        assert add(first, f"word {number}" * 20)
    first.close()
    data = path.read_bytes()
    path.write_bytes(data[:4096] + b"\xff" * (len(data) - 4096))
    database = store(path, told)
    assert (words(database), told) == ([], [aside(path, "database disk image is malformed")])
    assert (add(database, "new"), words(database)) == (True, ["new"])


def test_a_table_that_is_not_there_is_damage_too(tmp_path: Path) -> None:
    path, told = tmp_path / "store.sqlite", Told()
    assert add(store(path), "one")
    with sqlite3.connect(path) as rows:
        rows.execute("DROP TABLE words")
    assert (words(store(path, told)), told) == ([], [aside(path, "no such table: words")])


def test_a_mistake_of_ours_costs_nobody_the_rows(tmp_path: Path) -> None:
    path, told = tmp_path / "store.sqlite", Told()
    database = store(path, told)
    assert add(database, "one")
    with pytest.raises(StoreTrouble, match="no such column: nonsense"):
        database.must(lambda rows: rows.execute("SELECT nonsense FROM words"))
    assert (words(database), told) == (["one"], [])


def test_a_full_disk_costs_a_warning_and_nothing_that_was_there(tmp_path: Path) -> None:
    path, told = tmp_path / "store.sqlite", Told()
    database = store(path, told)
    assert add(database, "one")
    database.must(lambda rows: rows.execute("PRAGMA max_page_count = 1").fetchone())
    assert [add(database, "x" * 20_000), add(database, "x" * 20_000)] == [False, False]
    cure = "Free the disk, or name a folder in GREENLOOP_STORE. The run goes on without it."
    assert told == [f"{path} cannot be used: database or disk is full. {cure}"]
    assert words(database) == ["one"]


def test_a_place_that_is_none_costs_a_warning(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    told = Told()
    assert not add(store(tmp_path / "file" / "store.sqlite", told), "one")
    assert len(told) == 1
    assert "cannot be used: Not a directory" in told[0] or "cannot be used: File exists" in told[0]


def test_many_threads_and_files_at_once_lose_no_row(tmp_path: Path) -> None:
    path, told = tmp_path / "store.sqlite", Told()
    path.write_bytes(b"rubbish")

    def write(name: str) -> None:
        database = store(path, told)
        assert all(add(database, f"{name} {number}") for number in range(10))
        database.close()

    threads = [threading.Thread(target=write, args=(str(n),)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(words(store(path))) == sorted(f"{n} {number}" for n in range(8) for number in range(10))
    assert told == [aside(path, "it is none of ours")]


@pytest.mark.parametrize(
    ("environment", "state", "cache"),
    [
        ({"HOME": "/h"}, "/h/.local/state/greenloop", "/h/.cache/greenloop"),
        ({"HOME": "/h", "XDG_STATE_HOME": "/s", "XDG_CACHE_HOME": "/c"}, "/s/greenloop", "/c/greenloop"),
        ({"HOME": "/h", "XDG_STATE_HOME": "s"}, "/h/.local/state/greenloop", "/h/.cache/greenloop"),
        ({"HOME": "/h", "XDG_STATE_HOME": "/s", "GREENLOOP_STORE": "/mine"}, "/mine", "/mine"),
    ],
)  # fmt: skip
def test_places_follow_the_xdg_rules(environment: dict[str, str], state: str, cache: str) -> None:
    assert Places.of(environment) == Places(state=Path(state), cache=Path(cache))
