"""Outcome → `result.json`: the machine's version of what the pull request says."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import Any

from greenloop.domain import Attempt, Finding, Outcome, Reason, Report, Request, Source, Usage, Verdict
from greenloop.hygiene.clean import clean
from greenloop.report.trailers import checks
from greenloop.verdict.judge import evidence_line

_PATCH = 1_000_000  # characters
_PULL_REQUEST = re.compile(r"https?://[^\s]+/pull/([0-9]+)")


def as_dict(outcome: Outcome) -> dict[str, Any]:
    """Plain lists, dicts, strings and numbers; stable keys, described by docs/result.schema.json."""
    patch, outcome = outcome.patch, clean(outcome)
    best = outcome.best
    verdict = best.verdict if best else outcome.verdict
    number, address = _pull_request(outcome)
    return {
        "status": "green" if outcome.reason.exit_code == 0 else "red",
        "reason": outcome.reason.word,
        "detail": outcome.detail,
        "exit_code": outcome.reason.exit_code,
        "evidence": evidence_line(verdict) if verdict else "unproven",
        "run": outcome.request.key,
        "command": outcome.request.command,
        "base": outcome.request.base,
        "branch": outcome.branch,
        "tip": outcome.tip,
        "url": outcome.url,
        "patch": whole_patch(patch),
        "pull_request_number": number,
        "pull_request_url": address,
        "best": best.number if best else None,
        "attempts": [_attempt(a) for a in outcome.attempts],
        "unusable": outcome.unusable,
        "lookups": outcome.lookups,
        "test_first": outcome.tested,
        "verdict": _verdict(verdict) if verdict else None,
        "baseline": checks(outcome.baseline) if outcome.baseline else None,
        "model": outcome.model,
        "usage": usage(outcome.usage),
        "omitted": list(outcome.omitted),
        "knowledge": list(outcome.knowledge),
        "sandbox": outcome.sandbox or None,
        "seconds": round(outcome.seconds, 2),
    }


def failure(reason: Reason, detail: str, request: Request | None) -> dict[str, Any]:
    """The same for a run that ended before it had an outcome; without a request the event itself was unreadable."""
    known = as_dict(Outcome(request=request or _NOBODY, reason=reason, detail=detail))
    return known if request else known | {"run": None, "command": None, "base": None}


_NOBODY = Request(key="", at="", command="", text="", source=Source.API, repository="", actor="", base="")


def whole_patch(text: str) -> str | None:
    """Whole, or not at all: half of one, or one with a secret cut out, cannot be applied."""
    plain = text.encode("utf-8", "ignore").decode() == text
    return text if text and plain and len(text) <= _PATCH and clean(text) == text else None


def _pull_request(outcome: Outcome) -> tuple[int | None, str | None]:
    """The one that was made, or the one that the request stands on. A compare link and a file are none."""
    found = _PULL_REQUEST.fullmatch(outcome.url or "")
    if found:
        return int(found[1]), outcome.url
    return (outcome.request.number if outcome.request.source in {Source.PULL_REQUEST, Source.REVIEW} else None), None


def evaluation(report: Report, verdict: Verdict, *, base: str, head: str, sandbox: str) -> dict[str, Any]:
    """What `greenloop evaluate --json` prints."""
    return {
        "status": "green" if verdict.green else "red",
        "base": base,
        "head": head,
        "checks": checks(report),
        "dependencies": _dependencies(report),
        "numbers": _numbers(report),
        "evidence": evidence_line(verdict),
        "verdict": _verdict(verdict),
        "sandbox": sandbox,
    }


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "number": attempt.number,
        "summary": attempt.summary,
        "tree": attempt.tree.id,
        "commit": attempt.commit,
        "green": attempt.verdict.green,
        "checks": checks(attempt.report),
        "evidence": evidence_line(attempt.verdict),
        "paths": list(attempt.paths),
        "dependencies": _dependencies(attempt.report),
        "numbers": _numbers(attempt.report),
        "notes": list(attempt.notes),
        "candidate": attempt.candidate or None,
        "candidates": attempt.candidates or None,
        "choice": attempt.choice,
        "model": attempt.model,
        "usage": usage(attempt.usage),
        "seconds": round(attempt.seconds, 2),
    }


def _dependencies(report: Report) -> list[dict[str, str]]:
    return [asdict(d) for d in clean(report.dependencies)]


def _numbers(report: Report) -> list[dict[str, Any]]:
    return [asdict(number) for number in clean(report.numbers)]


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "green": verdict.green,
        "evidence": str(verdict.evidence),
        "proof": list(verdict.proof),
        "own_proof": list(verdict.own_proof),
        "unproven": list(verdict.unproven),
        "why": list(verdict.why),
        "new": [_finding(f) for f in verdict.new],
        "fixed": [_finding(f) for f in verdict.fixed],
        "wanted": [_finding(f) for f in verdict.wanted],
        "old": [_finding(f) for f in verdict.old],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "check": finding.check,
        "rule": finding.rule,
        "message": finding.message,
        "path": finding.path,
        "line": finding.line,
        "severity": str(finding.severity),
        "fingerprint": finding.fingerprint,
    }


def usage(used: Usage) -> dict[str, Any]:
    """Counts, and the cost where it is known."""
    return {"calls": used.calls, "input": used.input, "output": used.output, "cached": used.cached, "cost": used.cost}
