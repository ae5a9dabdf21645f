"""The kill table: each rule is switched off, singly, in a copy of the source, and the test that it names must turn red.

    python tests/kills/run.py [AREA…] [-j N] [--known-green] [--part K/N]

An area is a file `tests/kills/AREA.toml`. The product has no switches: a kill is an exact replacement in one file. Not
a mutation tester: it asks only whether the rules that matter are guarded by a test that notices.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import NoReturn

import pytest

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 300
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["pytest", "hypothesis", "httpx", "git", "yaml"])  # once, not for each rule
COPIED = (
    "bot",
    "tests",
    "action",
    "action.yml",
    ".github",
    "pyproject.toml",
    "README.md",
    "CONTRIBUTING.md",
    "docs",
    "Makefile",
    "LICENSE",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    area: str
    rule: str
    file: str
    old: str
    new: str
    test: str


def load(areas: list[str]) -> list[Kill]:
    """The kills of these areas, or of all. Raises `SystemExit` for what is not a kill."""
    known = {path.stem: path for path in sorted((ROOT / "tests/kills").glob("*.toml"))}
    unknown = set(areas) - set(known)
    if unknown or not known:
        raise SystemExit(f"no such area: {', '.join(sorted(unknown)) or 'none at all'}; there are: {', '.join(known)}")
    wanted = {field.name for field in fields(Kill)} - {"area"}
    kills = []
    for area in areas or known:
        for entry in tomllib.loads(known[area].read_text())["kill"]:
            if set(entry) != wanted:
                raise SystemExit(f"{area}.toml: a kill has exactly {sorted(wanted)}, this one has {sorted(entry)}")
            kills.append(Kill(area=area, **entry))
    return kills


def run_tests(tests: list[str], *, root: Path, extra: tuple[str, ...] = ()) -> tuple[int | None, str]:
    """Run these tests on the source in `root`; whatever they start finds the same source first. The exit code, None
    when time ran out, and what was printed."""
    argv = ["-x", "-q", "-p", "no:cacheprovider", "--no-header", *extra, *tests]
    with tempfile.NamedTemporaryFile(prefix="kill-", suffix=".log") as said:
        process = FORKS.Process(target=_inside, args=(argv, str(root), said.name))
        process.start()
        process.join(SECONDS)
        code = process.exitcode
        if code is None and process.pid is not None:
            os.killpg(process.pid, signal.SIGKILL)
            process.join()
        return code, said.read().decode(errors="replace")


def _inside(argv: list[str], root: str, said: str) -> NoReturn:
    """A process that has loaded what all tests need and nothing of ours."""
    os.setsid()
    for stream in (1, 2):
        os.dup2(os.open(said, os.O_WRONLY | os.O_APPEND), stream)
    for name in [k for k in os.environ if k.startswith(("COV", "PYTEST_", "COVERAGE_"))]:
        del os.environ[name]
    os.environ["PYTHONPATH"] = f"{root}/bot"
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # most of a short run's time, and none of them is needed
    os.chdir(root)
    sys.path[:] = [f"{root}/bot", *(p for p in sys.path if Path(p) not in {ROOT / "bot", ROOT / "tests/kills"})]
    os._exit(pytest.main(argv))


def _linked(source: str, target: str) -> None:
    """A copy that costs nothing: what is changed in it is made anew."""
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)


@contextmanager
def copy() -> Iterator[Path]:
    """The checkout without its history and environment, to be changed at will."""
    with tempfile.TemporaryDirectory(prefix="kill-") as folder:
        root = Path(folder)
        root.chmod(0o755)  # some tests run programs as another user
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, root / name, symlinks=True, copy_function=_linked)
            elif source.exists():
                _linked(str(source), str(root / name))
        yield root


def disarm(kill: Kill, root: Path) -> str:
    """Apply the kill; the answer says why it could not be, or is empty."""
    path = root / kill.file
    if not path.is_file():
        return f"{kill.file} does not exist"
    source = path.read_text()
    if source.count(kill.old) != 1:
        return f"its text occurs {source.count(kill.old)} times in {kill.file}, not once"
    changed = source.replace(kill.old, kill.new)
    if changed == source:
        return "it changes nothing"
    try:
        compile(changed, kill.file, "exec")
    except SyntaxError as error:
        return f"{kill.file} is no Python any more: {error}"
    path.unlink()
    path.write_text(changed)
    for stale in path.parent.glob(f"__pycache__/{path.stem}.*.pyc"):
        stale.unlink()
    return ""


def judge(kill: Kill) -> str:
    """Empty when the test turns red; otherwise what is wrong with the kill or with the test."""
    with copy() as root:
        problem = disarm(kill, root)
        if problem:
            return problem
        code, said = run_tests([kill.test], root=root)
    if code is None:
        return f"the test did not end within {SECONDS} s"
    if code == 1:  # pytest's word for "tests failed"; everything above means that none was run
        return ""
    what = "stays green" if code == 0 else f"could not be run (pytest ended with {code})"
    return f"the test {what}:\n{said[-3000:]}"


def green(kills: list[Kill], jobs: int) -> bool:
    """Whether every test that the kills name passes on the source as it is."""
    tests = sorted({kill.test for kill in kills})
    with copy() as root:
        code, said = run_tests(tests, root=root, extra=("-p", "xdist.plugin", "-n", str(jobs)))
    if code != 0:
        sys.stdout.write(f"{said[-9000:]}\nThe tests are not green to begin with.\n")
    return code == 0


def part(words: str) -> slice:
    """`K/N` as a slice. Raises `ValueError`, which argparse tells, for one that would leave every rule out."""
    which, _, of = words.partition("/")
    if not 0 <= int(which) < int(of):
        raise ValueError(words)
    return slice(int(which), None, int(of))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("areas", nargs="*", metavar="AREA")
    cores = os.cpu_count() or 2
    # twice: a rule that is off often shows itself by a time limit that has to run out
    parser.add_argument("-j", "--jobs", type=int, default=2 * cores)
    words = "do not run the tests on the source as it is first: `make test` was, or will be, seen to pass on it"
    parser.add_argument("--known-green", action="store_true", help=words)
    parser.add_argument("--part", type=part, default=slice(None), metavar="K/N", help="every Nth, from K (0 to N-1) on")
    arguments = parser.parse_args()
    kills = load(arguments.areas)[arguments.part]
    if not arguments.known_green and not green(kills, arguments.jobs):
        return 1
    missed = 0
    with ThreadPoolExecutor(arguments.jobs) as pool:
        for kill, problem in zip(kills, pool.map(judge, kills), strict=True):
            missed += bool(problem)
            word = "NOT KILLED" if problem else "turns red"
            sys.stdout.write(f"{kill.area:12} {kill.rule}\n{'':12} → {kill.test}: {word}{problem and ': ' + problem}\n")
            sys.stdout.flush()
    sys.stdout.write(f"{len(kills) - missed} of {len(kills)} rules are guarded.\n")
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
