"""From a measured base to the last attempt: what the model has to see, and the engine. Its imports are paid beside the
baseline, so `generate.py` loads it only then."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace

from greenloop.commands import suggested
from greenloop.commands.course import Course
from greenloop.commands.noting import noting
from greenloop.commands.run import Run
from greenloop.domain import Cause, Ending, Reason, Report, Request
from greenloop.domain import Source as Origin
from greenloop.engine.candidate import Start
from greenloop.engine.context import Source, gather
from greenloop.engine.looking import Looking
from greenloop.engine.loop import iterate
from greenloop.engine.reproduce import asked
from greenloop.engine.search import Search, search
from greenloop.engine.turn import Sink, State, offered
from greenloop.engine.workbench import Baseline, Workbench
from greenloop.lessons.feedback import first_failures
from greenloop.source.imports import wanted
from greenloop.source.named import names_file
from greenloop.source.named import words as names

_MISSING = re.compile(r"No module named '([\w.]+)'")
_LACKS = re.compile(
    r"cannot import name '\w+' from [^()\n]{1,300}\((?:most likely[^()\n]{1,100}\) \()?([^()\n]{1,500})\)"
)


def drive(request: Request, base: Baseline, bench: Workbench, run: Run, course: Course, *, found: Search) -> None:
    """Everything is noted in `course` as it happens, so that a stop at any place can land it."""
    source = Source(bench.workspace, base.tree, bench.settings)
    with found:
        trouble = unfit(request, base.report, frozenset(e.path for e in source.entries()))
        if trouble:
            course.ending = Ending(Reason.BROKEN_ENVIRONMENT, trouble)
            return
        red = expected(request, source, base.report, bench)
        task = gather(request, source, found, baseline=base.report, wanted=red, thread=course.thread, rules=bench.rules)
        course.task = task = replace(task, omitted=(*task.omitted, *found.missing))
    start = Start(request=request, base=base, commit=request.base)

    shown = tuple(s.path for s in task.snippets if s.whole)
    failures = first_failures(base.report, frozenset(red), shown=shown)
    sink = noting(request, bench, run, course)
    state = State(onto=base.tree, failures=failures, offered=offered(task, source))
    test_first = asked(request, bench.settings, base.report, red)
    if request.threads:
        state, bench = _suggested(request, start, bench, sink, course, state)
    with Looking(bench, start, run.seen) as looking:
        engine = iterate(course.task, start, bench, begun=state, sink=sink, looking=looking, test_first=test_first)
        while course.ending is None:
            try:
                course.add(next(engine))
            except StopIteration as end:
                course.ending = end.value


def _suggested(
    request: Request, start: Start, bench: Workbench, sink: Sink, course: Course, state: State
) -> tuple[State, Workbench]:
    """Suggestions of a review come first, and cost no attempt."""
    plan = suggested.plan(request, start, bench)
    more = replace(bench, settings=replace(bench.settings, attempts=bench.settings.attempts + 1))
    attempt = suggested.first(plan, start, more, sink)
    if attempt is None or course.task is None:
        return state, bench
    course.attempts.append(attempt)
    if suggested.enough(attempt, plan, request):
        course.ending = Ending(Reason.GREEN)
    course.task = suggested.told(course.task, plan, request)
    return suggested.after(attempt, state, start, course.task), more


def searching(request: Request, bench: Workbench) -> Search:
    """What serves somebody else's pull request has an index of its own. May be asked for beside the baseline, and ends
    when the run is stopped."""

    def told(done: int, of: int) -> None:
        bench.stop.check()
        bench.say("index", detail=f"{done} of {of} files")

    return search(
        Source(bench.workspace, bench.workspace.tree(request.base), bench.settings),
        request.base,
        cache=bench.cache,
        repository=request.repository,
        trusted=request.source not in {Origin.PULL_REQUEST, Origin.REVIEW} and not request.fork,
        say=lambda words: bench.say("index", detail=words),
        told=told,
        beyond=bench.beyond,
        embedder=bench.embedder(),
    )


def expected(request: Request, source: Source, report: Report, bench: Workbench) -> tuple[str, ...]:
    """The red tests that the request is about, as far as it can be known before any change."""
    paths = frozenset(e.path for e in source.entries())

    def read(path: str) -> bytes | None:
        return bench.workspace.read(source.tree, path)

    named = wanted(
        report,
        request=request.text,
        test_command=bench.settings.test_command,
        changed=request.files,
        paths=paths,
        read=read,
    )
    red = tuple(test for test, case in report.tests.items() if case.red)
    return tuple(test for test in red if test in named) or red


def unfit(request: Request, report: Report, paths: Collection[str]) -> str:
    """Why no attempt could be judged here, or an empty string: nothing can be collected, and neither the request nor a
    file of the repository's, of those in `paths`, is what could mend that."""
    if report.broken:
        return " ".join(f"{r.check}: {r.reason} {_tail(r.output)}".strip() for r in report.broken)
    cases = tuple(report.tests.values())
    if not cases or not all(case.outcome == "error" and case.cause is Cause.IMPORT for case in cases):
        return ""
    if any(place in paths for case in cases for place in _LACKS.findall(case.message)):
        return ""
    missing = {name for case in cases for name in _MISSING.findall(case.message)}
    about = {case.path or case.id for case in cases} | {name.split(".")[0] for name in missing}
    if any(names_file(request.text, word) or word in names(request.text) for word in about):
        return ""
    advice = " Install it with `install_command`, or name an interpreter that has it in `test_command`."
    return f"No test could be collected: {cases[0].id}: {cases[0].message.strip()}{advice if missing else ''}"


def _tail(output: str, lines: int = 15) -> str:
    kept = output.strip().splitlines()[-lines:]
    return "\n".join(kept)
