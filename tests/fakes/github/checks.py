"""REST: check runs and code scanning. A person's token makes none."""

from __future__ import annotations

import gzip
import json
from base64 import b64decode
from typing import Any

from fakes.github import accounts, shapes
from fakes.github.accounts import Json
from fakes.github.call import Call, Reply
from fakes.github.state import Refusal, not_found

_AT_ONCE = 50
_LEVELS = {"notice", "warning", "failure"}


def _invalid(field: str) -> Refusal:
    return Refusal(422, "Invalid request.", f"Invalid property {field}")


def _shape(run: dict[str, Any]) -> Json:
    output = {**run["output"], "annotations_count": len(run["annotations"]), "text": None}
    return {key: value for key, value in run.items() if key != "annotations"} | {"output": output}


def _take(run: dict[str, Any], output: dict[str, Any]) -> None:
    notes = output.pop("annotations", [])
    if len(notes) > _AT_ONCE or any(note["annotation_level"] not in _LEVELS for note in notes):
        raise _invalid("/output/annotations")
    if len(output["title"]) > 255 or len(output["summary"]) > 65_535:
        raise _invalid("/output")
    run["output"] = output
    run["annotations"] += notes


def create(call: Call) -> Reply:
    if call.sender.kind != "app":
        raise Refusal(403, "You must authenticate via a GitHub App.")
    body = dict(call.body)
    if call.repository.git.resolve(str(body["head_sha"])) is None:
        raise Refusal(422, f"No commit found for SHA: {body['head_sha']}")
    run = {
        "id": next(call.world.numbers),
        "node_id": "C",
        "annotations": [],
        "app": shapes.app(call.world, call.repository, call.sender.user.login),
        **{name: body[name] for name in ("name", "head_sha", "external_id", "status", "conclusion")},
    }
    _take(run, dict(body["output"]))
    call.repository.check_runs.append(run)
    return Reply(status=201, data=_shape(run))


def update(call: Call) -> Json:
    run = next((run for run in call.repository.check_runs if run["id"] == int(call.args["id"])), None)
    if run is None:
        raise not_found()
    _take(run, dict(call.body["output"]))
    return _shape(run)


def of_commit(call: Call) -> Json:
    sha = call.repository.git.resolve(call.args["commit"])
    name = call.query.get("check_name")
    found = [r for r in call.repository.check_runs if r["head_sha"] == sha and name in {None, r["name"]}]
    return {"total_count": len(found), "check_runs": [_shape(run) for run in found]}


def upload(call: Call) -> Reply:
    log = json.loads(gzip.decompress(b64decode(call.body["sarif"])))
    call.repository.scans.append({"commit": call.body["commit_sha"], "ref": call.body["ref"], "log": log})
    url = accounts.repository(call.world, call.repository)["url"]
    return Reply(status=202, data={"id": "47177e22", "url": f"{url}/code-scanning/sarifs/47177e22"})
