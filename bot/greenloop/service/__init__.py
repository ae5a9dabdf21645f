"""A request on GitHub, from the guard to the last word: what `app` is for a terminal, this is for the action."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from greenloop import configuration
from greenloop.action.inputs import Inputs, Runner
from greenloop.domain import Message, Outcome, Reason, Request, Source
from greenloop.errors import GreenloopError, Misconfigured, Refused
from greenloop.forge import events
from greenloop.forge.github import Connection, GitHub, Missing, PullRequest, Repository
from greenloop.hygiene.hidden import visible
from greenloop.model import note, open_model
from greenloop.model.budget import estimate_tokens
from greenloop.model.fitting import narrowed
from greenloop.model.local.serving import Serving
from greenloop.model.replay import Replay
from greenloop.model.rows import require_used
from greenloop.orders import FAILED, UNKNOWN, Words, level
from greenloop.ports import Model
from greenloop.sense import hint
from greenloop.service import beside, earlier, failed, forks, heard, review
from greenloop.service.forks import Answer
from greenloop.service.goingon import GoingOn, taken_up
from greenloop.service.guard import refusal
from greenloop.service.job import play
from greenloop.service.looking import answered, judge
from greenloop.service.reviewing import posted
from greenloop.service.scene import Scene
from greenloop.service.told import Told
from greenloop.service.undo import undo
from greenloop.service.work import Job
from greenloop.settings import FILE, Settings

CONTINUE, EXPLAIN, REVIEW, UNDO = "continue", "explain", "review", "undo"
EVALUATE = "evaluate"  # the one command that asks no model
CLOSED = "#{number} is closed."
NO_CONFIG = (
    "The input `config` names {path}, which the default branch {branch} does not hold. Mend it, or leave it out."
)
ARCHIVED = "The repository is archived."
NOTHING_ASKED = "The command says nothing to do. Write it behind the command: /generate add retry to the uploader"


def handle(request: Request, inputs: Inputs, runner: Runner, payload: Mapping[str, Any]) -> Outcome | None:
    """Raises `GreenloopError` for what the asker may want mended; a stranger's request is an outcome. None: in this
    repository's own words the event is not for us."""
    connection = _connection(request, inputs, runner)
    github = GitHub(connection)
    repository = github.repository()
    settings, trouble = _settings(inputs, github, repository)
    words = Words.of(settings, me=github.whoami())
    meant = events.parse(runner.event_name, payload, run_id=runner.run_id, words=words)
    if meant is None:
        return None
    request = replace(meant, server=connection.host)
    run_url = f"{runner.server_url}/{request.repository}/actions/runs/{runner.run_id}" if runner.run_id else ""
    told = Told(github, request, words, dry=inputs.dry_run, run_url=run_url)
    scene = Scene(
        request=request,
        payload=payload,
        inputs=inputs,
        runner=runner,
        github=github,
        repository=repository,
        settings=settings,
        words=words,
        told=told,
    )
    if request.command == FAILED:
        return failed.offered(scene)
    no = refusal(request, payload, github, level(settings, request.command))
    if no is not None and no.stranger:
        _shrug(request, github)
        return Outcome(request=request, reason=Reason.REFUSED, detail=no.why)
    try:
        if no is not None:
            raise Refused(no.why)
        if trouble is not None:
            raise trouble
        if beside.answers(request.command):
            return beside.answer(scene)
        if not words.enabled(request.command):
            raise Refused(beside.OFF.format(word=request.command))
        if request.command == UNDO:
            return undo(scene)
        with Serving(runner.places.cache, runner.environment, progress=told) as serving:
            return _done(scene, _job(scene, serving))
    except GreenloopError as error:
        told.failed(error)
        raise


def _connection(request: Request, inputs: Inputs, runner: Runner) -> Connection:
    return Connection(
        api_url=runner.api_url,
        graphql_url=runner.graphql_url,
        server_url=runner.server_url,
        repository=request.repository,
        token=inputs.token,
    )


def _done(scene: Scene, job: Job) -> Outcome:
    if job.request.command == EVALUATE:
        return judge(job)
    if job.request.command == REVIEW:
        return posted(job, scene.page)
    if job.request.command == EXPLAIN:
        return answered(job, scene.page)
    outcome = play(job)
    note(scene.settings, job.places.state, used=len(outcome.attempts), useless=outcome.unusable)
    return outcome


def _shrug(request: Request, github: GitHub) -> None:
    """A stranger gets a reaction and nothing else: nobody can make the bot talk."""
    if (
        request.command != UNKNOWN
        and request.comment is not None
        and request.source in {Source.ISSUE, Source.PULL_REQUEST}
    ):
        with suppress(Missing):
            github.react("comment", request.comment, "confused")


def _job(scene: Scene, serving: Serving) -> Job:
    """All that a run needs, read in the order in which it can be refused."""
    request, inputs, runner, github = scene.request, scene.inputs, scene.runner, scene.github
    settings, repository, told = scene.settings, scene.repository, scene.told
    if repository.archived:
        raise Refused(ARCHIVED)
    pull = github.pull_request(request.number or 0) if _on_pull_request(request) else None
    request, answer, why = forks.wanted(request, pull, settings, github)
    request, others, pull, going = _asked(replace(scene, request=request), pull)
    request = replace(request, fork=pull is not None and pull.is_fork)
    evaluating = request.command == EVALUATE
    comments = () if evaluating or request.number is None else github.thread(request.number)
    request, shown = heard.failed_too(request, scene, comments, going.tip if going else "")
    before = earlier.keys(comments, me=github.whoami(), but=request.key)
    ours = going.branch if going and going.pull is None else ""
    base = request.base or repository.default_branch
    pushes = pull is not None and (not request.fork or answer is Answer.PUSH)
    model = Replay((), name="none") if evaluating else _model(scene, serving)
    settings = narrowed(settings, model)
    _seen(request, github)
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
            base=going.base if going and ours else pull.base_ref if request.fork and pull else base,
            settings=settings,
            pull=pull.url if pull and pushes else "",
            closes=going.closes if going and ours else None if request.fork else request.number,
            offers=not request.fork or answer is Answer.PULL_REQUEST,
            continues=request.number if request.fork else None,
        ),
        github=github,
        run_id=runner.run_id,
        remote=scene.remote,
        start=ours or base,
        pull=pull,
        answer=answer,
        signing_key=inputs.signing_key,
        notes=(why,) if why else (),
        rules=going.base if going and ours else base if pull else "",
        goes_on=ours,
        thread=() if evaluating else (*heard.quoted(scene, comments), *shown, *others),
        earlier=tuple(dict.fromkeys((going.key, *before) if going else before)),
    )


def _seen(request: Request, github: GitHub) -> None:
    if request.comment is not None and request.source is not Source.REVIEW:
        github.react("comment", request.comment, "eyes")


def _asked(
    scene: Scene, pull: PullRequest | None
) -> tuple[Request, tuple[Message, ...], PullRequest | None, GoingOn | None]:
    """What is to be done, what else is said about it, on whose pull request, and what is taken up again."""
    request, going, others = scene.request, None, tuple[Message, ...]()
    if request.source is Source.REVIEW and pull is not None:
        found = scene.github.review_threads(pull.number)
        request, others = review.ordered(request, found, scene.github)
        pull = replace(pull, head_sha=found.head)
    else:
        going = taken_up(scene) if request.command == CONTINUE else None
        request = going.request if going else request
        request = replace(request, text=visible(request.text))
    if request.command not in {EVALUATE, REVIEW} or (request.command == REVIEW and request.text):
        _require_sense(request.text, scene)
    if pull is not None:
        _require_ours(pull)
    return request, others, going.pull if going and going.branch else pull, going


def _require_sense(text: str, scene: Scene) -> None:
    """Before anything is paid for. Raises `Refused` with a hint."""
    if not text:
        raise Refused(scene.words.spoken(NOTHING_ASKED))
    told = hint(text, tokens=estimate_tokens(text), most=scene.settings.context_tokens // 2)
    if told:
        raise Refused(scene.words.spoken(told))


def _on_pull_request(request: Request) -> bool:
    return request.source in {Source.PULL_REQUEST, Source.REVIEW}


def _require_ours(pull: PullRequest) -> None:
    if pull.state != "open":
        raise Refused(CLOSED.format(number=pull.number))


def _settings(inputs: Inputs, github: GitHub, repository: Repository) -> tuple[Settings, GreenloopError | None]:
    """Of the default branch, whatever branch the work is on; then the inputs; then the key. What cannot be read is told
    to those alone who may ask, so the defaults stand in until that is known."""
    try:
        data = github.file(inputs.config, repository.default_branch)
        if data is None and inputs.config != FILE:  # its limits would be lost without a word
            raise Misconfigured(NO_CONFIG.format(path=inputs.config, branch=repository.default_branch))
        text = None if data is None else data.decode("utf-8", "replace")
        settings = configuration.load(
            text, name=inputs.config, overrides=inputs.overrides, called=lambda key: f"The input `{key}`"
        )
        require_used(settings, str(inputs.overrides.get("api_base", "")), "The input `api_base`")
    except GreenloopError as error:
        return Settings(), error
    fallbacks = inputs.fallback_models or settings.fallback_models
    return replace(settings, api_key=inputs.api_key, fallback_models=fallbacks), None


def _model(scene: Scene, serving: Serving) -> Model:
    """The one for the task: what only answers in words may have a smaller one, a review another."""
    places = scene.runner.places
    return open_model(
        scene.settings,
        environment=scene.inputs.keys,
        health=places.cache,
        state=places.state,
        serving=serving,
        task={EXPLAIN: "chat", REVIEW: "review"}.get(scene.request.command, "edit"),
    )
