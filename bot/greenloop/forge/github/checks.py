"""Check runs and code scanning: what was found, beside the commit that it was found in. Only an App may make them."""

from __future__ import annotations

import gzip
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from greenloop.forge.github import reading
from greenloop.forge.github.asking import Api
from greenloop.forge.github.bodies import fitted, titled
from greenloop.forge.github.errors import Ask
from greenloop.forge.github.values import CheckRun, Note

AT_ONCE = 50  # annotations that GitHub takes in a request
MOST = 150  # annotations of a check run
_WRITE = "checks: write"


def make(api: Api, run: CheckRun, *, look_first: bool) -> None:
    """Once a commit and a key. `look_first`: an earlier process may have made it."""
    ask = Ask(
        path=f"{api.repo}/commits/{run.commit}/check-runs",
        doing=f"read the check runs of {run.commit[:9]}",
        needs="checks: read",
        query={"check_name": run.name, "per_page": 100},
    )

    def look() -> object:
        found = api.get(ask)
        rows = found.get("check_runs", []) if isinstance(found, dict) else []
        return next((row for row in rows if isinstance(row, dict) and row.get("external_id") == run.key), None)

    if look_first and look() is not None:
        return
    notes = [_annotation(api, note) for note in run.notes[:MOST]]
    body = {
        "name": run.name,
        "head_sha": run.commit,
        "external_id": run.key,
        "status": "completed",
        "conclusion": run.conclusion,
        "output": _output(api, run, notes[:AT_ONCE]),
    }
    write = Ask(
        verb="POST",
        path=f"{api.repo}/check-runs",
        doing=f"make the check run of {run.commit[:9]}",
        needs=_WRITE,
        body=body,
        repeatable=False,
    )
    number = reading.read(reading.identity, api.write(write, look=look))
    for start in range(AT_ONCE, len(notes), AT_ONCE):
        more = {"output": _output(api, run, notes[start : start + AT_ONCE])}
        api.write(replace(write, verb="PATCH", path=f"{write.path}/{number}", body=more))


def _output(api: Api, run: CheckRun, notes: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    summary = fitted(api.clean(run.summary))
    return {"title": titled(api.clean(run.title)), "summary": summary, "annotations": list(notes)}


def _annotation(api: Api, note: Note) -> dict[str, Any]:
    return {
        "path": note.path,
        "start_line": note.line,
        "end_line": note.line,
        "annotation_level": note.level,
        "title": titled(api.clean(note.title)),
        "message": fitted(api.clean(note.message)),
    }


def upload(api: Api, commit: str, ref: str, sarif: str) -> None:
    """Findings of a commit on `ref`; twice is once."""
    packed = b64encode(gzip.compress(api.clean(sarif).encode(errors="replace"), mtime=0)).decode()
    ask = Ask(
        verb="POST",
        path=f"{api.repo}/code-scanning/sarifs",
        doing="upload the findings to code scanning",
        needs="security-events: write",
        body={"commit_sha": commit, "ref": ref, "sarif": packed, "tool_name": "greenloop"},
    )
    api.write(ask)
