"""`/review`: a review of ours on a pull request. What it says is in the run's record before it is posted, so that
another runner posts the same, and nobody pays twice."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from greenloop.commands.critique import Critique, critique
from greenloop.commands.journal import REFS, opened
from greenloop.commands.review import ended, review
from greenloop.commands.run import Run
from greenloop.domain import Outcome, Reason
from greenloop.engine.context import Source
from greenloop.errors import Refused
from greenloop.forge.github import LineComment, PullRequest, Remarks
from greenloop.model.keys import split
from greenloop.model.replay import Replay
from greenloop.ports import Chat, Progress, Reply
from greenloop.records import recording
from greenloop.report.answers import Place
from greenloop.report.render import cost
from greenloop.service import record
from greenloop.service.job import HANDLED, counted, locked, made_bench, private
from greenloop.service.lock import LOCKS, Lock
from greenloop.service.work import Job
from greenloop.workspace import GitWorkspace

REVIEW = "review.json"  # in the run's record
ON_PULLS = "A review is of a pull request: say it there."
POSTED = "👀 **The review is done:** {url}"
DEEP = "500"  # commits among which the place is looked for where the branch began


def posted(job: Job, page: str) -> Outcome:
    """The same request again posts what is missing, and nothing twice. `page` is the repository's address."""
    pull, key = job.pull, job.request.key
    if pull is None:
        raise Refused(ON_PULLS)
    there = job.github.reviewed(pull.number, key)
    if there:
        job.told.say(POSTED.format(url=there))
        return Outcome(request=job.request, reason=Reason.ANSWERED, detail=HANDLED, url=there)
    refs = (f"refs/heads/{pull.base_ref}", job.refs[0], REFS + key, LOCKS + key)
    with (
        private(job.temp) as clone,
        job.remote.clone(clone, refs, depth=DEEP) as workspace,
        locked(job, workspace, clone) as lock,
    ):
        job.told.say("⏳ Reading the change…")
        kept = record.read(workspace, key, REVIEW)
        if kept is not None:
            said: Mapping[str, Any] = json.loads(kept)
            outcome = Outcome(request=job.request, reason=Reason.ANSWERED, detail=HANDLED, answer=said["alone"])
        else:
            outcome, said = _Making(job, pull, page, workspace, clone).made(lock)
        if job.dry:
            return outcome
        url = job.github.post_review(pull.number, key, _remarks(said))  # while it is ours alone to do
    job.told.say(POSTED.format(url=url))
    return replace(outcome, url=url)


def base_of(workspace: GitWorkspace, pull: PullRequest) -> str:
    """Where the branch began, as GitHub compares: what others have merged since is no part of the change."""
    return workspace.merge_base(pull.base_sha, pull.head_sha) or workspace.resolve(pull.base_sha)


class _Making:
    def __init__(self, job: Job, pull: PullRequest, page: str, workspace: GitWorkspace, clone: Path) -> None:
        self._job, self._workspace, self._clone = job, workspace, clone
        self._head = pull.head_sha
        self._place = Place(page=page, commit=pull.head_sha)
        self._request = replace(job.request, base=base_of(workspace, pull), head="")

    def made(self, lock: Lock | None) -> tuple[Outcome, Mapping[str, Any]]:
        """The review and its record, which is pushed before this returns."""
        job, workspace, files = self._job, self._workspace, dict[str, bytes]()
        record.restore(workspace, self._request.key)
        secrets = (job.remote.token, *split(job.settings.api_key))
        with opened(workspace.git_dir, self._request.key, fresh=False, secrets=secrets) as journal:
            run = Run(
                workspace,
                self._request,
                journal,
                dry=job.dry,
                publish=self._publish,
                theirs=True,
                beside=lambda _: files,
            )
            run.begin(job.settings, job.model.name)
            outcome, text = self._asked(run, recording.replies(journal.before), lock)
            said = {**asdict(text), "commit": self._head, "alone": text.whole(self._place)}
            files[REVIEW] = json.dumps(said, indent=2).encode()
            return replace(run.close(replace(outcome, answer=said["alone"])), recording=journal.text), said

    def _asked(self, run: Run, paid: tuple[Reply, ...], lock: Lock | None) -> tuple[Outcome, Critique]:
        job, workspace, request = self._job, self._workspace, self._request

        def progress(event: Progress) -> None:
            job.told(event)
            if lock is not None:
                lock.renew()

        def note(chat: Chat, reply: Reply) -> None:
            run.note(recording.replied(reply, attempt=1, prompt=recording.prompt_sha256(chat)))

        with (
            counted(job, request, workspace, self._clone) as (live, meter),
            made_bench(
                job, workspace, Replay(paid, name=live.name, then=live) if paid else live, progress, meter
            ) as bench,
        ):
            tree = workspace.tree(self._head)
            reviewed = review(request, tree, bench, name=self._head, thread=job.thread, note=note)
            outcome = ended(request, reviewed, bench)
        source = Source(workspace, tree, job.settings)

        def lines(path: str) -> int:
            return len((source.text(path) or "").splitlines())

        return outcome, critique(reviewed, self._place, lines, foot=cost(outcome))

    def _publish(self, sha: str, ref: str, expected: str | None) -> None:
        self._job.remote.push(self._clone, sha, ref, expected=expected)


def _remarks(said: Mapping[str, Any]) -> Remarks:
    rows = (LineComment(path=r["path"], line=int(r["line"]), body=r["body"]) for r in said["remarks"])
    return Remarks(commit=said["commit"], body=said["body"], comments=tuple(rows), alone=said["alone"])
