"""What being confined costs, beside bare, bubblewrap and `podman run`, and one cell of the REPL beside a bare one.

.venv/bin/python bench/sandbox.py

The ways take turns within one run, so that load falls on all alike; compare the ratios. bubblewrap is called by hand
with a view as ours; it has no filter, no watchdog and no limits. podman needs root here; its image is empty, and the
files are the machine's own, read-only. What is not installed, or does not run, is told and left out.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from greenloop.ports import Policy
from greenloop.sandbox import open_sandbox

PYTHON = sys.executable
PASS = (PYTHON, "-c", "pass")
TEST = (PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_one.py")
RUNS, TESTS, CELLS = 21, 5, 300
ALLOWED_RUN, ALLOWED_CELL = 0.100, 0.005  # seconds above bare
SHOWN = ("/usr", "/bin", "/lib", "/lib64", "/etc/ld.so.cache", sys.prefix, sys.base_prefix)
LIMITS = (
    "--ulimit",
    "nofile=1024:1024",
    "--ulimit",
    "nproc=1000:1000",
)  # podman's own are more than some machines give

Run = Callable[[tuple[str, ...]], None]


def bare(folder: Path) -> Run:
    def run(argv: tuple[str, ...]) -> None:
        subprocess.run(
            argv, cwd=folder, env={"PATH": "/usr/bin"}, stdin=subprocess.DEVNULL, capture_output=True, check=True
        )

    return run


def ours(folder: Path, choice: str) -> Run:
    box = open_sandbox(choice)

    def run(argv: tuple[str, ...]) -> None:
        done = box.run(argv, cwd=folder, policy=Policy(writable=(folder,)))
        assert done.exit_code == 0, done

    return run


def bubblewrap(folder: Path) -> Run:
    shown = [word for path in SHOWN if Path(path).exists() for word in ("--ro-bind", path, path)]
    empty = ("--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp")  # noqa: S108 - its own
    made = ["--unshare-all", "--new-session", "--die-with-parent", *empty]
    words = ("bwrap", *made, *shown, "--bind", str(folder), str(folder), "--chdir", str(folder))
    return lambda argv: bare(folder)((*words, *argv))


def podman(folder: Path, store: Path) -> Run:
    base = ("podman", "--root", str(store / "store"), "--runroot", str(store / "run"))
    subprocess.run(
        [*base, "import", "-q", "-", "localhost/nothing"], input=bytes(10240), check=True, capture_output=True
    )
    shown = [word for path in SHOWN if Path(path).exists() for word in ("-v", f"{path}:{path}:ro")]
    runtime = ("--runtime", shutil.which("runc") or "crun", "--network", "none", "--read-only", "--cap-drop", "ALL")
    words = (*base, "run", "--rm", *runtime, *LIMITS, *shown, "-v", f"{folder}:{folder}", "-w", str(folder))
    return lambda argv: bare(folder)((*words, "localhost/nothing", *argv))


def measured(ways: dict[str, Run], argv: tuple[str, ...], runs: int) -> dict[str, list[float]]:
    """Seconds of each way, in turns; the first round is not counted."""
    taken: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(runs + 1):
        for way, run in ways.items():
            begun = time.perf_counter()
            run(argv)
            taken[way].append(time.perf_counter() - begun)
    return {way: seconds[1:] for way, seconds in taken.items()}


def table(title: str, taken: dict[str, list[float]]) -> dict[str, float]:
    middle = {way: median(seconds) for way, seconds in taken.items()}
    print(f"| {title} | median ms | least ms | above bare ms | ratio to bare |\n|---|---|---|---|---|")
    for way, seconds in taken.items():
        above, ratio = middle[way] - middle["bare"], middle[way] / middle["bare"]
        print(f"| {way} | {middle[way] * 1e3:.2f} | {min(seconds) * 1e3:.2f} | {above * 1e3:.2f} | {ratio:.1f} |")
    print()
    return middle


def cells(folder: Path) -> dict[str, list[float]]:
    """A bare cell is the same program outside: its pipes cost it as much."""
    program = Path(sys.modules["greenloop.sandbox"].__file__ or "").with_name("cells.py")
    there, orders = os.pipe()
    answers, here = os.pipe()
    argv = [PYTHON, "-I", "-c", program.read_text(), str(there), str(here), "4096"]
    taken: dict[str, list[float]] = {"bare": [], "greenloop": []}
    with subprocess.Popen(
        argv, pass_fds=(there, here), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, cwd=folder
    ) as process:
        os.read(answers, 4096)
        repl = open_sandbox().repl(cwd=folder, policy=Policy(writable=(folder,)))
        for _ in range(CELLS):
            begun = time.perf_counter()
            os.write(orders, b"token 5\n1 + 1")
            os.read(answers, 4096)
            taken["bare"].append(time.perf_counter() - begun)
            begun = time.perf_counter()
            repl.run("1 + 1")
            taken["greenloop"].append(time.perf_counter() - begun)
        repl.close()
        os.close(orders)
        process.terminate()
    return taken


def main() -> int:
    load, release = os.getloadavg()[0], os.uname().release
    print(f"{os.cpu_count()} cores, load {load:.1f}, Linux {release}, Python {sys.version.split()[0]}\n")
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="greenloop-bench-")))
        store = Path(stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
        (folder / "test_one.py").write_text("def test_one():\n    assert True\n")
        made: dict[str, Callable[[], Run]] = {
            "bare": lambda: bare(folder),
            "greenloop, namespaces": lambda: ours(folder, "namespaces"),
            "greenloop, uid": lambda: ours(folder, "uid"),
            "bubblewrap": lambda: bubblewrap(folder),
            "podman run": lambda: podman(folder, store),
        }
        ways: dict[str, Run] = {}
        for way, make in made.items():
            try:
                run = make()
                run(PASS)
            except Exception as error:  # noqa: BLE001 - told, and left out
                said = getattr(error, "stderr", None) or str(error).partition("\n  ")[2] or str(error)
                text = said.decode() if isinstance(said, bytes) else said
                print(f"{way}: not measured: {(text.strip().splitlines() or ['?'])[0][:160]}\n")
            else:
                ways[way] = run
        run_ = table("`python -c pass`", measured(ways, PASS, RUNS))
        if importlib.util.find_spec("pytest"):
            table("`pytest`, one test", measured(ways, TEST, TESTS))
        cell = table("one cell, `1 + 1`", cells(folder))
        worst = max(run_[way] for way in run_ if way.startswith("greenloop")) - run_["bare"]
        good = worst <= ALLOWED_RUN and cell["greenloop"] - cell["bare"] <= ALLOWED_CELL
        allowed = f"{ALLOWED_RUN * 1e3:.0f} ms a run, {ALLOWED_CELL * 1e3:.0f} ms a cell"
        print(f"allowed above bare: {allowed}: {'held' if good else 'NOT HELD'}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
