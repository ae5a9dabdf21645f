"""Every fault in every wire format: what happens once, what happens when it lasts, and what is said. Compared whole
with docs/model-faults.md; a failure shows the table to paste."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from fakes.asking import CHAT, Clock
from fakes.formats import PATHS, Case, Writer, cases
from fakes.model_server import ModelServer, Script, Step
from greenloop.errors import ModelUnreachable
from greenloop.model.chain import Chain
from greenloop.model.endpoint import Endpoint
from greenloop.ports import CallLimits, Reply
from greenloop.settings import Settings

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "model-faults.md"
# seconds, real ones: only where nothing or too little comes, and all such calls are made side by side; far more than
# an answer takes that does come, also where the machine is busy
PATIENCE = 4.0
HEADS = {"openai": "OpenAI chat", "anthropic": "Anthropic messages", "ollama": "Ollama", "huggingface": "HF router"}


class Running(Clock):
    """Time goes by, so that what took all of it leaves none for others; a little fast, so that it is all."""

    def __call__(self) -> float:
        return self.now + 1.2 * time.monotonic()


def clock_of(case: Case) -> Clock:
    return Running() if case.time else Clock()


def endpoint(origin: str, writer: Writer, clock: Clock, case: Case) -> Endpoint:
    settings = Settings(model="m", api_base=origin + PATHS[writer.name], api_key="key-one,key-two")
    return Endpoint(settings, pace=clock.pace(), form=writer.format, silence=PATIENCE if case.silent else 60.0)


def call(models: list[Endpoint], clock: Clock, case: Case) -> Reply | ModelUnreachable:
    limits = CallLimits(max_output=50, seconds=PATIENCE if case.time else 60.0, more=lambda _: 50)
    try:
        return Chain(models, clock=clock).complete(CHAT, limits=limits, on_chunk=lambda _: None)
    except ModelUnreachable as error:
        return error


def once(writer: Writer, case: Case) -> str:
    """One provider with two keys; the fault comes once, and then a good answer."""
    if case.step is None:
        return "retried"  # below, it lasts
    steps: list[Step] = [case.step]
    with ModelServer(lambda _: steps.pop() if steps else writer.whole(), models=404) as server:
        clock = clock_of(case)
        came = call([endpoint(server.origin, writer, clock, case)], clock, case)
        chats = [r for r in server.requests if r.method == "POST"]
        keys = {r.headers.get("authorization", r.headers.get("x-api-key")) for r in chats}
    if isinstance(came, ModelUnreachable):
        return "failed"
    if len(chats) == 1:
        return "answered"
    if len(keys) > 1:
        return "rotated"
    return "continued" if len(chats[-1].body["messages"]) > len(chats[0].body["messages"]) else "retried"


def always(writer: Writer, case: Case, *, others: bool) -> tuple[str, str]:
    """The fault stays: what comes of it, and what is said."""
    script: Script = (lambda _: case.step or "") if case.step else ()
    with ModelServer(script, models=404) as server, ModelServer(lambda _: "whole") as good:
        clock, origin = clock_of(case), server.origin if case.step else closed()
        models = [endpoint(origin, writer, clock, case)]
        if others:
            models.append(endpoint(good.origin, Writer("openai"), clock, case))
        came = call(models, clock, case)
    if isinstance(came, Reply):
        return ("fell back" if good.chats else "answered"), ""
    said = re.sub(r"within [\d.]+ s\.", f"within {PATIENCE:g} s.", str(came))  # what was left of them when it began
    return "failed", said.replace(origin + PATHS[writer.name], "PLACE")


def closed() -> str:
    """An address where nobody listens any more."""
    with ModelServer() as gone:
        return gone.origin


Cell = tuple[str, str]


def cells(every: list[tuple[str, Case]], ask: Callable[..., Iterator[Any]]) -> Iterator[Cell]:
    """What becomes of each, and what is said; `ask` is some `map`."""
    forms, faults = [Writer(form) for form, _ in every], [case for _, case in every]
    first = ask(once, forms, faults)
    last = ask(partial(always, others=True), forms, faults)
    alone = ask(partial(always, others=False), forms, faults)
    for one, (then, _), (_, said) in zip(first, last, alone, strict=True):
        yield (one if one == then == "answered" else f"{one}; {then}"), said


def table() -> str:
    every = [(form, case) for form in HEADS for case in cases(form)]
    slow = [one for one in every if one[1].time or one[1].silent]
    quick = [one for one in every if one not in slow]
    with ThreadPoolExecutor(3 * len(slow)) as pool:
        found = [*cells(slow, pool.map), *cells(quick, map)]
    done = {(form, case.name): cell for (form, case), cell in zip(slow + quick, found, strict=True)}
    rows = []
    for name in [case.name for case in cases("openai")]:
        line = [done[form, name] for form in HEADS]
        said = " · ".join(dict.fromkeys(message.replace("|", "\\|") for _, message in line if message))
        rows.append(f"| {name} | {' | '.join(words for words, _ in line)} | {said} |")
    head = f"| fault | {' | '.join(HEADS.values())} | what is said when it lasts and nobody else is there |"
    return "\n".join([head, "| --- " * (len(HEADS) + 2) + "|", *rows])


def test_the_matrix_is_the_one_in_the_documents() -> None:
    known = DOCUMENT.read_text().partition("<!-- matrix -->\n")[2].partition("\n<!-- /matrix -->")[0]
    made = table()
    assert made == known, f"put this between the markers:\n{made}"
