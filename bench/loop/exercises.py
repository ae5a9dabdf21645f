"""Exercises of Aider-AI/polyglot-benchmark as tasks of the peers' harness: a stub, its tests, the example as answer.

Nothing of the exercises is stored here; they are read from a clone or bare mirror at run time. Which languages there
are is a question of the machine: Python always, JavaScript with `node`, Rust with `cargo` (only exercises without
dependencies), Go with `go`. An exercise counts only when its stub fails and its example passes here.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from harness import tasks as harness_tasks

PROGRAMS = {"python": "python3", "javascript": "node", "rust": "cargo", "go": "go"}
SIGNS = {"python": "#", "javascript": "//", "rust": "//", "go": "//"}
ENDS = {"python": ".py", "javascript": ".js", "rust": ".rs", "go": ".go"}
FAILED = re.compile(
    r"^(?:not ok \d+ - ([^#]+?)(?: #.*)?|test (\S+) \.\.\. FAILED|(error\[E\d+\]: .+)"
    r"|--- FAIL: (\S+) \([\d.]+s\)|\./\S+\.go:\d+:\d+: (.+))$"
)
# what the exercises use of jest, for node's own runner: no package has to be installed
JEST = (Path(__file__).parent / "jest-globals.mjs").read_text("utf-8")


class Exercise(harness_tasks.Task):  # type: ignore[misc, valid-type]
    """One exercise; `language` says how its tests are run."""

    language = "python"

    @property
    def test_cmd(self) -> str:
        if self.language == "python":
            return str(super().test_cmd)
        return {
            "javascript": f"node --test {self.test_path}",
            "rust": "cargo test --offline",
            "go": "go test ./...",
        }[self.language]

    @property
    def prompt(self) -> str:
        about = self.files[".docs/instructions.md"]
        return (
            f"{self.path} has a bug: it is only a stub, and its tests in {self.test_path} fail. Implement it; do not "
            f"change the tests. Check with: {self.test_cmd}\n\n{about}"
        )

    def wrong(self, n: int) -> str:
        """The stub again, with a remark above, where the lines around it are the only ones of their kind."""
        return f"{SIGNS[self.language]} attempt {n}: handle the edge case\n\n{self.buggy}"

    def failure_lines(self) -> list[str]:
        """Lines of the real failure of which the prompt has to hold one: for Python what pytest says, elsewhere the
        names of tests that failed, or the compiler's errors. Computed once."""
        if self.language == "python":  # a line names the folder of this one run, which no prompt can hold
            return [line.split(f" ({tempfile.gettempdir()}/")[0] for line in super().failure_lines()]
        if not hasattr(self, "_failure"):
            lines = [" ".join(line.split()) for line in _ran(self, self.wrong(1))[1].splitlines()]
            found = {next(filter(None, m.groups())) for line in lines if (m := FAILED.match(line))}
            self._failure = sorted(x for x in found if len(x) >= 8 and x not in self.buggy + self.prompt)
        return list(self._failure)


def _ran(task: Exercise, text: str) -> tuple[int, str]:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "repo"
        task.materialise(root, os.environ | harness_tasks.GIT_ENV)
        (root / task.path).write_text(text)
        done = subprocess.run(  # noqa: S602 - the command is ours
            task.test_cmd, shell=True, cwd=root, capture_output=True, text=True, timeout=300, check=False
        )
    return done.returncode, done.stdout + done.stderr


def load(mirror: Path, python: str, language: str) -> Iterator[Exercise]:
    """The exercises of a language that can be used here, one at a time: finding out takes a while."""
    root = f"{language}/exercises/practice"
    for name in _git(mirror, "ls-tree", "--name-only", f"HEAD:{root}").split():
        task = _task(mirror, root, name, language, python)
        if task and _usable(task):
            yield task


def missing(language: str) -> str:
    """The program that a language needs and that is not here."""
    return "" if shutil.which(PROGRAMS[language]) else PROGRAMS[language]


def _usable(task: Exercise) -> bool:
    """The stub fails, says why, and the example passes."""
    return _ran(task, task.wrong(1))[0] != 0 and bool(task.failure_lines()) and _ran(task, task.right)[0] == 0


def _task(mirror: Path, root: str, name: str, language: str, python: str) -> Exercise | None:
    where = f"{root}/{name}"
    listed = json.loads(_git(mirror, "show", f"HEAD:{where}/.meta/config.json"))["files"]
    solutions = [p for p in listed["solution"] if p.endswith(ENDS[language])]
    tests = [p for p in listed["test"] if p.endswith(ENDS[language])]
    if len(solutions) != 1 or len(tests) != 1 or len(listed["example"]) != 1:
        return None
    path, test = solutions[0], tests[0]
    texts = {p: _git(mirror, "show", f"HEAD:{where}/{p}") for p in (path, test, ".docs/instructions.md")}
    right = _git(mirror, "show", f"HEAD:{where}/{listed['example'][0]}")
    extra = _around(mirror, where, path, test, texts, language=language)
    if extra is None:
        return None
    shared = {".gitignore": "__pycache__/\n.pytest_cache/\n.aider*\ntarget/\nCargo.lock\nreport.xml\n"}
    task = Exercise(f"{language}/{name}", path, test, texts[path], right, texts | shared | extra, python)
    task.language = language
    return task


def _around(
    mirror: Path, where: str, path: str, test: str, texts: dict[str, str], *, language: str
) -> dict[str, str] | None:
    """What else the repository holds, with every test switched on; None when packages would be needed."""
    if language == "javascript":
        texts[test] = re.sub(r"\bx(test|it)\b", r"\1", re.sub(r"(from '\./[\w-]+)';", r"\1.js';", texts[test]))
        names = "afterEach, beforeEach, describe, expect, it, test"
        texts[test] = f"import {{ {names} }} from './jest-globals.mjs';\n{texts[test]}"
        return {
            "package.json": '{"type": "module", "private": true}\n',
            "jest-globals.mjs": JEST,
            **_checks(language, test),
        }
    if language == "rust":
        manifest = _git(mirror, "show", f"HEAD:{where}/Cargo.toml")
        texts[test] = texts[test].replace("#[ignore]\n", "")
        needs = re.search(r"^\[(?:dev-)?dependencies\]\s*\n\s*\w", manifest, re.MULTILINE)
        return None if needs else {"Cargo.toml": manifest, **_checks(language, test)}
    if language == "go":
        names = [
            n for n in _git(mirror, "ls-tree", "--name-only", f"HEAD:{where}").split() if n.endswith((".go", ".mod"))
        ]
        others = {n: _git(mirror, "show", f"HEAD:{where}/{n}") for n in names if n not in {path, test}}
        return others | _checks(language, test)
    return {}


def _checks(language: str, test: str) -> dict[str, str]:
    """Our own settings: which command says whether the exercise is done. No peer reads them."""
    if language == "javascript":
        run = f"node --test --test-reporter=junit --test-reporter-destination=report.xml {test}"
        kind = "\n    format: junit\n    report: report.xml"
    else:
        program = _real(PROGRAMS[language])
        folders = f"{program.parent}:/usr/local/bin:/usr/bin:/bin"
        words = "test --offline" if language == "rust" else "test -json ./..."
        run = f"PATH={folders} CARGO_HOME=/tmp/cargo GOCACHE=/tmp/go GOFLAGS=-mod=mod {program} {words}"
        kind = f"\n    format: {PROGRAMS[language]}"
    text = f"checks: [tests]\ncommands:\n  tests:\n    run: {run}{kind}\n    timeout: 120\n"
    return {".github/greenloop.yml": text}


def _real(program: str) -> Path:
    """The program itself: what rustup puts in the path only starts it, and reads its settings in the home folder."""
    rustup = shutil.which("rustup") if program == "cargo" else None
    if rustup:
        return Path(
            subprocess.run([rustup, "which", program], capture_output=True, text=True, check=True).stdout.strip()
        )
    return Path(shutil.which(program) or program).resolve()


def _git(mirror: Path, *words: str) -> str:
    return subprocess.run(
        ["/usr/bin/env", "git", *words], cwd=mirror, capture_output=True, text=True, check=True
    ).stdout
