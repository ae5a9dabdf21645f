"""The gate before all other checks: whether each changed Python, JSON and TOML file parses at all, and each file of
another language that parsed before, where its grammar is installed.

It runs no code of the target. JSON may hold comments and trailing commas, as editors' configuration does; data files of
the tests may be wrong on purpose, and templates are not the language that their name tells.
"""

from __future__ import annotations

import json
import re
import sys
import threading
import time
import warnings
from pathlib import Path

from greenloop.checks import files, text
from greenloop.domain import CheckResult, Finding, Status
from greenloop.ports import Policy, Sandbox, Subject
from greenloop.settings import Settings
from greenloop.source import grammars

NAME = "parse"
WRITES = False

_LARGEST = 1_000_000  # bytes; longer files are left to the checks that run in the sandbox
_WARNINGS = threading.Lock()  # the filters of `warnings` belong to the process
_JSON_STRING_OR_EXTRA = re.compile(r'("(?:[^"\\]|\\.)*")|//[^\n]*|/\*.*?\*/|,(?=\s*[}\]])', re.DOTALL)
_ASK = """\
import json, sys
bad = []
for path in sys.argv[1:]:
    try:
        compile(open(path, "rb").read(), path, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
        bad.append(path)
print(json.dumps(bad))
"""


def run(subject: Subject, sandbox: Sandbox, settings: Settings) -> CheckResult:
    began = time.monotonic()
    found = [f for path in subject.changed for f in _examine(subject, path)]
    found = _confirmed(found, subject, sandbox, settings)
    return CheckResult(
        check=NAME,
        status=Status.FAILED if found else Status.PASSED,
        findings=text.capped(tuple(found), limit=text.FINDINGS, check=NAME),
        metrics={"files": float(len(subject.changed))},
        seconds=time.monotonic() - began,
    )


def _examine(subject: Subject, path: str) -> list[Finding]:
    if "{{" in path or "{%" in path:
        return []
    suffix = path.rpartition(".")[2]
    if suffix in {"json", "toml"} and (files.is_test(path) or not {"fixtures", "testdata"}.isdisjoint(path.split("/"))):
        return []
    judge = {"py": _python, "pyw": _python, "json": _json, "toml": _toml}.get(suffix)
    source = files.read(subject.folder, path, limit=_LARGEST) if judge or grammars.grammar(path) else None
    if source is None:
        return []
    wrong = judge(source) if judge else _other(subject, path, source)
    if wrong is None:
        return []
    message, line = wrong
    lines = source.decode("utf-8", "replace").splitlines()
    context = lines[line - 1].strip() if line and line <= len(lines) else ""
    return [
        Finding(check=NAME, rule=suffix, message=text.clean(message), path=path, line=line, context=context[:500]),
    ]


def _python(source: bytes) -> tuple[str, int | None] | None:
    with _WARNINGS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compile(source, "<file>", "exec", dont_inherit=True)
        except SyntaxError as error:
            return f"{type(error).__name__}: {error.msg}", error.lineno
        except (ValueError, RecursionError, MemoryError, OverflowError) as error:
            return f"{type(error).__name__}: {error}", None
    return None


def _json(source: bytes) -> tuple[str, int | None] | None:
    try:
        plain = source.decode("utf-8-sig")
        try:
            json.loads(plain)
        except json.JSONDecodeError as error:
            try:
                json.loads(_JSON_STRING_OR_EXTRA.sub(lambda m: m[1] or "", plain))
            except json.JSONDecodeError:
                return f"JSONDecodeError: {error.msg}", error.lineno
    except (ValueError, RecursionError) as error:
        return f"{type(error).__name__}: {error}", None
    return None


def _toml(source: bytes) -> tuple[str, int | None] | None:
    import tomllib  # noqa: PLC0415 - only when a changed file is TOML

    try:
        tomllib.loads(source.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        place = re.search(r"at line (\d+)", str(error))
        return f"{type(error).__name__}: {error}", int(place[1]) if place else None
    return None


def _other(subject: Subject, path: str, source: bytes) -> tuple[str, int] | None:
    wrong = grammars.broken_by(path, subject.before(path), source)
    return wrong and (f"SyntaxError: {wrong[0]}", wrong[1])


def _confirmed(found: list[Finding], subject: Subject, sandbox: Sandbox, settings: Settings) -> list[Finding]:
    """Without the Python files that the target's own interpreter, when it is another one than ours, does accept."""
    python = subject.environment.python
    paths = tuple(f.path for f in found if f.rule in {"py", "pyw"} and f.path)
    if not paths or python.resolve() == Path(sys.executable).resolve():
        return found
    done = sandbox.run(
        (str(python), "-I", "-S", "-W", "ignore", "-c", _ASK, *paths),
        cwd=subject.folder,
        policy=Policy(
            readable=(*subject.environment.readable, subject.folder), seconds=60, memory=settings.memory, processes=8
        ),
    )
    try:
        bad = set(json.loads(done.stdout)) if done.exit_code == 0 else set(paths)
    except (ValueError, TypeError, RecursionError):
        bad = set(paths)
    return [f for f in found if f.rule not in {"py", "pyw"} or f.path in bad]
