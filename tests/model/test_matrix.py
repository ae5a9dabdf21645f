"""Every fault in every wire format: what happens once, what happens when it lasts, and what is said. Compared whole
with docs/model-faults.md; a failure shows the table to paste."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from fakes.asking import CHAT, Clock
from fakes.formats import PATHS, Case, Writer, cases
from fakes.model_server import ModelServer, Script, Step
from greenloop.errors import ModelUnreachable
from greenloop.model.chain import Chain
from greenloop.model.endpoint import Endpoint
from greenloop.ports import CallLimits, Reply
from greenloop.settings import Settings

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "model-faults.md"
PATIENCE = 1.5  # seconds, real ones: only where nothing comes, and all such calls are made side by side
HEADS = {"openai": "OpenAI chat", "anthropic": "Anthropic messages", "ollama": "Ollama", "huggingface": "HF router"}


def endpoint(origin: str, writer: Writer, clock: Clock, case: Case) -> Endpoint:
    settings = Settings(model="m", api_base=origin + PATHS[writer.name], api_key="key-one,key-two")
    return Endpoint(settings, pace=clock.pace(), form=writer.format, silence=PATIENCE if case.silent else 60.0)


def call(models: list[Endpoint], clock: Clock, case: Case) -> Reply | ModelUnreachable:
    limits = CallLimits(max_output=50, seconds=0.9 if case.time else 60.0, more=lambda _: 50)
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
        clock = Clock()
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
        clock, origin = Clock(), server.origin if case.step else closed()
        models = [endpoint(origin, writer, clock, case)]
        if others:
            models.append(endpoint(good.origin, Writer("openai"), clock, case))
        came = call(models, clock, case)
    if isinstance(came, Reply):
        return ("fell back" if good.chats else "answered"), ""
    return "failed", str(came).replace(origin + PATHS[writer.name], "PLACE")


def closed() -> str:
    """An address where nobody listens any more."""
    with ModelServer() as gone:
        return gone.origin


def cell(form: str, case: Case) -> tuple[str, str]:
    """What becomes of it, and what is said."""
    writer = Writer(form)
    first, last = once(writer, case), always(writer, case, others=True)[0]
    return (first if first == last == "answered" else f"{first}; {last}"), always(writer, case, others=False)[1]


def table() -> str:
    every = [(form, case) for form in HEADS for case in cases(form)]
    done = {(form, case.name): cell(form, case) for form, case in every if not (case.time or case.silent)}
    slow = [(form, case) for form, case in every if case.time or case.silent]
    with ThreadPoolExecutor(len(slow)) as pool:
        done |= {(f, c.name): found for (f, c), found in zip(slow, pool.map(lambda one: cell(*one), slow), strict=True)}
    rows = []
    for name in [case.name for case in cases("openai")]:
        found = [done[form, name] for form in HEADS]
        said = " · ".join(dict.fromkeys(message.replace("|", "\\|") for _, message in found if message))
        rows.append(f"| {name} | {' | '.join(words for words, _ in found)} | {said} |")
    head = f"| fault | {' | '.join(HEADS.values())} | what is said when it lasts and nobody else is there |"
    return "\n".join([head, "| --- " * (len(HEADS) + 2) + "|", *rows])


def test_the_matrix_is_the_one_in_the_documents() -> None:
    known = DOCUMENT.read_text().partition("<!-- matrix -->\n")[2].partition("\n<!-- /matrix -->")[0]
    made = table()
    assert made == known, f"put this between the markers:\n{made}"
