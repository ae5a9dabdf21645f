"""The step's program from outside, as a runner starts it, and read as a runner reads it."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import jsonschema
import pytest

from action.drive import HOSTILE
from action.hosted import Command
from action.steps import API_KEY, MAIN, ROOT, TOKEN, Ended, Step, keep
from greenloop.action import BAD_EVENT, NO_EVENT
from greenloop.action.inputs import SANDBOXES, TOKENLESS, WRONG
from greenloop.action.outputs import CUT
from greenloop.action.step import STOPPED
from greenloop.domain import Reason
from greenloop.errors import UsageError
from greenloop.sandbox import open_sandbox

Comment = Callable[..., dict[str, Any]]
SCHEMA = jsonschema.Draft202012Validator(json.loads((ROOT / "docs/result.schema.json").read_text()))
OUTPUTS = {
    "status": "red",
    "reason": "misconfigured",
    "evidence": "unproven",
    "branch": "",
    "pull_request_number": "",
    "pull_request_url": "",
    "attempts": "0",
    "tokens": "0",
    "cost": "0.000000",
    "result": ".greenloop/result.json",
}


def error(text: str, kind: str = "error") -> Command:
    return Command(kind, {"title": "greenloop"}, text)


def agrees(ended: Ended, reason: Reason, detail: str, **outputs: str) -> None:
    """Exit code, annotation, summary, outputs and result.json, all of them whole."""
    sentence = f"{reason.word}: {reason.sentence} {detail}".strip()
    assert (ended.code, ended.log.commands) == (reason.exit_code, (error(sentence),))
    assert ended.outputs == OUTPUTS | {"reason": reason.word} | outputs
    assert ended.summary == f"## greenloop: {reason.word}\n\n{reason.sentence}\n\n```text\n{detail}\n```\n"
    assert ended.result is not None
    SCHEMA.validate(ended.result)
    told = {key: ended.result[key] for key in ("status", "reason", "detail", "exit_code", "attempts")}
    assert told == {
        "status": "red",
        "reason": reason.word,
        "detail": detail,
        "exit_code": reason.exit_code,
        "attempts": [],
    }


@pytest.mark.parametrize(
    ("name", "body", "action"),
    [
        ("issue_comment", "Thanks! /generate is nice", "created"),
        ("issue_comment", "> /generate add retry", "created"),
        ("issue_comment", "/generate add retry", "edited"),
        ("push", "/generate add retry", "created"),
    ],
)
def test_an_event_that_is_not_for_us_costs_nothing(
    step: Step, comment: Comment, name: str, body: str, action: str
) -> None:
    """Nothing heavy is imported, nobody is called, nothing is written but two outputs; wrong inputs do not matter."""
    look = (
        "import os, sys\nfrom greenloop.action import main\ncode = main(os.environ)\n"
        "print(code, sorted({m.split('.')[0] for m in sys.modules} & set(sys.argv[1].split())), "
        "'greenloop.action.step' in sys.modules)"
    )
    heavy = "git github httpx requests yaml pydantic rich litellm subprocess asyncio ssl"
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        environment = keep() | step.environment(
            comment(body, action),
            name,
            INPUT_SANDBOX="none",
            GITHUB_API_URL=f"http://127.0.0.1:{server.getsockname()[1]}",
        )
        done = subprocess.run([sys.executable, "-P", MAIN], env=environment, capture_output=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
        lines = (step.folder / "output").read_text().splitlines()
        assert [lines[1], lines[4]] == ["skipped", "not_for_us"]
        with pytest.raises(BlockingIOError):
            server.accept()
    assert list(step.workspace.iterdir()) == []
    environment = {name: text for name, text in environment.items() if not name.startswith("COVERAGE_")}
    argv = [sys.executable, "-P", "-c", look, heavy]
    done = subprocess.run(argv, env=environment, capture_output=True, check=False)
    assert (done.stdout, done.stderr) == (b"0 [] False\n", b"")


@pytest.mark.parametrize(
    ("event", "why"),
    [("", "it is not JSON"), ("[" * 200_000, "it is not JSON"), ("[]", "it holds no JSON object")],
    ids=["empty", "deep", "a list"],
)
def test_a_broken_event_file_is_told_everywhere(step: Step, event: str, why: str) -> None:
    ended = step.run(event)
    agrees(ended, Reason.MISCONFIGURED, BAD_EVENT.format(path=step.folder / "event.json", why=why))
    assert ended.result is not None
    assert (ended.result["run"], ended.result["command"], ended.result["base"]) == (None, None, None)


def test_no_event_at_all(step: Step) -> None:
    missing = step.folder / "gone.json"
    why = BAD_EVENT.format(path=missing, why="No such file or directory")
    agrees(step.run({}, GITHUB_EVENT_PATH=str(missing)), Reason.MISCONFIGURED, why)
    agrees(step.run({}, GITHUB_EVENT_PATH=""), Reason.MISCONFIGURED, NO_EVENT)
    payload = "The payload of issue_comment is not as GitHub sends it: KeyError('comment')."
    agrees(step.run({}), Reason.MISCONFIGURED, payload)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"INPUT_GITHUB_TOKEN": " "}, TOKENLESS),
        (
            {"INPUT_SANDBOX": "none\n::error::x"},
            WRONG.format(name="sandbox", value="none\n::error::x", known=", ".join(SANDBOXES)),
        ),
        ({"INPUT_DRY_RUN": "yes"}, WRONG.format(name="dry_run", value="yes", known="true, false")),
    ],
)
def test_a_wrong_input_is_named(step: Step, comment: Comment, given: Mapping[str, str], why: str) -> None:
    ended = step.run(comment(), what="seen", **given)
    agrees(ended, Reason.MISCONFIGURED, why)
    assert ended.result is not None
    assert ended.result["run"].startswith("comment-5-")
    assert ended.result["command"] == "generate"


def test_every_input_arrives(step: Step, comment: Comment) -> None:
    """Words as on a command line; what is empty is not given; the environment's own token and key do as well."""
    given = {
        "INPUT_MODEL": " m ",
        "INPUT_API_BASE": "http://x/v1",
        "INPUT_ATTEMPTS": "3",
        "INPUT_MAX_COST": "",
        "INPUT_CONFIG": "ci/greenloop.yml",
        "INPUT_SANDBOX": "uid",
        "INPUT_DRY_RUN": "True",
        "INPUT_FALLBACK_MODELS": "a/b, c\nd",
        "INPUT_GITHUB_TOKEN": "",
        "INPUT_API_KEY": "",
        "GH_TOKEN": "another-token",
        "GITHUB_TOKEN": TOKEN,
        "GREENLOOP_API_KEY": "model-key",
        "GITHUB_API_URL": "http://127.0.0.1:1/api/v3/",
        "GITHUB_ACTOR": "ada",
        "RUNNER_TEMP": str(step.folder / "the host's"),
        "TMPDIR": str(step.folder),
        "HOME": "/home/x",
        "XDG_CACHE_HOME": "",
    }
    ended = step.run(comment("/generate"), what="seen", **given)
    assert ended.code == 0
    overrides = "mappingproxy({'model': 'm', 'api_base': 'http://x/v1', 'attempts': '3'})"
    assert (
        f"Inputs(overrides={overrides}, config='ci/greenloop.yml', sandbox='uid', dry_run=True, "
        "fallback_models=('a/b', 'c', 'd'))\n[redacted] [redacted]\n"
    ) in ended.summary
    assert "text='Retry\\n\\nPlease.'" in ended.summary
    told = ended.summary[ended.summary.index("Runner(") :].splitlines()[0]
    assert told == (
        f"Runner(event_name='issue_comment', event_path='{step.folder}/event.json', repository='o/r', "
        "api_url='http://127.0.0.1:1/api/v3', server_url='https://github.com', graphql_url='', "
        "run_id='77', run_attempt='1', "
        f"workspace=PosixPath('{step.workspace}'), output_path='{step.folder}/output', "
        f"summary_path='{step.folder}/summary', temp=PosixPath('{step.folder}'), "
        "cache=PosixPath('/home/x/.cache/greenloop'), places=Places(state=PosixPath('/home/x/.local/state/greenloop'), "
        "cache=PosixPath('/home/x/.cache/greenloop')), actor='ada')"
    )


def test_a_dispatch_takes_the_actions_inputs_over_the_workflows(step: Step) -> None:
    event = {"inputs": {"task": "mine", "number": "3"}, "repository": {"full_name": "o/r"}, "sender": {"login": "ada"}}
    more = {"INPUT_COMMAND": "refactor", "INPUT_PROMPT": "tidy it", "INPUT_BASE": "dev"}
    ended = step.run(event, "workflow_dispatch", what="seen", **more)
    assert "command='refactor', text='tidy it'" in ended.summary
    assert "base='dev', head=None, number=3" in ended.summary
    why = "The input `prompt` is empty. Say what to do."
    agrees(step.run(event | {"inputs": None}, "workflow_dispatch", what="seen"), Reason.MISCONFIGURED, why)
    broken = step.run(event | {"inputs": "x"}, "workflow_dispatch", what="seen", **more)
    assert broken.outputs["reason"] == "misconfigured"


def test_inputs_make_no_order_of_a_comment(step: Step, comment: Comment) -> None:
    more = {"INPUT_COMMAND": "refactor", "INPUT_PROMPT": "tidy it", "INPUT_NUMBER": "3", "INPUT_BASE": "dev"}
    assert step.run(comment("Thanks!"), **more).outputs["reason"] == "not_for_us"
    ended = step.run(comment(), what="seen", **more)
    assert "command='generate', text='add retry'" in ended.summary
    assert "base='', head=None, number=12" in ended.summary


def test_what_a_model_writes_is_never_a_command_or_an_output(step: Step, comment: Comment) -> None:
    """Everything that was printed is text; every output holds what it should, and there is no other one."""
    ended = step.run(comment(), what="hostile")
    assert ended.outputs == {
        **OUTPUTS,
        "reason": "improved",
        "evidence": "proven(own a[error]forged::error::forgedstatusgreenEOF)",  # one word, as in a commit
        "branch": f"greenloop/{HOSTILE}",
        "pull_request_number": "31",
        "pull_request_url": "https://github.example/o/r/pull/31",
        "attempts": "1",
        "tokens": "1200",
        "cost": "0.012500",
    }
    kinds = [command.name for command in ended.log.commands]
    assert kinds == ["error"] * 9 + ["warning"] * 10 + ["notice", "error"]  # ten of a kind are shown, the last line too
    first = ended.log.commands[0]
    place = {"title": "ru,ff F:1", "file": "a,b:c\n.py", "line": "1"}
    assert (first.properties, first.text) == (place, f"1 100%25\r\n::error::{HOSTILE}".replace("##[", "##\u200b["))
    assert ended.log.commands[-1].text.startswith("improved: Not green, but better than the base;")
    assert ended.log.shown.count("::error::left open") == 1
    assert ended.code == Reason.IMPROVED.exit_code
    assert ended.result is not None
    SCHEMA.validate(ended.result)
    assert ended.result["pull_request_number"] == 31
    assert len(ended.result["verdict"]["new"]) == 61


def test_a_summary_fits(step: Step, comment: Comment) -> None:
    """GitHub drops one of more than 1 MiB as a whole; ours is cut between lines and outside a block."""
    ended = step.run(comment(), what="huge")
    size = (step.folder / "summary").stat().st_size
    assert 990_000 < size <= 1_000_000
    assert ended.summary.endswith(f"\när\n`````{CUT}")
    assert ended.summary.count("`````") == 2
    assert ended.code == 0
    assert ended.result is not None
    assert ended.result["reason"] == "answered"


@pytest.mark.parametrize(
    ("what", "reason"),
    [("spoken", "unchanged"), ("spoken_error", "model_unreachable"), ("spoken_defect", "failed")],
)
def test_no_secret_in_any_output(step: Step, comment: Comment, what: str, reason: str) -> None:
    """In the log by masks, elsewhere by ourselves; no process that is started has one in its environment."""
    more = {"ACTIONS_RUNTIME_TOKEN": "runtime-secret", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "login-secret"}
    ended = step.run(comment(), what=what, **more)
    assert ended.outputs["reason"] == reason
    written = "\n".join(
        [ended.log.shown, (step.folder / "output").read_text(), ended.summary, json.dumps(ended.result)]
    )
    for secret in (TOKEN, *API_KEY.splitlines(), *more.values()):
        assert secret not in written
    before, after = ended.raw.split("::stop-commands::")
    assert TOKEN in before  # masked first
    assert "INPUT_GITHUB_TOKEN" not in after
    assert "INPUT_API_KEY" not in after


def test_secrets_are_masked_in_every_form(step: Step, comment: Comment) -> None:
    masks = step.run(comment(), what="stranger").log.masks
    key = API_KEY.splitlines()[0]
    forms = [TOKEN, API_KEY, key, json.dumps(API_KEY)[1:-1], quote(key, safe=""), quote_plus(key), key.encode().hex()]
    forms += [b64encode(f"x-access-token:{TOKEN}".encode()).decode(), urlsafe_b64encode(API_KEY.encode()).decode()]
    for form in forms:
        assert any(mask in form for mask in masks if len(mask) > 12), form
    assert min(map(len, masks)) >= 4  # what is shorter would black out the log


def test_who_may_not_ask_fails_no_job(step: Step, comment: Comment) -> None:
    """A stranger's comment is no failure; somebody who may ask learns of a refusal."""
    ended = step.run(comment(), what="stranger")
    said = f"refused: {Reason.REFUSED.sentence} eve may not."
    assert (ended.code, ended.log.commands) == (0, (error(said, "notice"),))
    assert ended.outputs == OUTPUTS | {"reason": "refused"}
    assert ended.result is not None
    assert (ended.result["status"], ended.result["exit_code"]) == ("red", 0)
    agrees(step.run(comment(), what="refused"), Reason.REFUSED, "An edited comment is no order.")


def test_a_defect_of_ours_ends_in_order(step: Step, comment: Comment) -> None:
    ended = step.run(comment(), what="spoken_defect")
    agrees(ended, Reason.FAILED, "RuntimeError: [redacted] [redacted]\n::error::forged")
    assert "Traceback (most recent call last)" in ended.log.shown


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_before_the_run_has_begun(step: Step, comment: Comment, number: signal.Signals) -> None:
    """Also where the process is the first of a container and would not hear it."""
    environment = keep() | step.environment(comment(), "issue_comment")
    with subprocess.Popen(step.argv("waiting"), env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as job:
        assert job.stdout is not None
        said = b""
        while not said.endswith(b"waiting\n"):
            said += job.stdout.readline()
        job.send_signal(number)
        out, err = job.communicate(timeout=60)
    agrees(step.ended(job.returncode, said + out, err), Reason.STOPPED, STOPPED)


def test_what_cannot_be_written_is_told_and_changes_nothing(step: Step, comment: Comment) -> None:
    more = {"GITHUB_OUTPUT": str(step.folder), "GITHUB_WORKSPACE": "/nowhere", "GITHUB_STEP_SUMMARY": ""}
    ended = step.run(comment(), what="stranger", **more)
    assert ended.code == 0
    assert ended.log.commands[:2] == (
        error(".greenloop/result.json could not be written to /nowhere: No such file or directory.", "warning"),
        error(f"The outputs could not be written to {step.folder}: Is a directory.", "warning"),
    )
    assert (ended.outputs, ended.summary, ended.result) == ({}, "", None)
    skipped = step.run(comment("no"), GITHUB_OUTPUT=str(step.folder))
    assert skipped.code == 0


def test_the_command_line_is_the_same_program(step: Step, comment: Comment) -> None:
    environment = keep() | step.environment(comment(), "issue_comment", INPUT_SANDBOX="x")
    done = subprocess.run(
        [sys.executable, "-m", "greenloop", "action"], env=environment, capture_output=True, check=False
    )
    why = WRONG.format(name="sandbox", value="x", known=", ".join(SANDBOXES))
    agrees(step.ended(done.returncode, done.stdout, done.stderr), Reason.MISCONFIGURED, why)


def test_no_event_is_ever_weakly_confined(step: Step, comment: Comment) -> None:
    """Whatever the environment says, and however it is spelled: the action knows no such sandbox."""
    why = WRONG.format(name="sandbox", value="weak", known=", ".join(SANDBOXES))
    agrees(step.run(comment(), INPUT_SANDBOX="weak"), Reason.MISCONFIGURED, why)
    assert "weak" not in SANDBOXES
    ended = step.run(
        comment(), what="seen", GREENLOOP_SANDBOX="weak", SANDBOX="weak", GITHUB_ACTIONS="", GITHUB_RUN_ID="77"
    )
    assert "sandbox='auto'" in ended.summary
    with pytest.raises(UsageError, match="sandbox 'weak' is not known"):
        open_sandbox("weak")


def test_main_imports_nothing_from_where_it_lies_or_is_started(step: Step, comment: Comment, tmp_path: Path) -> None:
    for folder in (step.workspace, tmp_path):
        for name in ("json", "greenloop", "re"):
            (folder / f"{name}.py").write_text("print('::error::imported')")
    (tmp_path / "main.py").write_bytes(MAIN.read_bytes())
    environment = keep() | step.environment(comment("no"), "issue_comment", PYTHONSAFEPATH="1")
    argv = [sys.executable, str(tmp_path / "main.py")]
    done = subprocess.run(argv, env=environment, cwd=step.workspace, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
