"""A Python that keeps its state, confined in every way that a run is."""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from greenloop.errors import NoSandbox, UsageError
from greenloop.ports import Cell, Policy, Repl
from greenloop.sandbox import open_sandbox, view

Start = Callable[..., Repl]


@pytest.fixture
def start(here: Any) -> Iterator[Start]:
    begun: list[Repl] = []

    def start_(choice: str = "auto", **policy: Any) -> Repl:
        given: dict[str, Any] = {"writable": (here.work,), "seconds": 60.0} | policy
        begun.append(open_sandbox(choice).repl(cwd=here.work, policy=Policy(**given)))
        return begun[-1]

    yield start_
    for repl in begun:
        repl.close()


def told(cell: Cell) -> tuple[str, str | None, str | None, str | None]:
    last = cell.error.splitlines()[-1] if cell.error else None
    return cell.output, cell.result, last, cell.killed_by


def test_cells_share_their_state_and_survive_errors(start: Start, here: Any) -> None:
    (here.work / "beside.py").write_text("x = 7\n")
    python = start(environment={"PYTHONPATH": str(here.work)})
    cells = {
        "import os, beside; n = 6": ("", None, None, None),
        "print('said'); os.system('echo more >&2'); n * beside.x": ("said\nmore\n", "42", None, None),
        "_": ("", "42", None, None),
        "n +": ("", None, "SyntaxError: invalid syntax", None),
        "def f():\n    return 1 / 0\nf()": ("", None, "ZeroDivisionError: division by zero", None),
        "import sys; sys.exit(3)": ("", None, "SystemExit: 3", None),
        "input()": ("", None, "EOFError: EOF when reading a line", None),
        "raise KeyboardInterrupt": ("", None, "KeyboardInterrupt", None),
        "class Bad:\n    def __repr__(self): raise ValueError('no')\nBad()": ("", None, "ValueError: no", None),
        "os.fork() and os.wait() and None": ("", None, None, None),  # the child comes back to nothing
        "sys.stdout = None; n": ("", "6", None, None),
        "'\\ud800'.join('ab')": ("", "'a\\ud800b'", None, None),
        "": ("", None, None, None),
    }
    assert {source: told(python.run(source)) for source in cells} == cells
    error = [
        line for line in (python.run("f()").error or "").splitlines() if line.strip(" ~^")
    ]  # marks differ by version
    assert error == [
        "Traceback (most recent call last):",
        '  File "<cell 14>", line 1, in <module>',
        "    f()",
        '  File "<cell 5>", line 2, in f',
        "    return 1 / 0",
        "ZeroDivisionError: division by zero",
    ]


def test_what_it_uses_is_measured_from_outside(start: Start) -> None:
    python = start()
    idle = python.run("1")
    large = python.run("x = bytearray(150 << 20)")
    after = python.run("del x")
    assert large.peak_memory - idle.peak_memory > 140
    assert after.peak_memory < large.peak_memory
    assert 0 < idle.seconds < 60


def test_a_limit_ends_it_and_it_begins_anew(start: Start) -> None:
    python = start(seconds=0.5)
    python.run("x = 1")
    assert told(python.run("print('here', flush=True)\nimport time; time.sleep(9)")) == ("here\n", None, None, "time")
    assert not python.alive
    with pytest.raises(UsageError, match="the REPL has ended; restart it"):
        python.run("x")
    python.restart()
    assert python.run("'x' in dir()").result == "False"
    python = start(memory=300)
    assert python.run("y = bytearray(600 << 20); import time; time.sleep(30)").killed_by == "memory"
    python.restart()
    assert told(python.run("import os; print('bye'); os._exit(3)")) == ("bye\n", None, None, "exit")
    python.restart()
    assert python.run("'x' * 3_000_000").result == f"'{'x' * 524287} … {'x' * 524287}'"
    cut = python.run("print('y' * 2_000_000)")
    between = "\n… 918657 bytes left out …\n"
    assert (cut.output, cut.truncated) == ("y" * (1 << 20) + between + "y" * ((1 << 15) - 1) + "\n", True)
    assert told(python.run("print('z')")) == ("z\n", None, None, None)


def test_what_a_cell_writes_is_never_an_answer(start: Start) -> None:
    python = start()
    forged = '{"result": "forged", "error": null}'
    line = f"ready {len(forged)}\\n{forged}"
    assert told(python.run(f"import os\nos.write(1, b'''{line}''')\n6"))[1] == "6"
    everywhere = f"for n in range(3, 4096):\n    try: os.write(n, b'''{line}''')\n    except OSError: pass\n"
    everywhere += "while True: pass"  # no true answer behind it
    assert told(python.run(everywhere)) == ("", None, None, "forged")
    assert not python.alive


def system_only() -> view.View:
    return functools.reduce(view.View.__add__, map(view.look, (*view._SYSTEM, *view._SETTINGS)))


@pytest.mark.parametrize("choice", ["namespaces", "uid"])
def test_it_is_confined_as_a_run_is(start: Start, here: Any, choice: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if choice == "uid":
        if os.geteuid() != 0 or not Path("/usr/bin/python3").exists():
            pytest.skip("only root can become somebody else, and needs a Python that others may run")
        monkeypatch.setattr(view, "_always", system_only)
        (here.work / "python3").symlink_to("/usr/bin/python3")
    python = start(choice, path=(here.work,))
    secret = here.outside / "secret"
    secret.write_text("token")
    secret.chmod(0o666)
    attacks = {
        "import os, socket; socket.socket(socket.AF_UNIX)": {"PermissionError"},
        f"open({str(secret)!r}).read()": {"PermissionError", "FileNotFoundError"},
        f"open('/proc/{os.getpid()}/environ').read()": {"PermissionError", "FileNotFoundError"},
        "os.setresuid(0, 0, 0)": {"PermissionError", "OSError"},
    }
    for attack, words in attacks.items():
        error = python.run(attack).error
        assert error is not None
        assert error.splitlines()[-1].split(":")[0] in words
    given = python.run("sorted(os.environ)").result
    assert given == str(["HOME", "LANG", "LOGNAME", "PATH", "TMPDIR", "USER"])


def test_its_end_is_told_to_who_waits_and_leaves_nothing(start: Start, here: Any) -> None:
    os.mkfifo(here.work / "pipe")
    end = os.open(here.work / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    python = start()
    python.run("import os, time; pipe = os.open('pipe', os.O_WRONLY); os.write(pipe, b'x')")
    os.set_blocking(end, True)
    assert os.read(end, 1) == b"x"
    python.close()
    assert os.read(end, 1) == b""
    os.close(end)
    with pytest.raises(UsageError, match="has ended"):
        python.run("1")
    box = open_sandbox()
    other = box.repl(cwd=here.work, policy=Policy(writable=(here.work,)))
    ended: list[Cell] = []
    thread = threading.Thread(target=lambda: ended.append(other.run("import time; time.sleep(60)")))
    thread.start()
    box.stop()
    thread.join()
    assert [told(cell) for cell in ended] == [("", None, None, "stopped")]


def test_a_python_that_does_not_start_is_told(here: Any) -> None:
    (here.work / "python3").write_text("#!/bin/sh\necho no >&2\nexit 3\n")
    (here.work / "python3").chmod(0o755)
    with pytest.raises(NoSandbox, match=r"^the Python of the REPL did not start: no$"):
        open_sandbox().repl(cwd=here.work, policy=Policy(writable=(here.work,), path=(here.work,)))
