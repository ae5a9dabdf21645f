"""Where words of others come out: every place of one of our texts filled with an attack, whatever door it came by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from types import MappingProxyType, SimpleNamespace
from typing import Any, cast

from greenloop.action import ended, lines
from greenloop.commands import critique, evaluate, review
from greenloop.domain import CheckResult, Dependency, Finding, Number, Outcome, Reason, Report, Status, Thread, Verdict
from greenloop.orders import Words
from greenloop.report import answers, render
from greenloop.report.trailers import Made, message, restored
from greenloop.reviews import threads
from greenloop.reviews.claims import Claim, Claims
from greenloop.service import beside, checked, words
from greenloop.service.words import Going, Row
from greenloop.settings import Settings
from values import attempt, outcome, red, report, request

HOST = "https://host.example"
PAGE = f"{HOST}/octo/sums"
NAMES = Words.of(Settings(), me="")
_PLACE = answers.Place(page=PAGE, commit="c" * 40)


def measured(text: str) -> tuple[Report, Verdict]:
    """A report and a verdict, of which every name and message is hostile."""
    finding = Finding(check="ruff", rule=text, message=text, path=text, line=3, context=text)
    named = replace(finding, rule=f"test_a.py::test_x[{text}]", path=None)
    tests = CheckResult(check="pytest", status=Status.FAILED, tests=(red(f"test_a.py::test_x[{text}]", message=text),))
    made = Report(
        results=(*report(findings=(finding,)).results[:1], tests),
        dependencies=(Dependency(name=text, version=text, source=text, replaces=text, vulnerabilities=text),),
        numbers=(Number(text, 1.0, 2.0, "s", ""),),
    )
    whole = Verdict(
        green=False,
        evidence=attempt().verdict.evidence,
        proof=(text,),
        unproven=(text,),
        new=(finding, named),
        fixed=(finding,),
        old=(finding,),
        wanted=(named,),
        why=(text,),
        score=(0.5, 0.0, 0.0, 0.0),
    )
    return made, whole


def ending(text: str) -> Outcome:
    made, judged = measured(text)
    tried = replace(
        attempt(green=False, summary=text), report=made, verdict=judged, notes=(text,), choice=text, paths=(text,)
    )
    asked = request(text, number=12, actor="ada")
    more: dict[str, Any] = dict.fromkeys(("detail", "tested", "model"), text)
    more |= dict.fromkeys(("omitted", "knowledge", "asides"), (text,))
    return outcome(tried, reason=Reason.IMPROVED, request=asked, url=f"{PAGE}/pull/2", branch=text, **more)


@cache
def rendered(text: str) -> Mapping[str, str]:
    """Everything that GitHub renders as Markdown, each text once."""
    end, (made, judged) = ending(text), measured(text)
    going = Going(now="Attempt 1", rows=(Row(1, text, text),), used=end.usage, minutes=1.0, settings=None, run_url="")
    known = SimpleNamespace(said={"Command": text, "Requester": text})
    return MappingProxyType(
        {
            "the comment while it goes on": words.going(going),
            "the comment at the end": words.ended(end, NAMES, run_url=f"{PAGE}/actions/runs/1"),
            "the comment on a failure": words.failed(text, ""),
            "the pull request": words.proposal(render.pull_request(end), NAMES, closes=12, own_token=True),
            "the summary": ended.of(end).summary.replace(render.pull_request(end), ""),
            "the summary without attempts": ended.of(replace(end, attempts=(), best=None, answer=text)).summary,
            "the summary without an outcome": ended.without_outcome(Reason.REFUSED, text, None).summary,
            "an evaluation": render.verdict(made, judged, f"weak: {text}"),
            "an explanation": answers.rendered(text, lambda _: 0, _PLACE),
            "a fenced text": render.fenced(text),
            "a review": _reviewed(text).whole(_PLACE).replace(render.verdict(made, judged).strip(), ""),
            "the answer in a thread": _answer(text, ""),
            "the refusal in a thread": _answer(text, "declined"),
            "a run's title": beside._title(cast("Any", known)),
        }
    )


def _reviewed(text: str) -> critique.Critique:
    made, judged = measured(text)
    claim = Claim(path="sums.py", line=3, sure="high", text=text, test="def test_x():\n    assert 0\n")
    nobody = cast("Any", None)
    whole = review.Reviewed(
        measured=evaluate.Measured(
            report=made, verdict=judged, base="b", head="h", start=nobody, judged=nobody, sandbox=""
        ),
        weighed=(
            review.Weighed(claim=claim, says=text),
            review.Weighed(claim=claim, weight=review.Weight.NEW, says=text),
            review.Weighed(claim=claim, weight=review.Weight.REFUTED, says=text),
            review.Weighed(claim=replace(claim, path=text), says=text),
        ),
        found=(*judged.new,),
        lines={"sums.py": frozenset({3})},
        read=Claims(all=(claim,), unread=0, nothing=False),
        omitted=(text,),
        seconds=1.0,
    )
    return critique.critique(whole, _PLACE, lambda _: 9)


def _answer(text: str, kind: str) -> str:
    remark = threads.remarks(f"T1: {kind + ': ' if kind else ''}{' '.join(text.split()) or 'x'}")
    seen = threads.Seen(
        outcome=ending(text),
        plan=threads.Plan(refused={"t": "it is outdated"}),
        remarks=remark,
        before=lambda _: "a\n",
        after=lambda _: "b\n",
    )
    return threads.answers([Thread(id="t", path="sums.py", start=1, line=1, text="Mend it.")], seen)[0].body


def plain(text: str) -> Mapping[str, str]:
    """What GitHub shows as it stands."""
    made, judged = measured(text)
    run = checked.check_run(made, judged, commit="c" * 40, key="k")
    notes = {f"note {n}": f"{note.title}\n{note.message}" for n, note in enumerate(run.notes)}
    return {"the title": render.title(ending(text)), "a check run's title": run.title, **notes}


def commits(text: str) -> tuple[str, ...]:
    end = ending(text)
    assert end.best is not None
    made = Made(
        summary=text,
        number=1,
        attempts=3,
        before=text,
        report=end.best.report,
        verdict=end.best.verdict,
        model=text,
        usage=end.usage,
        notes=(text,),
    )
    return message(made, end.request, sign_off=True), restored(end.request, 1, "c" * 40)


def printed(text: str) -> tuple[str, ...]:
    """Lines for the runner."""
    _, judged = measured(text)
    return (lines.command("error", ended.of(ending(text)).sentence, title=text, file=text), *lines.notes(judged.new))
