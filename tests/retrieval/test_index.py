"""`greenloop index` from outside, and the retriever in the loop's first prompt."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from program import run_json

Repo = Callable[..., Path]

FILES = {
    "pkg/uploader.py": "class Uploader:\n    def send(self, report):\n        return self.open().write(report)\n",
    "pkg/retry.py": "def backoff(times):\n    return 2 ** times\n",
    "tests/test_uploader.py": "def test_send():\n    Uploader().send('retry the upload')\n",
    "docs/uploader.md": "# How to retry an upload\n",
    "vendor/uploader.py": "def retry_upload(): pass\n",
    "secret.pem": "retry upload\n",
    "CHANGELOG.md": "retry upload\n",
    ".gitattributes": "made/** linguist-generated\n",
    "made/upload_retry.py": "def upload_retry(): pass\n",
}


def test_the_command_builds_an_index_and_says_what_is_in_it(make_repo: Repo, tmp_path: Path) -> None:
    repo, env = make_repo(FILES), {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    code, said = run_json("index", "--query", "retry the upload of a report", cwd=repo, **env)
    index = Path(said.pop("path"))
    assert (code, said.pop("bytes") > 0, said.pop("seconds") >= 0) == (0, True, True)
    assert (index.is_file(), index.is_relative_to(tmp_path / "cache/greenloop/index/own")) == (True, True)
    assert said == {
        "files": {"source": 2, "test": 1, "prose": 1},
        "new": 4,
        "chunks": 5,
        "commits": 1,
        "quoted": [quoted("pkg/uploader.py", 3, "Uploader.send matches the request")],
        "outline": ["tests/test_uploader.py (tests of pkg/uploader.py)"],
        "knowledge": {},
        "missing": [],
        "known": [],
    }


def quoted(path: str, end: int, reason: str) -> dict[str, object]:
    return {"path": path, "start": 1, "end": end, "whole": True, "reason": reason}
