"""Who may do what here, and who we are."""

from __future__ import annotations

import re
from urllib.parse import quote

from greenloop.forge.github import reading
from greenloop.forge.github.asking import Api
from greenloop.forge.github.errors import Ask, Fault, Missing
from greenloop.forge.github.values import Issue, Repository

ACTIONS = "github-actions[bot]"
_LOGIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,99})(?:\[bot\])?")


def permission(api: Api, login: str) -> str:
    """The role that GitHub gives to `login`: "admin", "maintain", "write", "triage", "read" or "none". Whatever goes
    wrong is raised: no answer is no permission."""
    if not _LOGIN.fullmatch(login):
        return "none"
    path = f"{api.repo}/collaborators/{quote(login, safe='')}/permission"
    try:
        raw = api.get(Ask(path=path, doing=f"read the permission of {login}", needs="contents: read"))
    except Missing:
        return "none"
    return reading.read(reading.permission, raw)


def repository(api: Api) -> Repository:
    ask = Ask(path=api.repo, doing=f"read {api.connection.repository}", needs="contents: read")
    return reading.read(reading.repository, api.get(ask))


def issue(api: Api, number: int) -> Issue:
    ask = Ask(path=f"{api.repo}/issues/{number}", doing=f"read issue #{number}", needs="issues: read")
    return reading.read(reading.issue, api.get(ask))


def whoami(api: Api) -> str:
    """Our own login. GraphQL tells it to every token; REST does not tell it to an app's."""
    ask = Ask(doing="ask for our own name", needs="metadata: read")
    try:
        viewer = api.graphql(ask, "query { viewer { login } }", {}).get("viewer")
        return _whole(api, reading.read(reading.login, viewer))
    except Fault as fault:
        if fault.again:
            raise
    try:
        return reading.read(reading.login, api.get(Ask(path="/user", doing=ask.doing, needs=ask.needs)))
    except Fault as fault:
        if fault.status == 403:
            return ACTIONS
        raise


def _whole(api: Api, login: str) -> str:
    """GraphQL leaves out the `[bot]` of some accounts; without it, the login could be a person's."""
    return login + "[bot]" if api.connection.of_app and not login.endswith("[bot]") else login
