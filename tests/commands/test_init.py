"""`greenloop init` writes two files that are valid as they stand, and overwrites nothing."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest

from greenloop.commands.init import EXISTS, LEADS_OUT, NEXT, NO_REPOSITORY, WORKFLOW, init
from greenloop.configuration import load
from greenloop.errors import UsageError
from greenloop.setting_values import CommandCheck, Prices
from greenloop.settings import FILE, Settings
from program import run

BIN = Path(sys.executable).parent


def test_both_files_are_valid(make_repo: Callable[..., Path]) -> None:
    root = make_repo({"a.py": ""})
    assert init(root / ".git" / "..") == (root / FILE, root / WORKFLOW)
    text = (root / FILE).read_text()
    assert load(text) == Settings()
    everything = load(re.sub(r"^#(?=\w)", "", text, flags=re.MULTILINE))
    assert everything.commands == {"jest": CommandCheck(run="npx jest", report="junit.xml", format="junit")}
    assert everything.prices == Prices(input=0.5, output=1.5)
    assert everything.test_command == "python -m pytest tests"
    named = re.findall(r"^#(\w+):", text, flags=re.MULTILINE)
    assert named == [option.name for option in fields(Settings) if option.name != "api_key"]
    assert all(len(line) <= 120 for line in text.splitlines())


def test_the_workflow_is_valid_and_safe(make_repo: Callable[..., Path]) -> None:
    import yaml  # noqa: PLC0415 - here alone

    root = make_repo({})
    init(root)
    path = root / WORKFLOW
    for argv in (
        ("check-jsonschema", "--builtin-schema", "vendor.github-workflows", str(path)),
        ("zizmor", "--offline", "--no-progress", str(root)),
    ):
        done = subprocess.run([BIN / argv[0], *argv[1:]], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    text = path.read_text()
    workflow = yaml.safe_load(text)
    job = workflow["jobs"]["greenloop"]
    assert workflow["permissions"] == {}
    assert job["permissions"] == {"contents": "write", "pull-requests": "write", "issues": "write", "checks": "write"}
    assert set(workflow[True]) == {
        "issue_comment",
        "issues",
        "pull_request_review",
        "repository_dispatch",
        "workflow_dispatch",
    }
    beside = workflow["jobs"]["beside"]  # waits for no run, and has no key of a model
    said = {name: level for name, level in job["permissions"].items() if name != "checks"}
    assert beside["permissions"] == {**said, "actions": "write"}
    assert "concurrency" not in beside
    assert [set(step["with"]) for step in beside["steps"]] == [{"github_token", "command", "number"}]
    assert job["concurrency"]["cancel-in-progress"] is False
    # nothing is checked out, no shell is started; the second one keeps result.json
    assert [set(step) for step in job["steps"]] == [{"uses", "id", "with"}, {"uses", "if", "with"}]
    assert re.findall(r"ignore\[([a-z-]+)\]", text) == ["dangerous-triggers", "unpinned-uses", "unpinned-uses"]


def test_what_the_repository_needs_is_set(make_repo: Callable[..., Path]) -> None:
    def written(name: str, files: dict[str, str]) -> Settings:
        root = make_repo(files, name=name)
        init(root)
        return load((root / FILE).read_text())

    assert written("flat", {"pyproject.toml": "", "tests/test_a.py": ""}).test_command == "python -m pytest tests"
    named = {"pyproject.toml": "[tool.pytest.ini_options]\ntestpaths = ['tests']\n", "tests/test_a.py": ""}
    assert written("named", named) == Settings()
    mono = written(
        "mono", {"packages/it's/pyproject.toml": "", "packages/it's/test/unit/test_a.py": "", ".x/setup.py": ""}
    )
    assert (mono.directory, mono.test_command) == ("packages/it's", "python -m pytest test")
    node = '{"scripts": {"test": "node --test"}}'
    javascript = written("js", {"package.json": node, "add.js": ""})
    assert (javascript.checks, javascript.commands["node"].format) == (("node", "integrity"), "junit")
    other = written("jest", {"package.json": node.replace("node --test", "jest --ci")})
    assert (other.checks, other.commands) == (("npm", "integrity"), {"npm": CommandCheck(run="npm test")})
    unset = node.replace("node --test", 'echo \\"Error: no test specified\\" && exit 1')
    for name, files in (("both", {"package.json": node, "setup.py": ""}), ("unset", {"package.json": unset})):
        assert written(name, files) == Settings()
    for number, hostile in enumerate(("{", "[]", '{"scripts": {"test": [1]}}', '{"scripts": 1}')):
        assert written(f"hostile{number}", {"package.json": hostile}) == Settings()
    assert written("two", {"a/setup.py": "", "b/pyproject.toml": ""}) == Settings()


def test_it_tells_what_is_to_be_done_next(make_repo: Callable[..., Path]) -> None:
    root = make_repo({"a.py": ""})
    done = run("init", cwd=root)
    assert done.stdout == f"wrote {root / FILE}\nwrote {root / WORKFLOW}\n{NEXT}\n"
    # nobody's repository is named in it: a name that is not registered yet could become anybody's
    assert re.findall(r"uses: (\S*greenloop\S*)", (root / WORKFLOW).read_text()) == ["OWNER/greenloop@COMMIT"] * 2


def test_nothing_is_overwritten(make_repo: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(UsageError) as error:
        init(tmp_path)
    assert str(error.value) == NO_REPOSITORY.format(root=tmp_path)
    root = make_repo({FILE: "attempts: 1\n"})
    with pytest.raises(UsageError) as error:
        init(root)
    assert str(error.value) == EXISTS.format(files=f"{FILE} is")
    assert (root / FILE).read_text() == "attempts: 1\n"
    assert not (root / WORKFLOW).exists()  # both or neither
    init(root, force=True)
    first = (root / FILE).read_text()
    assert first != "attempts: 1\n"
    with pytest.raises(UsageError) as error:
        init(root)
    assert str(error.value) == EXISTS.format(files=f"{FILE} and {WORKFLOW} are")
    init(root, force=True)
    assert (root / FILE).read_text() == first
    assert sorted(p.name for p in (root / ".github").rglob("*") if p.is_file()) == ["greenloop.yml", "greenloop.yml"]


def test_no_link_leads_out(make_repo: Callable[..., Path], tmp_path: Path) -> None:
    root = make_repo({"a.py": ""})
    outside = tmp_path / "outside"
    outside.mkdir()
    (root / ".github").symlink_to(outside)
    for force in (False, True):
        with pytest.raises(UsageError) as error:
            init(root, force=force)
        assert str(error.value) == LEADS_OUT.format(file=FILE)
    assert list(outside.iterdir()) == []
