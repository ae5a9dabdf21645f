"""Names of files that decide what is checked and how: tests, check configuration, CI. Pure lists; no decision here."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from enum import Enum

from greenloop.verdict.manifests import MIXED


class Kind(Enum):
    NONE = "none"
    TEST = "test"
    CONFIG = "config"
    MANIFEST = "manifest"  # configures checks in some of its sections
    CI = "ci"


_MODULE = re.compile(
    r"test_.*\.pyw?|.*_test\.(?:pyw?|go|rb|exs?|dart|cc|cpp|c)|.*_spec\.rb|.*[.-](?:test|spec|cy)\.[cm]?[jt]sx?"
    r"|.*Tests?\.(?:java|kt|cs|swift|php|scala)|.*IT\.java|tests?\.pyw?"
)
_FOLDERS = frozenset({"test", "tests", "__tests__", "__snapshots__", "testdata", "spec", "specs"})
_CONFIG = re.compile(
    r"conftest\.py|\.?pytest\.(?:ini|toml)|tox\.(?:ini|toml)|\.?(?:ruff|mypy|ty|bandit|coveragerc)\.(?:toml|ini|ya?ml)"
    r"|\.coveragerc|\.bandit|\.flake8|\.?pylintrc(?:\.toml)?|\.isort\.cfg|pyrightconfig\.json|noxfile\.py|\.nose2?\.cfg"
    r"|GNUmakefile|[Mm]akefile|\.?[Jj]ustfile|[Tt]askfile\.ya?ml|\.pre-commit-config\.ya?ml|lefthook\.ya?ml"
    r"|(?:jest|vitest|playwright|cypress|wdio|ava|eslint|biome|stylelint)\.config\.\w+|karma\.conf\.\w+|biome\.jsonc?"
    r"|\.(?:mocharc|eslintrc|nycrc|c8rc|eslintignore|stylelintrc)(?:\.\w+)?|\.?codecov\.ya?ml|sonar-project\.properties"
    r"|phpunit\.xml(?:\.dist)?|\.golangci\.\w+|\.?clippy\.toml|\.rspec|\.rubocop\.yml|\.?nextest\.toml"
)
# Would be imported instead of, or before, the tools that judge: a stand-in beside the tests could report what it likes.
_STAND_IN = re.compile(
    r"(?:pytest|_pytest|pluggy|iniconfig|coverage|pytest_cov|xdist|unittest|doctest|sitecustomize|usercustomize)"
    r"(?:\.pyw?|\.pyi|\..*\.so)|.*\.pth|.*\.egg-link"
)
_STAND_IN_FOLDER = re.compile(
    r"pytest|_pytest|pluggy|iniconfig|coverage|unittest|sitecustomize|.*\.(?:dist-info|egg-info)"
)
# What Python itself and pytest import by name, from whichever folder comes first
_IMPORTED = sys.stdlib_module_names | {
    *("pytest", "_pytest", "py", "pluggy", "iniconfig", "packaging", "pygments", "exceptiongroup", "tomli", "execnet"),
    *("xdist", "coverage", "pytest_cov", "pytest_asyncio", "pytest_mock", "pytest_timeout", "hypothesis", "colorama"),
    *("sitecustomize", "usercustomize", "greenloop_reporter"),
}
_COMPILED = re.compile(r".*\.py[co]|.*\.(?:so|pyd|dylib)")
_CI_FILE = re.compile(
    r"\.gitlab-ci\.ya?ml|\.travis\.ya?ml|azure-pipelines\.ya?ml|bitbucket-pipelines\.ya?ml|\.?appveyor\.ya?ml|Jenkinsfile"
    r"|\.drone\.ya?ml|\.woodpecker\.ya?ml|\.cirrus\.ya?ml|cloudbuild\.ya?ml|\.semaphore\.ya?ml|greenloop\.ya?ml"
)
_CI_FOLDERS = frozenset(
    {".github", ".gitlab", ".circleci", ".buildkite", ".woodpecker", ".semaphore", ".ci", ".tekton"}
)


def is_test_module(path: str) -> bool:
    """Whether a file holds tests itself, by its name."""
    return _MODULE.fullmatch(path.rpartition("/")[2]) is not None


def is_test(path: str) -> bool:
    """Whether a file belongs to the tests: a module of them, `conftest.py`, or anything in a folder of tests."""
    *folders, name = path.split("/")
    return name == "conftest.py" or is_test_module(path) or not _FOLDERS.isdisjoint(folders)


def is_ci(path: str) -> bool:
    *folders, name = path.split("/")
    return (bool(folders) and folders[0] in _CI_FOLDERS) or _CI_FILE.fullmatch(name) is not None


def is_compiled(path: str) -> bool:
    """Whether Python runs a file that nobody can read: byte code, and modules of machine code."""
    return _COMPILED.fullmatch(path) is not None


def stands_in(path: str, roots: Iterable[str]) -> bool:
    """Whether a new file would be imported, from one of these folders, instead of a module of Python or of pytest."""
    inside = [path[len(root) + 1 :] if root else path for root in roots if not root or path.startswith(f"{root}/")]
    names = (rest.removesuffix("/__init__.py") if "/" in rest else rest.removesuffix(".py") for rest in inside)
    return path.endswith(".py") and any(name in _IMPORTED for name in names)


def kind_of(path: str) -> Kind:
    """What protects a path, if anything. New files of kind TEST are an attempt's own; new ones of the others would
    change how existing tests and checks run."""
    *folders, name = path.split("/")
    if is_ci(path):
        return Kind.CI
    if _CONFIG.fullmatch(name) or _STAND_IN.fullmatch(name) or any(map(_STAND_IN_FOLDER.fullmatch, folders)):
        return Kind.CONFIG
    if name in MIXED:
        return Kind.MANIFEST
    return Kind.TEST if is_test(path) else Kind.NONE
