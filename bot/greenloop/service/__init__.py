"""A request on GitHub, from the guard to the last word: what `app` is for a terminal, this is for the action."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from greenloop import configuration, render
from greenloop.action.inputs import Inputs, Runner
from greenloop.domain import Message, Outcome, Reason, Request, Source, Trust
from greenloop.errors import GreenloopError, Refused
from greenloop.forge import events
from greenloop.forge.github import Comment, Connection, GitHub, PullRequest, Repository
from greenloop.hidden import visible
from greenloop.model import open_model
from greenloop.model.budget import estimate_tokens
from greenloop.model.replay import Replay
from greenloop.orders import UNKNOWN, Words, level
from greenloop.ports import Model
from greenloop.sense import hint
from greenloop.service import beside, earlier, review
from greenloop.service.guard import refusal
from greenloop.service.job import Job, judge, play
from greenloop.service.told import Told
from greenloop.settings import Settings
from greenloop.workspace import Remote

EVALUATE = "evaluate"  # the one command that asks no model
_NEWEST, _LONGEST = 30, 4000  # messages, characters of each
FOREIGN = "The pull request comes from a fork; work on forks is not part of this version."
CLOSED = "#{number} is closed."
ARCHIVED = "The repository is archived."
NOTHING_ASKED = "The command says nothing to do. Write it behind the command: /generate add retry to the uploader"


def handle(request: Request, inputs: Inputs, runner: Runner, payload: Mapping[str, Any]) -> Outcome | None:
    """Raises `GreenloopError` for what the asker may want mended; a stranger's request is an outcome. None: in this
    repository's own words the event is not for us."""
    connection = Connection(
        api_url=runner.api_url, server_url=runner.server_url, repository=request.repository, token=inputs.token
    )
    github = GitHub(connection)
    repository = github.repository()
    settings, trouble = _settings(inputs, github, repository)
    words = Words.of(settings, me=github.whoami())
    meant = events.parse(runner.event_name, payload, run_id=runner.run_id, words=words)
    if meant is None:
        return None
    request = meant
    no = refusal(request, payload, github, level(settings, request.command))
    if no is not None and no.stranger:
        _shrug(request, github)
        return Outcome(request=request, reason=Reason.REFUSED, detail=no.why)
    told = Told(github, request, dry=inputs.dry_run)
    try:
        if no is not None:
            raise Refused(no.why)
        if trouble is not None:
            raise trouble
        if beside.answers(request.command):
            return beside.answer(request, words, told)
        if not words.enabled(request.command):
            raise Refused(beside.OFF.format(word=request.command))
        job = _job(request, inputs, runner, github, told=told, settings=settings, repository=repository)
        return judge(job) if request.command == EVALUATE else play(job)
    except GreenloopError as error:
        told.say(f"🔴 {render.inert(str(error), 2000)}")
        raise


def _shrug(request: Request, github: GitHub) -> None:
    """A stranger gets a reaction and nothing else: nobody can make the bot talk."""
    if (
        request.command != UNKNOWN
        and request.comment is not None
        and request.source in {Source.ISSUE, Source.PULL_REQUEST}
    ):
        github.react("comment", request.comment, "confused")


def _job(
    request: Request,
    inputs: Inputs,
    runner: Runner,
    github: GitHub,
    *,
    told: Told,
    settings: Settings,
    repository: Repository,
) -> Job:
    """All that a run needs, read in the order in which it can be refused."""
    if repository.archived:
        raise Refused(ARCHIVED)
    pull = github.pull_request(request.number or 0) if _on_pull_request(request) else None
    if request.source is Source.REVIEW and pull is not None:
        found = github.review_threads(pull.number)
        request, others = review.ordered(request, found, github)
        pull = replace(pull, head_sha=found.head)
    else:
        request, others = replace(request, text=visible(request.text)), ()
    if request.command != EVALUATE:
        _require_sense(request.text, settings)
    if pull is not None:
        _require_ours(pull)
    evaluating = request.command == EVALUATE
    comments = () if evaluating or request.number is None else github.thread(request.number)
    model = Replay((), name="none") if evaluating else _model(settings, inputs, runner)
    if request.comment is not None and request.source is not Source.REVIEW:
        github.react("comment", request.comment, "eyes")
    return Job(
        request=request,
        settings=settings,
        model=model,
        places=runner.places,
        sandbox=inputs.sandbox,
        dry=inputs.dry_run,
        temp=runner.temp,
        cache=runner.cache,
        told=told.on(
            base=request.base or repository.default_branch, attempts=settings.attempts, pull=pull.url if pull else ""
        ),
        github=github,
        run_id=runner.run_id,
        remote=Remote(url=repository.clone_url, token=inputs.token),
        start=request.base or repository.default_branch,
        pull=pull,
        thread=() if evaluating else (*_quoted(request, github, comments), *others),
        earlier=earlier.keys(comments, me=github.whoami(), but=request.key),
    )


def _require_sense(text: str, settings: Settings) -> None:
    """Before anything is paid for. Raises `Refused` with a hint."""
    if not text:
        raise Refused(NOTHING_ASKED)
    told = hint(text, tokens=estimate_tokens(text), most=settings.context_tokens // 2)
    if told:
        raise Refused(told)


def _quoted(request: Request, github: GitHub, comments: Iterable[Comment]) -> tuple[Message, ...]:
    """What is said around the request, newest last: material, whoever wrote it. What was adopted is no part of it."""
    if request.number is None or request.source is Source.REVIEW:
        return ()
    issue = github.issue(request.number)
    opening = visible(f"{issue.title}\n\n{issue.body}")
    said = [] if request.text == opening else [Message(id="0", author=issue.author, trust=Trust.QUOTED, body=opening)]
    said += [
        Message(id=str(c.id), author=c.author, trust=Trust.QUOTED, body=c.body)
        for c in comments
        if c.id != request.comment and c.author != github.whoami() and c.created_at <= (request.at or c.created_at)
    ]
    return tuple(replace(m, body=visible(m.body)[:_LONGEST]) for m in said[-_NEWEST:])


def _on_pull_request(request: Request) -> bool:
    return request.source in {Source.PULL_REQUEST, Source.REVIEW}


def _require_ours(pull: PullRequest) -> None:
    if pull.state != "open":
        raise Refused(CLOSED.format(number=pull.number))
    if pull.is_fork:
        raise Refused(FOREIGN)


def _settings(inputs: Inputs, github: GitHub, repository: Repository) -> tuple[Settings, GreenloopError | None]:
    """Of the default branch, whatever branch the work is on; then the inputs; then the key. What cannot be read is told
    to those alone who may ask, so the defaults stand in until that is known."""
    try:
        data = github.file(inputs.config, repository.default_branch)
        text = None if data is None else data.decode("utf-8", "replace")
        settings = configuration.load(
            text, name=inputs.config, overrides=inputs.overrides, called=lambda key: f"The input `{key}`"
        )
    except GreenloopError as error:
        return Settings(), error
    fallbacks = inputs.fallback_models or settings.fallback_models
    return replace(settings, api_key=inputs.api_key, fallback_models=fallbacks), None


def _model(settings: Settings, inputs: Inputs, runner: Runner) -> Model:
    return open_model(settings, environment=inputs.keys, health=runner.places.cache)
