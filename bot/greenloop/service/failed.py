"""A workflow of the repository has failed on what we have pushed: a person is offered `/continue`, once, with what the
log says. Nothing else happens without a person's word."""

from __future__ import annotations

from typing import Any

from greenloop.domain import Outcome, Reason
from greenloop.errors import GreenloopError
from greenloop.forge.github import GitHub
from greenloop.report import failing
from greenloop.report.render import code, fenced, inert
from greenloop.service import runs
from greenloop.service.scene import Scene

SAID = (
    "🔴 **{name} failed on {commit}**, which greenloop has pushed{link}. Nothing is started by that. `/continue` goes "
    "on from there and is shown this log; what is written behind the word says more."
)
LOG = "<details><summary>The end of the log, as it was printed</summary>\n\n{log}\n\n</details>"
NO_LOG = "The log could not be read: {why}"
NOT_OURS = "{branch} at {sha} is not what a run of ours has left on a pull request that is open."
AT_WORK = "A run is at work on {branch}."
TWICE = "This was said already."
OFF = "`/continue` is switched off here."
_MOST = 3800  # characters of the log; whoever goes on is shown all of them
_JOBS = 2


def key(sha: str) -> str:
    """Of the comment on what failed at this commit, whatever has failed there."""
    return f"failed-{sha[:12]}"


def offered(scene: Scene) -> Outcome:
    """Says why when nothing is offered; that is nothing to fail a job for."""
    request = scene.request
    branch, sha = request.head or "", request.base
    if not scene.words.enabled("continue"):
        return _quiet(scene, OFF)
    pull = scene.github.pull_request_of(branch)
    if pull is None or pull.head_sha != sha or not _ours(scene, branch, sha):
        return _quiet(scene, NOT_OURS.format(branch=branch, sha=sha[:9]))
    if any(known.holder.until > scene.clock() for known in runs.at_work(runs.on(branch), scene.remote, scene.temp)):
        return _quiet(scene, AT_WORK.format(branch=branch))
    if scene.github.said(pull.number, key(sha)) is not None:
        return _quiet(scene, TWICE)
    said = "\n\n".join((_head(scene, sha), _log(scene)))
    if not scene.inputs.dry_run:
        scene.github.say(pull.number, key(sha), said)
    return Outcome(request=request, reason=Reason.ANSWERED, answer=said, url=pull.url)


def _quiet(scene: Scene, why: str) -> Outcome:
    return Outcome(request=scene.request, reason=Reason.ANSWERED, detail=why)


def _ours(scene: Scene, branch: str, sha: str) -> bool:
    """Only those who may push can write records; a trailer could have been typed by anybody."""
    known = runs.recorded(runs.on(branch), scene.remote, scene.temp)
    return any(k.branch == branch and k.tip == sha for k in known)


def _head(scene: Scene, sha: str) -> str:
    about = _about(scene)
    url = str(about.get("html_url") or "")
    page = f"{scene.page}/actions/runs/"
    link = f" ([its run]({url}))" if url.startswith(page) and url.removeprefix(page).isdigit() else ""
    name = inert(str(about.get("name") or (about.get("app") or {}).get("name") or "A check"), 80)
    return scene.words.spoken(SAID).format(name=name, commit=code(sha[:9]), link=link)


def _about(scene: Scene) -> dict[str, Any]:
    found = scene.payload.get("workflow_run") or scene.payload.get("check_suite")
    return found if isinstance(found, dict) else {}


def _log(scene: Scene) -> str:
    """Quoted and bounded: it is the output of whatever ran there."""
    try:
        parts = _parts(scene.github, str(_about(scene).get("id")), suite="check_suite" in scene.payload)
    except GreenloopError as fault:
        return inert(NO_LOG.format(why=fault), 500)
    text = failing.joined([(name, failing.excerpt(log)) for name, log in parts[:_JOBS]], _MOST)
    return LOG.format(log=fenced(text)) if text.strip() else inert(NO_LOG.format(why="it is empty."))


def _parts(github: GitHub, number: str, *, suite: bool) -> tuple[tuple[str, str], ...]:
    return github.suite_output(number) if suite else github.failed_logs(number, _JOBS)
