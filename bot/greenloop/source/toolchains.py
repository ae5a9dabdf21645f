"""The tests of languages other than Python: which ones a tree's files tell of, how they are run here, and what for they
are not. Found on the base alone: no change of an attempt makes, alters or removes such a check."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import MappingProxyType

from greenloop.domain import CheckResult, Status
from greenloop.setting_values import CommandCheck
from greenloop.settings import Settings
from greenloop.source.machine import MODULES, Program, found, packages

Read = Callable[[str], bytes | None]
Find = Callable[[str], Program | str]

_SKIPPED = frozenset({"node_modules", "vendor", "third_party", "testdata", "fixtures", "test", "tests"}) | {
    *("examples", "example", "docs", "build", "dist", "target"),
}
_DEEPEST = 2  # folders below the settings' `directory`
_MOST = 3  # projects of one language
_SHELL = re.compile(r"[;&|<>`$()\n]")
_FILE = "greenloop-tests"


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How tests are run: the command and what it takes; or what is not here that it would take."""

    check: CommandCheck | None = None
    readable: tuple[Path, ...] = ()
    links: Mapping[str, Path] = field(default_factory=lambda: MappingProxyType({}))
    missing: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tests:
    """Tests that were found. Without `check` they are not run, and `missing` says why."""

    __test__ = False  # not a test of ours, whatever pytest makes of the name

    name: str  # of the check: `npm`, or `npm-web` for a folder
    language: str
    because: str
    folder: str
    check: CommandCheck | None
    path: tuple[Path, ...] = ()
    readable: tuple[Path, ...] = ()
    links: Mapping[str, Path] = field(default_factory=lambda: MappingProxyType({}))
    missing: str = ""

    @property
    def told(self) -> str:
        if self.check is None:
            return f"{self.language} tests found ({self.because}), {self.missing}: not checked."
        return f"{self.language} tests found ({self.because}): `{self.check.run}`"


@dataclass(frozen=True, slots=True)
class Place:
    """A manifest, and what may be asked about what is around it."""

    manifest: str
    paths: Collection[str]
    read: Read
    environment: Mapping[str, str]

    @property
    def folder(self) -> str:
        return self.manifest.rpartition("/")[0]

    def text(self, name: str = "") -> str:
        """Of the manifest, or of a file beside it."""
        path = "/".join(filter(None, (self.folder, name))) if name else self.manifest
        return (self.read(path) or b"")[:1_000_000].decode("utf-8", "replace") if path in self.paths else ""

    def any(self, start: str = "", end: str = "") -> bool:
        """Whether a file below it is called so."""
        inside = f"{self.folder}/" if self.folder else ""
        return any(path.startswith(inside + start) and path.endswith(end) for path in self.paths)


def here(environment: Mapping[str, str]) -> Iterator[str]:
    """For each language, what its tests would be run with on this machine, or why they would not."""
    for language, _, programs, _ in _KINDS.values():
        missing = [why for why in (found(program, environment) for program in programs) if isinstance(why, str)]
        yield f"{language} tests by {' and '.join(programs)}" + (f": {missing[0]}" if missing else ": here")


def others(paths: Collection[str], read: Read, settings: Settings) -> tuple[Tests, ...]:
    """What a tree's files tell of, where the settings do not name the checks themselves."""
    if settings.checks != Settings().checks:
        return ()
    found_here = detect(paths, read, settings.directory, os.environ)
    return tuple(tests for tests in found_here if tests.name not in settings.commands)


def detect(
    paths: Collection[str], read: Read, directory: str, environment: Mapping[str, str], find: Find | None = None
) -> tuple[Tests, ...]:
    """What a tree's files tell of. `find` says where a program is, or in words why it is not to be had."""
    look = find or partial(found, environment=environment)
    made = []
    for name, (language, manifests, programs, way) in _KINDS.items():
        for manifest in _places(paths, directory, manifests):
            place = Place(manifest, paths, read, environment)
            known = way(place)
            below = place.folder.removeprefix(directory).strip("/")
            called = f"{name}-{re.sub('[^A-Za-z0-9_.-]', '-', below)}"[:40] if below else name
            if known is not None:
                made.append(_tests(called, language, place, known, [look(program) for program in programs]))
    return tuple(made)


def not_checked(tests: Tests, made: CheckResult | None) -> CheckResult | None:
    """What stands in the report for tests that cannot be run here: nothing to run them with, or on the base not one of
    them ran. None for those that can."""
    if made is not None:
        ran = any(test.outcome in {"passed", "failed"} for test in made.tests)
        if made.status in {Status.PASSED, Status.SKIPPED} or ran:
            return None
        why = made.reason or next((finding.message for finding in made.findings), "") or "it failed"
        error = next((line for line in made.output.splitlines() if re.search(r"\berror\b", line, re.IGNORECASE)), "")
        said = f"{tests.told} does not run here on the base, so they are not checked: {why} {error}"
    else:
        said = tests.told
    return CheckResult(check=tests.name, status=Status.SKIPPED, reason=" ".join(said.split())[:600])


def _tests(name: str, language: str, place: Place, way: Way, programs: list[Program | str]) -> Tests:
    missing = next((why for why in programs if isinstance(why, str)), way.missing)
    here = [program for program in programs if isinstance(program, Program)]
    return Tests(
        name=name,
        language=language,
        because=place.manifest,
        folder=place.folder,
        check=None if missing else way.check,
        path=tuple(dict.fromkeys(program.folder for program in here)),
        readable=tuple(dict.fromkeys((*(path for program in here for path in program.readable), *way.readable))),
        links=way.links,
        missing=missing,
    )


def _places(paths: Collection[str], directory: str, names: tuple[str, ...]) -> list[str]:
    """The manifests that lie highest, all of one depth."""
    inside = f"{directory}/" if directory else ""
    by_depth: dict[int, list[str]] = {}
    for path in sorted(p for p in paths if p.startswith(inside)):
        *folders, name = path[len(inside) :].split("/")
        plain = not any(folder in _SKIPPED or folder.startswith(".") for folder in folders)
        if name in names and plain and len(folders) <= _DEEPEST:
            by_depth.setdefault(len(folders), []).append(path)
    return by_depth[min(by_depth)][:_MOST] if by_depth else []


def _npm(place: Place) -> Way | None:
    try:
        package = json.loads(place.text())
    except (ValueError, RecursionError):
        return None
    package = package if isinstance(package, dict) else {}
    scripts = package.get("scripts")
    script = scripts.get("test") if isinstance(scripts, dict) else None
    if not isinstance(script, str) or not script.strip() or "no test specified" in script:
        return None
    needs = any(package.get(part) for part in ("dependencies", "devDependencies"))
    if not needs or place.any("node_modules/"):
        return Way(check=_script(script))
    modules = packages("node_modules", place.environment)
    if modules is None:
        return Way(missing=f"but its dependencies are not in the tree, and {MODULES} names no folder of them")
    return Way(check=_script(script), readable=(modules,), links={"node_modules": modules})


def _script(script: str) -> CommandCheck:
    """`npm test`, with what makes the runner that it starts write a report. In a script of several commands, or of a
    runner that is not known, the exit code speaks alone."""
    words = [] if _SHELL.search(script) else script.split()
    runner = next((Path(word).name for word in words if "=" not in word and word != "npx"), "")
    if "--test" in words and "--test-reporter" not in script:
        options = f"--test-reporter=junit --test-reporter-destination={_FILE}.xml"
        return CommandCheck(run=f"NODE_OPTIONS='{options}' npm test", format="junit", report=f"{_FILE}.xml")
    if runner == "vitest":
        run = f"npm test -- --run --reporter=junit --outputFile={_FILE}.xml"
        return CommandCheck(run=run, format="junit", report=f"{_FILE}.xml")
    if runner == "mocha":
        run = f"npm test -- --reporter xunit --reporter-option output={_FILE}.xml"
        return CommandCheck(run=run, format="junit", report=f"{_FILE}.xml")
    if runner == "jest":
        return CommandCheck(run=f"npm test -- --json --outputFile={_FILE}.json", format="jest", report=f"{_FILE}.json")
    return CommandCheck(run="npm test")


def _go(place: Place) -> Way | None:
    if not place.any(end="_test.go"):
        return None
    run = "GOPROXY=off GOTOOLCHAIN=local GOFLAGS=-buildvcs=false go test -json ./..."
    if not re.search(r"^\s*(?:require\b|\()", place.text(), re.MULTILINE) or place.any("vendor/modules.txt"):
        return Way(check=CommandCheck(run=run, format="go"))
    modules = packages("go", place.environment)
    if modules is None:
        return Way(missing="but its modules are neither in `vendor` nor in a module cache that can be shown")
    return Way(check=CommandCheck(run=f"GOMODCACHE={modules} {run}", format="go"), readable=(modules,))


def _cargo(place: Place) -> Way | None:
    try:
        manifest = tomllib.loads(place.text())
    except (ValueError, RecursionError):
        return None
    if not {"package", "workspace"} & manifest.keys():
        return None
    if 'source = "' in place.text("Cargo.lock") and not place.any(".cargo/config"):
        return Way(missing="but its crates are not in the tree (`cargo vendor`, with `.cargo/config.toml`)")
    return Way(check=CommandCheck(run="cargo test --offline --no-fail-fast", format="cargo"))


def _maven(place: Place) -> Way | None:
    repository = packages("maven", place.environment)
    if repository is None:
        return Way(missing="but there is no repository of Maven's that can be shown")
    run = f"mvn -B -ntp -o -Dmaven.repo.local={repository} test"
    report = "**/target/surefire-reports/TEST-*.xml"
    return Way(check=CommandCheck(run=run, format="junit", report=report), readable=(repository,))


def _gradle(place: Place) -> Way | None:
    kept = packages("gradle", place.environment)
    run = f"{f'GRADLE_RO_DEP_CACHE={kept} ' if kept else ''}gradle --offline --no-daemon --continue test"
    report = "**/build/test-results/test/TEST-*.xml"
    return Way(check=CommandCheck(run=run, format="junit", report=report), readable=(kept,) if kept else ())


# the check's name → the language, its manifests, the programs that it takes, and how its tests are run
_KINDS: Mapping[str, tuple[str, tuple[str, ...], tuple[str, ...], Callable[[Place], Way | None]]] = {
    "npm": ("JavaScript", ("package.json",), ("node", "npm"), _npm),
    "go": ("Go", ("go.mod",), ("go",), _go),
    "cargo": ("Rust", ("Cargo.toml",), ("cargo",), _cargo),
    "maven": ("Java", ("pom.xml",), ("java", "mvn"), _maven),
    "gradle": ("Java", ("build.gradle", "build.gradle.kts"), ("java", "gradle"), _gradle),
}
