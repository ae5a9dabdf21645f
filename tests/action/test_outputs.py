"""What a step leaves in files: the workspace of others is not ours, and no value becomes two."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

from action.hosted import read_outputs
from conftest import git
from greenloop.action import outputs
from greenloop.action.outputs import CUT, RESULT, bounded, keep

FILES = {"result.json": json.dumps({"status": "green", "detail": "är \ud800"}), "report.md": "är \ud800"}
WRITTEN = {"status": "green", "detail": "är \ud800"}


def test_an_output_cannot_hold_its_own_delimiter(tmp_path: Path) -> None:
    drawn = iter(["end", "d00d", "f00d"])
    path = tmp_path / "output"
    path.write_text(outputs._entry("branch", "x\nend\nstatus<<d00d\ngreen\nd00d", lambda: next(drawn)))
    assert read_outputs(path) == {"branch": "x\nend\nstatus<<d00d\ngreen\nd00d"}
    assert path.read_text().startswith("branch<<f00d\n")
    for _ in range(2):
        assert outputs.write_outputs(str(path), {"a": "1", "b": "\udcff"}) == ""
    assert read_outputs(path) == {"branch": "x\nend\nstatus<<d00d\ngreen\nd00d", "a": "1", "b": "?"}
    delimiters = [line.partition("<<")[2] for line in path.read_text().splitlines() if line.startswith(("a<<", "b<<"))]
    assert len(set(delimiters)) == 4
    assert outputs.write_outputs("", {"a": "1"}) == outputs.write_summary("", "text") == ""


def test_a_text_is_cut_between_lines_and_outside_of_code() -> None:
    assert bounded("ä" * 50, 100) == "ä" * 50
    plain = bounded("line\n" * 100, 300)
    assert plain.endswith(f"line\n{CUT}")
    assert len(plain) <= 300
    assert plain.count("line\n") == 25
    inside = bounded("````text\n```\n" + "é`\n" * 200, 400)
    assert inside.endswith(f"é`\n````{CUT}")
    closed = bounded("```\na\n```\n" + "é\n" * 200, 400)
    assert closed.endswith(f"é\n{CUT}")
    assert len(bounded("`" * 100 + "\n" + "é\n" * 200, 400).encode()) <= 400


def test_the_result_is_kept_where_git_does_not_see_it(make_repo: Callable[..., Path]) -> None:
    root = make_repo({"a.py": ""})
    for files in ({"result.json": "{}", "recording.jsonl": "of an earlier step"}, FILES):
        assert keep(root, files) == (RESULT, "")
    assert json.loads((root / RESULT).read_bytes()) == WRITTEN
    assert git("status", "--porcelain", cwd=root) == ""
    kept = [".gitignore", "report.md", "result.json"]
    assert sorted(p.name for p in (root / ".greenloop").iterdir()) == kept
    assert (root / ".greenloop" / "report.md").read_text() == "är ?"
    (root / ".greenloop" / ".gitignore").write_text("mine\n")
    assert keep(root, FILES) == (RESULT, "")
    assert (root / ".greenloop" / ".gitignore").read_text() == "mine\n"


def test_no_link_of_the_workspace_is_followed(make_repo: Callable[..., Path], tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    target = outside / "target"
    target.write_text("theirs")
    root = make_repo({"a.py": ""})
    (root / ".greenloop").symlink_to(outside)
    assert keep(root, FILES) == ("", f"{RESULT} could not be written to {root}: Not a directory.")
    assert [p.name for p in outside.iterdir()] == ["target"]
    (root / ".greenloop").unlink()
    (root / ".greenloop").mkdir()
    (root / ".greenloop" / ".gitignore").symlink_to(target)
    for make in (Path.symlink_to, Path.hardlink_to):
        (root / RESULT).unlink(missing_ok=True)
        make(root / RESULT, target)
        assert keep(root, FILES) == (RESULT, "")
        assert json.loads((root / RESULT).read_bytes()) == WRITTEN
        assert target.read_text() == "theirs"
    (root / RESULT).unlink()
    (root / RESULT).mkdir()
    assert keep(root, FILES) == ("", f"{RESULT} could not be written to {root}: Is a directory.")
    assert sorted(p.name for p in (root / ".greenloop").iterdir()) == [".gitignore", "report.md", "result.json"]


def test_the_workspaces_owner_owns_it(make_repo: Callable[..., Path]) -> None:
    """The next job of a runner of one's own cleans up as that user. What was there keeps its owner."""
    root = make_repo({"a.py": ""})
    owner = 12345 if os.geteuid() == 0 else os.geteuid()
    os.chown(root, owner, -1)
    assert keep(root, FILES) == (RESULT, "")
    made = (root / ".greenloop", root / RESULT, root / ".greenloop" / ".gitignore")
    assert [path.stat().st_uid for path in made] == [owner] * 3
    assert [stat.S_IMODE(path.stat().st_mode) for path in made] == [0o755, 0o644, 0o644]
    assert (root / "a.py").stat().st_uid == os.geteuid()
