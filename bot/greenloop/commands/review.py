"""`review`: what is wrong with a change, and what shows it. A model claims; its tests are run here, on the change and
on its base, and decide what is shown. The rest is an opinion, and called one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from time import monotonic

from greenloop import prompts
from greenloop.checks.files import is_test
from greenloop.commands.drive import searching
from greenloop.commands.evaluate import Measured, evaluate
from greenloop.domain import Cause, Finding, Message, Outcome, Reason, Report, Request, TestCase, Tree
from greenloop.engine.context import RULES, Source, gather, numbered
from greenloop.engine.turn import call
from greenloop.engine.workbench import Workbench, measure
from greenloop.lessons.feedback import feedback
from greenloop.model.budget import estimate_tokens
from greenloop.ports import Chat, Reply
from greenloop.reviews import claims
from greenloop.reviews.claims import Claim, Claims

ASKED = "Review the change."
NAME = "test_greenloop_review_{number}.py"
_TELLING = frozenset({Cause.ASSERTION, Cause.PRODUCT})
_FILES = 60  # of the difference
_SHARE = 3  # of the prompt that it may take
_FOUND = 20  # findings that are said at their lines
_CHECKS = 500  # tokens of what the checks say


class Weight(Enum):
    """What running a claim's test has shown. The words stand behind "its test"."""

    NEW = "fails here and passes on the base"
    OLD = "fails here, and on the base as well"
    ALONE = "fails here, and could not run on the base"
    REFUTED = "passes, so the claim is taken back"
    OPINION = ""

    @property
    def shown(self) -> bool:
        return self in {Weight.NEW, Weight.OLD, Weight.ALONE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """A claim with what was seen. `says` is the failure of its test, or why the test shows nothing."""

    claim: Claim
    weight: Weight = Weight.OPINION
    says: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """`lines` are those of the new side that the change has added or altered."""

    measured: Measured
    weighed: tuple[Weighed, ...]
    found: tuple[Finding, ...]
    lines: dict[str, frozenset[int]]
    read: Claims
    omitted: tuple[str, ...]
    seconds: float


def review(
    request: Request,
    head: Tree,
    bench: Workbench,
    *,
    name: str,
    thread: tuple[Message, ...] = (),
    note: Callable[[Chat, Reply], None] = lambda _chat, _reply: None,
) -> Reviewed:
    """`request.base` is where the change begins, `name` the commit that it ends at. `note` gets the answer before
    anything is made of it. Raises what a call of the model raises."""
    began = monotonic()
    bench.model.warm()
    measured = evaluate(request, head, bench, name=name)
    changes = bench.workspace.diff(measured.start.tree, head)
    lines = {c.path: c.lines for c in changes if c.status != "D"}
    chat, omitted = _chat(replace(request, base=name, files=tuple(lines)), head, measured, bench, thread)
    bench.say("model")
    reply = call(chat, bench)
    note(chat, reply)
    read = claims.read(reply.text)
    found = [f for f in (*measured.verdict.new, *measured.verdict.wanted) if f.line in lines.get(f.path or "", ())]
    return Reviewed(
        measured=measured,
        weighed=tuple(_weighed(read.all, lines, measured, bench)),
        found=tuple(found[:_FOUND]),
        lines=lines,
        read=read,
        omitted=omitted,
        seconds=monotonic() - began,
    )


def ended(request: Request, reviewed: Reviewed, bench: Workbench) -> Outcome:
    """How it came out, and what it has cost."""
    return Outcome(
        request=request,
        reason=Reason.ANSWERED,
        verdict=reviewed.measured.verdict,
        sandbox=reviewed.measured.sandbox,
        usage=bench.budget.used,
        model=bench.model.name,
        omitted=reviewed.omitted,
        seconds=reviewed.seconds,
    )


def _chat(
    request: Request, head: Tree, measured: Measured, bench: Workbench, thread: tuple[Message, ...]
) -> tuple[Chat, tuple[str, ...]]:
    base = measured.start.tree  # a change does not say by which rules it is reviewed
    judged = bench.workspace.overlay(head, base, (*RULES, *_inside(bench.settings.knowledge)))
    source = Source(bench.workspace, judged, bench.settings)
    files = tuple(path for path in request.files if path not in RULES)
    asked = replace(request, text=f"{ASKED} {request.text}".strip(), files=files)
    with searching(asked, bench) as found:
        task = gather(asked, source, found, baseline=Report(results=()), wanted=(), thread=thread)
    difference, left_out = _difference(replace(source, tree=head), base, bench)
    checks = feedback(measured.report, measured.verdict, measured.start.report, limit=_CHECKS)
    task = replace(task, omitted=tuple(dict.fromkeys((*task.omitted, *left_out))))
    return prompts.review(task, tuple(map(numbered, task.snippets)), difference=difference, checks=checks), task.omitted


def _inside(knowledge: Collection[str]) -> Iterator[str]:
    return (path for path in knowledge if "://" not in path)


def _difference(source: Source, base: Tree, bench: Workbench) -> tuple[str, tuple[str, ...]]:
    """The change, file by file, as far as it may be sent and fits; and what is left out, with the reason."""
    before, workspace = Source(bench.workspace, base, bench.settings), bench.workspace
    room, told, left = bench.settings.context_tokens // _SHARE, list[str](), list[str]()
    for number, change in enumerate(workspace.diff(base, source.tree)):
        path = change.path
        both = [side.text(path) for side in (before, source) if workspace.read(side.tree, path) is not None]
        if not path.isprintable() or None in both:
            left.append(f"{path if path.isprintable() else 'a file'}: its change is not sent")
            continue
        text = workspace.patch_text(base, workspace.overlay(base, source.tree, (path,))) if number < _FILES else ""
        room -= estimate_tokens(text)
        if not text or room < 0:
            left.append(f"{path}: its change does not fit")
            continue
        told.append(text)
    return "\n".join(told), tuple(left)


def _weighed(
    all_claims: tuple[Claim, ...], lines: dict[str, frozenset[int]], measured: Measured, bench: Workbench
) -> Iterator[Weighed]:
    tests = 0
    for number, claim in enumerate(all_claims, 1):
        tests += bool(claim.test)
        if not claim.test:
            yield Weighed(claim=claim)
        elif tests > claims.TESTS:
            yield Weighed(claim=claim, says=f"its test was not run: {claims.TESTS} are run of one review.")
        else:
            bench.stop.check()
            bench.say("checks", detail=f"the test of claim {number}")
            yield _Trial(claim, number, frozenset(lines), measured, bench).weighed()


class _Trial:
    """The test of one claim, in a file of its own: on the change, once more there, and on the base."""

    def __init__(
        self, claim: Claim, number: int, changed: Collection[str], measured: Measured, bench: Workbench
    ) -> None:
        self._claim, self._measured, self._bench = claim, measured, bench
        entries = bench.workspace.entries(measured.judged)
        self._path = _place(NAME.format(number=number), entries, bench.settings.directory)
        workspace, tree = bench.workspace, measured.judged
        self._speaking = claims.speaking(claim.test, changed, entries, lambda path: workspace.read(tree, path))

    def weighed(self) -> Weighed:
        if not self._speaking:
            return self._opinion("its test does not use what the change is about, or cannot be read.")
        here = self._run(self._measured.judged)
        red = [case for case in here if self._tells(case)]
        if not red:
            refuted = bool(here) and all(case.outcome == "passed" for case in here)
            return Weighed(claim=self._claim, weight=Weight.REFUTED) if refuted else self._opinion(_why(here))
        again = {case.id for case in self._run(self._measured.judged) if self._tells(case)}
        first = next((case for case in red if case.id in again), None)
        if first is None:
            return self._opinion("its test failed once and passed once.")
        before = {case.id: case for case in self._run(self._measured.start.tree)}.get(first.id)
        return Weighed(claim=self._claim, weight=_beside(before), says=first.message.strip())

    def _opinion(self, says: str) -> Weighed:
        return Weighed(claim=self._claim, says=says)

    def _run(self, tree: Tree) -> tuple[TestCase, ...]:
        made = self._bench.workspace.write(tree, {self._path: self._claim.test.encode()})
        tests = measure(self._bench, made, self._measured.start, only=(self._path,)).tests.values()
        return tuple(case for case in tests if (case.path or case.id.partition("::")[0]) == self._path)

    def _tells(self, case: TestCase) -> bool:
        """It ran, said no in an assertion or inside the code, and is about the change."""
        name = case.id.rpartition("::")[2].partition("[")[0]
        return case.red and case.cause in _TELLING and name in self._speaking


def _beside(before: TestCase | None) -> Weight:
    if before is not None and before.outcome == "passed":
        return Weight.NEW
    return Weight.OLD if before is not None and before.red and before.cause in _TELLING else Weight.ALONE


def _why(cases: tuple[TestCase, ...]) -> str:
    red = next((case for case in cases if case.red), None)
    if red is None:
        return "its test did not run to a result."
    return f"its test could not run: {red.message.strip() or red.error}"[:300]


def _place(name: str, paths: Collection[str], directory: str) -> str:
    """Beside the tests that are there, so that what they share is found; never in the place of a file."""
    inside = [p for p in paths if p.endswith(".py") and is_test(p) and (not directory or p.startswith(f"{directory}/"))]
    folders = sorted((p.rpartition("/")[0] for p in inside), key=lambda folder: (folder.count("/"), folder))
    folder = folders[0] if folders else directory
    path = f"{folder}/{name}" if folder else name
    return path if path not in paths else _place(f"test_x{name.removeprefix('test')}", paths, directory)
