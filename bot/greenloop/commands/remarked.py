"""What a review says, for a terminal and as JSON: what was run and shows it, apart from opinions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from greenloop.commands.critique import HOW, UNREAD, counted
from greenloop.commands.review import Reviewed, Weighed, Weight
from greenloop.domain import Finding, Outcome, Reason
from greenloop.report import result

SHOWN = "shown: a test that the model wrote for this {words}"
_ORDER = (Weight.NEW, Weight.ALONE, Weight.OLD, Weight.OPINION, Weight.REFUTED)
_LINES = 30  # of a failure


def reason(reviewed: Reviewed) -> Reason:
    """Not green is what this change has brought, and something that was run shows: an opinion never is, and neither
    is what was wrong before."""
    if reviewed.measured.report.broken:
        return Reason.BROKEN_ENVIRONMENT
    brought = any(w.weight in {Weight.NEW, Weight.ALONE} for w in reviewed.weighed)
    if brought or not reviewed.measured.verdict.green:
        return Reason.NOT_GREEN
    return Reason.ANSWERED if reviewed.read.all or reviewed.read.nothing else Reason.MODEL_UNREACHABLE


def as_text(reviewed: Reviewed) -> Iterator[str]:
    """What was shown first. Whoever prints it makes it harmless, line by line."""
    yield f"{counted(reviewed)} Checks: {'green' if reviewed.measured.verdict.green else 'not green'}."
    for finding in reviewed.found:
        yield ""
        yield f"{_place(finding)}: shown by {finding.check} {finding.rule}: {finding.message}"
    for weighed in sorted(reviewed.weighed, key=lambda w: _ORDER.index(w.weight)):
        yield ""
        yield from _told(weighed)
    verdict = reviewed.measured.verdict
    elsewhere = [f for f in (*verdict.new, *verdict.wanted) if f not in reviewed.found]
    if elsewhere:
        yield ""
        yield "the checks, on no line of this change:"
        yield from (f"    {_place(f)}: {f.check} {f.rule} {f.message}".rstrip() for f in elsewhere)
    if reviewed.read.unread:
        yield UNREAD.format(count=reviewed.read.unread)
    if reviewed.omitted:
        yield ""
        yield "not sent to the model:"
        yield from (f"    {line}" for line in reviewed.omitted)
    if reviewed.weighed or reviewed.found:
        yield ""
        yield HOW


def _told(weighed: Weighed) -> Iterator[str]:
    claim = weighed.claim
    place = f"{claim.path}:{claim.line}"
    if weighed.weight is Weight.REFUTED:
        yield f"{place}: taken back, its test passes: {claim.text}"
        return
    yield f"{place}: {_head(weighed)}"
    yield from (f"    {line}" for line in claim.text.splitlines())
    if weighed.weight.shown:
        yield "  the test:"
        yield from (f"    {line}" for line in claim.test.rstrip().splitlines())
        yield "  what it says:"
        yield from (f"    {line}" for line in weighed.says.splitlines()[:_LINES])


def _head(weighed: Weighed) -> str:
    if weighed.weight.shown:
        return SHOWN.format(words=weighed.weight.value)
    why = f"; {weighed.says}" if weighed.says else ""
    return f"opinion, confidence {weighed.claim.sure} (the model's own word){why}"


def _place(finding: Finding) -> str:
    return f"{finding.path}:{finding.line}" if finding.line else finding.path or "nowhere"


def as_dict(reviewed: Reviewed, outcome: Outcome) -> dict[str, Any]:
    """What `greenloop review --json` prints: what `evaluate` does, and the claims."""
    ended = reason(reviewed)
    return {
        **reviewed.measured.as_dict(),
        "reason": ended.word,
        "exit_code": ended.exit_code,
        "claims": [
            {
                "path": w.claim.path,
                "line": w.claim.line,
                "text": w.claim.text,
                "confidence": w.claim.sure,
                "weight": w.weight.name.lower(),
                "shown": w.weight.shown,
                "test": w.claim.test,
                "says": w.says,
            }
            for w in reviewed.weighed
        ],
        "unread": reviewed.read.unread,
        "omitted": list(reviewed.omitted),
        "model": outcome.model,
        "usage": result.usage(outcome.usage),
        "seconds": round(outcome.seconds, 3),
    }
