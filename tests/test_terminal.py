"""Progress for people: plain lines without a terminal, one live line with one, and never an escape sequence."""

from __future__ import annotations

import io
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from greenloop.domain import Reason, Usage
from greenloop.forge.terminal import Files, Terminal, document, printable
from greenloop.ports import Progress
from greenloop.report.render import closing
from greenloop.stopping import Stop, Stopped
from program import environment, run
from values import outcome, request


def test_plain_lines_tell_attempt_phase_tokens_and_cost() -> None:
    stream, now = io.StringIO(), [0.0]
    used = Usage(calls=1, input=812, output=90, cost=0.0042)
    with Terminal(4, stream, clock=lambda: now[0]) as tell:
        tell(Progress(phase="baseline"))
        tell(Progress(phase="model", attempt=1))
        tell(Progress(phase="reply", detail="abc", attempt=1))
        now[0] = 11.0
        tell(Progress(phase="reply", detail="defg", attempt=1))
        tell(Progress(phase="judged", attempt=1, detail="green\x1b[2J, proven\n::set-output", usage=used))
    assert stream.getvalue().splitlines() == [
        "greenloop: running the checks on the base",
        "greenloop: attempt 1/4: asking the model",
        "greenloop: attempt 1/4: the model answers: 7 characters so far",
        "greenloop: attempt 1/4: judged: green [2J, proven :\u200b:set-output [812 tokens in, 90 out, $0.0042]",
    ]


def test_a_terminal_gets_a_live_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    master, slave = pty.openpty()
    with os.fdopen(slave, "w", encoding="utf-8") as stream, Terminal(2, stream) as tell:
        tell(Progress(phase="checks", attempt=1, detail="fix"))
        tell(Progress(phase="reply", attempt=1, detail="x"))
        tell(Progress(phase="judged", attempt=1, detail="not green"))
    shown = read_all(master)
    assert b"greenloop: attempt 1/2: judged: not green" in shown


def test_printable_keeps_words_only() -> None:
    assert printable("a\x1b]0;x\x07b\u202e") == "a ]0;x b"


def test_a_proposal_is_a_file(tmp_path: Path) -> None:
    where = Files(tmp_path).propose(request(), branch="b", title="retry", body="body\n", draft=True)
    assert Path(where).read_text("utf-8") == "# Draft: retry\n\nbody\n"


def test_the_first_signal_counts_and_waits_for_a_safe_place() -> None:
    before = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)}
    ended: list[int] = []
    stop = Stop()
    stop.ends(lambda: ended.append(1))
    try:
        stop.install()
        stop.check()
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        assert ended == [1]
        with pytest.raises(Stopped):
            stop.check()
        with pytest.raises(Stopped), stop.waiting():
            pytest.fail("a call begins after a stop")
        waiting = Stop()
        waiting.install()
        with pytest.raises(Stopped), waiting.waiting():
            signal.raise_signal(signal.SIGINT)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


EARLY = """
import greenloop.cli, greenloop.__main__

def run(_):
    raise KeyboardInterrupt

greenloop.cli.run = run
raise SystemExit(greenloop.__main__.main(["init"]))
"""


def test_ctrl_c_before_anything_is_at_work_is_no_traceback(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", EARLY], cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "greenloop: stopped\n")


def test_a_terminal_that_knows_ascii_alone_ends_nothing(tmp_path: Path) -> None:
    done = run("generate", "--help", cwd=tmp_path, PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr, r"greenloop/\u2026 by the" in done.stdout) == (0, "", True)


ENDS = """
import atexit, sys, greenloop.cli, greenloop.__main__

def run(given):
    atexit.register(print, "and this at the end")
    print(*given)
    return 7

greenloop.cli.run = run
raise SystemExit(greenloop.__main__.main())
"""


@pytest.mark.parametrize(
    ("place", "code", "said"), [("told", 7, "a word\nand this at the end\n"), ("/dev/full", 120, "")]
)
def test_the_quick_end_says_all_that_there_is_and_what_cannot_be_said_is_no_success(
    tmp_path: Path, place: str, code: int, said: str
) -> None:
    with (tmp_path / place).open("w+") as out:
        argv = [sys.executable, "-c", ENDS, "a word"]
        done = subprocess.run(
            argv, cwd=tmp_path, env=environment(), stdout=out, stderr=subprocess.PIPE, text=True, check=False
        )
        assert (done.returncode, "No space left" in done.stderr) == (code, code == 120)
        assert place == "/dev/full" or (tmp_path / place).read_text() == said


def test_what_stopped_before_the_first_attempt_has_kept_none() -> None:
    told = closing(replace(outcome(reason=Reason.STOPPED), branch=None))
    assert told == "stopped: Stopped on request, before the first attempt."


FULL = """
import errno, greenloop.cli

def nothing_fits(_):
    raise OSError(errno.ENOSPC, "No space left on device", "runs/recording.jsonl")

greenloop.cli._init = nothing_fits
raise SystemExit(greenloop.cli.run(["init"]))
"""


def test_a_full_disk_is_no_traceback(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL], cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False
    )
    told = "No space left on device (runs/recording.jsonl). Make room there, or give the permission, and run the same"
    assert (done.returncode, done.stderr) == (1, f"greenloop: {told} command again.\n")


def read_all(end: int) -> bytes:
    shown = b""
    with suppress(OSError):  # its end: nobody has the other side any more
        while piece := os.read(end, 65536):
            shown += piece
    os.close(end)
    return shown


@pytest.mark.parametrize("ends", [pty.openpty, os.pipe])
def test_a_report_is_laid_out_on_a_terminal_and_is_markdown_elsewhere(
    ends: Callable[[], tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    text = "### Attempts\n\n| # | change |\n|---|---|\n| **1** | test\\_total `a*b` |\n"
    mine, its = ends()
    with os.fdopen(its, "w", encoding="utf-8") as stream:
        monkeypatch.setattr("sys.stdout", stream)
        document(text)
    shown = re.sub(r"\x1b\[[0-9;]*m", "", read_all(mine).decode())
    if ends is os.pipe:
        assert shown == text
    else:
        words = [line.split() for line in shown.splitlines() if line.strip(" \u2500")]
        assert words == [["Attempts"], ["#", "change"], ["1", "test_total", "a*b"]]
