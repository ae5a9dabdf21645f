"""Runs of workflows, which are not the runs of greenloop: one of those is at work in one of these."""

from __future__ import annotations

from dataclasses import replace

from greenloop.forge.github.asking import Api
from greenloop.forge.github.errors import Ask, Fault, Missing, foreign
from greenloop.forge.github.logs import ending
from greenloop.forge.github.reading import Json

FAILED = frozenset({"failure", "timed_out"})  # conclusions
_READ = "actions: read"
_OVER = 409  # GitHub's answer when there is nothing to cancel any more


def cancel(api: Api, run: str) -> bool:
    """Ask the workflow run `run` to end: its step gets a signal, and some seconds. False: it has ended already."""
    if not (run.isascii() and run.isdigit()):
        return False
    path = f"{api.repo}/actions/runs/{run}/cancel"
    try:
        api.write(Ask(verb="POST", path=path, doing=f"cancel workflow run {run}", needs="actions: write"))
    except Missing:
        return False
    except Fault as fault:
        if fault.status == _OVER:
            return False
        raise
    return True


def failed_logs(api: Api, run: str, most: int) -> tuple[tuple[str, str], ...]:
    """Name and the end of the log of the jobs that failed in a workflow run."""
    if not (run.isascii() and run.isdigit()):
        return ()
    ask = Ask(path=f"{api.repo}/actions/runs/{run}/jobs", doing=f"read the jobs of workflow run {run}", needs=_READ)
    rows = _rows(api.get(replace(ask, query={"filter": "latest", "per_page": 100})), "jobs")
    return tuple((str(row["name"]), _log(api, int(row["id"]))) for row in rows[:most])


def suite_output(api: Api, suite: str) -> tuple[tuple[str, str], ...]:
    """Name and words of the check runs that failed in a suite of another app's: there is no log of theirs here."""
    if not (suite.isascii() and suite.isdigit()):
        return ()
    path = f"{api.repo}/check-suites/{suite}/check-runs"
    ask = Ask(path=path, doing="read what the checks say", needs="checks: read", query={"per_page": 100})
    return tuple((str(row["name"]), _words(row)) for row in _rows(api.get(ask), "check_runs"))


def _rows(found: object, name: str) -> list[Json]:
    rows = found.get(name) if isinstance(found, dict) else None
    if not isinstance(rows, list):
        raise foreign(f"there are no {name} in the answer")
    return [row for row in rows if isinstance(row, dict) and row.get("conclusion") in FAILED]


def _words(row: Json) -> str:
    output = row.get("output") or {}
    return "\n".join(str(output[name]) for name in ("title", "summary", "text") if output.get(name))


def _log(api: Api, job: int) -> str:
    """GitHub only says where it lies, for a minute; the token is not for that place."""
    ask = Ask(path=f"{api.repo}/actions/jobs/{job}/logs", doing=f"read the log of job {job}", needs=_READ)
    address = api.get(replace(ask, elsewhere=True))
    return api.clean(ending(str(address), near=api.connection.api_url))
