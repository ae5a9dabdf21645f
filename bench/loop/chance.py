"""A model of dice: what it draws, what it answers, and the best that any loop could have made of the same draws.

An answer is right with probability `q` when the prompt holds the failing assertion's two values and the program, and
with `p` when it holds the program alone; without the program it is nonsense. With probability `r` its format is broken,
by one of the damages below. Everything follows from (seed, program, number of the answer).
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

ATTEMPTS = 4
ADDRESS = re.compile(r"0x[0-9a-f]{6,}|(?<=\.\.\.)[0-9a-f]{6,}(?=>)")
NONSENSE = "I would need to see the file before I can say what is wrong with it."


def _numbered(answer: str) -> str:
    """Line numbers before the lines to find, as a listing has them."""
    head, rest = answer.split("<<<<<<< SEARCH\n")
    search, tail = rest.split("\n=======\n")
    return (
        head
        + "<<<<<<< SEARCH\n"
        + "\n".join(f"{i} | {x}" for i, x in enumerate(search.split("\n"), 7))
        + "\n=======\n"
        + tail
    )


def _shifted(answer: str) -> str:
    """All lines of both sides four columns to the right."""
    head, rest = answer.split("<<<<<<< SEARCH\n")
    sides, tail = rest.split("\n>>>>>>> REPLACE")
    lines = [f"    {x}" if x.strip() and x != "=======" else x for x in sides.split("\n")]
    return head + "<<<<<<< SEARCH\n" + "\n".join(lines) + "\n>>>>>>> REPLACE" + tail


DAMAGES: dict[str, Callable[[str], str]] = {
    "cline's markers": lambda a: a.replace("<<<<<<< SEARCH", "------- SEARCH").replace(
        ">>>>>>> REPLACE", "+++++++ REPLACE"
    ),
    "line numbers": _numbered,
    "shifted": _shifted,
    "no path": lambda a: re.sub(r"^\S+\.py\n", "", a, flags=re.MULTILINE),
    "cut": lambda a: a[: a.index("\n=======\n") + 9],  # nothing can be made of this one
}
HOPELESS = "cut"


class Odds(NamedTuple):
    """`worse`: how many of the wrong answers break what worked, rather than leave the bug as it is."""

    p: float
    q: float
    r: float
    worse: float = 0.25


@dataclass(frozen=True, slots=True)
class Draw:
    luck: float  # below p or q: right
    damage: str  # of the format; none as a rule
    worse: bool

    @property
    def usable(self) -> bool:
        return self.damage != HOPELESS


def draws(seed: int, program: str, odds: Odds, count: int = 40) -> list[Draw]:
    dice = random.Random(f"{seed}/{program}")  # noqa: S311 - a simulation
    found = []
    for _ in range(count):
        luck, broken, kind, worse = dice.random(), dice.random(), dice.choice(sorted(DAMAGES)), dice.random()
        found.append(Draw(luck, kind if broken < odds.r else "", worse < odds.worse))
    return found


def ceiling(drawn: Sequence[Draw], odds: Odds, attempts: int = ATTEMPTS) -> bool:
    """Whether a loop that always tells everything and reads whatever can be read would have been given the right answer
    within its attempts. An answer of which nothing can be made is no attempt."""
    usable = [draw for draw in drawn if draw.usable][:attempts]
    return any(draw.luck < odds.q for draw in usable)


def told(prompt: str, pairs: Sequence[tuple[str, ...]]) -> bool:
    """Whether the prompt holds all words of one of these failures, whatever its white space."""
    flat = " ".join(prompt.split())
    return any(all(value in flat for value in pair) for pair in pairs)


def _known(value: str) -> str:
    """What of a value is the same in every run: up to the first address."""
    return ADDRESS.split(value)[0][:50]


def values(output: str) -> list[tuple[str, ...]]:
    """Of each failed assertion in pytest's output the two values, or the line when it compares none."""
    lines = [" ".join(line[1:].split()) for line in output.splitlines() if line.startswith("E ")]
    compared = (re.match(r"(?:AssertionError: )?assert (.+) == (.+)$", line) for line in lines)
    pairs = [(_known(m[1]), _known(m[2])) for m in compared if m]
    lines = ["Failed: Timeout" if line.startswith("Failed: Timeout") else line for line in lines]
    return [*pairs] or [(line[:80],) for line in lines if len(line) >= 8 and not line.startswith("+")]
