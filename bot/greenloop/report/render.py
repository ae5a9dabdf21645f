"""Outcome → Markdown and terminal text. Everything that a model or a test wrote is made inert here."""

from __future__ import annotations

import re
from collections.abc import Iterable

from greenloop.domain import Attempt, Dependency, Finding, Number, Outcome, Reason, Report, Status, Usage, Verdict
from greenloop.hygiene.hidden import characters
from greenloop.hygiene.quiet import GAP, quiet, unordered
from greenloop.hygiene.secrets import scrub
from greenloop.report.trailers import checks, subject
from greenloop.verdict.criteria import said
from greenloop.verdict.judge import evidence_line

_ENTITY = re.compile(r"&(?=#?\w+;)")  # `&#64;ada` is a mention as well
_MARKUP = re.compile(r"([\\`*_{}\[\]<>|~!])")
_MATH = re.compile(r"\$(?!\d)")  # a backslash does not keep it off; what a digit follows ends none
_ADDRESS = re.compile(r"(?<=:)(?=//)|(?<=www)(?=\.)", re.IGNORECASE)
_BLOCK = re.compile(r"^(?=[#+=-])|(?<=^\d)(?=[.)])|(?<=^\d\d)(?=[.)])")
_LISTED = 20
_WITHOUT_TESTS = frozenset({"ruff", "bandit", "integrity", "types", "pytest"})


def inert(text: str, limit: int = 300) -> str:
    """Hostile text as one line of plain words: no mention, link, markup, closing keyword or hidden character."""
    line = _line(text)
    line = line if len(line) <= limit else line[: limit - 1] + "…"
    line = _MATH.sub("\uff04", line)
    line = _MARKUP.sub(r"\\\1", _ENTITY.sub("&amp;", line))
    return unordered(quiet(_BLOCK.sub(r"\\", _ADDRESS.sub(GAP, line))))


def _line(text: str) -> str:
    """One line of signs that have a shape, without credentials."""
    return characters(" ".join("".join(c if c.isprintable() else " " for c in scrub(text)).split()))


def code(text: str, limit: int = 120) -> str:
    """Hostile text as a code span that it cannot leave, also inside a table."""
    line = _line(text)[:limit]
    return f"`{line.replace('`', chr(0x2018)).replace('|', '¦')}`" if line else ""


def fenced(text: str) -> str:
    """Hostile text as a block that it cannot leave."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{unordered(characters(scrub(text))).rstrip()}\n{fence}"


def title(outcome: Outcome) -> str:
    """The title of the pull request; says when it is not green or not proven."""
    best = outcome.best
    line = subject(best.summary if best else outcome.request.text)
    if best is None or not best.verdict.green:
        return f"[not green] {line}"
    return line if best.verdict.evidence == "proven" else f"{line} (unproven)"


def pull_request(outcome: Outcome) -> str:
    """The body of the pull request: asked, done, measured, what was old, what it cost."""
    best = outcome.best
    parts = [
        f"**{outcome.reason.sentence}** {evidence(best)}".strip(),
        weakness(outcome.sandbox),
        f"{inert(outcome.detail)}" if outcome.detail else "",
        _dependencies(best.report) if best else "",
        f"### Asked\n\n> {inert(outcome.request.text, 2000)}",
        f"### Attempts\n\n{table(outcome.attempts, best)}" if outcome.attempts else "",
        choice(outcome.attempts),
        f"### Test first\n\n{inert(outcome.tested, 500)}" if outcome.tested else "",
        _notes(best),
        _unchecked(best.report) if best else "",
        _verdict(best.verdict) if best else "",
        numbers(best.report) if best else "",
        _section("Not sent to the model", (inert(line) for line in outcome.omitted)),
        _section("Knowledge shown to the model", (inert(line) for line in outcome.knowledge)),
        f"### Cost\n\n{cost(outcome)}",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def table(attempts: Iterable[Attempt], best: Attempt | None) -> str:
    """One row per attempt; the kept one is marked. Few columns: it is read on phones."""
    rows = [
        "| # | change | checks | evidence | commit |",
        "|---|---|---|---|---|",
    ]
    for a in attempts:
        number = f"**{a.number}**" if best is not None and a.number == best.number else str(a.number)
        light = "🟢" if a.verdict.green else "🔴"
        rows.append(
            f"| {number} | {_beside(a)}{inert(a.summary, 100)} | {light} {code(checks(a.report))} "
            f"| {code(evidence_line(a.verdict))} | {a.commit[:9]} |"
        )
    return "\n".join(rows)


def choice(attempts: Iterable[Attempt]) -> str:
    """Which of the proposals made side by side the run went on with, and why."""
    return "".join(f"Attempt {a.number} was chosen. {inert(a.choice)}" for a in attempts if a.choice)


def _beside(attempt: Attempt) -> str:
    return f"candidate {attempt.candidate} of {attempt.candidates}: " if attempt.candidates else ""


def cost(outcome: Outcome) -> str:
    used = outcome.usage
    counted = ", counted by us" if used.estimated else ""
    wasted = f", {outcome.unusable} unusable" if outcome.unusable else ""
    looked = f", {outcome.lookups} of questions" if outcome.lookups else ""
    return (
        f"{code(outcome.model)}: {calls(used)}{looked}{wasted}, {used.input} tokens in ({used.cached} cached), "
        f"{used.output} out{counted}, {money(used)}, {outcome.seconds:.0f} s."
    )


def calls(used: Usage) -> str:
    return "1 call" if used.calls == 1 else f"{used.calls} calls"


def money(used: Usage) -> str:
    return "no known price" if used.cost is None else f"${used.cost:.4f}"


def weakness(sandbox: str) -> str:
    """What a reader must know of a run that only `--sandbox weak` allowed."""
    if not sandbox.startswith("weak:"):
        return ""
    return f"**Weakly confined** ({inert(sandbox, 600)}): what ran could reach more of this machine than it should."


def verdict(report: Report, judged: Verdict, sandbox: str = "", *, alone: bool = False) -> str:
    """What `evaluate` shows in a pull request or a terminal; `alone`: of a tree that is its own base."""
    head = "Green" if judged.green else "Not green"
    lines = [
        f"**{head}**, {code(evidence_line(judged))}",
        weakness(sandbox),
        f"Checks: {code(checks(report), 400)}",
        untested(report),
        _unchecked(report),
        _dependencies(report),
        _verdict(judged, new="Red" if alone else "New"),
        numbers(report),
    ]
    return "\n\n".join(line for line in lines if line) + "\n"


def evidence(best: Attempt | None) -> str:
    """What green proves here, in a sentence."""
    if best is None:
        return ""
    if best.verdict.evidence == "proven":
        written = "" if best.verdict.proof else " This run wrote that test itself."
        return f"Evidence: {code(evidence_line(best.verdict))}: failed on the base, passes now.{written}"
    return f"Evidence: unproven: no test that failed on the base passes now. {untested(best.report)}".strip()


def untested(report: Report) -> str:
    """What a reader must know of a green that no test stands behind."""
    found = report.of("pytest")
    others = any(r.status is not Status.SKIPPED for r in report.results if r.check not in _WITHOUT_TESTS)
    if others or found is None or found.status is not Status.SKIPPED or found.tests:
        return ""
    return f"**No test was run.** {inert(found.reason)} A suite that pytest does not know is named under `commands`."


def _dependencies(report: Report) -> str:
    def row(d: Dependency) -> str:
        was = f" (was {code(d.replaces)})" if d.replaces else ""
        return (
            f"{code(d.name)} {code(d.version)}{was} from {inert(d.source)}; vulnerabilities: {inert(d.vulnerabilities)}"
        )

    return _section("New dependencies", map(row, report.dependencies))


def _unchecked(report: Report) -> str:
    """Not checked is not passed."""
    told = "pytest" if untested(report) else ""
    skipped = (r for r in report.results if r.status is Status.SKIPPED and r.reason and r.check != told)
    return _section("Not checked", (f"{inert(r.check)}: {inert(r.reason, 600)}" for r in skipped))


def numbers(report: Report) -> str:
    """What was measured on the base and now, as a table: the limits where there are any."""
    limited = any(n.limit for n in report.numbers)
    rows = [
        f"| {code(n.what, 80)} | {said(n.before, n.unit)} | {said(n.after, n.unit)}{_made(n)} |"
        + f" {n.limit} |" * limited
        for n in report.numbers
    ]
    head = "| what | before | now | limit |\n|---|---|---|---|" if limited else "| what | before | now |\n|---|---|---|"
    return "\n".join(("### Numbers\n", head, *rows)) if rows else ""


def _made(number: Number) -> str:
    """Paths come from hostile trees: they may neither end the cell nor mean anything."""
    return f": {code(number.detail, 400)}" if number.detail else ""


def _notes(best: Attempt | None) -> str:
    return _section("Notes", (inert(note) for note in best.notes)) if best else ""


def _verdict(judged: Verdict, *, new: str = "New") -> str:
    parts = [
        _section("Why it is not green", (inert(why) for why in judged.why)),
        _section("Still red, and wanted", map(_finding, judged.wanted)),
        _section(new, map(_finding, judged.new)),
        _section("Mended", map(_finding, judged.fixed)),
        _section("Tests that could not run on the base", (code(name) for name in judged.unproven)),
        _section("Red before as well, left alone", map(_finding, judged.old)),
    ]
    return "\n\n".join(part for part in parts if part)


def _section(name: str, lines: Iterable[str]) -> str:
    rows = list(lines)
    if not rows:
        return ""
    more = [f"… and {len(rows) - _LISTED} more"] if len(rows) > _LISTED else []
    return f"### {name}\n\n" + "\n".join(f"- {row}" for row in (*rows[:_LISTED], *more))


def _finding(finding: Finding) -> str:
    place = f"{finding.path}:{finding.line}" if finding.line else (finding.path or "")
    return f"{finding.check} {code(finding.rule)} {code(place)} {inert(finding.message, 160)}"


def closing(outcome: Outcome) -> str:
    """The last line on a terminal."""
    kept = f" Branch {outcome.branch} is at {outcome.tip[:9]}." if outcome.branch and outcome.tip else ""
    detail = f" {outcome.detail}" if outcome.detail and outcome.reason is not Reason.GREEN else ""
    early = outcome.reason is Reason.STOPPED and not outcome.attempts
    sentence = "Stopped on request, before the first attempt." if early else outcome.reason.sentence
    return f"{outcome.reason.word}: {sentence}{detail}{kept}"
