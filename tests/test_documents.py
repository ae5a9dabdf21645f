"""Documents that cannot go stale: their commands run, their tables equal the code, their links lead somewhere.

A fenced `sh` block is run in a fresh repository. One that cannot be (it needs a network, or minutes) has a comment
above it that names the test that runs it, or `.ci/run`, which then has to hold each of its lines.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

import pytest

from conftest import git
from fakes.model_server import ModelServer
from greenloop import orders
from greenloop.domain import Reason
from greenloop.errors import GreenloopError
from greenloop.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "bench").glob("*.md")])
FENCE = re.compile(r"(?:<!-- tested by (?P<by>\S+) -->\n)?^```sh\n(?P<commands>.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\[[^\]]*\]\((?P<to>[^)\s]+)\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    document: str
    commands: str
    by: str | None  # who runs it, if not the test below


BLOCKS = [
    Block(document=str(path.relative_to(ROOT)), commands=match["commands"], by=match["by"])
    for path in DOCUMENTS
    for match in FENCE.finditer(path.read_text())
]
MAPPED = {block.by: block for block in BLOCKS if block.by}
PLAIN = [block for block in BLOCKS if not block.by]

UPLOADER = 'def upload(send, data):\n    """Send `data`, and say whether it arrived."""\n    return send(data) == 200\n'
TESTS = "from uploader import upload\n\n\ndef test_upload():\n    assert upload(lambda _: 200, b'x')\n"
RETRY = UPLOADER.replace("return send(data) == 200", "return any(send(data) == 200 for _ in range(3))")


@pytest.fixture
def checkout(make_repo: Callable[..., Path]) -> Path:
    """A repository of somebody's: two commits, and a change that is not committed."""
    folder = make_repo({"uploader.py": UPLOADER})
    (folder / "test_uploader.py").write_text(TESTS)
    git("add", "-A", cwd=folder)
    git("commit", "-q", "-m", "Test it", cwd=folder)
    (folder / "uploader.py").write_text(RETRY)
    return folder


def run(commands: str, folder: Path) -> str:
    """Run the block as it stands with `greenloop` on the PATH; each line must end well."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-eu", "-c", commands],
        cwd=folder,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{commands}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("block", PLAIN, ids=lambda block: block.document)
def test_commands_run_as_they_stand(block: Block, checkout: Path) -> None:
    run(block.commands, checkout)


def test_the_quick_start_runs_as_it_stands(checkout: Path) -> None:
    """With a model of our own at the address that it names; the uncommitted change is still there afterwards."""
    block = MAPPED["tests/test_documents.py::test_the_quick_start_runs_as_it_stands"]
    (checkout / "uploader.py").write_text(UPLOADER + "# mine\n")
    with ModelServer([f"Try three times\n\nuploader.py\n```python\n{RETRY}```\n"]) as server:
        said = run(block.commands.replace("http://127.0.0.1:8000/v1", server.api_base), checkout)
    branch = git("for-each-ref", "--format=%(refname:short)", "refs/heads/greenloop/", cwd=checkout)
    assert git("show", f"{branch}:uploader.py", cwd=checkout) == RETRY.rstrip("\n")
    assert "Greenloop-Evidence: unproven" in git("log", "-1", "--format=%B", branch, cwd=checkout)
    assert "Try three times" in said
    assert (checkout / "uploader.py").read_text() == UPLOADER + "# mine\n"
    assert git("status", "--porcelain", cwd=checkout) == " M uploader.py"


def test_commands_that_are_not_run_here_name_who_runs_them() -> None:
    for by, block in MAPPED.items():
        path, _, name = by.partition("::")
        text = (ROOT / path).read_text()
        if path == ".ci/run":
            lines = [
                line
                for line in block.commands.splitlines()
                if not re.search(rf"^{re.escape(line)}\b", text, re.MULTILINE)
            ]
            assert lines == [], f"{block.document} says that .ci/run runs these"
        else:
            assert f"def {name}(" in text, f"{block.document}: {by} is not there"
    assert {block.document for block in BLOCKS} >= {"README.md", "CONTRIBUTING.md"}


def between(document: str, marker: str) -> str:
    found = re.search(rf"<!-- {marker} -->\n(.*?)<!-- /{marker} -->", (ROOT / document).read_text(), re.DOTALL)
    assert found, f"{document} has no place for {marker}"
    return found[1]


def exit_codes() -> str:
    reasons = sorted(Reason, key=lambda reason: (reason.exit_code, reason.word))
    rows = [f"| {reason.exit_code} | `{reason.word}` | {reason.sentence} |\n" for reason in reasons]
    return "| code | reason | meaning |\n|---|---|---|\n" + "".join(rows)


def test_the_table_of_exit_codes_is_the_one_in_the_code() -> None:
    assert between("README.md", "exit-codes") == exit_codes(), f"README.md should have:\n{exit_codes()}"
    codes = {reason.exit_code for reason in Reason}
    errors, classes = [GreenloopError], {GreenloopError}
    while errors:
        found = errors.pop().__subclasses__()
        errors += found
        classes.update(found)
    assert {error.__name__: error.exit_code for error in classes if error.exit_code not in codes} == {}


def test_the_table_of_commands_is_the_one_in_the_code() -> None:
    assert between("README.md", "commands") == f"{orders.table()}\n", f"README.md should have:\n{orders.table()}"


def test_the_workflow_has_ten_lines_and_is_one(tmp_path: Path) -> None:
    found = re.search(r"^```yaml\n(on:.*?)^```$", (ROOT / "README.md").read_text(), re.DOTALL | re.MULTILINE)
    assert found
    assert len(found[1].splitlines()) == 10
    (tmp_path / "greenloop.yml").write_text(found[1])
    run("check-jsonschema --builtin-schema vendor.github-workflows greenloop.yml", tmp_path)


def anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_tests_that_documents_name_are_there() -> None:
    """A defence whose test was renamed or given up is a claim that nothing holds."""
    files = [path.read_text("utf-8") for path in (ROOT / "tests").rglob("*.py")]
    there = {name for text in files for name in re.findall(r"^def (test_\w+)", text, re.MULTILINE)}
    there |= {path.stem for path in (ROOT / "tests").rglob("test_*.py")} | {option.name for option in fields(Settings)}
    claimed = {
        (document.name, name)
        for document in DOCUMENTS
        if document.name != "CHANGELOG.md"
        for name in re.findall(r"`(test_\w+)`", document.read_text("utf-8"))
    }
    assert {(document, name) for document, name in claimed if name not in there} == set()


def test_links_lead_somewhere() -> None:
    wrong = []
    for document in DOCUMENTS:
        for match in LINK.finditer(document.read_text()):
            to, _, anchor = match["to"].partition("#")
            if to.startswith(("https://", "mailto:")):
                continue
            target = document.parent / to if to else document
            if not target.exists() or (anchor and anchor not in anchors(target)):
                wrong.append(f"{document.relative_to(ROOT)}: {match['to']}")
    assert not wrong, "\n".join(wrong)


def test_the_pictures_show_what_is_there() -> None:
    """Four pictures; each component is a module, and its arrows are between components of its picture."""
    text = (ROOT / "docs/architecture.md").read_text()
    pictures = re.findall(r"^```mermaid\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    assert [p.split()[0] for p in pictures] == ["C4Context", "C4Container", "C4Component", "sequenceDiagram"]
    places = re.findall(r'"(bot/[^"]+)"', text)
    assert [place for place in places if not (ROOT / place).exists()] == []
    for picture in pictures[:3]:
        names = set(
            re.findall(
                r"^\s*(?:Person|System_Ext|System|Container|ContainerDb|Component)\((\w+),", picture, re.MULTILINE
            )
        )
        ends = set(re.findall(r"^\s*Rel\((\w+), (\w+),", picture, re.MULTILINE))
        assert ends
        assert {end for pair in ends for end in pair} <= names
