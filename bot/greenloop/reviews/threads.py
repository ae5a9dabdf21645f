"""Threads of a review: how a model is asked about them, which suggestions are applied, and what each is answered. Pure.

What an answer claims is decided here, from the diff and the checks. The model adds one line of words to it, and can
make the claim only smaller.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from greenloop.domain import Attempt, Outcome, Thread
from greenloop.report.render import code, inert
from greenloop.report.trailers import checks
from greenloop.reviews import suggestions
from greenloop.reviews.suggestions import Placed
from greenloop.verdict.judge import improves

HEADING = "Threads of the review:"
ASKED = (
    "Before the edits, say of each thread in a line of its own what you did: `T1: …`; or why not: `T1: declined: …`; "
    "or what you have to be told first: `T1: question: …`."
)
_REMARK = re.compile(r"\s*(?:[-*] )?\**T(\d{1,3})\**:\**\s+(?:(declined|question):\s+)?(\S.*)", re.IGNORECASE)
_FENCE = re.compile(r"^ {0,3}(`{3,}+|~{3,}+).*?^ {0,3}\1[`~]*[ \t]*$", re.DOTALL | re.MULTILINE)
_LONG = 300
UNREAD = "this was changed after the review was submitted, so it was not read. Write it again."
UNTOUCHED = "Nothing was changed at these lines. Is it no longer needed, or what should be there?"
STANDS = "the diff, in which the suggestion stands as it was written"
UNSHOWN = "{checks}, and the lines are changed; but nothing that was red before speaks of this, so have a look"
SUGGESTED = "suggestions of the review"  # in the place of a model's name
ELSEWHERE = "Nothing was changed at these lines, but in {paths}. Is that what you meant?"


def composed(body: str, threads: Iterable[Thread]) -> str:
    """The review as one request."""
    said = "\n\n".join(f"T{n} {place(t)}: {t.text}" for n, t in enumerate(threads, 1) if t.text)
    return f"{body}\n\n{HEADING}\n\n{said}\n\n{ASKED}".strip() if said else body


def body_of(text: str) -> str:
    """What a composed request says beside its threads."""
    return text.partition(HEADING)[0].strip()


def place(thread: Thread) -> str:
    if thread.line is None:
        return thread.path
    lines = str(thread.line) if thread.start == thread.line else f"{thread.start}-{thread.line}"
    return f"{thread.path}:{lines}"


@dataclass(frozen=True, slots=True)
class Plan:
    """The files with the suggestions in them; which threads these are of, and why others are not among them."""

    files: Mapping[str, bytes] = field(default_factory=lambda: MappingProxyType({}))
    applied: frozenset[str] = frozenset()
    refused: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


def planned(threads: Iterable[Thread], read: Callable[[str], bytes | None]) -> Plan:
    """Of two that are about the same line the first is taken."""
    taken: dict[str, list[tuple[Thread, Placed]]] = {}
    refused = {t.id: t.note for t in threads if t.note}
    files: dict[str, bytes] = {}
    for thread in threads:
        if thread.suggestion is None or thread.start is None or thread.line is None:
            continue
        change = Placed(thread.start, thread.line, thread.suggestion)
        others = taken.setdefault(thread.path, [])
        before = text_of(read(thread.path))
        if any(change.start <= o.line and o.start <= change.line for _, o in others):
            refused[thread.id] = suggestions.OVERLAP
        elif before is None or (after := suggestions.put(before, (change,))) is None:
            refused[thread.id] = suggestions.BEYOND
        elif after == before:
            refused[thread.id] = suggestions.SAME
        else:
            others.append((thread, change))
    for path, changes in taken.items():
        after = suggestions.put(text_of(read(path)) or "", [change for _, change in changes]) if changes else None
        if after is not None:
            files[path] = after.encode()
    return Plan(files, frozenset(t.id for rows in taken.values() for t, _ in rows), refused)


def text_of(data: bytes | None) -> str | None:
    if data is None:
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


@dataclass(frozen=True, slots=True)
class Remark:
    """A model's line about a thread. `kind` is "", "declined" or "question"."""

    kind: str
    text: str


def remarks(reply: str) -> Mapping[int, Remark]:
    """By the thread's number; what stands in a fence is an edit and no remark."""
    found: dict[int, Remark] = {}
    for line in _FENCE.sub("", reply).splitlines():
        read = _REMARK.fullmatch(line)
        if read:
            found.setdefault(int(read[1]), Remark((read[2] or "").lower(), inert(read[3], _LONG)))
    return found


@dataclass(frozen=True, slots=True)
class Answer:
    """`resolve` tells that the diff or a check shows it."""

    thread: str
    body: str
    resolve: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What is known of a run. `before` and `after` read the base and the best attempt."""

    outcome: Outcome
    plan: Plan
    remarks: Mapping[int, Remark]
    before: Callable[[str], str | None]
    after: Callable[[str], str | None]

    @property
    def landed(self) -> Attempt | None:
        """The attempt that is on the branch now."""
        best = self.outcome.best
        there = best is not None and self.outcome.url is not None and (best.verdict.green or improves(best.verdict))
        return best if there else None

    @property
    def suggested(self) -> str:
        """The commit with the suggestions."""
        return next((a.commit for a in self.outcome.attempts if a.model == SUGGESTED), "")


def answers(threads: Iterable[Thread], seen: Seen) -> tuple[Answer, ...]:
    every = tuple(threads)
    return tuple(_answer(n, thread, seen, alone=len(every) == 1) for n, thread in enumerate(every, 1))


def _answer(number: int, thread: Thread, seen: Seen, *, alone: bool) -> Answer:
    if not thread.text:
        return Answer(thread.id, f"Needs your word: {UNREAD}")
    remark = seen.remarks.get(number)
    note = f" Its suggestion was not applied: {why}." if (why := seen.plan.refused.get(thread.id)) else ""
    best = seen.landed
    if best is None:
        return Answer(thread.id, _nothing(seen, remark) + note)
    before, after = seen.before(thread.path) or "", seen.after(thread.path) or ""
    touched = before != after and (
        thread.line is None or suggestions.touched(before, after, thread.start or thread.line, thread.line)
    )
    stands = _stands(thread, seen.plan, before, after)
    shown = STANDS if stands else _shown(thread, best, alone=alone)
    commit = seen.suggested if stands else best.commit
    what = _what(remark, best, stands=stands)
    body = _claim(best, remark, touched=touched, shown=shown, what=what, sha=commit[:10])
    fixed = body.startswith("Fixed") and (stands or touched)
    return Answer(thread.id, body + note, resolve=bool(fixed and shown and thread.line is not None))


def _nothing(seen: Seen, remark: Remark | None) -> str:
    if remark and remark.kind == "question":
        return f"Needs your word: {remark.text}"
    if remark and remark.kind == "declined":
        return f"Declined: {remark.text}"
    return f"Declined: {seen.outcome.reason.sentence}"


def _claim(best: Attempt, remark: Remark | None, *, touched: bool, shown: str, what: str, sha: str) -> str:
    if remark and remark.kind:
        also = f" (Lines here were changed in {sha} all the same.)" if touched else ""
        return f"{'Declined' if remark.kind == 'declined' else 'Needs your word'}: {remark.text}{also}"
    if not touched and not shown:
        said = f" The model says: {what}" if remark else ""
        elsewhere = ", ".join(code(path) for path in best.paths[:5])
        return f"Needs your word: {ELSEWHERE.format(paths=elsewhere) if elsewhere else UNTOUCHED}{said}"
    if not best.verdict.green:
        why = " ".join(inert(w) for w in best.verdict.why[:2])
        return f"Needs your word: changed in {sha}: {what} But the checks are not green: {why} Shall it go on?"
    return f"Fixed in {sha}: {what} Shown by: {shown or UNSHOWN.format(checks=code(checks(best.report), 300))}."


def _what(remark: Remark | None, best: Attempt, *, stands: bool) -> str:
    text = remark.text if remark else "the suggestion is applied" if stands else inert(best.summary, 100)
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."


def _stands(thread: Thread, plan: Plan, before: str, after: str) -> bool:
    if thread.id not in plan.applied or thread.start is None or thread.line is None:
        return False
    return suggestions.stands(before, after, Placed(thread.start, thread.line, thread.suggestion or ""))


def _shown(thread: Thread, best: Attempt, *, alone: bool) -> str:
    """The check that speaks of this thread: a test that it names (or any, when there is no other thread), or a finding
    at its lines, that was red before and is not now."""
    for test in best.verdict.proof:
        name = test.rpartition("::")[2].partition("[")[0]
        if alone or re.search(rf"\b{re.escape(name)}\b", thread.text):
            return f"{code(name)}, red before and green now"
    low, high = (thread.start or 0) - suggestions.AROUND, (thread.line or 0) + suggestions.AROUND
    for finding in best.verdict.fixed:
        if thread.line and finding.path == thread.path and finding.line and low <= finding.line <= high:
            return f"{code(f'{finding.check} {finding.rule}')}, which was found here before"
    return ""
