"""Path confinement, rule by rule: each refused path has its own sentence, so each rule is seen to do its work."""

from __future__ import annotations

import pytest

from greenloop.workspace.paths import Forbidden, confine, is_hostile

GIT = "a part of the path is git's own folder"
MODULES = "submodules cannot be changed"
CONTROL = "the path holds a control character"
WORKFLOWS = "workflows run with the repository's secrets; they are changed by people only"

REFUSED = {
    "": "the path is empty",
    "a/\ud800b": "the path is not valid Unicode",
    "/etc/passwd": "the path is absolute; paths are relative to the root of the repository",
    "a\\..\\b": "the path has a backslash; folders are separated by /",
    "C:/x": "the path begins with a drive letter",
    "c:x": "the path begins with a drive letter",
    "a\0b": CONTROL,
    "a\nb": CONTROL,
    "a\x1b[2Jb": CONTROL,
    "a\x85b": CONTROL,
    "a\u202egpj.py": CONTROL,
    "d/" * 1024 + "x": "the path is too long",
    "a//b": "a part of the path is empty",
    "a/": "a part of the path is empty",
    "./a": "a part of the path is `.`",
    "a/./b": "a part of the path is `.`",
    "../a": "a part of the path is `..`; it would leave the repository",
    "a/../../b": "a part of the path is `..`; it would leave the repository",
    "x" * 256: "a part of the path is longer than 255 bytes",
    "é" * 128: "a part of the path is longer than 255 bytes",
    ".git": GIT,
    ".git/config": GIT,
    "a/.git/hooks/pre-commit": GIT,
    ".GIT/config": GIT,
    ".git /x": GIT,
    ".git./x": GIT,
    ".git. . /x": GIT,
    ".git::$INDEX_ALLOCATION/x": GIT,
    ".git:x": GIT,
    "git~1/config": GIT,
    "GIT~1": GIT,
    ".g\u200cit/x": GIT,
    "\ufeff.git/x": GIT,
    ".gi\u200ft\u200d/config": GIT,
    ".gitmodules": MODULES,
    ".GitModules": MODULES,
    ".gitmodules .": MODULES,
    ".gitmodule\u017f": MODULES,
    "gitmod~1": MODULES,
    "GI7EBA~1": MODULES,
    ".github/workflows/ci.yml": WORKFLOWS,
    ".github/workflows": WORKFLOWS,
    ".GitHub/Workflows/ci.yml": WORKFLOWS,
    ".github./workflows /ci.yml": WORKFLOWS,
}
ALLOWED = [
    "a",
    "src/pkg/mod.py",
    ".gitignore",
    ".gitattributes",
    ".github/greenloop.yml",
    ".github/dependabot.yml",
    "docs/.github/workflows/x.yml",
    "x.git/y",
    "git",
    "…/a b.py",
    "👩\u200d💻.txt",
    "x" * 255,
    "ab:c",
    "..a/b..",
]


def test_each_rule_refuses_its_paths_in_its_own_words() -> None:
    said = {}
    for path in REFUSED:
        with pytest.raises(Forbidden) as refused:
            confine(path)
        assert refused.value.kind == "forbidden path"
        said[path] = str(refused.value)
    shown = {path: path if len(path) <= 200 else path[:200] + "…" for path in REFUSED}
    assert said == {path: f"{shown[path]!r} cannot be written: {why}." for path, why in REFUSED.items()}
    assert all("\n" not in text and "\x1b" not in text for text in said.values())


def test_ordinary_paths_pass_and_workflows_when_they_may() -> None:
    for path in ALLOWED:
        confine(path)
    confine(".github/workflows/ci.yml", allow_workflows=True)


def test_names_that_no_tree_may_hold() -> None:
    hostile = ["", ".", "..", ".git", ".Git ", "git~1", ".g\u200dit", ".git:stream", "a/b", "a\0"]
    assert [name for name in hostile if not is_hostile(name)] == []
    fine = ["a", "...", ".gitignore", ".gitmodules", "git", "ünï", "caf\udce9", "a\nb"]
    assert [name for name in fine if is_hostile(name)] == []
