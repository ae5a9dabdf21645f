"""What a review says, as Markdown: a remark at each line, and the text above them. Everything of a model's or a test's
is made inert here."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import quote

from greenloop.commands.review import Reviewed, Weighed, Weight
from greenloop.domain import Finding
from greenloop.report.answers import Place, rendered
from greenloop.report.render import code, fenced, inert

NOTHING = "the model has nothing to say about it"
USELESS = "the model gave no claim that could be read"
UNREAD = "{count} more of what the model said was left out: without a place, or too many."
NOWHERE = "A place that is not there"
SHOWN = "🔴 **Shown:** a test that the model wrote for this {words}."
OPINION = "💬 **Opinion**, confidence {sure} (the model's own word). Nothing that was run shows it{why}"
FOUND = "🔴 **Shown** by {check} {rule}: {message}"
HOW = (
    "Shown is what a test or a check that was run here says; whether the test asks for the right thing is for you to "
    "judge. Everything else is an opinion."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """At a line of the new version that the change has added or altered."""

    path: str
    line: int
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Critique:
    body: str
    remarks: tuple[Remark, ...]

    def whole(self, place: Place) -> str:
        """Everything in one text, where remarks cannot stand at lines."""
        rows = (f"#### {_link(place, r.path, r.line)}\n\n{r.body}" for r in self.remarks)
        return "\n\n".join((self.body, *rows))


def critique(reviewed: Reviewed, place: Place, lines: Callable[[str], int], *, foot: str = "") -> Critique:
    """`lines` tells how many lines a file has, 0 when there is none that may be shown."""
    remarks = [Remark(path=f.path or "", line=f.line or 0, body=_found(f)) for f in reviewed.found]
    beside, back = list[str](), list[str]()
    for weighed in reviewed.weighed:
        claim = weighed.claim
        if weighed.weight is Weight.REFUTED:
            back.append(f"{code(f'{claim.path}:{claim.line}')}: its test passes. {inert(claim.text, 200)}")
        elif claim.line in reviewed.lines.get(claim.path, ()):
            remarks.append(Remark(path=claim.path, line=claim.line, body=_remark(weighed, place, lines)))
        else:
            where = _link(place, claim.path, claim.line) if 0 < claim.line <= lines(claim.path) else NOWHERE
            beside.append(f"#### {where}\n\n{_remark(weighed, place, lines)}")
    parts = [
        f"**{counted(reviewed)}**",
        f"### The checks\n\n{reviewed.measured.shown().strip()}",
        "### Not on a line of this change\n\n" + "\n\n".join(beside) if beside else "",
        "### Taken back\n\n" + "\n".join(f"- {row}" for row in back) if back else "",
        UNREAD.format(count=reviewed.read.unread) if reviewed.read.unread else "",
        "### Not sent to the model\n\n" + _listed(reviewed.omitted) if reviewed.omitted else "",
        HOW if reviewed.weighed or reviewed.found else "",
        foot,
    ]
    return Critique(body="\n\n".join(part for part in parts if part), remarks=tuple(remarks))


def counted(reviewed: Reviewed) -> str:
    """What there is, in a sentence."""
    shown = sum(w.weight.shown for w in reviewed.weighed)
    opinions = sum(w.weight is Weight.OPINION for w in reviewed.weighed)
    kinds = (
        (shown, "claim is shown by a test", "claims are shown by tests"),
        (len(reviewed.found), "finding of a check is at its line", "findings of checks are at their lines"),
        (opinions, "claim is an opinion", "claims are opinions"),
    )
    told = [f"{count} {one if count == 1 else many}" for count, one, many in kinds if count]
    if not reviewed.weighed:
        told.append(NOTHING if reviewed.read.nothing else USELESS)
    line = "; ".join(told) or "every claim is taken back"
    return f"{line[:1].upper()}{line[1:]}."


def _remark(weighed: Weighed, place: Place, lines: Callable[[str], int]) -> str:
    claim = weighed.claim
    if weighed.weight.shown:
        head = SHOWN.format(words=weighed.weight.value)
    else:
        why = f": {inert(weighed.says, 300)}" if weighed.says else "."
        head = OPINION.format(sure=claim.sure, why=why)
    parts = [head, rendered(claim.text, lines, place)]
    if weighed.weight.shown:
        says = fenced(weighed.says[:2000]) if weighed.says else ""
        parts.append(
            "<details><summary>The test, and what it says</summary>\n\n"
            + "\n\n".join(part for part in (fenced(claim.test), says) if part)
            + "\n\n</details>"
        )
    return "\n\n".join(parts)


def _found(finding: Finding) -> str:
    return FOUND.format(check=finding.check, rule=code(finding.rule), message=inert(finding.message, 500))


def _link(place: Place, path: str, line: int) -> str:
    return place.link(f"{path}:{line}", path, line, line) if place.page and quote(path) else code(f"{path}:{line}")


def _listed(rows: Iterable[str]) -> str:
    return "\n".join(f"- {inert(row, 200)}" for row in rows)
