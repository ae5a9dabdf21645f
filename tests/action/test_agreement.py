"""action.yml, the workflows, the schema of result.json and the code say the same."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from greenloop.action import outputs
from greenloop.action.inputs import ORDER
from greenloop.commands.init import workflow_text
from greenloop.domain import Evidence, Finding, Outcome, Reason, Severity, Source, Usage, Verdict
from greenloop.orders import COMMANDS
from greenloop.report import result
from greenloop.settings import FILE, GIVEN
from values import attempt, outcome, passed, report, request

ROOT = Path(__file__).resolve().parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
SCHEMA = json.loads((ROOT / "docs/result.schema.json").read_text())
OTHERS = {"github_token", "api_key", "signing_key", "config", "sandbox", "dry_run", "fallback_models"}
LINE = Finding(check="ruff", rule="E501", message="too long", path="a.py", line=3, severity=Severity.WARNING)
VERDICT = Verdict(
    green=False,
    evidence=Evidence.PROVEN,
    proof=("t::a",),
    own_proof=("t::b",),
    unproven=("t::c",),
    new=(LINE,),
    fixed=(LINE,),
    old=(LINE,),
    wanted=(Finding(check="pytest", rule="t::a", message="fails", severity=Severity.NOTE),),
    why=("1 test fails.",),
)
GREEN = outcome(attempt(1, green=False), attempt(2), url="https://github.com/o/r/pull/31", omitted=("a.key",))
OUTCOMES: tuple[Outcome, ...] = (
    GREEN,
    outcome(reason=Reason.NOT_GREEN, verdict=VERDICT, baseline=report(passed("t::a")), usage=Usage(cost=0.25)),
    outcome(reason=Reason.STOPPED, branch=None, tip=None, detail="x", url="https://github.com/o/r/compare/a...b"),
    outcome(request=request(source=Source.REVIEW, number=7), url="/runs/x/pull-request.md"),
)


def test_the_action_has_the_inputs_that_are_read_and_the_outputs_that_are_written() -> None:
    assert set(ACTION["inputs"]) == {*GIVEN, *ORDER, *OTHERS}
    assert set(ACTION["outputs"]) == set(outputs.of(result.as_dict(GREEN), ""))
    assert ACTION["runs"] == {"using": "docker", "image": "Dockerfile"}
    defaults = {name: given["default"] for name, given in ACTION["inputs"].items() if "default" in given}
    token = "${{ github.token }}"
    assert defaults == {"github_token": token, "config": FILE, "sandbox": "auto", "dry_run": "false"}
    for given in (*ACTION["inputs"].values(), *ACTION["outputs"].values()):
        assert given["description"].endswith(".")


def workflows() -> Iterator[tuple[str, Mapping[Any, Any]]]:
    readme = re.search(r"^```yaml\n(on:.*?)^```$", (ROOT / "README.md").read_text(), re.DOTALL | re.MULTILINE)
    assert readme is not None
    yield "README.md", yaml.safe_load(readme[1])
    yield "greenloop init", yaml.safe_load(workflow_text())
    yield "generate.yml", yaml.safe_load((ROOT / ".github/workflows/generate.yml").read_text())


@pytest.mark.parametrize(("where", "workflow"), list(workflows()), ids=["README.md", "greenloop init", "generate.yml"])
def test_the_workflows_give_inputs_that_there_are(where: str, workflow: Mapping[Any, Any]) -> None:
    job = workflow["jobs"]["greenloop"]
    steps = [step for step in job["steps"] if "greenloop" in step["uses"] or step["uses"] == "./"]
    assert len(steps) == 1
    given = steps[0]["with"]
    assert set(given) <= set(ACTION["inputs"]), where
    assert {"model", "api_key"} <= set(given)
    assert workflow["permissions"] == {}
    usual = {"contents": "write", "issues": "write", "pull-requests": "write", "checks": "write"}
    assert job["permissions"] == usual
    dispatch = workflow[True].get("workflow_dispatch")
    if dispatch:
        assert tuple(dispatch["inputs"]) == ORDER
        assert {name: given[name] for name in ORDER} == {name: f"${{{{ inputs.{name} }}}}" for name in ORDER}
        assert dispatch["inputs"]["command"]["options"] == list(COMMANDS)
        at_once = {name for name, order in COMMANDS.items() if order.beside}
        beside = workflow["jobs"]["beside"]["if"]
        assert set(re.findall(r"contains\(github.event.comment.body, '/([a-z]+)'", job["if"])) == {*COMMANDS} - at_once
        for test, condition in (("!startsWith", job["if"]), (" startsWith", beside.replace("(starts", " starts"))):
            found = re.findall(rf"{test}\(github.event.comment.body, '/([a-z]+)'", condition)
            assert {word for word in found if word in COMMANDS} == at_once
        for condition in (job["if"], beside):
            assert set(json.loads(condition.partition("fromJSON('")[2].partition("'")[0])) == at_once


@pytest.mark.parametrize("ended", OUTCOMES, ids=lambda ended: ended.reason.word)
def test_the_schema_describes_the_result(ended: Outcome) -> None:
    """And nothing else: every property that is written is described, and the other way round."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    closed = json.loads(
        json.dumps(SCHEMA).replace('"type": "object"', '"type": "object", "additionalProperties": false')
    )
    jsonschema.Draft202012Validator(closed).validate(json.loads(json.dumps(result.as_dict(ended))))
    for part in (SCHEMA, *SCHEMA["$defs"].values()):
        part = part.get("items", part)  # noqa: PLW2901 - findings are a list
        assert sorted(part["required"]) == sorted(part["properties"])
    assert sorted(SCHEMA["properties"]["reason"]["enum"]) == sorted(reason.word for reason in Reason)


def test_a_run_without_an_outcome_has_the_same_form() -> None:
    known = result.failure(Reason.FAILED, "x", None)
    assert set(known) == set(SCHEMA["properties"])
    assert (known["run"], known["command"], known["base"]) == (None, None, None)
    jsonschema.Draft202012Validator(SCHEMA).validate(known)
    named = result.failure(Reason.REFUSED, "x", request(source=Source.PULL_REQUEST, number=3))
    assert (named["run"], named["pull_request_number"], named["pull_request_url"]) == ("0123456789ab", 3, None)


def test_only_a_pull_request_is_one() -> None:
    told = [result.as_dict(one) for one in OUTCOMES]
    assert [(one["pull_request_number"], one["pull_request_url"]) for one in told] == [
        (31, "https://github.com/o/r/pull/31"),
        (None, None),
        (None, None),
        (7, None),
    ]
