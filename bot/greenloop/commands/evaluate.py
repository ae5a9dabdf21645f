"""`evaluate`: the checks only. A tree beside its base, judged as an attempt would be."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from greenloop.domain import Reason, Report, Request, Tree, Unusable, Verdict
from greenloop.engine.candidate import Start, examine, from_tree
from greenloop.engine.workbench import Baseline, Workbench, baseline
from greenloop.errors import Refused
from greenloop.report import render, result
from greenloop.verdict.judge import judge
from greenloop.verdict.tally import NOT_BEFORE
from greenloop.workspace import GitWorkspace

ALONE = "Nothing differs from the base, so whatever is red counts, however old it is."


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A report, its verdict, and what was compared with what. `judged` is the tree that the checks saw: existing tests
    and their configuration are the base's."""

    report: Report
    verdict: Verdict
    base: str
    head: str
    start: Baseline
    judged: Tree
    sandbox: str

    def as_dict(self) -> dict[str, Any]:
        """What `--json` prints."""
        return result.evaluation(self.report, self.verdict, base=self.base, head=self.head, sandbox=self.sandbox)

    def shown(self) -> str:
        """For people."""
        return render.verdict(self.report, self.verdict, self.sandbox, alone=ALONE in self.verdict.why)

    @property
    def reason(self) -> Reason:
        """How it came out."""
        if self.verdict.green:
            return Reason.GREEN
        return Reason.BROKEN_ENVIRONMENT if self.report.broken else Reason.NOT_GREEN


def evaluate(request: Request, head: Tree, bench: Workbench, *, name: str) -> Measured:
    """Judge `head` beside `request.base`. Without a difference everything that is red counts: nothing is old."""
    base_tree = bench.workspace.tree(request.base)
    base = baseline(bench, base_tree)
    if head == base_tree:
        return Measured(
            report=base.report,
            verdict=_alone(base.report),
            base=request.base,
            head=name,
            start=base,
            judged=head,
            sandbox=bench.sandbox.level,
        )
    start = Start(request=request, base=base, commit=request.base)
    candidate = from_tree(head, start, bench)
    if isinstance(candidate, Unusable):
        raise Refused(candidate.message)
    bench.say("checks")
    seen = examine(candidate, start, bench)
    return Measured(
        report=seen.report,
        verdict=seen.verdict,
        base=request.base,
        head=name,
        start=base,
        judged=candidate.judged,
        sandbox=bench.sandbox.level,
    )


def _alone(report: Report) -> Verdict:
    """A tree with nothing to compare it with: nothing that is red in it is called new."""
    nothing = Report(results=tuple(replace(r, findings=(), tests=()) for r in report.results))
    made = judge(nothing, report, wanted=frozenset(), changed=True)
    new = tuple(replace(f, message=f.message.replace(f" {NOT_BEFORE}", " fails", 1)) for f in made.new)
    why = tuple(line.replace(" new finding", " finding", 1) for line in made.why)
    return replace(made, new=new, why=(*why, ALONE) if why else ())


def before(workspace: GitWorkspace, head: str | None, tip: str) -> str:
    """What a commit is compared with when nothing is said: its first parent; the working tree: HEAD."""
    if head is None:
        return tip
    parents = workspace.history(tip, 1)[0].parents
    return parents[0] if parents else tip
