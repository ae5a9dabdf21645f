"""What the one comment of a run says while it goes on and when it has ended, and what the text of a pull request says
beside the report that a terminal has as well. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from greenloop.domain import Outcome, Reason, Usage
from greenloop.orders import Words
from greenloop.report import patches, render
from greenloop.settings import Settings

FAILED = "🔴 "  # what ends without an outcome begins with it
NEXT = {
    Reason.IMPROVED: "Say what is missing in a new comment there, after `/generate`, or take the draft over by hand.",
    Reason.UNCHANGED: "Ask again in a new comment, and name the file, the function or the test that it is about.",
    Reason.NOT_GREEN: "`/generate` and what is to be mended, in a new comment, starts work on it.",
    Reason.OUT_OF_BUDGET: "Ask for less at once, or raise `max_cost`, `max_tokens` or `max_minutes` in the settings.",
    Reason.BROKEN_ENVIRONMENT: "Set `install_command` or `test_command`, so that the tests can run, and ask again.",
    Reason.MODEL_UNREACHABLE: "Look at `model`, `api_base` and the key, then run the job again: it goes on from here.",
    Reason.NOT_PUSHED: "When the cause is out of the way, ask again in a new comment.",
    Reason.STOPPED: "`/continue` in a new comment goes on from here.",
}
PROPOSED = "Look at the pull request and merge it. To have something changed, comment `/refactor` and what, there."
ON_BRANCH = "The commits are on this branch. To have more changed, comment `/refactor` and what, or submit a review."
PATCHED = (
    "Apply the patch to the fork's branch, or ask its contributor to. `/generate --pull-request` makes a branch and a "
    "pull request here instead."
)
GO_ON = (
    "Comment `/refactor` and what is to be different. A review that requests changes does the same: each thread is "
    "answered, and commits are added here. `/evaluate` runs the checks again."
)
ADVICE_PENDING = (
    "This was pushed with the job's own token, so the repository's workflows do not start by themselves: *Approve "
    "workflows to run* stands beside the checks below. Where it does not, close the pull request and open it again."
)
ADVICE_SECRETS = (
    "This was pushed with a token of its own, so the repository's workflows start by themselves, on generated code and "
    "with the secrets that they have."
)


@dataclass(frozen=True, slots=True)
class Row:
    """An attempt as far as it is known."""

    number: int
    change: str
    result: str  # "" while it is not known


@dataclass(frozen=True, slots=True, kw_only=True)
class Going:
    """A run that goes on. `minutes` are those since it began."""

    now: str
    rows: tuple[Row, ...] = ()
    used: Usage
    minutes: float
    settings: Settings | None
    run_url: str


def going(run: Going) -> str:
    rows = ["| # | change | result |", "|---|---|---|"] + [_row(row) for row in run.rows]
    link = f"[Workflow run]({run.run_url})" if run.run_url else ""
    parts = [f"⏳ **{run.now}…**", "\n".join(rows) if run.rows else "", " ".join(p for p in (_spent(run), link) if p)]
    return "\n\n".join(part for part in parts if part)


def _row(row: Row) -> str:
    light = "⏳" if not row.result else "🟢" if row.result.startswith("green") else "🔴"
    return f"| {row.number} | {render.inert(row.change, 100)} | {light} {render.inert(row.result, 160)} |"


def _spent(run: Going) -> str:
    """Of each limit, what is used."""
    if run.settings is None:
        return ""
    tokens = run.used.input + run.used.output
    cost = "no known price" if run.used.cost is None else f"${run.used.cost:.2f} of ${run.settings.max_cost:.2f}"
    return (
        f"Used: {tokens:,} of {run.settings.max_tokens:,} tokens, {cost}, "
        f"{run.minutes:.0f} of {run.settings.max_minutes:.0f} minutes."
    )


def ended(outcome: Outcome, names: Words, *, advice: str = "", run_url: str = "", on_pull: bool = False) -> str:
    """The last words of a run."""
    light = "🟢" if outcome.reason.exit_code == 0 else "🟡" if outcome.reason is Reason.IMPROVED else "🔴"
    parts = [
        f"{light} **{outcome.reason.sentence}** {render.evidence(outcome.best)}".strip(),
        render.inert(outcome.detail, 1500) if outcome.detail else "",
        _links(outcome.url, run_url),
        advice,
        outcome.answer,  # ours, and inert already
        patches.shown(outcome.patch),
        render.table(outcome.attempts, outcome.best) if outcome.attempts else "",
        render.choice(outcome.attempts),
        render.cost(outcome) if outcome.usage.calls else "",
        _next(outcome, names, on_pull=on_pull, advised=bool(advice)),
    ]
    return "\n\n".join(part for part in parts if part)


def failed(why: str, run_url: str) -> str:
    """What is said when there is no outcome."""
    first, _, rest = why.strip().partition("\n")
    parts = (f"{FAILED}{render.inert(first, 2000)}", render.fenced(rest[:2000]) if rest else "", _links(None, run_url))
    return "\n\n".join(part for part in parts if part)


def _links(url: str | None, run_url: str) -> str:
    return " · ".join(part for part in (url or "", f"[workflow run]({run_url})" if run_url else "") if part)


def _next(outcome: Outcome, names: Words, *, on_pull: bool, advised: bool) -> str:
    said = NEXT.get(outcome.reason, "")
    if outcome.reason is Reason.GREEN and outcome.attempts:
        said = PATCHED if outcome.patch else ON_BRANCH if on_pull else PROPOSED if outcome.url and not advised else ""
    said = names.spoken(said)
    return f"**Next:** {said}" if said else ""


def pushed(*, own_token: bool) -> str:
    """What follows from the token that it was pushed with."""
    return ADVICE_PENDING if own_token else ADVICE_SECRETS


def proposal(body: str, names: Words, *, closes: int | None, own_token: bool, continues: int | None = None) -> str:
    """The text of a pull request: the report, and how to go on from it."""
    parts: Iterable[str] = (
        body.rstrip(),
        f"### How to go on\n\n{names.spoken(GO_ON)}\n\n{pushed(own_token=own_token)}",
        f"Closes #{closes}" if closes is not None else "",
        f"Goes on from #{continues}." if continues is not None else "",
    )
    return "\n\n".join(part for part in parts if part) + "\n"
