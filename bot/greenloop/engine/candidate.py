"""A patch becomes a tree, and the tree a verdict. What is committed and what is judged may differ: existing tests and
check configuration are judged as the base has them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from greenloop.checks.tidy import tidy
from greenloop.domain import Finding, Patch, Report, Request, Severity, Tree, Unusable, Verdict
from greenloop.engine import partly
from greenloop.engine.leading import led_to
from greenloop.engine.measuring import measured
from greenloop.engine.workbench import Baseline, Workbench, confirm, measure, measure_again, measure_aside
from greenloop.hygiene.secrets import REMOVED, replaced, scrub
from greenloop.ports import Workspace
from greenloop.source.imports import wanted
from greenloop.verdict import flaky
from greenloop.verdict.judge import against, judge
from greenloop.verdict.protect import Guarded, guard
from greenloop.verdict.tally import file_of, together
from greenloop.workspace import Forbidden


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Where a run starts: what is asked, and what the base is like."""

    request: Request
    base: Baseline
    commit: str  # the base commit
    reproduction: Reproduction | None = None

    @property
    def ground(self) -> Tree:
        """What an attempt changes when it goes on from no other."""
        return self.base.tree if self.reproduction is None else self.reproduction.tree


@dataclass(frozen=True, slots=True, kw_only=True)
class Reproduction:
    """The test that was written first: the base with it, its files, and the tests in them that fail there."""

    tree: Tree
    paths: tuple[str, ...]
    tests: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """`tree` is what would be committed, `judged` what the checks see."""

    summary: str
    tree: Tree
    judged: Tree
    guarded: Guarded
    notes: tuple[str, ...] = ()
    marks: tuple[Finding, ...] = ()  # findings of the change itself, whatever the checks say
    paths: tuple[str, ...] = field(default=())


def from_patch(patch: Patch, onto: Tree, start: Start, bench: Workbench) -> Candidate | Unusable:
    """Apply, put protected files back, tidy. `onto` is the tree that the patch was written for."""
    try:
        proposed = bench.workspace.apply(onto, patch)
    except Forbidden as error:
        return Unusable(message=str(error), kind=error.kind)
    known = start.reproduction
    kept = bench.workspace.overlay(proposed, known.tree, known.paths) if known else proposed
    made = from_tree(kept, start, bench, summary=patch.summary, tidied=True)
    if isinstance(made, Unusable):
        return made
    notes = ["The test that was written first was put back as it was."] if kept != proposed else []
    notes += [f"repaired while applying: {', '.join(patch.repairs)}"] if patch.repairs else []
    return replace(made, notes=(*made.notes, *notes))


def from_tree(
    proposed: Tree, start: Start, bench: Workbench, *, summary: str = "", tidied: bool = False
) -> Candidate | Unusable:
    """A tree that somebody made, a model or a person, beside the base of `start`."""
    workspace, base = bench.workspace, start.base.tree
    guarded = guard(
        workspace.diff(base, proposed),
        request=start.request.text,
        settings=bench.settings,
        read_base=lambda path: workspace.read(base, path),
        read_new=lambda path: workspace.read(proposed, path),
        roots=(s for s in start.base.environment.sources if not s.startswith("/")),
        led=led_to(workspace.entries(base).keys(), lambda path: workspace.read(base, path), bench.settings),
    )
    if guarded.forbidden:
        return Unusable(message=guarded.forbidden, kind="forbidden path")
    kept = workspace.overlay(proposed, base, guarded.restored) if guarded.restored else proposed
    clean, marks = without_secrets(kept, base, workspace)
    if tidied:  # to be committed
        kept = _tidied(clean, base, bench)
    aside = guarded.judged_as_base
    return Candidate(
        summary=scrub(summary),
        marks=marks,
        tree=kept,
        judged=workspace.overlay(kept, base, aside) if aside else kept,
        guarded=guarded,
        notes=tuple(finding.message for finding in guarded.notes),
        paths=tuple(c.path for c in workspace.diff(base, kept)),
    )


def without_secrets(tree: Tree, base: Tree, workspace: Workspace) -> tuple[Tree, tuple[Finding, ...]]:
    """`tree` with each credential on an added line replaced, and a finding for each file that had one."""
    files: dict[str, bytes] = {}
    marks: list[Finding] = []
    for change in workspace.diff(base, tree):
        text = (workspace.read(tree, change.path) or b"").decode("utf-8", "surrogateescape") if change.lines else ""
        lines = text.split("\n")
        kinds: list[str] = []
        inside = False  # a private key, which goes on for lines
        for number in sorted(n for n in change.lines if n <= len(lines)):
            if inside:
                inside = "-----END" not in lines[number - 1]
                lines[number - 1] = REMOVED
                continue
            kinds += ["secret"] if REMOVED in lines[number - 1] else []  # replaced when the answer was noted
            lines[number - 1], found = replaced(lines[number - 1])
            kinds += found
            inside = "private key" in found
        if kinds:
            files[change.path] = "\n".join(lines).encode("utf-8", "surrogateescape")
            marks.append(_secret(change.path, kinds))
    return (workspace.write(tree, files) if files else tree), tuple(marks)


def _secret(path: str, kinds: list[str]) -> Finding:
    names = ", ".join(dict.fromkeys(kinds))
    message = f"Holds what looks like a {names}; none is committed. Read it from the environment instead."
    return Finding(check="secrets", rule="secret", message=message, path=path, context=f"{path} {names}")


def _tidied(tree: Tree, base: Tree, bench: Workbench) -> Tree:
    """`tree` after ruff's safe fixes on the changed lines; the same tree when there is nothing to do."""
    if not bench.settings.tidy or "ruff" not in bench.settings.checks:
        return tree
    lines = {c.path: c.lines for c in bench.workspace.diff(base, tree) if c.lines and c.path.endswith((".py", ".pyi"))}
    if not lines:
        return tree
    with bench.laid(tree) as folder:
        fixed = tidy(folder, lines, bench.sandbox, bench.settings)
    return bench.workspace.write(tree, fixed) if fixed else tree


@dataclass(frozen=True, slots=True)
class Examined:
    """`report` is all that was seen; `own` the part of it that was seen of what the judged tree does not hold."""

    report: Report
    own: Report | None
    verdict: Verdict


def examine(candidate: Candidate, start: Start, bench: Workbench) -> Examined:
    """Run the checks, judge, and measure what else counts."""
    seen = _checked(candidate, start, bench)
    tree, judged, green = candidate.tree, candidate.judged, seen.verdict.green
    numbers, found = measured(tree, judged, seen.report, green=green, base=start.base, bench=bench)
    return replace(seen, report=replace(seen.report, numbers=numbers), verdict=against(seen.verdict, found))


def _checked(candidate: Candidate, start: Start, bench: Workbench, *, all_tests: bool = False) -> Examined:
    """Run the checks and judge. Tests that the attempt wrote run on the base as well, once the rest is green."""
    base, workspace = start.base, bench.workspace
    old_red = tuple(test for test, case in base.report.tests.items() if case.red)
    if all_tests:
        report = measure(bench, candidate.judged, base, first=old_red)
    else:
        wanted_now = wanted_tests(candidate, start, bench)
        report = partly.tried(candidate.judged, base, bench, wanted=wanted_now, first=old_red)
    own_paths = tuple(path for path in candidate.guarded.own if path.endswith(".py"))
    own = None
    if candidate.tree != candidate.judged:
        aside = frozenset(candidate.guarded.judged_as_base)
        own = measure_aside(bench, candidate.tree, base, aside, only=own_paths)
    notes = [*candidate.guarded.notes, *candidate.marks, *_both_ways(candidate, start, bench)]

    def verdict(own_base: Report | None, doubts: flaky.Tests = ()) -> Verdict:
        return judge(
            base.report,
            report,
            wanted=wanted_tests(candidate, start, bench),
            changed=candidate.tree != base.tree,
            own=own,
            own_base=own_base,
            own_paths=frozenset(own_paths),
            restored=frozenset(own_paths) & frozenset(candidate.guarded.judged_as_base),
            diff_lines=sum(len(c.lines) + c.removed for c in workspace.diff(base.tree, candidate.tree)),
            notes=(*notes, *(flaky.doubt(*each) for each in doubts)),
            doubted=frozenset(test.id for _, test in doubts),
        )

    first = verdict(None)
    suspected = flaky.suspects(report, first, frozenset(own_paths))
    if suspected:
        names = tuple(dict.fromkeys(check for check, _ in suspected))
        again = measure_again(bench, candidate.judged, base, first=old_red, names=names)
        report, told = flaky.without(report, again, suspected)
        notes += told
        first = verdict(None) if told else first
    if first.green and not partly.whole(report):  # what failed was flaky
        return _checked(candidate, start, bench, all_tests=True)
    shown = together(report, own)
    doubts = _doubts(flaky.proving(report, first.proof), base.tree, start, bench)
    if not (first.green and own_paths):
        return Examined(shown, own, verdict(None, doubts) if doubts else first)
    before = workspace.overlay(base.tree, candidate.tree, own_paths)
    own_base = measure(bench, before, base, only=own_paths)
    last = verdict(own_base, doubts)
    own_doubts = () if last.proof else _doubts(flaky.proving(shown, last.own_proof), before, start, bench)
    return Examined(shown, own, verdict(own_base, (*doubts, *own_doubts)) if own_doubts else last)


def _doubts(proofs: flaky.Tests, before: Tree, start: Start, bench: Workbench) -> flaky.Tests:
    """The tests that were red on the base by chance, or for the order of the tests: their files run there once more."""
    if not proofs:
        return ()
    checks = tuple(dict.fromkeys(check for check, _ in proofs))
    again = confirm(bench, before, start.base, names=checks, only={file_of(test) for _, test in proofs})
    return flaky.unconfirmed(proofs, again)


def wanted_tests(candidate: Candidate, start: Start, bench: Workbench) -> frozenset[str]:
    """The tests that were red on the base and have to pass now."""
    return wanted(
        start.base.report,
        request=start.request.text,
        test_command=bench.settings.test_command,
        changed=candidate.paths,
        paths=bench.workspace.entries(candidate.judged).keys(),
        read=lambda path: bench.workspace.read(candidate.judged, path),
    )


def _both_ways(candidate: Candidate, start: Start, bench: Workbench) -> Iterable[Finding]:
    """Existing tests that may be changed: what the base's version of them says is reported, and does not decide."""
    paths = [p for p in candidate.guarded.permitted if p.endswith(".py")]
    if not paths:
        return
    report = measure(
        bench, bench.workspace.overlay(candidate.tree, start.base.tree, paths), start.base, only=tuple(paths)
    )
    red = sum(case.red for case in report.tests.values())
    yield Finding(
        check="integrity",
        rule="judged-both-ways",
        message=f"{', '.join(paths)} may be changed by this request; as on the base, {red} of its tests fail now.",
        severity=Severity.NOTE,
    )
