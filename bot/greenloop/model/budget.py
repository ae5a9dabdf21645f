"""The budget of a run: the whole possible cost of a call is reserved before it, and settled after it. Thread-safe.

Also what a text costs: counting tokens without a tokenizer, and money from a price.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from greenloop.domain import Usage
from greenloop.errors import OutOfBudget
from greenloop.ports import Chat, Price
from greenloop.records.ledger import Room
from greenloop.settings import Settings

LEAST_OUTPUT = 1024  # an answer that may be no longer than this is hardly worth a call
LEAST_SECONDS = 1.0
NEARLY = 0.8  # of a limit
_FRAME = 6  # tokens around each message
_AROUND = 16  # the same at most, and around all of them

_DIGITS = b"0123456789"
_UPPER = bytes(range(65, 91))
_LOWER = bytes(range(97, 123))
_HIGH = bytes(range(128, 256))


def estimate_tokens(text: str) -> int:
    """Tokens of `text`, rather too many than too few; no tokenizer needed.

    The rule: a lower-case letter 0.24, a capital 0.6, a digit 1, a blank 0.12, a line break 0.6, any other ASCII sign
    0.7, a byte beyond ASCII 0.7; and at least one for each word. Against cl100k and o200k that is 1.2 times the truth
    on source code (0.94 at worst, a table of numbers) and 0.7 times at worst, on base64.
    """
    data = text.encode(errors="replace")
    size = len(data)

    def count(signs: bytes) -> int:
        return size - len(data.translate(None, signs))

    digits, upper, lower, high = count(_DIGITS), count(_UPPER), count(_LOWER), count(_HIGH)
    breaks, blanks = data.count(b"\n"), count(b" \t\r")
    others = size - digits - upper - lower - high - breaks - blanks
    weighed = 0.24 * lower + 0.6 * (upper + breaks) + digits + 0.7 * (high + others) + 0.12 * blanks
    return max(len(data.split()), round(weighed + 0.49))


def estimate_chat(chat: Chat) -> int:
    return sum(estimate_tokens(message.text) + _FRAME for message in chat)


def most_tokens(chat: Chat) -> int:
    """Tokens that no tokenizer exceeds: each token stands for a byte at least. An estimate can be talked down, by a
    file of blanks for one; what is reserved by it would not hold."""
    return _AROUND + sum(len(message.text.encode(errors="replace")) + _AROUND for message in chat)


def cost_of(price: Price | None, *, into: int, out: int, cached: int = 0, written: int | None = None) -> float | None:
    """US dollars; None for a model without a price. Of the tokens `into`, `cached` were read from the provider's cache
    and `written` to it; where it does not say how many, all that can have been and that cost more."""
    if price is None:
        return None
    for_cached = price.input if price.cached is None else price.cached
    for_written = price.input if price.written is None else price.written
    if written is None:
        written = into - cached if for_written > price.input else 0
    new = into - cached - written
    return (new * price.input + cached * for_cached + written * for_written + out * price.output) / 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """What one call may cost at most; `max_output` is what the call must be limited to."""

    number: int
    input: int
    max_output: int
    price: Price | None
    cost: float | None
    calls: int = 1

    @property
    def tokens(self) -> int:
        return self.input + self.max_output


class Budget:
    """What a run may spend: tokens, money, calls, wall time from now on. Several calls may be open at once."""

    def __init__(self, settings: Settings, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._clock = clock
        self._end = clock() + settings.max_minutes * 60
        self._lock = threading.Lock()
        self._open: dict[int, Reservation] = {}
        self._number = 0
        self._used = Usage()
        self._money = 0.0  # apart from `used`, whose cost is unknown as soon as one call's is

    @property
    def used(self) -> Usage:
        with self._lock:
            return self._used

    @property
    def seconds_left(self) -> float:
        return max(0.0, self._end - self._clock())

    @property
    def nearly_spent(self) -> bool:
        """Whether four fifths of any limit are gone, so that the next answer had better be the last."""
        whole = self._settings.max_minutes * 60
        with self._lock:
            parts = [1.0 - self.seconds_left / whole, self._used.calls / self._settings.max_calls]
            parts += [room.spent / room.limit for room in self._rooms(priced=self._money > 0) if room.limit]
        return max(parts) >= NEARLY

    def reserve(self, chat: Chat, price: Price | None, max_output: int) -> Reservation:
        """Set aside what the call can cost at most, with less output where only that fits. Raises `OutOfBudget`."""
        into = most_tokens(chat)
        with self._lock:
            self._check_time()
            self._check_calls()
            out = fitting(self._rooms(priced=price is not None), into, max_output, max_output, price)
            self._number += 1
            cost = cost_of(price, into=into, out=out)
            reservation = Reservation(number=self._number, input=into, max_output=out, price=price, cost=cost)
            self._open[reservation.number] = reservation
            return reservation

    def grow(self, reservation: Reservation, chat: Chat) -> int:
        """Set aside one further call under the same reservation, which is settled for all of them at once. Returns what
        its output must be limited to. Raises `OutOfBudget`."""
        into, price, most = most_tokens(chat), reservation.price, reservation.max_output
        with self._lock:
            self._check_time()
            self._check_calls()
            out = fitting(self._rooms(priced=price is not None), into, most, most, price)
            held = self._open[reservation.number]
            more = cost_of(price, into=into, out=out)
            self._open[held.number] = replace(
                held,
                input=held.input + into,
                max_output=held.max_output + out,
                cost=None if held.cost is None or more is None else held.cost + more,
                calls=held.calls + 1,
            )
            return out

    def settle(self, reservation: Reservation, usage: Usage) -> None:
        """The call is over; `usage` takes the place of the estimate."""
        if usage.cost is None:
            price = reservation.price
            usage = replace(
                usage, cost=cost_of(price, into=usage.input, out=usage.output, cached=min(usage.cached, usage.input))
            )
        self._close(reservation, usage)

    def failed(self, reservation: Reservation, spent: bool) -> None:
        """The call gave no answer. If it may have been billed, the estimate stands."""
        with self._lock:
            reservation = self._open.get(reservation.number, reservation)
        estimate = Usage(
            calls=reservation.calls,
            input=reservation.input,
            output=reservation.max_output,
            cost=reservation.cost,
            estimated=True,
        )
        self._close(reservation, estimate if spent else None)

    def _close(self, reservation: Reservation, usage: Usage | None) -> None:
        with self._lock:
            if self._open.pop(reservation.number, None) is None:
                raise ValueError(f"reservation {reservation.number} is not open: it was closed before")
            if usage is not None:
                self._used += usage
                self._money += usage.cost or 0.0

    def _check_time(self) -> None:
        if self.seconds_left < LEAST_SECONDS:
            raise OutOfBudget(
                f"The {self._settings.max_minutes:g} minutes of this run are over. Raise `max_minutes` to go on."
            )

    def _check_calls(self) -> None:
        if self._used.calls + sum(r.calls for r in self._open.values()) >= self._settings.max_calls:
            raise OutOfBudget(f"All {self._settings.max_calls} calls of this run are made. Raise `max_calls` to go on.")

    def _rooms(self, *, priced: bool) -> list[Room]:
        """Those of the run itself. Without a price, tokens alone are the bound."""
        settings, held = self._settings, self._open.values()
        tokens = self._used.input + self._used.output + sum(r.tokens for r in held)
        rooms = [
            Room(money=False, limit=settings.max_tokens, spent=tokens, cure="Raise `max_tokens` to go on."),
        ]
        if priced:
            money = self._money + sum(r.cost or 0.0 for r in held)
            rooms.append(Room(money=True, limit=settings.max_cost, spent=money, cure="Raise `max_cost` to go on."))
        return rooms


def fitting(rooms: Iterable[Room], into: int, most: int, wanted: int, price: Price | None) -> int:
    """Tokens of output that every limit has room for, at most `most`; fewer than are worth a call raise
    `OutOfBudget`. A call that wants few (`wanted`) is worth it with few."""
    least = min(LEAST_OUTPUT, wanted)
    fits = most
    for room in rooms:
        if not room.money:
            if into + least > room.left:
                raise room.refusal(into + least)
            fits = min(fits, int(room.left) - into)
        elif price is not None:
            fits = min(fits, _affordable(room, into, most, least, price))
    return fits


def _affordable(room: Room, into: int, most: int, least: int, price: Price) -> int:
    if (cost_of(price, into=into, out=most) or 0.0) <= room.left:
        return most
    out = int((room.left - into * price.input / 1e6) / (price.output / 1e6)) if price.output > 0 else -1
    if out < least:
        raise room.refusal(cost_of(price, into=into, out=least) or 0.0)
    return out
