"""A SQLite file of ours, shared by any number of processes: made, opened, and set aside when it is not what we wrote.

Knows no table's meaning. Whatever is wrong is told once; only work that must not be lost raises.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import stat
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

from greenloop.errors import GreenloopError

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]

_APPLICATION = 0x67726C70  # "grlp", in the header of each file of ours
_MAGIC = b"SQLite format 3\0"
_WAIT = 30.0  # seconds for other processes' transactions, which take milliseconds
# what a damaged or foreign file is told by, beside its header; everything else is the disk's or the system's trouble
_BROKEN = frozenset({sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_SCHEMA})


class StoreTrouble(GreenloopError):
    """A file of ours cannot be used; the message says which, why, and what to do."""


def to_stderr(text: str) -> None:
    sys.stderr.write(f"greenloop: {text}\n")


class Database:
    """One file. `version` is that of `schema`; a file with another one is set aside."""

    def __init__(self, path: Path, schema: str, *, version: int, warn: Callable[[str], None] = to_stderr) -> None:
        self.path = path
        self._schema, self._version, self._warn = schema, version, warn
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._told: set[str] = set()

    def attempt(self, work: Work[T], otherwise: T) -> T:
        """What `work` gives, in one transaction; `otherwise`, with a warning, when the file cannot be used."""
        try:
            return self.must(work)
        except StoreTrouble as error:
            self._say(f"{error} The run goes on without it.")
            return otherwise

    def must(self, work: Work[T]) -> T:
        """What `work` gives, in one transaction that no other process's overlaps. Raises `StoreTrouble`."""
        with self._lock:
            try:
                return self._transact(work)
            except sqlite3.DatabaseError as error:
                if getattr(error, "sqlite_errorcode", 0) & 0xFF not in _BROKEN:
                    raise self._trouble(error) from None
                self._drop()
                self._aside(str(error))
            try:
                return self._transact(work)
            except sqlite3.Error as error:
                raise self._trouble(error) from None

    def close(self) -> None:
        with self._lock:
            self._drop()

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _transact(self, work: Work[T]) -> T:
        if self._connection is None:
            self._connection = self._opened()
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            result = work(connection)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return result

    def _opened(self) -> sqlite3.Connection:
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._alone():
                why = self._foreign()
                if why:
                    self._move(why)
                os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
                self.path.chmod(0o600)
                return self._connected()
        except OSError as error:
            raise self._trouble(error) from None

    def _connected(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=_WAIT, isolation_level=None, check_same_thread=False)
        try:
            if not connection.execute("PRAGMA user_version").fetchone()[0]:
                # in the file itself before it is in WAL mode, so that its header tells whose it is
                connection.executescript(
                    f"BEGIN; PRAGMA application_id = {_APPLICATION}; PRAGMA user_version = {self._version};"
                    f"{self._schema} COMMIT;"
                )
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
        except BaseException:
            connection.close()
            raise
        return connection

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Of several processes one makes the file or sets it aside."""
        handle = os.open(f"{self.path}.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def _foreign(self) -> str:
        """Why what lies there is not a file that we have written, or an empty string."""
        try:
            found = self.path.lstat()
        except FileNotFoundError:
            return ""
        if not stat.S_ISREG(found.st_mode):
            return "it is no plain file"
        # root meets the files of the user whose home it was given, in a container for one
        if found.st_uid != os.geteuid() and os.geteuid() != 0:
            return "it belongs to another user"
        if found.st_mode & 0o022:
            return "others may write to it"
        return self._strange()

    def _strange(self) -> str:
        """Why its first bytes are not ours."""
        with self.path.open("rb") as file:
            header = file.read(100)
        if not header:
            return ""
        if not header.startswith(_MAGIC) or header[68:72] != _APPLICATION.to_bytes(4, "big"):
            return "it is none of ours"
        version = int.from_bytes(header[60:64], "big")
        return "" if version == self._version else f"it has version {version}, and this greenloop {self._version}"

    def _aside(self, why: str) -> None:
        """After an error in its middle; another process may have been faster."""
        try:
            with self._alone():
                if self.path.exists() and not self._sound():
                    self._move(why)
        except OSError as error:
            raise self._trouble(error) from None

    def _sound(self) -> bool:
        if self._foreign():
            return False
        try:
            with closing(sqlite3.connect(self.path, timeout=_WAIT, isolation_level=None)) as connection:
                wanted = sqlite3.connect(":memory:")
                wanted.executescript(self._schema)
                tables = "SELECT name, sql FROM sqlite_schema ORDER BY name"
                same = connection.execute(tables).fetchall() == wanted.execute(tables).fetchall()
                return same and connection.execute("PRAGMA quick_check").fetchone() == ("ok",)
        except sqlite3.Error:
            return False

    def _move(self, why: str) -> None:
        number = next(n for n in range(1, 10_000) if not os.path.lexists(f"{self.path}.aside-{n}"))
        there = Path(f"{self.path}.aside-{number}")
        self.path.rename(there)
        for suffix in ("-wal", "-shm", "-journal"):  # they belong to the old file and would spoil the new one
            beside = Path(f"{self.path}{suffix}")
            if os.path.lexists(beside):
                beside.rename(f"{there}{suffix}")
        self._say(f"{self.path} cannot be trusted: {why}. It was set aside as {there.name}, and a new one was begun.")

    def _say(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            self._warn(text)

    def _trouble(self, error: Exception) -> StoreTrouble:
        words = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
        return StoreTrouble(f"{self.path} cannot be used: {words}. Free the disk, or name a folder in GREENLOOP_STORE.")
