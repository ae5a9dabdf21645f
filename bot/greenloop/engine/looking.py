"""What a model may look at before it answers: a question in, a short answer out, and every answer kept.

Reading is `lookups`'. Here is what runs: snippets, in a confined Python that keeps its state as long as the tree is the
same, and single tests. Both see the tree as a model may see it, or what the checks see anyway.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Self

from greenloop.checks.programs import policy
from greenloop.domain import Question, TestCase, Tree
from greenloop.engine.candidate import Start
from greenloop.engine.context import Source
from greenloop.engine.workbench import Workbench, measure
from greenloop.errors import NoSandbox
from greenloop.lessons.failures import forms
from greenloop.lookups import READING, clipped, look
from greenloop.ports import Cell, Policy, Repl, Subject

SNIPPET = 10.0  # seconds that one snippet may take
_NOTHING: Mapping[tuple[str, str], str] = MappingProxyType({})
_ENDED = "The Python was ended ({by}); the next snippet begins anew."


class Looking:
    """The answers of one run. `known` are those of an earlier, killed one, by tree and question."""

    def __init__(self, bench: Workbench, start: Start, known: Mapping[tuple[str, str], str] = _NOTHING) -> None:
        self._bench, self._start = bench, start
        self._known = dict(known)
        self._open = ExitStack()
        self._repl: Repl | None = None
        self._folder = Path()
        self._tree: Tree | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def answer(self, question: Question, tree: Tree) -> str:
        """From memory where the same was asked of the same tree."""
        key = tree.id, question.words
        if key not in self._known:
            self._known[key] = self._fresh(question, tree)
        return self._known[key]

    def _fresh(self, question: Question, tree: Tree) -> str:
        self._bench.stop.check()
        source = Source(self._bench.workspace, tree, self._bench.settings)
        if question.kind in READING:
            return look(question, source, partial(self._bench.workspace.changes_of, self._start.commit))
        if question.kind == "test":
            return self._tested(question.about.strip(), source)
        return self._run(question.about, source)

    def _tested(self, about: str, source: Source) -> str:
        """One test as it goes on this tree; its file is run, and what is told is of this test."""
        path, _, name = about.partition("::")
        if source.text(path) is None:
            return f"There is no test file {path}. A test is asked for by its id: `Look: test tests/test_a.py::test_b`."
        if "pytest" not in self._bench.settings.checks:
            return "The checks of this repository do not include pytest."
        report = measure(self._bench, source.tree, self._start.base, only=(path,))
        result = report.of("pytest")
        cases = [case for case in report.tests.values() if not name or _named(case, about)]
        if not cases:
            why = result.reason if result else ""
            return clipped(f"No test {about} was run. {why} {', '.join(list(report.tests)[:12])}".strip())
        red = [case for case in cases if case.red]
        counts = f"{len(cases) - len(red)} passed or skipped, {len(red)} failed."
        if len(cases) == 1:
            counts = f"{cases[0].id} {cases[0].outcome}."
        told = [forms((case,))[0] for case in red[:3]] + [f"It printed:\n{c.output}" for c in cases[:1] if c.output]
        return clipped("\n".join([counts, *told]))

    def _run(self, code: str, source: Source) -> str:
        if not code.strip():
            return "There is no code: put it into a fence below `Look: run`."
        try:
            repl = self._python(source)
        except NoSandbox as error:
            return f"No snippet can be run here: {error}"
        cell = repl.run(code)
        self._bench.stop.check()
        if cell.killed_by:
            self._end()
        return clipped(_said(cell).replace(f"{self._folder}/", "").replace(str(self._folder), "."), keep="ends")

    def _python(self, source: Source) -> Repl:
        """The one that is there, or a new one on this tree."""
        if self._repl is None or self._tree != source.tree or not self._repl.alive:
            self._end()
            self._folder = self._open.enter_context(self._bench.laid(source.tree)).resolve()
            _without_hidden(self._folder, source)
            self._repl = self._started(self._folder)
            self._open.callback(self._repl.close)
            self._tree = source.tree
        return self._repl

    def _started(self, folder: Path) -> Repl:
        """With the loopback network where a network of its own can be had, else with none."""
        settings, environment = self._bench.settings, self._start.base.environment
        subject = Subject(folder=folder, directory=settings.directory, environment=environment)
        given = policy(
            subject,
            settings,
            program=str(environment.python),
            seconds=SNIPPET,
            environment={"PYTHONDONTWRITEBYTECODE": "1"},
        )
        return _opened(self._bench, folder / settings.directory, replace(given, output=64))

    def _end(self) -> None:
        self._open.close()
        self._repl = self._tree = None


def _opened(bench: Workbench, folder: Path, given: Policy) -> Repl:
    try:
        return bench.sandbox.repl(cwd=folder, policy=given)
    except NoSandbox:
        return bench.sandbox.repl(cwd=folder, policy=replace(given, network="none"))


def _without_hidden(folder: Path, source: Source) -> None:
    """A snippet prints what it can read: what the model must not see is not there."""
    shown = {entry.path for entry in source.entries()}
    for entry in source.workspace.entries(source.tree).values():
        path = folder / entry.path
        if path.is_symlink() or not path.is_file():
            continue
        if entry.path not in shown or (source.text(entry.path) is None and _is_text(path)):
            path.unlink()


def _is_text(path: Path) -> bool:
    """A file that the model may not see though it is text holds something that looks like a secret."""
    data = path.read_bytes()
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return b"\0" not in data[:8192]


def _named(case: TestCase, about: str) -> bool:
    return case.id == about or case.id.startswith((f"{about}[", f"{about}::"))


def _said(cell: Cell) -> str:
    parts = [cell.output.rstrip("\n"), cell.error or "", cell.result or ""]
    if cell.killed_by:
        parts.append(_ENDED.format(by={"time": f"it took more than {SNIPPET:g} s"}.get(cell.killed_by, cell.killed_by)))
    return "\n".join(part for part in parts if part) or "It ran and printed nothing."
