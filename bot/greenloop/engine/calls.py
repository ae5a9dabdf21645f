"""Several answers to one prompt, asked for at once. Each call is set aside before the first of them is made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Lock, Thread

from greenloop.engine.workbench import Workbench
from greenloop.errors import ModelUnreachable, OutOfBudget
from greenloop.model.budget import Reservation
from greenloop.ports import CallLimits, Chat, Fit, Reply

Failed = ModelUnreachable | OutOfBudget  # no answer; the run can do without it
_Come = SimpleQueue[tuple[int, "str | Reply | BaseException"]]


@dataclass(frozen=True, slots=True)
class Draw:
    """One of the answers: its number, from 1, and how far it may stray."""

    number: int
    temperature: float


def at_once(
    anew: Callable[[Fit], Chat], bench: Workbench, draws: Sequence[Draw]
) -> Iterator[tuple[int, Chat, Reply | Failed]]:
    """What came of each draw, by its number and with its prompt, as it comes; `anew` makes one for a model's fit. The
    whole possible cost of all of them is set aside first; for what there is no room, nothing is asked. Raises what no
    further call could mend."""
    chat = anew(bench.model.fit)
    asked = {draw.number: _Asked(draw, chat, anew) for draw in draws}
    held: dict[int, Reservation] = {}
    refused: list[tuple[int, Chat, Failed]] = []
    for draw in draws:
        try:
            held[draw.number] = bench.budget.reserve(chat, bench.model.price, bench.settings.max_output)
        except OutOfBudget as error:
            refused.append((draw.number, chat, error))
    come: _Come = SimpleQueue()
    try:
        for number, reservation in held.items():
            # a daemon: a stop does not wait for a provider
            Thread(target=_ask, args=(asked[number], bench, reservation, come), daemon=True).start()
        yield from refused
        while held:
            with bench.stop.waiting():
                number, said = come.get()
            if isinstance(said, str):
                bench.say("reply", detail=said)
            else:
                yield number, asked[number].chat, _settled(said, held.pop(number), bench)
    finally:
        for reservation in held.values():
            bench.budget.failed(reservation, spent=True)


class _Asked:
    """One draw and its prompt, which another model than the first may need differently."""

    _making = Lock()  # a prompt is made of what git tells, to one thread at a time

    def __init__(self, draw: Draw, chat: Chat, anew: Callable[[Fit], Chat]) -> None:
        self.draw, self.chat = draw, chat
        self._anew = anew

    def prompt(self, fit: Fit) -> Chat:
        with self._making:
            self.chat = self._anew(fit)
        return self.chat


def _ask(asked: _Asked, bench: Workbench, reservation: Reservation, come: _Come) -> None:
    draw = asked.draw
    limits = CallLimits(
        max_output=reservation.max_output,
        seconds=bench.budget.seconds_left,
        temperature=draw.temperature,
        more=lambda chat: bench.budget.grow(reservation, chat),
        anew=asked.prompt,
        draw=draw.number,
    )
    said: Reply | BaseException
    try:
        said = bench.model.complete(asked.chat, limits=limits, on_chunk=lambda text: come.put((draw.number, text)))
    except BaseException as error:  # noqa: BLE001 - carried to the thread that waits
        said = error
    come.put((draw.number, said))


def _settled(said: Reply | BaseException, reservation: Reservation, bench: Workbench) -> Reply | Failed:
    """Whatever became of a call, what it may have cost is accounted for."""
    if isinstance(said, Reply):
        bench.budget.settle(reservation, said.usage)
        return said
    if isinstance(said, OutOfBudget):  # of the requester or the repository; nothing was asked
        bench.budget.failed(reservation, spent=False)
        return said
    if isinstance(said, ModelUnreachable):
        bench.budget.failed(reservation, spent=said.spent)
        return said
    bench.budget.failed(reservation, spent=True)
    raise said
