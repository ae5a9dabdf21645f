"""The demo shows what is so: the same recording ends green, a wrong one red, and every claim can be made again."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path

from conftest import git
from greenloop.report import trailers
from program import run, run_json

RECORDING = files("greenloop.demo").joinpath("recording.jsonl")


def test_the_demo_ends_green_and_evaluate_reproduces_its_trailers(tmp_path: Path) -> None:
    repo = tmp_path / "demo"
    done = run("demo", "--repo", str(repo), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert re.findall(r"^  \d  (\w+) ", done.stdout, re.MULTILINE) == ["red", "green"]
    assert [w in done.stdout for w in ("a recording", f"git -C {repo} log", "--model")] == [True, True, True]
    branch = git("branch", "--list", "greenloop/*", "--format=%(refname:short)", cwd=repo)
    assert git("log", "--format=%s", f"main..{branch}", cwd=repo).splitlines() == [
        "fix(uploader): try TRIES times and wait without a shell",
        "feat(uploader): retry while the archive is busy",
    ]
    for commit, code in ((f"{branch}~1", 4), (branch, 0)):
        marks = trailers.read(git("log", "-1", "--format=%B", commit, cwd=repo))
        ended, said = run_json("evaluate", "--base", "main", commit, cwd=repo)
        assert (ended, said["checks"], said["evidence"]) == (code, marks["Checks"], marks["Evidence"])
    played = run("replay", str(RECORDING), "--repo", str(repo), cwd=tmp_path)
    assert played.returncode == 0, played.stderr
    assert "2 attempts, the same trees as recorded" in played.stderr


def test_a_wrong_answer_in_the_place_of_the_right_one_ends_red(tmp_path: Path) -> None:
    lines = [json.loads(line) for line in RECORDING.read_text("utf-8").splitlines()]
    lines[3]["text"] = lines[3]["text"].replace("    return send(report)\n>>>>>>>", "    return ''\n>>>>>>>")
    wrong = tmp_path / "wrong.jsonl"
    wrong.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    done = run("demo", "--repo", str(tmp_path / "demo"), "--recording", str(wrong), cwd=tmp_path)
    assert done.returncode == 8, done.stderr
    assert re.findall(r"^  \d  (\w+) ", done.stdout, re.MULTILINE) == ["red", "red"]
    assert done.stdout.count("[not green]") == 1
    played = run("replay", str(wrong), "--repo", str(tmp_path / "demo"), cwd=tmp_path)
    assert played.returncode == 1
    assert "the trees differ from the recorded ones" in played.stderr


def test_a_folder_that_is_in_use_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine\n", "utf-8")
    done = run("demo", "--repo", str(tmp_path), cwd=tmp_path)
    assert (done.returncode, "is not empty" in done.stderr) == (2, True)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]
    done = run("replay", "no-such-run", cwd=tmp_path)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
