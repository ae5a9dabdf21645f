"""All that a command works with, as one value: ports, settings, budget, and the folders of this run."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from threading import Event
from types import MappingProxyType

from greenloop import checks
from greenloop.checks import types_
from greenloop.domain import CheckResult, Dependency, Finding, Report, Status, Tree
from greenloop.engine.outside import NOTHING_BEYOND, Outside
from greenloop.environment import added, checked, extend, is_manifest
from greenloop.environment import prepare as prepare_environment
from greenloop.hygiene.clean import clean
from greenloop.model.budget import Budget
from greenloop.ports import Change, Embedder, Environment, Model, OnProgress, Progress, Sandbox, Subject, Workspace
from greenloop.setting_rules import named
from greenloop.settings import Settings
from greenloop.source.toolchains import Tests, not_checked, others
from greenloop.stopping import Stop


@dataclass(frozen=True, slots=True, kw_only=True)
class Workbench:
    """`scratch` is private to the run and removed at its end; `cache` outlives it; `beyond` is what may be read outside
    of the repository."""

    settings: Settings
    workspace: Workspace
    sandbox: Sandbox
    model: Model
    budget: Budget
    progress: OnProgress
    stop: Stop
    scratch: Path
    cache: Path
    embedder: Callable[[], Embedder | None] = lambda: None  # raises `Misconfigured`
    beyond: Outside = NOTHING_BEYOND
    at_work: Event = field(default_factory=Event)  # set when the first program runs, and we wait
    rules: Tree | None = None  # whose instruction files are rules, where the base is what somebody proposes
    trusted: Tree | None = None  # whose manifests programs are built from, when the base is somebody else's

    def say(self, phase: str, **words: object) -> None:
        self.progress(Progress(phase=phase, usage=self.budget.used, **words))  # type: ignore[arg-type]

    @contextmanager
    def laid(self, tree: Tree) -> Iterator[Path]:
        """A fresh folder that holds `tree`; gone afterwards."""
        folder = Path(mkdtemp(prefix="tree-", dir=self.scratch))
        try:
            self.workspace.lay(tree, folder)
            yield folder
        finally:
            rmtree(folder, ignore_errors=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The base commit's tree, where its programs are, and what the checks say of it. `root` is the tree that programs
    were built from, and `built` what came of that; what others name beside it is fetched as wheels only."""

    tree: Tree
    environment: Environment
    report: Report
    root: Tree | None = None
    built: Environment | None = None
    checks: tuple[str, ...] = ()  # beside those of the settings: what the project has and that could be made here
    tests: tuple[Tests, ...] = ()  # of other languages, that the project has
    unchecked: tuple[CheckResult, ...] = ()  # those of them that cannot be run here, with why


def baseline(bench: Workbench, tree: Tree) -> Baseline:
    """Prepare the environment of the base and run every check on it."""
    bench.say("environment")
    root = bench.trusted or tree
    with bench.laid(root) as folder:
        built = prepare_environment(
            folder, bench.settings, cache=bench.cache, sandbox=bench.sandbox, progress=bench.progress
        )
    environment = built if root == tree else _extended(bench, built, root, tree)
    bench.say("baseline")
    paths = bench.workspace.entries(tree).keys()
    tests = others(paths, lambda path: bench.workspace.read(tree, path), bench.settings)
    more = (*_more(bench, tree, environment), *(found.name for found in tests if found.check))
    report = _examine(bench, tree, (), environment, names=(*named(bench.settings), *more), tests=tests)
    unchecked = tuple(filter(None, (not_checked(found, report.of(found.name)) for found in tests)))
    unfit = {result.check for result in report.broken if result.check in more} | {r.check for r in unchecked}
    made = tuple(result for result in report.results if result.check not in unfit)
    return Baseline(
        tree=tree,
        environment=environment,
        report=replace(report, results=(*made, *unchecked)),
        root=root,
        built=built,
        checks=tuple(name for name in more if name not in unfit),
        tests=tests,
        unchecked=unchecked,
    )


def _more(bench: Workbench, tree: Tree, environment: Environment) -> tuple[str, ...]:
    """Types, where the project has them and the settings do not name the checks alone; left out where they break."""
    settings = bench.settings
    wanted = settings.criteria.types if settings.criteria else settings.checks == Settings().checks
    if not wanted or types_.NAME in {*settings.checks, *settings.commands}:
        return ()
    has = types_.program(lambda path: bench.workspace.read(tree, path), settings.directory, environment)
    return (types_.NAME,) if has else ()


def _extended(bench: Workbench, built: Environment, root: Tree, tree: Tree) -> Environment:
    """With what the manifests of `tree` add to those of `root`: wheels, and nothing of it is run while they come."""
    with bench.laid(root) as old, bench.laid(tree) as new:
        return extend(built, old, new, bench.settings, cache=bench.cache, sandbox=bench.sandbox)


def measure(
    bench: Workbench,
    tree: Tree,
    base: Baseline,
    *,
    first: Iterable[str] = (),
    only: Iterable[str] = (),
    without: Collection[str] = (),
) -> Report:
    """Every check on `tree` but those `without`; with `only`, just the tests of these files. Files that are as on the
    base keep the base's findings: the linters look at what changed."""
    changes = bench.workspace.diff(base.tree, tree)
    environment, dependencies = _environment(bench, tree, base, changes)
    environment = replace(environment, withheld=()) if only else environment  # the attempt's own tests may need them
    known = (n for n in (*named(bench.settings), *base.checks) if n not in without)
    names = tuple(n for n in known if not only or n == "pytest")
    report = _examine(
        bench,
        tree,
        changes,
        environment,
        names=names,
        first=tuple(first),
        only=tuple(only),
        before=lambda path: bench.workspace.read(base.tree, path),
        tests=base.tests,
    )
    if only:
        return report
    dependencies = checked(dependencies, bench.settings.advisories)
    made = replace(report, results=(*report.results, *base.unchecked), dependencies=dependencies)
    return _completed(made, base.report, {c.path for c in changes})


def measure_part(bench: Workbench, tree: Tree, base: Baseline, *, files: Iterable[str]) -> Report:
    """The repository's own tests of some files, as they run in the whole suite."""
    changes = bench.workspace.diff(base.tree, tree)
    environment, _ = _environment(bench, tree, base, changes)
    return _examine(bench, tree, changes, environment, names=("pytest",), only=tuple(files))


def measure_again(
    bench: Workbench, tree: Tree, base: Baseline, *, first: Iterable[str], names: tuple[str, ...] = ("pytest",)
) -> Report:
    """The tests on `tree` once more, all of them in the same order: what fails only beside others fails again. `names`
    are the checks that run them."""
    changes = bench.workspace.diff(base.tree, tree)
    environment, _ = _environment(bench, tree, base, changes)
    return _examine(bench, tree, changes, environment, names=names, first=tuple(first), tests=base.tests)


def confirm(bench: Workbench, tree: Tree, base: Baseline, *, names: Iterable[str], only: Iterable[str]) -> Report:
    """The tests of the files `only` once more on what the base's product is like; `names` are the checks that run
    them, and pytest alone can leave the other files out."""
    changes = bench.workspace.diff(base.tree, tree)
    return _examine(bench, tree, changes, base.environment, names=tuple(names), only=tuple(only), tests=base.tests)


def measure_aside(
    bench: Workbench, tree: Tree, base: Baseline, aside: frozenset[str], *, only: Iterable[str]
) -> Report:
    """What the judged run does not see of an attempt: the tests of its own files `only`, and what the linters say of
    the files `aside`."""
    changes = bench.workspace.diff(base.tree, tree)
    environment = replace(_environment(bench, tree, base, changes)[0], withheld=())
    known = {"ruff", "bandit", "integrity"} | ({"pytest"} if only else set())
    names = tuple(n for n in bench.settings.checks if n in known)
    looked = tuple(c for c in changes if c.path in aside)
    return _examine(
        bench,
        tree,
        looked,
        environment,
        names=names,
        only=tuple(only),
        before=lambda path: bench.workspace.read(base.tree, path),
    )


def _environment(
    bench: Workbench, tree: Tree, base: Baseline, changes: tuple[Change, ...]
) -> tuple[Environment, tuple[Dependency, ...]]:
    """The base's environment with what the attempt adds to the manifests, and what that is."""
    if not any(is_manifest(c.path) for c in changes):
        return base.environment, ()
    now = _extended(bench, base.built or base.environment, base.root or base.tree, tree)
    with bench.laid(base.tree) as old, bench.laid(tree) as new:
        return now, added(base.environment, now, old, new, bench.settings.directory)


def _examine(  # noqa: PLR0913 - what differs between the runs of one attempt, by name
    bench: Workbench,
    tree: Tree,
    changes: tuple[Change, ...],
    environment: Environment,
    *,
    names: tuple[str, ...] | None = None,
    first: tuple[str, ...] = (),
    only: tuple[str, ...] = (),
    before: Callable[[str], bytes | None] = lambda _path: None,
    tests: tuple[Tests, ...] = (),
) -> Report:
    lines: Mapping[str, frozenset[int]] = MappingProxyType({c.path: c.lines for c in changes if c.status != "D"})
    folders: list[Path] = []

    def make() -> Subject:
        folder = Path(mkdtemp(prefix="tree-", dir=bench.scratch))
        folders.append(folder)
        bench.workspace.lay(tree, folder)
        return Subject(
            folder=folder,
            directory=bench.settings.directory,
            changed=tuple(lines),
            lines=lines,
            environment=environment,
            first=first,
            only=only,
            deleted=tuple(c.path for c in changes if c.status == "D"),
            before=before,
        )

    try:
        return clean(checks.examine(make, bench.sandbox, bench.settings, names=names, tests=tests))
    finally:
        for folder in folders:
            rmtree(folder, ignore_errors=True)


def _completed(report: Report, base: Report, changed: set[str]) -> Report:
    return replace(report, results=tuple(_with_unchanged(r, base.of(r.check), changed) for r in report.results))


def _with_unchanged(result: CheckResult, base: CheckResult | None, changed: set[str]) -> CheckResult:
    """The base's findings in files that are the same now. A check that runs tests has looked at everything."""
    if base is None or result.tests or base.tests or result.status in {Status.BROKEN, Status.SKIPPED}:
        return result
    kept: tuple[Finding, ...] = tuple(f for f in base.findings if f.path is not None and f.path not in changed)
    return replace(result, findings=(*result.findings, *kept)) if kept else result
