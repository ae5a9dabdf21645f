"""The attacks as a table: what each does without the sandbox, and with it, in every way of being confined here.

    make attacks                                       every way that this machine and this user allow
    python tests/sandbox/table.py --ways uid           only this one
    make attacks-numpy                                 with numpy from the package index among the ordinary programs

Exit code 0: nothing worked inside, all ordinary programs did, and what is proven everywhere was proven here.
"""

from __future__ import annotations

import argparse
import contextlib
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
STRANGER = 54321  # a bare number: no account is needed
_SECONDS = 120  # nothing here takes that long
WAYS = ("namespaces", "uid", "ordinary user", "container")
Rows = dict[str, dict[str, str]]  # class → attack → result

if __name__ == "__main__":  # the checkout's package, or a copy of it, or the one that is installed
    sys.path[:0] = [str(HERE.parent), *(str(folder) for folder in [HERE.parents[1] / "bot"] if folder.is_dir())]

from sandbox import stage  # noqa: E402 - where it is found is said above


@contextlib.contextmanager
def prepared(name: str) -> Iterator[tuple[Path, Path]]:
    """A fresh folder to work in and one outside; pytest's own folders are closed to others."""
    base = Path(tempfile.mkdtemp(prefix=f"greenloop-{name}-"))
    try:
        base.chmod(0o755)
        work, outside = base / "work", base / "outside"
        work.mkdir()
        outside.mkdir()
        yield work, outside
    finally:
        subprocess.run(["rm", "-rf", "--", str(base)], check=False)  # deeper than Python's own way can go


class Bare:
    """Nothing confines: what each attack really does."""

    name = "without"

    def run(self, argv: list[str], cwd: Path, *, hold: str = "0", **policy: Any) -> tuple[str, str]:
        environment = dict(os.environ) | stage.TOKENS | {"HOLD": hold} | policy.get("environment", {})
        with tempfile.TemporaryFile("w+") as said:  # no pipe: a daemon would hold it open
            subprocess.run(
                argv,
                cwd=cwd,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.DEVNULL,
                check=False,
                timeout=_SECONDS,
            )
            said.seek(0)
            return said.read(), ""


class Confined:
    """Inside. The level is the sandbox's own word."""

    def __init__(self, choice: str) -> None:
        from greenloop.sandbox import open_sandbox  # noqa: PLC0415 - where it is imported from is an argument

        self.name, self.box = choice, open_sandbox(choice)

    def run(self, argv: list[str], cwd: Path, *, hold: str = "20", **policy: Any) -> tuple[str, str]:
        from greenloop.ports import Policy  # noqa: PLC0415 - likewise

        given: dict[str, Any] = {"writable": (cwd,), "seconds": 60.0, "environment": {"HOLD": hold}} | policy
        done = self.box.run(tuple(argv), cwd=cwd, policy=Policy(**given))
        self.artifacts = done.artifacts
        return done.stdout, done.killed_by or ""


Runner = Bare | Confined


def reached(runner: Runner) -> Rows:
    """The attacks of `attacks.py`."""
    with prepared("reach") as (work, outside):
        stage.bait(outside)
        shutil.copy(stage.ATTACKS, work)
        with stage.listening(outside) as port:
            out, _ = runner.run([sys.executable, "attacks.py", str(outside), str(os.getpid()), str(port)], work)
    told: dict[str, dict[str, bool]] = json.loads(out)
    return {kind: {name: "works" if good else "" for name, good in made.items()} for kind, made in told.items()}


def exhausted(runner: Runner) -> dict[str, str]:
    def one(greed: stage.Greed) -> str:
        with prepared("greed") as (work, _outside):
            out, word = runner.run([sys.executable, "-c", greed.program], work, **greed.policy)
        if word:
            return f"ended: {word}" if word == greed.word else f"WORKS until it is ended: {word}"
        return "works" if "all of it" in out else ""

    with ThreadPoolExecutor(3) as pool:
        return dict(zip((greed.name for greed in stage.GREED), pool.map(one, stage.GREED), strict=True))


def left(runner: Runner) -> dict[str, str]:
    """Who writes into the pipe after the end, and which files are there."""
    told = {}
    for name, source in stage.STAYERS.items():
        with prepared("stay") as (work, _outside):
            os.mkfifo(work / "pipe")
            end = os.open(work / "pipe", os.O_RDONLY | os.O_NONBLOCK)
            runner.run([sys.executable, "-c", source], work)
            told[name] = "works" if _alive(end) else ""
            os.close(end)  # whoever is still there ends by that
    for name, place in stage.LEFTOVERS.items():
        with prepared("leave") as (work, outside):
            path = Path(place.format(f"{outside.parent.name}.left"))
            runner.run([sys.executable, "-c", f"open({str(path)!r}, 'w').write('x')"], work)
            told[name] = "works" if path.exists() else ""
            path.unlink(missing_ok=True)
    return told


def _alive(end: int) -> bool:
    """Whether somebody still holds the other end of the pipe."""
    try:
        while os.read(end, 1 << 16):
            pass
    except BlockingIOError:
        return True
    return False


def smuggled(runner: Runner) -> dict[str, str]:
    """A result that leads to somebody else's file; who takes it carelessly reads that."""
    told = {}
    for name, source in stage.RESULTS.items():
        with prepared("result") as (work, outside):
            stage.bait(outside)
            path = work / ("result" if "result" in source else "way/secret")
            runner.run([sys.executable, "-c", source, str(outside)], work, artifacts=(path,))
            taken = runner.artifacts.get(path) if isinstance(runner, Confined) else path.read_bytes()
            told[name] = "works" if taken else ""
    return told


def _with_packages() -> dict[str, Any]:
    """What `--numpy` fetched, for the program that wants it."""
    folder = os.environ.get("NUMPY", "")
    if not folder:
        return {}
    return {"readable": (Path(folder),), "environment": {"PYTHONPATH": folder}}


def controls(runner: Runner) -> dict[str, str]:
    from greenloop.errors import NoSandbox  # noqa: PLC0415 - as above

    told = {}
    for name, (source, policy) in stage.CONTROLS.items():
        with prepared("control") as (work, _outside):
            (work / "control.py").write_text(source)
            given = policy | (_with_packages() if name == "numpy" else {})
            try:
                out, word = runner.run([sys.executable, "control.py"], work, **given)
            except NoSandbox:
                told[name] = "not checked here: needs a network namespace"
                continue
        told[name] = "ok" if out.endswith("ok\n") and not word else f"FAILS {word}".strip()
    cards = sorted(Path(path) for pattern in stage.CARDS for path in glob.glob(pattern))  # noqa: PTH207 - absolute
    if not cards:
        return told | {"graphics card": "not checked here: there is none"}
    with prepared("card") as (work, _outside):
        source = "import sys\nfor path in sys.argv[1:]: open(path, 'rb+', buffering=0).close()\nprint('ok')"
        out, _ = runner.run([sys.executable, "-c", source, *map(str, cards)], work, devices=tuple(cards))
    return told | {"graphics card": "ok" if out == "ok\n" else "FAILS"}


def column(choice: str) -> dict[str, Any]:
    """All of it, in one way."""
    runner: Runner = Bare() if choice == "without" else Confined(choice)
    rows = reached(runner)
    rows["exhaust"] = exhausted(runner)
    rows["leave behind"] = left(runner)
    rows["smuggle out"] = smuggled(runner)
    level = "" if isinstance(runner, Bare) else runner.box.level
    return {"level": level, "rows": rows, "controls": controls(runner)}


def started(way: str, base: Path, *, with_numpy: bool) -> subprocess.Popen[str] | str:
    """A column as a program of its own; or why there is none."""
    user, python = [], sys.executable
    if way == "uid" and os.geteuid() != 0:
        return "needs root"
    if way == "ordinary user":
        if os.geteuid() != 0:
            return "that is who we are"
        found = open_interpreter()
        if found is None:
            return "no Python here that another user may run"
        python = found
        user = ["setpriv", f"--reuid={STRANGER}", f"--regid={STRANGER}", "--clear-groups"]
        if shutil.which("setpriv") is None:
            return "there is no setpriv"
    choice = "namespaces" if way == "ordinary user" else way
    script = base / "tests" / "sandbox" / "table.py"
    packages = {"NUMPY": str(fetched(python, base / "packages"))} if with_numpy else {}
    return subprocess.Popen(
        [*user, python, "-B", str(script), "--column", choice],
        env=os.environ | packages,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd="/",
    )


def open_interpreter() -> str | None:
    """One that another user can run, new enough for the package."""
    for program in (sys.executable, "/usr/bin/python3"):
        path = Path(program)
        if not path.exists() or not all(folder.stat().st_mode & 0o001 for folder in path.resolve().parents):
            continue
        new = [program, "-I", "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
        if subprocess.run(new, check=False).returncode == 0:
            return program
    return None


def fetched(python: str, target: Path) -> Path:
    """The wheel of numpy for that interpreter, from the package index; wheels only, so nothing of it runs."""
    asked = [python, "-I", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    version = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    folder = target / version
    if not folder.exists():
        words = ["install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:", "--no-compile"]
        words += ["--python-version", version, "--target", str(folder), "numpy"]
        subprocess.run([sys.executable, "-m", "pip", *words], check=True)
        subprocess.run(["chmod", "-R", "a+rX", str(target)], check=True)
    return folder


def measured(ways: list[str], *, with_numpy: bool = False) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """The columns, and why the others are not there. Each is a process of its own, with a copy that all may read."""
    import greenloop  # noqa: PLC0415 - the checkout's, or the image's

    base = Path(tempfile.mkdtemp(prefix="greenloop-attacks-"))
    try:
        base.chmod(0o755)
        skipped = shutil.ignore_patterns("__pycache__")
        shutil.copytree(Path(greenloop.__file__).parent, base / "bot" / "greenloop", ignore=skipped)
        shutil.copytree(HERE, base / "tests" / "sandbox", ignore=skipped)
        columns, missing = {}, {}
        (base / "packages").mkdir()
        begun = {way: started(way, base, with_numpy=with_numpy) for way in ("without", *ways)}
        for way, process in begun.items():
            if isinstance(process, str):
                missing[way] = process
                continue
            out, err = process.communicate(timeout=_SECONDS)
            if process.returncode == 0:
                columns[way] = json.loads(out)
            else:
                missing[way] = (err.strip().splitlines() or ["it said nothing"])[-1]
    finally:
        shutil.rmtree(base, ignore_errors=True)
    return columns, missing


def shown(columns: dict[str, dict[str, Any]]) -> tuple[list[str], list[str]]:
    """The lines of the table, and what is wrong."""
    ways = [way for way in columns if way != "without"]
    wrong: list[str] = []
    head = f"{'attack':38} {'without':16} " + " ".join(f"{way:22}" for way in ways)
    lines = [head.rstrip()]
    for kind, attacks in columns["without"]["rows"].items():
        lines += ["", f"{kind}:"]
        for name, effect in attacks.items():
            cells = [_cell(columns[way]["rows"][kind][name], name in stage.KNOWN.get(way, ())) for way in ways]
            wrong += [f"{name}: works in {way}" for way, cell in zip(ways, cells, strict=True) if "WORKS" in cell]
            if name in stage.PROVEN and effect != "works":
                wrong.append(f"{name}: not shown to work without the sandbox")
            lines.append(f"  {name:36} {effect or 'no effect here':16} " + " ".join(f"{c:22}" for c in cells).rstrip())
    lines += ["", "ordinary programs:"]
    for name, effect in columns["without"]["controls"].items():
        told = {way: columns[way]["controls"][name] for way in ways}
        if effect == "ok":
            wrong += [f"{name}: {word} in {way}" for way, word in told.items() if word.startswith("FAILS")]
            cells = [told[way] for way in ways]
        else:
            cells = ["not checked here"] * len(ways)
        lines.append(
            f"  {name:36} {effect.replace('FAILS', 'not here'):16} " + " ".join(f"{c:22}" for c in cells).rstrip()
        )
    return lines, wrong


def _cell(result: str, known: bool) -> str:
    if result == "works":
        return "works (known)" if known else "WORKS"
    return result or "blocked"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS[:3]), help="only these")
    parser.add_argument("--numpy", action="store_true", help="fetch numpy, and see it imported inside")
    given = parser.parse_args()
    columns, missing = measured(given.ways, with_numpy=given.numpy)
    if "without" not in columns or len(columns) == 1:
        sys.stdout.write(f"Nothing could be shown: {missing}\n")
        return 1
    lines, wrong = shown(columns)
    attacks = [effect for kind in columns["without"]["rows"].values() for effect in kind.values()]
    lines += [
        "",
        f"{len(attacks)} attacks, {sum(e == 'works' for e in attacks)} shown to work here without the sandbox.",
    ]
    lines += [f"{way}: {told['level']}" for way, told in columns.items() if way != "without"]
    lines += [f"{way}: not checked here: {why}" for way, why in missing.items()]
    lines += [f"WRONG: {text}" for text in wrong]
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--column"]:
        from greenloop.errors import NoSandbox

        try:
            json.dump(column(sys.argv[2]), sys.stdout)
        except NoSandbox as error:
            sys.exit(str(error).splitlines()[1].strip())
    else:
        sys.exit(main())
