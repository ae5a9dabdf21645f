"""The environment of the step → values. It is read here and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from greenloop.errors import Misconfigured
from greenloop.forge.events import CALLED, speaks
from greenloop.model.keys import FOR_ROWS, USUAL, split
from greenloop.records.places import Places
from greenloop.settings import FILE, GIVEN

# inputs that say what to do when a workflow is started by hand
ORDER = ("command", "prompt", "number", "base")
API_URL, SERVER_URL = "https://api.github.com", "https://github.com"
SANDBOXES = ("auto", "uid", "namespaces", "container")

WRONG = "The input `{name}` is {value!r}; it is one of {known}."
TOKENLESS = (
    "The input `github_token` is empty. Leave it out to use the job's own token, or give one: "
    "github_token: ${{ secrets.NAME }}"
)
# in the container the first two are inputs; a job of one's own may have them in its environment
_TOKEN = ("INPUT_GITHUB_TOKEN", "GITHUB_TOKEN", "GH_TOKEN")
_API_KEY = ("INPUT_API_KEY", "GREENLOOP_API_KEY")
# what a runner adds for actions of its own: artifacts, caches, cloud logins
_RUNNERS = ("ACTIONS_RUNTIME_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_TOKEN")


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """The inputs of action.yml, but for those that are a request. `overrides` are settings by name, as the words of a
    command line, for `configuration.load`."""

    token: str = field(repr=False)
    api_key: str = field(default="", repr=False)
    signing_key: str = field(default="", repr=False)
    keys: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)  # of other models
    overrides: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    config: str = FILE
    sandbox: str = "auto"
    dry_run: bool = False
    fallback_models: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """What the runner says about the step. Paths are as this process sees them; "" is what it does not say."""

    event_name: str = ""
    event_path: str = ""
    repository: str = ""
    api_url: str = API_URL
    server_url: str = SERVER_URL
    graphql_url: str = ""
    run_id: str = ""
    run_attempt: str = "1"
    workspace: Path = Path()
    output_path: str = ""
    summary_path: str = ""
    temp: Path = Path("/tmp")  # noqa: S108 - a folder to make private folders in
    cache: Path = Path("/tmp/greenloop")  # noqa: S108 - likewise
    places: Places = Places(state=Path("/tmp/greenloop"), cache=Path("/tmp/greenloop"))  # noqa: S108, RUF009 - likewise
    actor: str = ""
    environment: Mapping[str, str] = field(
        default_factory=lambda: MappingProxyType({}), repr=False
    )  # for a local model


@dataclass(frozen=True, slots=True)
class Secrets:
    """What must appear in no output: the token, the model's key, and whatever else the runner trusted us with."""

    token: str = field(repr=False)
    api_key: str = field(repr=False)
    others: tuple[str, ...] = field(repr=False)
    signing_key: str = field(default="", repr=False)
    keys: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)

    def values(self) -> tuple[str, ...]:
        several = (key for text in (self.api_key, *self.keys.values()) for key in split(text))
        return tuple(
            dict.fromkeys(text for text in (self.token, self.api_key, self.signing_key, *self.others, *several) if text)
        )


def read_runner(environ: Mapping[str, str]) -> Runner:
    """Never raises: without an event there is still somebody to tell it to."""

    def told(name: str, otherwise: str = "") -> str:
        return environ.get(name, "").strip() or otherwise

    home = told("XDG_CACHE_HOME") or f"{told('HOME', '/tmp')}/.cache"  # noqa: S108 - only without a home
    return Runner(
        event_name=told("GITHUB_EVENT_NAME"),
        event_path=told("GITHUB_EVENT_PATH"),
        repository=told("GITHUB_REPOSITORY"),
        api_url=told("GITHUB_API_URL", API_URL).rstrip("/"),
        server_url=told("GITHUB_SERVER_URL", SERVER_URL).rstrip("/"),
        graphql_url=told("GITHUB_GRAPHQL_URL"),
        run_id=told("GITHUB_RUN_ID"),
        run_attempt=told("GITHUB_RUN_ATTEMPT", "1"),
        workspace=Path(told("GITHUB_WORKSPACE", ".")),
        output_path=told("GITHUB_OUTPUT"),
        summary_path=told("GITHUB_STEP_SUMMARY"),
        temp=_folder(told("RUNNER_TEMP"), told("TMPDIR", "/tmp")),  # noqa: S108 - the system's own
        cache=Path(home) / "greenloop",
        places=Places.of({"HOME": "/tmp", **environ}),  # noqa: S108 - only without a home
        actor=told("GITHUB_ACTOR"),
        environment=environ,
    )


def _folder(*names: str) -> Path:
    """The first that is there: inside a container RUNNER_TEMP is a path of the host's."""
    return next((Path(name) for name in names if name and Path(name).is_dir()), Path(names[-1]))


def take_secrets(environ: MutableMapping[str, str]) -> Secrets:
    """Out of the environment, so that no process that is started from here has them."""

    def taken(names: tuple[str, ...]) -> list[str]:
        return [text for name in names if (text := environ.pop(name, "").strip())]

    tokens, keys, others = taken(_TOKEN), taken(_API_KEY), taken(_RUNNERS)
    rows = {name: environ.pop(name) for name in sorted(environ) if name.startswith(FOR_ROWS)}
    usual = {name: environ[name] for name in sorted(environ) if name in USUAL}  # litellm reads these itself
    return Secrets(
        token=tokens[0] if tokens else "",
        api_key=keys[0] if keys else "",
        others=(*tokens[1:], *keys[1:], *others),
        signing_key=environ.pop("INPUT_SIGNING_KEY", "").strip(),
        keys=MappingProxyType(usual | rows),
    )


def read_inputs(environ: Mapping[str, str], secrets: Secrets) -> Inputs:
    """An empty text is an input that was not given. Raises `Misconfigured` naming the input."""
    if not secrets.token:
        raise Misconfigured(TOKENLESS)
    settings = {name: text for name in GIVEN if (text := _given(environ, name))}
    return Inputs(
        token=secrets.token,
        api_key=secrets.api_key,
        signing_key=secrets.signing_key,
        keys=secrets.keys,
        overrides=MappingProxyType(settings),
        config=_given(environ, "config") or FILE,
        sandbox=_one_of("sandbox", _given(environ, "sandbox") or "auto", SANDBOXES),
        dry_run=_one_of("dry_run", _given(environ, "dry_run").lower() or "false", ("true", "false")) == "true",
        fallback_models=tuple(re.findall(r"[^\s,]+", _given(environ, "fallback_models"))),
    )


def dispatched(
    payload: Mapping[str, Any], runner: Runner, environ: Mapping[str, str]
) -> tuple[Mapping[str, Any], Runner]:
    """Of a workflow started by hand, the inputs of the action win over those of the workflow: its author may have
    given those other names. Any other event that says nothing to us itself (a schedule, a push, whatever calls a
    reusable workflow) is one that asks for what its workflow gives, in the name of whoever caused it."""
    given = {name: text for name in ORDER if (text := _given(environ, name))}
    if runner.event_name == "workflow_dispatch":
        typed = payload.get("inputs") or {}
        return ({**payload, "inputs": {**typed, **given}} if isinstance(typed, dict) else payload), runner
    if speaks(runner.event_name) or not ("prompt" in given or "command" in given):
        return payload, runner
    sender = payload.get("sender") or {"login": runner.actor}
    called = {"inputs": given, "repository": {"full_name": runner.repository}, "sender": sender}
    return called, replace(runner, event_name=CALLED)


def _given(environ: Mapping[str, str], name: str) -> str:
    return environ.get(f"INPUT_{name.upper()}", "").strip()


def _one_of(name: str, value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise Misconfigured(WRONG.format(name=name, value=value[:60], known=", ".join(known)))
    return value
