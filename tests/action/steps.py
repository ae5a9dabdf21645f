"""A step of a workflow: folders, files and environment as a runner makes them, and nothing else in the environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from action.hosted import Log, read_log, read_outputs
from program import KEEP

ROOT = Path(__file__).resolve().parents[2]
MAIN = ROOT / "action" / "main.py"
DRIVE = Path(__file__).with_name("drive.py")
TOKEN = "ghs_0123456789abcdefghijABCDEFGHIJ012345"
API_KEY = "key with space/+&\"'<%\nand a second line"


@dataclass(frozen=True, slots=True)
class Ended:
    code: int
    log: Log
    raw: str
    outputs: Mapping[str, str]
    summary: str
    result: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Step:
    """`run` is the container's program, or `drive.py` with one of its functions in the place of the real work."""

    folder: Path

    @property
    def workspace(self) -> Path:
        return self.folder / "workspace"

    def environment(self, event: object, name: str, **more: str) -> dict[str, str]:
        path = self.folder / "event.json"
        path.write_text(event if isinstance(event, str) else json.dumps(event))
        return {
            "GITHUB_EVENT_NAME": name,
            "GITHUB_EVENT_PATH": str(path),
            "GITHUB_REPOSITORY": "o/r",
            "GITHUB_RUN_ID": "77",
            "GITHUB_WORKSPACE": str(self.workspace),
            "GITHUB_OUTPUT": str(self.folder / "output"),
            "GITHUB_STEP_SUMMARY": str(self.folder / "summary"),
            "INPUT_GITHUB_TOKEN": TOKEN,
            "INPUT_API_KEY": API_KEY,
            "LANG": "C",
            **more,
        }

    def argv(self, what: str | None) -> list[str]:
        return [sys.executable, "-P", str(DRIVE), what] if what else [sys.executable, "-P", str(MAIN)]

    def run(self, event: object, name: str = "issue_comment", *, what: str | None = None, **more: str) -> Ended:
        for file in ("output", "summary"):
            (self.folder / file).write_bytes(b"")
        done = subprocess.run(
            self.argv(what),
            cwd=self.workspace,
            env=keep() | self.environment(event, name, **more),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=120,
        )
        return self.ended(done.returncode, done.stdout, done.stderr)

    def ended(self, code: int, out: bytes, err: bytes) -> Ended:
        assert err == b"", "one stream, or the runner reads lines in another order"
        raw, path = out.decode(), self.workspace / ".greenloop" / "result.json"
        return Ended(
            code=code,
            log=read_log(raw),
            raw=raw,
            outputs=read_outputs(self.folder / "output"),
            summary=(self.folder / "summary").read_text(),
            result=json.loads(path.read_bytes()) if path.is_file() else None,
        )


def keep() -> dict[str, str]:
    """What the measuring of coverage and the kill table need; a runner gives a PATH and a HOME as well."""
    return {name: os.environ[name] for name in (*KEEP, "PYTHONPATH") if name in os.environ}
