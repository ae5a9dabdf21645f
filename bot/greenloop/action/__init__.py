"""The program of the action: environment and event in; outputs, summary, annotations and exit code out.

`action/main.py` in the container and `greenloop action` in a job of one's own are both `main`. Most events are not for
us and end here, after milliseconds. What a request leads to is not decided here but in `service.handle`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, MutableMapping
from pathlib import Path
from typing import Any

from greenloop.action import outputs
from greenloop.action.inputs import Inputs, Runner, dispatched, read_runner, take_secrets
from greenloop.domain import Outcome, Request
from greenloop.errors import GreenloopError, Misconfigured
from greenloop.forge import events

Handle = Callable[[Request, Inputs, Runner, Mapping[str, Any]], Outcome | None]

NO_EVENT = (
    "GITHUB_EVENT_NAME or GITHUB_EVENT_PATH is not set: this is a step of a GitHub workflow. In a terminal, run "
    'greenloop generate "what you want".'
)
BAD_EVENT = "The event file {path} cannot be read: {why}. The runner writes it, and GITHUB_EVENT_PATH says where."


def main(environ: MutableMapping[str, str], handle: Handle | None = None) -> int:
    """One step of a workflow; returns its exit code. The token and the keys are gone from `environ` afterwards.
    `handle` stands in for what a request leads to."""
    runner, secrets = read_runner(environ), take_secrets(environ)
    try:
        payload, runner = dispatched(_payload(runner), runner, environ)
        request = events.parse(runner.event_name, payload, run_id=runner.run_id)
    except GreenloopError as error:
        from greenloop.action.step import fail  # noqa: PLC0415 - most events are not for us

        return fail(error, runner, secrets)
    if request is None:
        return outputs.pass_by(runner)
    from greenloop.action.step import Call, play  # noqa: PLC0415 - likewise

    return play(Call(request=request, payload=payload, environ=environ, runner=runner), secrets, handle)


def _payload(runner: Runner) -> Mapping[str, Any]:
    if not runner.event_name or not runner.event_path:
        raise Misconfigured(NO_EVENT)
    try:
        payload = json.loads(Path(runner.event_path).read_bytes())
    except OSError as error:
        raise Misconfigured(BAD_EVENT.format(path=runner.event_path, why=error.strerror)) from None
    except (ValueError, RecursionError):
        raise Misconfigured(BAD_EVENT.format(path=runner.event_path, why="it is not JSON")) from None
    if not isinstance(payload, dict):
        raise Misconfigured(BAD_EVENT.format(path=runner.event_path, why="it holds no JSON object"))
    return payload
