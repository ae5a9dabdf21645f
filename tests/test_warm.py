"""That a run of a warm process is one that begins with nothing, in all that a program can see of itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import warm
from program import environment

LOOK = """
import json, locale, os, signal, sys, tempfile, threading, time
print(json.dumps({
    "folder": os.getcwd(), "words": sys.argv, "path": sys.path, "environment": dict(os.environ), "name": __name__,
    "open": sorted(os.listdir("/proc/self/fd"))[:-1], "leads": os.getsid(0) == os.getpgid(0) == os.getpid(),
    "signals": [str(signal.getsignal(n)) for n in signal.valid_signals()], "umask": os.umask(0o22),
    "blocked": [*signal.pthread_sigmask(signal.SIG_BLOCK, [])], "wakes": signal.set_wakeup_fd(-1),
    "streams": [(s.encoding, s.errors, s.line_buffering, s.isatty()) for s in (sys.stdin, sys.stdout, sys.stderr)],
    "read": sys.stdin.read(), "locale": locale.getlocale(), "temporary": tempfile.gettempdir(), "zone": time.tzname,
    "threads": threading.active_count(), "main": threading.current_thread() is threading.main_thread(),
    "flags": str(sys.flags),
}))
print(sys.argv[1], file=sys.stderr)
sys.exit(int(sys.argv[2]))
"""
READ = """
import json, os, sys

class Seen(dict):
    def __getitem__(self, name):
        read.add(name.decode())
        return super().__getitem__(name)

read = set()
os.environ._data = Seen(os.environ._data)
import warm_server
warm_server.load()
print(json.dumps(sorted(read)))
"""
ENDS = {
    "a number": "import sys; sys.exit(7)",
    "a sentence": "import sys; sys.exit('so it is')",
    "an error": "import atexit; atexit.register(print, 'the last'); 1 / 0",
    "a signal": "import os; os.kill(os.getpid(), 9)",
    "an interrupt": "import os; os.kill(os.getpid(), 2)",
    "at once": "import os; os._exit(3)",
}


@pytest.fixture(scope="module")
def server() -> warm.Server:
    return warm.Server()


def cold(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """What `warm.run` does with the first."""
    return subprocess.run(
        [sys.executable, *words],
        env=environment(GREENLOOP_STORE="ü"),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
    )


def seen(done: subprocess.CompletedProcess[str]) -> tuple[int, str, str]:
    return done.returncode, done.stdout, done.stderr.rpartition("\n  File ")[2]


def test_it_sees_what_a_process_of_its_own_sees(server: warm.Server, tmp_path: Path) -> None:
    (tmp_path / "look.py").write_text(LOOK, "utf-8")
    words = (str(tmp_path / "look.py"), "wörter", "5")
    done = [server.run(words, env=environment(GREENLOOP_STORE="ü"), cwd=tmp_path, timeout=60) for _ in range(2)]
    for one in done:
        assert one.returncode == 5
        assert (json.loads(one.stdout), one.stderr) == (json.loads(cold(*words, cwd=tmp_path).stdout), "wörter\n")


@pytest.mark.parametrize("how", ENDS)
def test_it_ends_as_a_process_of_its_own_ends(server: warm.Server, tmp_path: Path, how: str) -> None:
    (tmp_path / "end.py").write_text(f"print('said')\n{ENDS[how]}\n", "utf-8")
    words = (str(tmp_path / "end.py"),)
    assert seen(server.run(words, env=environment(), cwd=tmp_path, timeout=60)) == seen(cold(*words, cwd=tmp_path))


def test_what_does_not_end_is_ended_with_all_that_it_started(server: warm.Server, tmp_path: Path) -> None:
    (tmp_path / "wait.py").write_text("import subprocess\nsubprocess.run(['sleep', '600'])\n", "utf-8")
    with pytest.raises(subprocess.TimeoutExpired):
        server.run((str(tmp_path / "wait.py"),), env=environment(), cwd=tmp_path, timeout=0.5)


def test_nothing_that_may_differ_is_read_once_for_all(tmp_path: Path) -> None:
    path = os.pathsep.join([str(warm.SERVER.parent), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", READ],
        env=warm.USUAL | {"PYTHONPATH": path},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    read = set(json.loads(done.stdout))
    assert {name for name in read if name == "HOME" or name.startswith(warm.FREE)} == set()
    assert "GIT_PYTHON_TRACE" in read


@pytest.mark.parametrize("name", ["PYTHONPATH", "PATH", "LANG", "TZ", "NO_COLOR", "OPENAI_API_KEY", "COVERAGE_X"])
def test_whose_environment_says_more_begins_with_nothing(name: str) -> None:
    assert warm.likely(environment(HOME="x", GITHUB_RUN_ID="1", INPUT_MODEL="m", GREENLOOP_STORE="s"))
    assert not warm.likely(environment(**{name: "x"}))
