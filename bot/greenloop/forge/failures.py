"""Events that tell how a workflow, or the checks of another app, have ended. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

EVENTS = ("workflow_run", "check_suite")
BAD = frozenset({"failure", "timed_out"})  # conclusions
_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What failed was made of the commit `sha`, the tip of `branch` then."""

    branch: str
    sha: str
    at: str


def found(payload: Mapping[str, Any]) -> Failure | None:
    """None: it is going on, did not fail, or is about a fork. Raises `KeyError` for what is no such payload."""
    about = payload.get("workflow_run") or payload["check_suite"]
    here = payload["repository"]["full_name"]
    elsewhere = about.get("head_repository") is not None and about["head_repository"]["full_name"] != here
    branch, sha = about["head_branch"], str(about["head_sha"])
    if payload["action"] != "completed" or about["conclusion"] not in BAD or elsewhere:
        return None
    return Failure(branch=branch, sha=sha, at=about["updated_at"] or "") if branch and _SHA.fullmatch(sha) else None
