"""How the step ended: what result.json, the outputs, the summary, the annotations and the exit code are all made of.

Secrets are gone from the values (`clean`) before they come here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from greenloop.domain import Finding, Outcome, Reason, Request
from greenloop.report import render, result, sarif


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """`result` is what result.json holds, `code` the exit code of the step."""

    result: Mapping[str, Any]
    code: int
    sentence: str
    summary: str
    findings: tuple[Finding, ...] = ()
    recording: str = ""

    @property
    def files(self) -> Mapping[str, str]:
        """What is kept for an artifact; what there is none of is not there."""
        found = {
            "result.json": json.dumps(self.result, indent=2),
            "report.md": self.summary,
            "findings.sarif": sarif.dumps(self.findings),
            "recording.jsonl": self.recording,
        }
        return {name: text for name, text in found.items() if text}


def of(outcome: Outcome) -> Ended:
    """A request that was refused *as an outcome* is a stranger's: that is nothing to fail a job for. Whoever may ask
    and is refused learns it from an error."""
    code = 0 if outcome.reason is Reason.REFUSED else outcome.reason.exit_code
    verdict = outcome.best.verdict if outcome.best else outcome.verdict
    return Ended(
        result={**result.as_dict(outcome), "exit_code": code},
        code=code,
        sentence=render.closing(outcome),
        summary=_summary(outcome) + "".join(f"\n{line}\n" for line in _foot(outcome)),
        findings=(*verdict.wanted, *verdict.new) if verdict else (),
        recording=outcome.recording,
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


def _foot(outcome: Outcome) -> Iterator[str]:
    if outcome.sandbox:
        yield f"Sandbox: {outcome.sandbox}"
    yield from (render.inert(text, 500) for text in outcome.asides)


def _summary(outcome: Outcome) -> str:
    if outcome.attempts:
        where = f"\n{outcome.url}\n" if outcome.url else ""
        return f"## {render.inert(render.title(outcome))}\n{where}\n{render.pull_request(outcome)}"
    parts = [
        f"## greenloop: {outcome.reason.word}",
        outcome.reason.sentence,
        render.inert(outcome.detail, 2000),
        render.fenced(outcome.answer) if outcome.answer else "",
        outcome.url or "",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"
