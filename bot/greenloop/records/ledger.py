"""What a requester spends a day and a repository a month: limits, and what is left of them. Pure.

The ledger itself outlives a run: a ref of the repository (`service`), or a file on a machine of one's own (`model`).
Before a call its highest possible cost is held, after it what it really was takes its place. What was held and never
settled, because a runner was killed, counts in full.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from greenloop.errors import OutOfBudget
from greenloop.settings import Settings

MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Amount:
    """Money in whole millionths of a dollar, rounded up: sums of these are exact."""

    tokens: int = 0
    micros: int = 0

    @classmethod
    def of(cls, tokens: int, dollars: float | None) -> Amount:
        return cls(tokens, math.ceil(round((dollars or 0.0) * MILLION, 3)))

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.tokens + other.tokens, self.micros + other.micros)


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """One limit, and what is spent of it. `money`: in dollars, otherwise in tokens. `whose` and `cure` are words for
    the refusal: who may spend that and when, and what to do or when it frees up."""

    money: bool
    limit: float
    spent: float
    whose: str = ""
    cure: str

    @property
    def left(self) -> float:
        return max(0.0, self.limit - self.spent)

    def refusal(self, needed: float) -> OutOfBudget:
        if self.money:
            what = f"The next call may cost ${needed:.4f}, and ${self.left:.4f} of ${self.limit:.2f}"
        else:
            what = f"The next call needs up to {needed:.0f} tokens, and {self.left:.0f} of {self.limit:.0f}"
        return OutOfBudget(f"{what}{self.whose} are left. {self.cure}")


Fit = Callable[[tuple[Room, ...]], Amount]  # what to hold; raises `OutOfBudget`


class Ledger(Protocol):
    """One run's account in a ledger that many runs share. Any thread may call it."""

    def hold(self, fit: Fit) -> str:
        """Set aside what `fit` says, in one step that no other run's overlaps; its id. Raises what `fit` raises, and
        `GreenloopError` when the ledger cannot be kept: a limit that cannot be held is no limit."""
        ...

    def settle(self, held: str, amount: Amount) -> None:
        """The call is over, and this is what it was. Never raises for the disk or the network: what is held stands."""
        ...

    def close(self) -> None:
        """The run is over; what could wait is written now."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Who spends, for what, and the limits that hold: those of the settings that are set."""

    requester: str
    repository: str
    run: str
    daily_cost: float | None = None
    daily_tokens: int | None = None
    monthly_cost: float | None = None
    monthly_tokens: int | None = None

    @property
    def limited(self) -> bool:
        limits = (self.daily_cost, self.daily_tokens, self.monthly_cost, self.monthly_tokens)
        return any(limit is not None for limit in limits)

    def rooms(self, now: datetime, today: Amount, month: Amount) -> tuple[Room, ...]:
        """`today` is what the requester has spent since midnight, `month` what the repository has since the first."""
        midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        first = (midnight.replace(day=1) + timedelta(days=32)).replace(day=1) if midnight.day != 1 else midnight
        day = f" that {self.requester} may spend a day"
        whole = f" that {self.repository} may spend a month"
        given = (
            ("daily_cost", self.daily_cost, today.micros / MILLION, day, midnight),
            ("daily_tokens", self.daily_tokens, today.tokens, day, midnight),
            ("monthly_cost", self.monthly_cost, month.micros / MILLION, whole, first),
            ("monthly_tokens", self.monthly_tokens, month.tokens, whole, first),
        )
        return tuple(
            Room(
                money=name.endswith("cost"),
                limit=limit,
                spent=spent,
                whose=whose,
                cure=f"`{name}` frees up on {until:%Y-%m-%d at %H:%M} UTC.",
            )
            for name, limit, spent, whose, until in given
            if limit is not None
        )


def account(settings: Settings, *, requester: str, repository: str, run: str) -> Account:
    return Account(
        requester=requester,
        repository=repository,
        run=run,
        daily_cost=settings.daily_cost,
        daily_tokens=settings.daily_tokens,
        monthly_cost=settings.monthly_cost,
        monthly_tokens=settings.monthly_tokens,
    )
