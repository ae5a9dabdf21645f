"""Repositories and machines as they really are: odd files, odd names, full disks. Nothing is lost, and it is told."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import git
from fakes.model_server import ModelServer
from program import QUICK, environment, run, run_json

Repo = Callable[..., Path]

TEST = "from lib import one\n\n\ndef test_one():\n    assert one() == 1\n"
CRLF = b"def one():\r\n    return 2\r\n\r\n\r\ndef two():\r\n    return 2"
FIX = """Summary: one is one

lib.py
```
<<<<<<< SEARCH
    return 2


def two
=======
    return 1


def two
>>>>>>> REPLACE
```
"""
ODD = {
    "lib.py": CRLF,
    "test_lib.py": TEST,
    "empty.txt": b"",
    "picture.png": b"\x89PNG\r\n\x1a\n\0\0\0\xff",
    "large.txt": b"0123456789abcde\n" * (5 * 65536),
    "übung/größe 1.txt": "Größe\n",
    b"caf\xe9.txt".decode("utf-8", "surrogateescape"): b"latin\n",
    "line\nbreak.txt": "x\n",
    "no_newline.txt": b"end",
}


def generate(server: ModelServer, *words: str) -> tuple[str, ...]:
    model = ("--model", "m", "--api-base", server.api_base, "--check", "pytest", "--test-command", QUICK)
    return ("generate", "one() must be 1, see test_one", *model, *words)


def test_odd_files_stay_as_they_are(make_repo: Repo) -> None:
    inner = make_repo({"a.txt": "inner\n"}, name="inner")
    repo = make_repo(ODD)
    git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(inner), "vendor", cwd=repo)
    git("commit", "-qm", "a submodule", cwd=repo)
    named = [word for path in ("large.txt", "picture.png", "empty.txt", "lib.py") for word in ("--file", path)]
    with ModelServer([FIX]) as server:
        code, said = run_json(*generate(server, *named), cwd=repo)
    assert (code, said["evidence"]) == (0, "proven(test_one)")
    assert git("diff", "--raw", "--no-abbrev", "main", said["branch"], cwd=repo).split("\t")[1:] == ["lib.py"]
    blob = subprocess.run(["git", "show", f"{said['branch']}:lib.py"], cwd=repo, capture_output=True, check=True).stdout
    assert blob == CRLF.replace(b"return 2", b"return 1", 1)
    assert said["omitted"] == ["picture.png: binary"]
    prompt = server.chats[0]["messages"][1]["content"]
    assert len(prompt) < 100_000
    assert "übung/größe 1.txt" in prompt


def test_a_dirty_tree_is_left_alone_and_can_be_evaluated(make_repo: Repo) -> None:
    repo = make_repo({"lib.py": "def one():\n    return 2\n", "test_lib.py": TEST})
    assert run("evaluate", "--check", "pytest", cwd=repo).returncode == 4
    (repo / "lib.py").write_text("def one():\n    return 1\n", "utf-8")
    (repo / "test_new.py").write_text("def test_new():\n    assert True\n", "utf-8")
    before = git("status", "--porcelain=v2", cwd=repo)
    code, said = run_json("evaluate", "--check", "pytest", cwd=repo)
    assert (code, said["checks"], said["evidence"]) == (0, "pytest=passed(2)", "proven(test_one)")
    assert git("status", "--porcelain=v2", cwd=repo) == before
    code, said = run_json("evaluate", "--check", "pytest", "HEAD", cwd=repo)
    assert (code, said["checks"]) == (4, "pytest=failed(1/1)")


def test_commands_of_the_repository_are_checks(make_repo: Repo) -> None:
    script = (
        "import pathlib, sys\nok = pathlib.Path('value.txt').read_text() == '1'\n"
        "pathlib.Path('out.xml').write_text('<testsuite><testcase name=\"value\" classname=\"v\">'"
        " + ('' if ok else '<failure message=\"not 1\"/>') + '</testcase></testsuite>')\nsys.exit(not ok)\n"
    )
    settings = (
        "checks: [value]\ncommands:\n  value:\n    run: python3 check.py\n    report: out.xml\n    format: junit\n"
    )
    repo = make_repo({"value.txt": "2", "check.py": script, ".github/greenloop.yml": settings})
    (repo / "value.txt").write_text("1", "utf-8")
    code, said = run_json("evaluate", cwd=repo)
    assert (code, said["checks"], said["verdict"]["evidence"]) == (0, "value=passed(1)", "proven")


def test_a_package_in_a_source_folder_is_found_by_its_tests(make_repo: Repo) -> None:
    files = {
        "pyproject.toml": '[project]\nname = "own-lib"\nversion = "1"\n',
        "src/own_lib/__init__.py": "def one():\n    return 2\n",
        "tests/test_lib.py": TEST.replace("from lib", "from own_lib"),
    }
    repo = make_repo(files)
    (repo / "src/own_lib/__init__.py").write_text("def one():\n    return 1\n", "utf-8")
    code, said = run_json("evaluate", "--check", "pytest", cwd=repo)
    assert (code, said["checks"], said["evidence"]) == (0, "pytest=passed(1)", "proven(test_one)")


def test_silencing_is_seen_behind_signs_that_only_look_like_line_breaks(make_repo: Repo) -> None:
    repo = make_repo({"lib.py": "def one():\n    return 1\n"})
    (repo / "lib.py").write_text("A = '\x0c\u2028\x85'\n\n\ndef one():\n    return eval('1')  # nosec\n", "utf-8")
    code, said = run_json("evaluate", "--check", "integrity", cwd=repo)
    assert (code, [f["check"] for f in said["verdict"]["new"]].count("integrity")) == (4, 1)


def _small_files() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))


def test_a_full_disk_is_told_and_leaves_the_repository_whole(make_repo: Repo) -> None:
    repo = make_repo({"lib.py": "def one():\n    return 2\n", "test_lib.py": TEST, "data.bin": os.urandom(300_000)})
    refs = git("for-each-ref", cwd=repo)
    with ModelServer([FIX]) as server:
        done = subprocess.run(
            [sys.executable, "-m", "greenloop", *generate(server)],
            cwd=repo,
            env={name: value for name, value in environment().items() if not name.startswith("COVERAGE")},
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=_small_files,
        )
    assert done.returncode in {1, 7}, done.stderr
    assert "Traceback" not in done.stderr
    assert "data.bin" in done.stderr or "File too large" in done.stderr
    assert git("for-each-ref", cwd=repo) == refs
    assert git("fsck", "--strict", cwd=repo) == ""


@pytest.mark.parametrize("words", [("--help",), ("generate", "--help"), ("evaluate", "--help"), ("--version",)])
def test_help_teaches(words: tuple[str, ...], tmp_path: Path) -> None:
    done = run(*words, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(("usage: greenloop", "greenloop 0."))
