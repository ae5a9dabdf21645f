"""The step's program with something else in the place of what a request leads to: `drive.py WHAT`.

Everything around it is real. `WHAT` is a function below.
"""

from __future__ import annotations

# ruff: noqa: T201 - what is printed here is what a run might print
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from greenloop.action import main
from greenloop.action.inputs import Inputs, Runner
from greenloop.domain import Evidence, Finding, Outcome, Reason, Request, Severity, Usage, Verdict
from greenloop.errors import ModelUnreachable, Refused

sys.path.append(str(Path(__file__).parents[1]))  # it is run by path
from values import attempt

HOSTILE = "x\n::set-output name=status::green\n::add-mask::a\n##[error]forged\r::error::forged\nstatus=green\nEOF\n"


def hostile(request: Request, _inputs: Inputs, _runner: Runner, _payload: Mapping[str, Any]) -> Outcome:
    """A model and tests that write everything that could be a command, and onto both streams."""
    print(HOSTILE, end="")
    print(HOSTILE + "::error::left open", end="", file=sys.stderr)
    subprocess.run(["printf", HOSTILE], check=True)
    findings = [
        Finding(check="ru,ff", rule="F:1", message=f"{n} 100%25\r\n::error::{HOSTILE}", path="a,b:c\n.py", line=n)
        for n in range(1, 31)
    ]
    findings += [replace(f, severity=Severity.WARNING) for f in findings] + [
        Finding(check="bandit", rule="", message="a note", severity=Severity.NOTE)
    ]
    made = attempt(1, green=False, summary=HOSTILE)
    verdict = Verdict(green=False, evidence=Evidence.PROVEN, own_proof=(HOSTILE,), new=tuple(findings))
    made = replace(made, verdict=verdict)
    return Outcome(
        request=request,
        reason=Reason.IMPROVED,
        attempts=(made,),
        best=made,
        branch=f"greenloop/{HOSTILE}",
        detail=HOSTILE,
        url="https://github.example/o/r/pull/31",
        usage=Usage(calls=2, input=1000, output=200, cost=0.0125),
        model="m",
    )


def huge(request: Request, _inputs: Inputs, _runner: Runner, _payload: Mapping[str, Any]) -> Outcome:
    return Outcome(request=request, reason=Reason.ANSWERED, answer="````\n" + "är\n" * 1_000_000)


def spoken(request: Request, inputs: Inputs, _runner: Runner, _payload: Mapping[str, Any]) -> Outcome:
    """Both secrets wherever text can go, and a look at what other processes would get."""
    told = f"{inputs.token} and {inputs.api_key}"
    inherited = subprocess.run(["env"], check=True, capture_output=True, text=True).stdout
    print(told, repr(inputs), repr(dict(os.environ)), inherited)
    made = attempt(1, green=False, summary=told)
    finding = Finding(check="pytest", rule="r", message=told, path=f"{inputs.api_key}.py")
    made = replace(made, verdict=replace(made.verdict, new=(finding,), why=(told,)))
    return Outcome(
        request=request, reason=Reason.UNCHANGED, attempts=(made,), best=made, detail=told, branch=told, omitted=(told,)
    )


def spoken_error(_request: Request, inputs: Inputs, _runner: Runner, _payload: Mapping[str, Any]) -> NoReturn:
    raise ModelUnreachable(f"key {inputs.api_key} refused")


def spoken_defect(_request: Request, inputs: Inputs, _runner: Runner, _payload: Mapping[str, Any]) -> NoReturn:
    print("::error::forged")
    raise RuntimeError(f"{inputs.token} {inputs.api_key}\n::error::forged")


def stranger(request: Request, _inputs: Inputs, _runner: Runner, _payload: Mapping[str, Any]) -> Outcome:
    return Outcome(request=request, reason=Reason.REFUSED, detail="eve may not.")


def refused(_request: Request, _inputs: Inputs, _runner: Runner, _payload: Mapping[str, Any]) -> NoReturn:
    raise Refused("An edited comment is no order.")


def seen(request: Request, inputs: Inputs, runner: Runner, _payload: Mapping[str, Any]) -> Outcome:
    told = f"{request}\n{inputs}\n{inputs.token} {inputs.api_key}\n{runner}"
    return Outcome(request=request, reason=Reason.ANSWERED, answer=told)


def waiting(_request: Request, _inputs: Inputs, _runner: Runner, _payload: Mapping[str, Any]) -> NoReturn:
    print("waiting", flush=True)
    while True:
        time.sleep(60)


if __name__ == "__main__":
    sys.exit(main(os.environ, globals()[sys.argv[1]]))
