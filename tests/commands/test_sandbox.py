"""`greenloop sandbox`, from outside: what a user types, and what a script reads."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import program


@pytest.fixture
def workspace(make_repo: Any, tmp_path: Path) -> Path:
    folder: Path = make_repo({"script.py": "import sys; print('ran', sys.argv[1:])\n", "data/a.txt": "text\n"})
    (folder / "link").symlink_to("data/a.txt")
    os.mkfifo(folder / "pipe")
    (tmp_path / "secret").write_text("token")
    return folder


def run(*words: str, cwd: Path, **more: str) -> tuple[int, str, str]:
    done = program.run("sandbox", "run", *words, cwd=cwd, **more)
    return done.returncode, done.stdout, done.stderr


LOOK = """
import json, os, pathlib
def tried(path):
    try: return pathlib.Path(path).read_text()
    except OSError as error: return type(error).__name__
pathlib.Path("made").write_text("x"); pathlib.Path("data/a.txt").write_text("changed")
print(json.dumps([sorted(os.listdir(".")), os.readlink("link"), tried(os.environ.get("SECRET", "../secret"))]))
"""


def test_a_command_runs_on_a_copy_and_its_code_is_ours(workspace: Path) -> None:
    assert run("--", "python", "script.py", "--", "-x", cwd=workspace) == (0, "ran ['--', '-x']\n", "")
    code, out, err = run("--workspace", str(workspace), "python", "-c", LOOK, cwd=workspace.parent)
    assert (code, err) == (0, "")
    assert json.loads(out) == [["data", "link", "made", "script.py"], "data/a.txt", "FileNotFoundError"]
    assert (workspace / "data/a.txt").read_text() == "text\n"
    assert sorted(p.name for p in workspace.iterdir()) == [".git", "data", "link", "pipe", "script.py"]
    assert run("--", "sh", "-c", "echo no >&2; exit 7", cwd=workspace) == (7, "", "no\n")
    assert run("--", "missing", cwd=workspace) == (127, "", "greenloop: missing: not found\n")


LIMITS = [
    (("--timeout", "0.5"), "while True: pass", 124, "time"),
    (("--memory", "100"), "x = bytearray(300 << 20); import time; time.sleep(30)", 121, "memory"),
    (("--disk", "5"), "open('big', 'wb').write(bytes(9 << 20)); import time; time.sleep(30)", 119, "disk"),
    (("--files", "20"), "for n in range(99): open(f'{n}', 'w').close()", 123, "files"),
    (
        ("--processes", "9"),
        "import os, time\nfor n in range(25):\n    if os.fork() == 0: break\ntime.sleep(30)",
        122,
        "processes",
    ),
    (("--output", "1"), "for n in range(3000): print('x' * 4096)", 120, "output"),
]


@pytest.mark.parametrize(("options", "source", "code", "word"), LIMITS, ids=[word for *_, word in LIMITS])
def test_each_limit_has_its_code(tmp_path: Path, options: tuple[str, ...], source: str, code: int, word: str) -> None:
    (tmp_path / "copied").write_bytes(bytes(6 << 20))  # what is there before counts for nothing
    done = program.run("sandbox", "run", *options, "--json", "--", "python", "-c", source, cwd=tmp_path)
    said = json.loads(done.stdout)
    assert (done.returncode, said["killed_by"], said["truncated"]) == (code, word, word == "output")
    assert f"  {code}  " in program.run("sandbox", "run", "--help", cwd=tmp_path).stdout


def test_what_does_not_fit_is_told(tmp_path: Path) -> None:
    assert run(cwd=tmp_path) == (
        2,
        "",
        "greenloop: there is no command to run: greenloop sandbox run [options] -- COMMAND [ARGUMENT…]\n",
    )
    assert (
        run("--workspace", "missing", "--", "true", cwd=tmp_path)[2]
        == "greenloop: missing must be an existing folder\n"
    )
    for option, value in (("--timeout", "0"), ("--memory", "-1"), ("--files", "many"), ("--timeout", "nan")):
        code, out, err = run(option, value, "--", "true", cwd=tmp_path)
        assert (code, out) == (2, "")
        assert f"argument {option}: {value!r} is not a" in err


RESULTS = """
import os
open("made", "w").write("a report"); os.chmod("made", 0o4755)
os.makedirs("deep/er"); open("deep/er/made", "w").write("more")
open("data/a.txt", "w").write("changed")
os.symlink(os.environ["HOME"], "home"); os.symlink("/etc/passwd", "deep/link"); os.mkfifo("fifo")
os.makedirs("deep/.GIT/hooks"); open("deep/.GIT/hooks/pre-commit", "w").write("#!/bin/sh")
open(".git", "w").write("gitdir: elsewhere")
"""


def test_what_a_command_made_comes_out_as_regular_files(workspace: Path, tmp_path: Path) -> None:
    out = tmp_path / "results"
    options = ("--out", str(out), "--json")
    code, text, err = run(*options, "--", "python", "-c", RESULTS, cwd=workspace)
    left = [".git", "deep/.GIT", "deep/link", "fifo", "home"]
    assert (code, err, json.loads(text)["out"]) == (
        0,
        "",
        {"files": ["data/a.txt", "deep/er/made", "made"], "left": left},
    )
    found = {str(path.relative_to(out)): path.read_text() for path in out.rglob("*") if not path.is_dir()}
    assert found == {"data/a.txt": "changed", "deep/er/made": "more", "made": "a report"}
    assert (out / "made").stat().st_mode & 0o7111 == 0


def test_what_comes_out_is_bounded(tmp_path: Path) -> None:
    """Holes in files cost a disk nothing, until they are copied."""
    holes = "for n in range(9):\n    with open(f'{n}', 'wb') as file: file.truncate(1 << 20)"
    (tmp_path / "w").mkdir()
    text = run("--out", "../out", "--disk", "2", "--json", "--", "python", "-c", holes, cwd=tmp_path / "w")[1]
    assert [len(names) for names in json.loads(text)["out"].values()] == [2, 7]
    assert len(list((tmp_path / "out").iterdir())) == 2


def test_results_come_into_a_folder_of_their_own(workspace: Path, tmp_path: Path) -> None:
    program_ = ("--", "python", "-c", "open('made', 'w').close(); import os; os.mkfifo('fifo')")
    (tmp_path / "new").mkdir()
    told = "greenloop: 1 file in ../new; left out, as no regular files or too big: fifo\n"
    assert run("--out", "../new", *program_, cwd=workspace) == (0, "", told)
    again = run("--out", "../new", *program_, cwd=workspace)
    assert again == (2, "", "greenloop: ../new must be a new or empty folder; nothing is overwritten\n")
    assert run("--out", "no/way", "--", "true", cwd=workspace) == (
        2,
        "",
        "greenloop: no must be an existing folder\n",
    )
    flood = ("--", "python", "-c", "for n in range(99): open(f'{n}', 'w').close()")
    done = run("--out", "../flood", "--files", "20", *flood, cwd=workspace)
    assert done == (
        123,
        "",
        "greenloop: ended by the limit on files\ngreenloop: no file came out: too much was written\n",
    )


def test_hostile_output_is_no_command_to_a_runner(tmp_path: Path) -> None:
    attack = "print('a\\n::set-output name=x::y\\x1b[2J')"
    raw = run("--", "python", "-c", attack, cwd=tmp_path)[1]
    assert raw == "a\n::set-output name=x::y\x1b[2J\n"  # bytes for a pipe
    tame = run("--", "python", "-c", attack, cwd=tmp_path, GITHUB_ACTIONS="true")[1]
    assert "::" not in tame
    assert "\x1b" not in tame


def test_a_signal_ends_the_command_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "w").mkdir()
    (tmp_path / "t").mkdir(mode=0o755)
    os.mkfifo(tmp_path / "fifo")
    with program.start(
        "sandbox",
        "run",
        "--readable",
        str(tmp_path / "fifo"),
        "--",
        "sh",
        "-c",
        f"cat {tmp_path / 'fifo'}; sleep 60",
        cwd=tmp_path / "w",
        TMPDIR=str(tmp_path / "t"),
    ) as process:
        (tmp_path / "fifo").write_text("")  # returns when it is read, so the command runs
        process.send_signal(signal.SIGTERM)
        _out, err = process.communicate()
    assert (process.returncode, err.splitlines()[-1]) == (130, "greenloop: stopped")
    assert list((tmp_path / "t").iterdir()) == []


def cells(text: str, *words: str, cwd: Path) -> tuple[int, str, str]:
    argv = [sys.executable, "-m", "greenloop", "sandbox", "repl", *words]
    done = subprocess.run(
        argv, input=text, cwd=cwd, env=program.environment(), capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, done.stderr


def test_cells_from_standard_input(workspace: Path) -> None:
    text = "import os\nx = 6; y = 7\nx * y\n@staticmethod\ndef f():\n    return x\n\n\nprint(sorted(os.listdir()))\n"
    listing = "['data', 'link', 'script.py']"
    assert cells(text, cwd=workspace) == (0, f"42\n{listing}\n", "")
    code, out, err = cells("x = 1\n1 / 0\nx\n", cwd=workspace)
    assert (code, out, err.splitlines()[-1]) == (1, "1\n", "ZeroDivisionError: division by zero")
    assert cells("x = (\n", cwd=workspace)[2].splitlines()[-1] == "SyntaxError: '(' was never closed"
    assert cells("", cwd=workspace) == (0, "", "")


def test_a_limit_ends_the_python_and_the_next_cell_says_so(workspace: Path) -> None:
    marked = "# %% one\nx = 6\nx * 7\n# %%\nprint('on')\nwhile True: pass\n# %%\n'x' in dir()\n"
    code, out, err = cells(marked, "--timeout", "1", cwd=workspace)
    assert (code, out) == (124, "42\non\nFalse\n")
    assert err == "greenloop: ended by the limit on time; its state is lost, the next cell starts anew\n"
    code, out, _err = cells("# %%\n6 * 7\n# %%\n1 / 0\n", "--json", cwd=workspace)
    first, second = map(json.loads, out.splitlines())
    assert code == 1
    assert first | {"seconds": 0, "peak_memory": 0} == {
        "output": "",
        "truncated": False,
        "result": "42",
        "error": None,
        "seconds": 0,
        "peak_memory": 0,
        "killed_by": None,
    }
    assert second["error"].endswith("ZeroDivisionError: division by zero\n")
