"""The ledger of a machine: held before a call, settled after it, shared by every run."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fakes.asking import CHAT, LIMITS, ask
from fakes.scripted import Scripted, reply
from greenloop.domain import Usage
from greenloop.errors import ModelUnreachable, OutOfBudget
from greenloop.model.accounted import Accounted
from greenloop.model.audit import FILE, database
from greenloop.model.book import Book
from greenloop.model.budget import most_tokens
from greenloop.ports import CallLimits, Price
from greenloop.records.ledger import Account, Amount, Room

MOST = most_tokens(CHAT) + LIMITS.max_output
DOLLAR = Price(input=1e6, output=1e6)


class Machine:
    def __init__(self, folder: Path) -> None:
        self.folder, self.now = folder, datetime(2026, 11, 21, 12, tzinfo=UTC)

    def book(self, requester: str = "ada", repository: str = "octo/sums", **limits: float) -> Book:
        about = Account(requester=requester, repository=repository, run="7", **limits)  # type: ignore[arg-type]
        return Book(database(self.folder, lambda _: None), about, now=lambda: self.now)

    def spent(self) -> list[tuple[int, int, int]]:
        rows = database(self.folder)
        return rows.must(lambda c: c.execute("SELECT tokens, micros, settled FROM ledger ORDER BY rowid").fetchall())


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def left(book: Book) -> list[float]:
    seen: list[float] = []

    def look(rooms: tuple[Room, ...]) -> Amount:
        seen.extend(room.left for room in rooms)
        raise OutOfBudget("only looking")

    with pytest.raises(OutOfBudget):
        book.hold(look)
    return seen


def test_a_call_is_held_whole_and_settled_to_what_it_was(machine: Machine) -> None:
    book = machine.book(monthly_tokens=10_000)
    seen: list[list[float]] = []
    model = Scripted(reply(), price=DOLLAR)
    assert ask(Accounted(model, book), on_chunk=lambda _: seen.append(left(book))) == reply()
    assert seen == [[10_000.0 - MOST]]
    assert left(book) == [10_000.0 - 18]


@pytest.mark.parametrize(
    ("happened", "counted"),
    [
        (ModelUnreachable("x", spent=False), 0),
        (ModelUnreachable("x", spent=True), MOST),
        (RuntimeError("a defect"), MOST),
        (reply(usage=Usage(calls=1, input=3, output=4, cost=0.5)), 7),
    ],
)
def test_a_failed_call_counts_when_it_may_have_been_billed(machine: Machine, happened: object, counted: int) -> None:
    book = machine.book(daily_tokens=10_000, daily_cost=10_000.0)
    ask(Accounted(Scripted(happened, price=DOLLAR), book))  # type: ignore[arg-type]
    cost = 0.5 if counted == 7 else float(counted)
    assert left(book) == [10_000.0 - cost, 10_000.0 - counted]


def test_where_there_is_no_room_nothing_is_asked(machine: Machine) -> None:
    model = Scripted(reply())
    refused = ask(Accounted(model, machine.book(daily_tokens=MOST - 1)))
    assert (str(refused), type(refused), model.asked) == (
        (
            f"The next call needs up to {MOST} tokens, and {MOST - 1} of {MOST - 1} that ada may spend a day are left. "
            "`daily_tokens` frees up on 2026-11-22 at 00:00 UTC."
        ),
        OutOfBudget,
        0,
    )


def test_an_answer_is_as_long_as_there_is_room(machine: Machine) -> None:
    model = Scripted(reply())
    book = machine.book(daily_tokens=most_tokens(CHAT) + 3000)
    ask(Accounted(model, book), limits=CallLimits(max_output=8000, seconds=20.0))
    assert [limits.max_output for limits in model.limits] == [3000]


def test_days_and_months_end_and_each_has_its_own(machine: Machine) -> None:
    def of(requester: str = "ada", repository: str = "octo/sums") -> Book:
        return machine.book(requester, repository, daily_tokens=100, monthly_tokens=1000)

    one = of()
    one.hold(lambda _: Amount(60, 60))
    assert left(one) == [40.0, 940.0]
    assert left(of("bob")) == [100.0, 940.0]
    assert left(of(repository="octo/other")) == [40.0, 1000.0]
    machine.now = datetime(2026, 11, 22, tzinfo=UTC)
    assert left(one) == [100.0, 940.0]
    machine.now = datetime(2026, 12, 1, tzinfo=UTC)
    assert left(one) == [100.0, 1000.0]


def test_a_ledger_that_cannot_be_kept_is_no_licence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    model = Scripted(reply())
    refused = ask(Accounted(model, Machine(tmp_path / "file").book(daily_tokens=10**9)))
    assert (type(refused), model.asked) == (OutOfBudget, 0)
    assert str(refused).startswith("The limits by day and month cannot be held without their ledger. ")


def test_look_and_hold_are_one_step(machine: Machine) -> None:
    def fit(_: tuple[Room, ...]) -> Amount:
        other = sqlite3.connect(machine.folder / FILE, timeout=0, isolation_level=None)
        with closing(other), pytest.raises(sqlite3.OperationalError, match="database is locked"):
            other.execute("DELETE FROM ledger")
        return Amount(1, 1)

    machine.book(monthly_tokens=1000).hold(fit)


def test_runs_side_by_side_never_exceed_it(machine: Machine) -> None:
    """Eight threads, each with a connection of its own, take 70 again and again of 1000."""
    granted: list[str] = []

    def fit(rooms: tuple[Room, ...]) -> Amount:
        (room,) = rooms
        if room.left < 70:
            raise room.refusal(70)
        return Amount(70, 0)

    def spend() -> None:
        book = machine.book(monthly_tokens=1000)
        try:
            while True:
                granted.append(book.hold(fit))
        except OutOfBudget:
            book.close()

    threads = [threading.Thread(target=spend) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(granted) == 14
    assert left(machine.book(monthly_tokens=1000)) == [20.0]
