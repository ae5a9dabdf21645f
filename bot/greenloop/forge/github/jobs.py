"""Runs of workflows, which are not the runs of greenloop: one of those is at work in one of these."""

from __future__ import annotations

from greenloop.forge.github.asking import Api
from greenloop.forge.github.errors import Ask, Fault, Missing

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
