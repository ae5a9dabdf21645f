"""A step that is for us, from its first line in the log to its exit code."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

from greenloop.action import ended, lines, outputs
from greenloop.action.ended import Ended
from greenloop.action.inputs import Runner, Secrets, read_inputs
from greenloop.domain import Reason, Request
from greenloop.errors import GreenloopError
from greenloop.hygiene.clean import clean
from greenloop.hygiene.redact import redact
from greenloop.stopping import Stopped

if TYPE_CHECKING:
    from greenloop.action import Handle

STOPPED = "The job was stopped before anything was made."


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request, and everything it came with."""

    request: Request
    payload: Mapping[str, Any]
    environ: Mapping[str, str]
    runner: Runner


def fail(error: GreenloopError, runner: Runner, secrets: Secrets) -> int:
    """The step ends before it is known what is asked."""
    _open(secrets)
    return _report(_failed(error, None, secrets.values()), runner)


def play(call: Call, secrets: Secrets, handle: Handle | None = None) -> int:
    """Do what is asked; whatever is printed meanwhile is text and no command to the runner."""
    _open(secrets)
    _on_signal(_halt)
    with _only_text():
        end = _ended(call, secrets, handle)
    _on_signal(signal.SIG_IGN)  # milliseconds are left, and they are for what is known
    if end is None:
        return outputs.pass_by(call.runner)
    return _report(end, call.runner)


def _ended(call: Call, secrets: Secrets, handle: Handle | None) -> Ended | None:
    """None: the repository's settings say that the event is not for us."""
    keys = secrets.values()
    request = clean(call.request, keys)
    try:
        inputs = read_inputs(call.environ, secrets)
        outcome = (handle or _service())(call.request, inputs, call.runner, call.payload)
        if outcome is None:
            return None
        return ended.of(clean(outcome, keys))
    except GreenloopError as error:
        return _failed(error, request, keys)
    except Stopped:
        return ended.without_outcome(Reason.STOPPED, STOPPED, request)
    except Exception as error:  # noqa: BLE001 - a defect of ours also ends with outputs, summary and exit code
        sys.stdout.write(redact(traceback.format_exc(), keys))
        detail = redact(f"{type(error).__name__}: {error}", keys)
        return ended.without_outcome(Reason.FAILED, detail, request)


def _failed(error: GreenloopError, request: Request | None, keys: tuple[str, ...]) -> Ended:
    reason = next((r for r in Reason if r.exit_code == error.exit_code), Reason.FAILED)
    return ended.without_outcome(reason, redact(str(error), keys), request)


def _service() -> Handle:
    from greenloop import service  # noqa: PLC0415 - not needed when something stands in for it

    return service.handle


def _open(secrets: Secrets) -> None:
    """One stream, so that the runner reads lines in the order in which they were written; masks come first."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]
    os.dup2(sys.stdout.fileno(), sys.stderr.fileno())  # last: what was a file has no place then
    _say(*lines.masks(secrets.values()))


def _say(*told: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in told))
    sys.stdout.flush()


@contextmanager
def _only_text() -> Iterator[None]:
    token = os.urandom(16).hex()
    _say(lines.command("stop-commands", token))
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        _say("", f"::{token}::")  # a line of its own, even when the last one was left open


def _report(end: Ended, runner: Runner) -> int:
    """All of it from one value, so that nothing says what another does not. Returns the exit code."""
    kept, trouble = outputs.keep(runner.workspace, end.files)
    troubles = (
        trouble,
        outputs.write_outputs(runner.output_path, outputs.of(end.result, kept)),
        outputs.write_summary(runner.summary_path, end.summary),
    )
    told = [lines.command("warning", text, title="greenloop") for text in troubles if text]
    kind = "error" if end.code else "notice"
    last = lines.command(kind, end.sentence, title="greenloop")
    _say(*told, *lines.notes(end.findings, taken=(kind, *["warning"] * len(told))), last)
    return end.code


def _on_signal(what: Any) -> None:  # noqa: ANN401 - as signal.signal takes it
    """SIGINT and SIGTERM: the container's first process has no default for either."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, what)


def _halt(_number: int, _frame: FrameType | None) -> NoReturn:
    """Until the run has a handler of its own."""
    raise Stopped
