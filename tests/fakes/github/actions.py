"""REST: workflow runs. Their logs lie elsewhere, where nobody has a business with the token."""

from __future__ import annotations

from fakes.github.accounts import Json
from fakes.github.call import Call, Reply
from fakes.github.state import Refusal, Repository, not_found


def cancel(call: Call) -> Reply:
    """A workflow run that is over cannot be cancelled."""
    if call.repository.jobs.get(call.number) is None:
        raise not_found()
    end = call.repository.jobs[call.number]
    call.repository.jobs[call.number] = over
    end()
    return Reply(status=202, data={})


def over() -> None:
    """Of a workflow run that has ended."""
    raise Refusal(409, "Cannot cancel a workflow run that is completed.")


def jobs(call: Call) -> Json:
    rows = [job for job in call.repository.logs.values() if job["run_id"] == call.number]
    return {"total_count": len(rows), "jobs": [{k: v for k, v in job.items() if k != "log"} for job in rows]}


def log(call: Call) -> Reply:
    """The address holds for a minute, so it is never the same."""
    if call.number not in call.repository.logs:
        raise not_found()
    address = f"{call.world.url}/logs/{call.repository.full_name}/{call.number}?sig={next(call.world.numbers)}"
    return Reply(status=302, data=None, headers={"Location": address})


def text(repository: Repository, number: int, *, authorized: bool) -> str:
    assert not authorized, "the token was sent to where the logs lie"
    return str(repository.logs[number]["log"])


def suite(call: Call) -> Json:
    rows = [run for run in call.repository.suites if run["suite"] == call.number]
    return {"total_count": len(rows), "check_runs": [{k: v for k, v in run.items() if k != "suite"} for run in rows]}
