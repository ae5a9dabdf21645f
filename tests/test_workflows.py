"""docs/workflows: what people copy gives inputs that there are, with least permissions, pinned, and starts for commands
alone. Their form and safety are checked by `make workflows`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from greenloop.commands.init import workflow_text
from greenloop.forge.events import speaks
from greenloop.orders import COMMANDS

ROOT = Path(__file__).resolve().parents[1]
PLACE = ROOT / "docs/workflows"
FILES = {path.name: path.read_text() for path in sorted(PLACE.glob("*.yml"))}
READ: Mapping[str, Mapping[Any, Any]] = {name: yaml.safe_load(text) for name, text in FILES.items()}
INPUTS = set(yaml.safe_load((ROOT / "action.yml").read_text())["inputs"])
AT_ONCE = {name for name, order in COMMANDS.items() if order.beside}
TEMPLATE = yaml.safe_load(workflow_text())["jobs"]
ACTION = TEMPLATE["greenloop"]["steps"][0]["uses"]
USUAL = TEMPLATE["greenloop"]["permissions"]
PERMISSIONS = {
    "beside.yml": TEMPLATE["beside"]["permissions"],
    "nightly.yml": {name: level for name, level in USUAL.items() if name != "issues"},  # there is nowhere to comment
}
DIGEST = r"[a-z/-]+:v?[\d.]+\w*(-\w+)?@sha256:[0-9a-f]{64}"
OUR_OWN = "${{ vars.GREENLOOP_GPU_IMAGE }}"  # made by its user, who sets the digest
SPOKEN = {"schedule", "workflow_call"}  # events without words, where the inputs are the request


def jobs() -> Iterator[tuple[str, Mapping[str, Any]]]:
    return ((name, job) for name, workflow in READ.items() for job in workflow["jobs"].values())


def test_the_page_lists_them() -> None:
    assert set(re.findall(r"\]\(([\w-]+\.yml)\)", (PLACE / "README.md").read_text())) == set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_least_permissions(name: str) -> None:
    workflow = READ[name]
    assert workflow["permissions"] == {}
    assert [job["permissions"] for job in workflow["jobs"].values()] == [PERMISSIONS.get(name, USUAL)]
    for job in workflow["jobs"].values():
        written = re.findall(r"^ +([a-z-]+): write # ", FILES[name], re.MULTILINE)  # each with its reason
        assert sorted(written) == sorted(job["permissions"])


@pytest.mark.parametrize("name", FILES)
def test_pinned(name: str) -> None:
    """To digests, but for what has no release yet; what that is, the template says the same way."""
    for job in READ[name]["jobs"].values():
        for step in job.get("steps", ()):
            known = step.get("uses", ACTION)
            assert known == ACTION or re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", known), known
            if step.get("uses") == ACTION:
                assert "github_token" in step["with"]
        images = [job.get("container"), *job.get("services", {}).values()]
        loose = [i["image"] for i in images if i and not re.fullmatch(DIGEST, i["image"])]
        assert loose == ([OUR_OWN] if name == "gpu-job.yml" else [])
        assert "latest" not in str(job.get("runs-on", ""))
        assert "uses" in job or 1 <= job["timeout-minutes"] <= 120
        assert "uses" in job or job["concurrency"]["cancel-in-progress"] is False


@pytest.mark.parametrize("name", FILES)
def test_inputs_that_there_are(name: str) -> None:
    for job in READ[name]["jobs"].values():
        steps = [
            step
            for step in job.get("steps", ())
            if step.get("uses") == ACTION or "greenloop action" in step.get("run", "")
        ]
        assert len(steps) == ("uses" not in job)
        for step in steps:
            given = set(step.get("with", ())) | {key.removeprefix("INPUT_").lower() for key in step.get("env", ())}
            assert given <= INPUTS
            assert ("model" in given) == (name != "beside.yml")
    called = READ["reusable.yml"][True]["workflow_call"]
    caller = READ["caller.yml"]["jobs"]["greenloop"]
    assert set(caller["with"]) <= set(called["inputs"])
    assert set(caller["secrets"]) == set(called["secrets"])


@pytest.mark.parametrize("name", sorted(set(FILES) - {"caller.yml"}))
def test_nothing_starts_for_other_words(name: str) -> None:
    """The condition is the job's, because images are pulled before the first step."""
    events = set(READ[name][True])
    assert all(speaks(event) or event in SPOKEN for event in events)
    [job] = READ[name]["jobs"].values()
    words = set(re.findall(r"\(github.event.comment.body, '/([a-z]+)'\)", job["if"]))
    talks = {"issue_comment", "workflow_call"} & events
    assert words == ((AT_ONCE if name == "beside.yml" else {*COMMANDS} - AT_ONCE) if talks else set())
    assert not talks or "github.event.comment.user.type != 'Bot'" in job["if"]


def test_no_shell_sees_words_of_others() -> None:
    for name, job in jobs():
        for step in job.get("steps", ()):
            assert "${{" not in step.get("run", ""), name
