"""How the step ended: what result.json, the outputs, the summary, the annotations and the exit code are all made of.

Secrets are gone from the values (`clean`) before they come here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from greenloop import render, result
from greenloop.domain import Finding, Outcome, Reason, Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """`result` is what result.json holds, `code` the exit code of the step."""

    result: Mapping[str, Any]
    code: int
    sentence: str
    summary: str
    findings: tuple[Finding, ...] = ()


def of(outcome: Outcome) -> Ended:
    """A request that was refused *as an outcome* is a stranger's: that is nothing to fail a job for. Whoever may ask
    and is refused learns it from an error."""
    code = 0 if outcome.reason is Reason.REFUSED else outcome.reason.exit_code
    verdict = outcome.best.verdict if outcome.best else outcome.verdict
    return Ended(
        result={**result.as_dict(outcome), "exit_code": code},
        code=code,
        sentence=render.closing(outcome),
        summary=_summary(outcome) + (f"\nSandbox: {outcome.sandbox}\n" if outcome.sandbox else ""),
        findings=(*verdict.wanted, *verdict.new) if verdict else (),
    )


def without_outcome(reason: Reason, detail: str, request: Request | None) -> Ended:
    """The end of a run that never became one."""
    return Ended(
        result=result.failure(reason, detail, request),
        code=reason.exit_code,
        sentence=f"{reason.word}: {reason.sentence} {detail}".rstrip(),
        summary=f"## greenloop: {reason.word}\n\n{reason.sentence}\n"
        + (f"\n{render.fenced(detail)}\n" if detail else ""),
    )


def _summary(outcome: Outcome) -> str:
    if outcome.attempts:
        where = f"\n{outcome.url}\n" if outcome.url else ""
        return f"## {render.title(outcome)}\n{where}\n{render.pull_request(outcome)}"
    parts = [
        f"## greenloop: {outcome.reason.word}",
        outcome.reason.sentence,
        render.inert(outcome.detail, 2000),
        render.fenced(outcome.answer) if outcome.answer else "",
        outcome.url or "",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"
