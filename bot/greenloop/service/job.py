"""One permitted request: our own clone, the loop on it, and what is pushed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

from greenloop.app import bench
from greenloop.commands.generate import generate
from greenloop.commands.journal import REFS, Journal, opened
from greenloop.commands.run import RESULT, WORDS, Run
from greenloop.domain import Outcome, Reason, Request
from greenloop.engine.outside import Outside
from greenloop.engine.workbench import Workbench
from greenloop.errors import GreenloopError
from greenloop.forge.terminal import Terminal
from greenloop.model.accounted import within
from greenloop.model.audit import Audit, database
from greenloop.model.kept import remembering
from greenloop.model.keys import split
from greenloop.model.metered import Meter
from greenloop.model.replay import Replay
from greenloop.ports import Model, OnProgress, Progress
from greenloop.records.ledger import account
from greenloop.report.result import as_dict
from greenloop.report.trailers import about
from greenloop.sandbox import open_sandbox
from greenloop.service import earlier, forks, record, review, signing
from greenloop.service.checked import Checked
from greenloop.service.ledger import RefLedger
from greenloop.service.lock import LOCKS, Lock
from greenloop.service.old import prune
from greenloop.service.work import Job, tip_of
from greenloop.workspace import GitWorkspace

READING = "⏳ Reading the request…"
KEPT = "The attempts are kept under {ref}."
USELESS = {Reason.UNCHANGED, Reason.OUT_OF_BUDGET, Reason.MODEL_UNREACHABLE, Reason.BROKEN_ENVIRONMENT}
HANDLED = "This request was handled already. Ask in a new comment to have it done again."


def play(job: Job) -> Outcome:
    """From the clone to the last word. The same request again goes on where a killed run was, or says how it ended."""
    with private(job.temp) as clone:
        key = job.request.key
        refs = (*job.refs, REFS + key, LOCKS + key, *earlier.refs(job.earlier))
        with (
            job.remote.clone(clone, refs) as workspace,
            signing.by_key(job, workspace),
            locked(job, workspace, clone) as lock,
        ):
            job.told.say(READING)  # by whoever has the lock: the same event may be heard twice at once
            request = record.request(workspace, job.request.key) or replace(
                job.request, base=based(job, workspace), head=job.branch
            )
            record.restore(workspace, key)
            secrets = (job.remote.token, *split(job.settings.api_key))
            with opened(workspace.git_dir, key, fresh=False, secrets=secrets) as journal:
                if journal.key != key:  # the first one has ended
                    return _told_again(job, request, workspace)
                if request.fork:
                    job = replace(job, foreign=forks.staged(workspace, request.base, job.place))
                with _resumable(workspace, key):
                    outcome = _run(job, request, workspace, journal, clone=clone, lock=lock)
                outcome = outcome if job.dry else _tidied(job, _answered(job, outcome, workspace), workspace, clone)
    return job.told.ended(outcome)


@contextmanager
def _resumable(workspace: GitWorkspace, key: str) -> Iterator[None]:
    """Whatever ends a run in the middle says where its attempts are."""
    try:
        yield
    except GreenloopError as error:
        if workspace.ref(REFS + key) is not None:
            error.args = (f"{error} {KEPT.format(ref=REFS + key)}",)
        raise


def based(job: Job, workspace: GitWorkspace) -> str:
    """The commit that the work begins from."""
    if job.pull is None:
        return tip_of(workspace, job)
    if job.pull.is_fork:
        return forks.stage(workspace, job.pull, f"refs/heads/{job.start}", job.settings)
    return job.pull.head_sha


def _tidied(job: Job, outcome: Outcome, workspace: GitWorkspace, clone: Path) -> Outcome:
    """Records go when they are old, and a branch that helps nobody at once."""
    with suppress(GreenloopError):  # what is done is done; the next run tidies up as well
        prune(job.remote, clone, job.temp)
    if _useless(job, outcome) and outcome.branch and outcome.tip:
        job.remote.remove(clone, {f"refs/heads/{outcome.branch}": outcome.tip})
    return _kept(job, outcome, workspace)


def _useless(job: Job, outcome: Outcome) -> bool:
    """Whether the branch is ours and its attempts no better than the base."""
    return job.pull is None and not job.goes_on and outcome.url is None and outcome.reason in USELESS


def _kept(job: Job, outcome: Outcome, workspace: GitWorkspace) -> Outcome:
    """Where to find the attempts that are on no branch; of a fork's, the patch."""
    if job.foreign is not None and outcome.attempts:
        later = forks.later(job.foreign, job.github)
        return forks.finished(outcome, workspace, job.foreign, (*job.notes, later))
    if job.dry or not outcome.attempts or not (_useless(job, outcome) or outcome.reason is Reason.NOT_PUSHED):
        return outcome
    kept = KEPT.format(ref=REFS + outcome.request.key)
    branch = None if _useless(job, outcome) else outcome.branch
    return replace(outcome, branch=branch, detail=f"{outcome.detail} {kept}".strip())


@contextmanager
def locked(job: Job, workspace: GitWorkspace, clone: Path) -> Iterator[Lock | None]:
    """A dry run changes nothing, and so locks nothing."""
    if job.dry:
        yield None
        return
    told = about(job.request, job.branch)
    lock = Lock(workspace, job.remote, clone=clone, key=job.request.key, run=job.run_id, about=told)
    lock.take()
    try:
        yield lock
    finally:
        lock.release()


def _told_again(job: Job, request: Request, workspace: GitWorkspace) -> Outcome:
    """The same end as before, and its last words once more: the first runner may not have lived to say them."""
    key = request.key
    said = json.loads(record.read(workspace, key, RESULT) or b"{}")
    job.told.say((record.read(workspace, key, WORDS) or b"").decode("utf-8", "replace") or HANDLED)
    reason = next((r for r in Reason if r.word == said.get("reason")), Reason.REFUSED)
    kept = {name: said.get(name) for name in ("branch", "tip", "url")} | {"patch": said.get("patch") or ""}
    return _answered(job, Outcome(request=request, reason=reason, detail=HANDLED, **kept), workspace)


def _answered(job: Job, outcome: Outcome, workspace: GitWorkspace) -> Outcome:
    """With what is to be said in the threads of a review said there."""
    kept = None if job.dry else record.read(workspace, outcome.request.key, review.ANSWERS)
    trouble = review.answer(outcome.request, kept, job.github, resolve=job.settings.resolve_threads)
    return replace(outcome, detail=f"{outcome.detail} {trouble}".strip())


def _run(
    job: Job, request: Request, workspace: GitWorkspace, journal: Journal, *, clone: Path, lock: Lock | None
) -> Outcome:
    def progress(event: Progress) -> None:
        job.told(event)
        if lock is not None:
            lock.renew()

    def publish(sha: str, ref: str, expected: str | None) -> None:
        if job.dry:
            return
        if job.foreign is not None and ref.startswith("refs/heads/"):
            forks.publish(workspace, job.foreign, sha, job.remote, clone)
        else:
            job.remote.push(clone, sha, ref, expected=expected)

    def beside(outcome: Outcome) -> Mapping[str, bytes]:
        kept = _kept(job, outcome, workspace)
        said = {RESULT: json.dumps(as_dict(kept), indent=2).encode()} if job.foreign else {}
        words = job.told.last_words(kept)
        return {WORDS: words.encode(), **said, **review.record(outcome, journal.text, workspace)}

    if job.foreign is not None:  # the branch of a run that pushes none, until its end
        job.told.note(forks.aside(job.foreign))
        workspace.publish(request.base, f"refs/heads/{request.head}", expected=None)
    theirs = job.pull is not None or bool(job.goes_on)
    job.told.again = bool(journal.before)
    run = Run(workspace, request, journal, publish=publish, theirs=theirs, beside=beside)
    seal = signing.of(job, workspace, clone, request.key)
    run.sealed_by(seal)
    late, again = seal is not None or job.foreign is not None, job.told.again
    checked = Checked(job.github, job.settings, key=request.key, dry=job.dry, again=again, late=late)
    if theirs and job.foreign is None and not job.dry:
        run.newer = lambda: _newer(job, workspace, clone, request)
    run.committed = checked.attempt
    run.begin(job.settings, job.model.name)
    with (
        counted(job, request, workspace, clone) as (live, meter),
        made_bench(job, workspace, _asked(journal, live), progress, meter) as bench,
    ):
        made = replace(bench, trusted=job.foreign.trusted) if job.foreign else bench
        made.stop.ends(job.github.hurry)  # the runner does not wait
        outcome = generate(request, made, run, job.told, thread=(*job.thread, *earlier.told(job.earlier, workspace)))
        checked.end(forks.named(outcome, workspace, job.foreign) if job.foreign else outcome)
    asides = (*checked.asides.values(), *job.told.asides, *signing.unused(job))
    return replace(outcome, asides=asides, recording=journal.text)


def _newer(job: Job, workspace: GitWorkspace, clone: Path, request: Request) -> str | None:
    """Where somebody has moved the branch on to; None when it did not go on from where it was."""
    now = job.remote.fetch(clone, f"refs/heads/{request.head}", to=f"refs/greenloop/seen/{request.key}")
    before = () if now is None else workspace.history(now, 40)
    return now if now != request.base and request.base in {info.sha for info in before} else None


def _asked(journal: Journal, live: Model) -> Model:
    return Replay.of(journal.before, name=live.name, then=live) if journal.before else live


@contextmanager
def counted(job: Job, request: Request, workspace: GitWorkspace, clone: Path) -> Iterator[tuple[Model, Meter]]:
    """The model, with a memory and, where limits are set, with the repository's ledger; and what counts its other
    calls. A dry run spends as well."""
    about = account(job.settings, requester=request.actor, repository=request.repository, run=request.key)
    ledger = RefLedger(workspace, job.remote, clone, about) if about.limited else None
    try:
        live = within(job.model, ledger)
        meter = Meter(request=request, audit=Audit(database(job.places.state)), ledger=ledger)
        yield remembering(live, request, job.settings, job.places), meter
    finally:
        if ledger is not None:
            ledger.close()


def made_bench(
    job: Job, workspace: GitWorkspace, model: Model, progress: OnProgress, meter: Meter | None = None
) -> AbstractContextManager[Workbench]:
    """What goes on stands in the job's log as well."""
    log = Terminal(job.settings.attempts)

    def both(event: Progress) -> None:
        log(event)
        progress(event)

    box = open_sandbox(job.sandbox, cache=job.cache)
    return bench(
        workspace,
        job.settings,
        model,
        both,
        box=box,
        cache=job.cache,
        temp=job.temp,
        beyond=Outside(server=job.remote.url, token=job.remote.token),
        meter=meter,
        rules=workspace.tree(workspace.resolve(f"refs/heads/{job.rules}")) if job.rules else None,
    )


@contextmanager
def private(temp: Path) -> Iterator[Path]:
    """A folder that only we can enter, gone afterwards."""
    folder = Path(mkdtemp(prefix="greenloop-clone-", dir=temp))
    try:
        yield folder
    finally:
        rmtree(folder, ignore_errors=True)
