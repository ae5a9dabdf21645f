"""The message of an attempt's commit: a template, no model call. The trailers carry the evidence and can be made again
by `greenloop evaluate`."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass

from greenloop.domain import CheckResult, Report, Request, Status, Usage, Verdict
from greenloop.hygiene.hidden import characters
from greenloop.hygiene.quiet import committed
from greenloop.hygiene.secrets import scrub
from greenloop.verdict.judge import evidence_line

_PINNED = re.compile(r"(.*\w)(@[0-9a-f]{7,64})")
_TRAILER = re.compile(r"^Greenloop-([A-Za-z]+): (.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What an attempt's message is made of."""

    summary: str
    number: int
    attempts: int
    before: str  # one sentence on what failed before
    report: Report
    verdict: Verdict
    model: str
    usage: Usage
    notes: tuple[str, ...] = ()
    candidate: int = 0
    candidates: int = 0


def message(made: Made, request: Request, *, sign_off: bool) -> str:
    """The whole message. Text from a model or a test stands in the subject and the body only, and can form no trailer:
    it is one line each, and the trailers are the last paragraph."""
    beside = f" Candidate {made.candidate} of {made.candidates} made side by side." if made.candidates else ""
    body = [f"Attempt {made.number} of {made.attempts}.{beside} {committed(_line(made.before))}".strip()]
    body += [textwrap.fill(committed(_line(note)), 100) for note in made.notes]
    trailers = [
        f"Greenloop-Run: {request.key}",
        f"Greenloop-Attempt: {made.number}/{made.attempts}",
        *([f"Greenloop-Candidate: {made.candidate}/{made.candidates}"] if made.candidates else []),
        *evidence(made.report, made.verdict),
        f"Greenloop-Model: {_model(made.model)}",
        f"Greenloop-Usage: {usage(made.usage)}",
    ]
    who = _line(request.actor)
    person = who if "<" in who else f"{who} <{who}@users.noreply.{_line(request.server) or 'github.com'}>"
    trailers += [f"Co-authored-by: {person}", *([f"Signed-off-by: {person}"] if sign_off else [])]
    return "\n\n".join([subject(made.summary), *body, "\n".join(trailers)]) + "\n"


def restored(request: Request, number: int, commit: str) -> str:
    """The message of the commit that makes the best attempt the tip of the branch again."""
    return (
        f"Restore attempt {number}, the best so far\n\n"
        f"No later attempt scored higher; this is the tree of {commit[:12]}.\n\n"
        f"Greenloop-Run: {request.key}\nGreenloop-Restores: {commit}\n"
    )


def about(request: Request, branch: str | None) -> str:
    """The trailers by which a run is found again: on its lock and on its record."""
    rows = {
        "Command": request.command,
        "Requester": _line(request.actor),
        "Number": str(request.number or ""),
        "Branch": _line(branch or ""),
    }
    return "".join(f"Greenloop-{name}: {value}\n" for name, value in rows.items() if value)


def subject(summary: str) -> str:
    """One line of at most 72 characters, never a comment, an empty line or a trailer."""
    line = _line(summary).lstrip("#- ") or "Change the code as requested"
    return committed(line if len(line) <= 72 else line[:71].rstrip() + "…")


def evidence(report: Report, verdict: Verdict) -> tuple[str, ...]:
    """The trailers that `greenloop evaluate` reproduces."""
    return (
        f"Greenloop-Checks: {checks(report)}",
        f"Greenloop-Verdict: {'green' if verdict.green else 'red'}",
        f"Greenloop-Evidence: {committed(evidence_line(verdict))}",
    )


def checks(report: Report) -> str:
    """`pytest=passed(41) ruff=failed(1) bandit=skipped`: for tests how many ran, or how many of them are red."""
    return " ".join(f"{r.check}={r.status}{_count(r)}" for r in report.results)


def _count(result: CheckResult) -> str:
    if result.tests:
        red = sum(case.red for case in result.tests)
        return f"({red}/{len(result.tests)})" if red else f"({len(result.tests)})"
    return f"({len(result.findings)})" if result.findings and result.status is Status.FAILED else ""


def _model(name: str) -> str:
    """A server may name itself as it likes; the revision that a model is pinned to stands as it is."""
    found = _PINNED.fullmatch(_line(name))
    return f"{committed(found[1])}{found[2]}" if found else committed(_line(name))


def usage(used: Usage) -> str:
    cost = "unpriced" if used.cost is None else f"{used.cost:.4f}USD"
    return f"in={used.input} out={used.output} cost={cost}"


def read(text: str) -> dict[str, str]:
    """The trailers of a message, without their prefix; only from its last paragraph."""
    return dict(_TRAILER.findall(text.rstrip().rsplit("\n\n", 1)[-1]))


def _line(text: str) -> str:
    """One line of printable text."""
    return characters(" ".join("".join(c if c.isprintable() else " " for c in scrub(text)).split()))
