"""Many processes that share one store and one ledger: is a limit ever exceeded, is a row ever lost, what does it cost?

.venv/bin/python bench/store.py [--processes 10] [--calls 40] [--steps 8] [--json]

Each process makes calls of a scripted model until its limits refuse: through the SQLite file of a machine, then through
`refs/greenloop/ledger` of a repository that each has a clone of. Some calls use all that was held for them, some half,
some fail with and some without a bill. The limits are a third of what the processes might want.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from types import MappingProxyType

from greenloop.domain import Request, Source, Usage
from greenloop.errors import ModelUnreachable, OutOfBudget
from greenloop.model.accounted import Accounted
from greenloop.model.answers import Answers
from greenloop.model.audit import Audit, database
from greenloop.model.book import Book
from greenloop.model.budget import most_tokens
from greenloop.model.kept import Keeping, Kept
from greenloop.ports import CallLimits, Chat, ChatMessage, Price, Reply
from greenloop.records.database import Database
from greenloop.records.ledger import Account
from greenloop.records.ledger_lines import loads
from greenloop.service.ledger import LEDGER, RefLedger
from greenloop.workspace import Remote

REQUESTERS = ("ada", "bob")
OUTPUT = 100
LIMITS = CallLimits(max_output=OUTPUT, seconds=60.0)
ONE = 300  # tokens that one call can hold, about


def chat(process: int, number: int) -> Chat:
    return (ChatMessage(role="user", text=f"{process:04} {number:04} " + "x" * 150),)


@dataclass
class Scripted:
    """Uses what it is said to; counts every token that somebody would have to pay."""

    process: int
    billed: int = 0
    number: int = 0
    name: str = "scripted"
    price: Price | None = None

    def warm(self) -> None: ...

    def complete(self, asked: Chat, *, limits: CallLimits, on_chunk: Callable[[str], None]) -> Reply:
        self.number += 1
        whole = most_tokens(asked) + limits.max_output
        if self.number % 7 == 0:
            raise ModelUnreachable("reset", spent=False)
        self.billed += whole if self.number % 2 or self.number % 5 == 0 else whole // 2
        if self.number % 5 == 0:
            raise ModelUnreachable("cut", spent=True)
        on_chunk("answer")
        used = whole if self.number % 2 else whole // 2
        usage = Usage(calls=1, input=used - limits.max_output // 2, output=limits.max_output // 2, cost=None)
        return Reply(text="answer", finish="stop", usage=usage, model=self.name, first_token=0.0)


def work(kind: str, folder: Path, process: int, calls: int, limits: dict[str, int]) -> dict[str, object]:
    """One process: what it was billed, how many calls it made, whether a limit ended it, and seconds of each step."""
    requester = REQUESTERS[process % len(REQUESTERS)]
    about = Account(requester=requester, repository="octo/sums", run=str(process), **limits)  # type: ignore[arg-type]
    request = Request(
        key=str(process), at="", command="generate", text="", source=Source.TERMINAL, repository="octo/sums",
        actor=requester, base="",
    )  # fmt: skip
    scripted = Scripted(process)
    ledger = _book(folder, about) if kind == "file" else _ref(folder, process, about)
    audit = Audit(database(folder))
    answers = Answers(folder, days=1.0, megabytes=64.0)
    model = Kept(Accounted(scripted, ledger), Keeping(request=request, audit=audit, answers=answers))
    seconds, refused = [], False
    for number in range(calls):
        began = time.perf_counter()
        try:
            model.complete(chat(process, number), limits=LIMITS, on_chunk=lambda _: None)
        except ModelUnreachable:
            pass
        except OutOfBudget as error:
            refused = "may spend a" in str(error)
            if not refused:
                raise
            break
        seconds.append(time.perf_counter() - began)
    ledger.close()
    said = {"requester": requester, "calls": scripted.number, "billed": scripted.billed, "refused": refused}
    return {**said, "seconds": seconds, "cpu": time.process_time()}


class InFolder(Remote):
    """A remote speaks HTTP alone; this one lies in a folder."""

    def environment(self, more: Mapping[str, str] = MappingProxyType({})) -> dict[str, str]:
        return {**super().environment(more), "GIT_ALLOW_PROTOCOL": "file"}


def _book(folder: Path, about: Account) -> Book:
    return Book(database(folder), about)


def _ref(folder: Path, process: int, about: Account) -> RefLedger:
    clone = folder / f"clone-{process}"
    clone.mkdir()
    remote = InFolder(url=f"file://{folder}/there.git", token="none")  # noqa: S106 - there is no key to a file
    return RefLedger(remote.clone(clone, ["refs/heads/main"]), remote, clone, about)


@dataclass(frozen=True)
class Row:
    """Of one kind of ledger. `billed` and `noted` are tokens; `worst` the fullest limit, in per cent."""

    ledger: str
    processes: int
    calls: int
    refused: int
    billed: int
    noted: int
    worst: float
    rows_lost: int
    answers_lost: int
    in_flight: int
    step: float  # ms of a call, median
    slowest: float
    cpu: float  # ms of a call


def measure(kind: str, folder: Path, processes: int, calls: int) -> Row:
    if kind == "ref":
        _repository(folder)
    month = processes * calls * ONE // 3
    limits = {"monthly_tokens": month, "daily_tokens": int(month * 0.45)}
    shown = [sys.executable, __file__, "--worker", kind, str(folder), str(calls), json.dumps(limits)]
    environment = _environment()
    started = [subprocess.Popen([*shown, str(n)], stdout=subprocess.PIPE, env=environment) for n in range(processes)]
    ended = [(json.loads(p.communicate()[0] or b"null"), p.wait()) for p in started]
    assert all(code == 0 for _, code in ended), "a process has failed"
    said = [words for words, _ in ended]
    noted, in_flight = _noted(kind, folder)
    per = {r: sum(w["billed"] for w in said if w["requester"] == r) / limits["daily_tokens"] for r in REQUESTERS}
    billed = sum(w["billed"] for w in said)
    seconds = sorted(s for w in said for s in w["seconds"])
    made = sum(w["calls"] for w in said)
    complete = sum(sum(1 for n in range(1, w["calls"] + 1) if n % 7 and n % 5) for w in said)
    return Row(
        ledger={"file": "SQLite", "ref": LEDGER}[kind],
        processes=processes,
        calls=made,
        refused=sum(w["refused"] for w in said),
        billed=billed,
        noted=noted,
        worst=round(100 * max(*per.values(), billed / month), 1),
        rows_lost=made - _count(database(folder), "calls"),
        answers_lost=complete - _count(Answers(folder, days=1.0, megabytes=1.0)._database, "answers"),  # noqa: SLF001
        in_flight=in_flight,
        step=round(1000 * median(seconds), 2),
        slowest=round(1000 * seconds[-1], 1),
        cpu=round(1000 * sum(w["cpu"] for w in said) / made, 1),
    )


def _noted(kind: str, folder: Path) -> tuple[int, int]:
    """Tokens in the ledger, and calls that it takes to be in flight."""
    if kind == "file":
        select = "SELECT coalesce(sum(tokens), 0), count(*) - sum(settled) FROM ledger"
        found: tuple[int, int] = database(folder).must(lambda rows: rows.execute(select).fetchone())
        return found
    there = folder / "there.git"
    names = _git("ls-tree", "--name-only", LEDGER, cwd=there).split()
    lines = [line for name in names for line in loads(_git("show", f"{LEDGER}:{name}", cwd=there).encode())]
    return sum(line.amount.tokens for line in lines), sum(bool(line.held) for line in lines)


def _count(rows: Database, table: str) -> int:
    found: int = rows.must(lambda all_: all_.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608
    return found


def _repository(folder: Path) -> None:
    _git("init", "-q", "--bare", "there.git", cwd=folder)
    _git("init", "-q", "work", cwd=folder)
    who = ("-c", "user.name=bench", "-c", "user.email=bench@localhost")
    _git(*who, "commit", "-q", "--allow-empty", "-m", "initial", cwd=folder / "work")
    _git("push", "-q", "../there.git", "HEAD:refs/heads/main", cwd=folder / "work")


def _git(*words: str, cwd: Path) -> str:
    command = ["/usr/bin/env", "git", *words]
    return subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True, env=_environment()).stdout


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    path = str(Path(__file__).resolve().parents[1] / "bot")
    git = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_ALLOW_PROTOCOL": "file"}
    return kept | {"PYTHONPATH": path} | git


def table(rows: list[Row]) -> str:
    """Lost: rows of the audit, answers of the cache. In flight: what the ledger still holds at the end."""
    head = ("ledger", "processes", "calls", "refused", "tokens billed", "noted", "fullest limit", "lost", "in flight")
    cells = [
        (
            *(r.ledger, r.processes, r.calls, r.refused, f"{r.billed:,}", f"{r.noted:,}", f"{r.worst} %"),
            *(f"{r.rows_lost} + {r.answers_lost}", r.in_flight, f"{r.step} ({r.slowest})", r.cpu),
        )
        for r in rows
    ]
    lines = [(*head, "ms a call (slowest)", "CPU ms"), ("---",) * 11, *cells]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, default=10)
    parser.add_argument("--calls", type=int, default=40, help="that each process wants through the file")
    parser.add_argument("--steps", type=int, default=8, help="that each process wants through the ref")
    parser.add_argument("--json", action="store_true")
    parser.add_argument(
        "--worker", nargs=5, metavar=("KIND", "FOLDER", "CALLS", "LIMITS", "NUMBER"), help=argparse.SUPPRESS
    )
    given = parser.parse_args()
    if given.worker:
        kind, folder, calls, limits, number = given.worker
        print(json.dumps(work(kind, Path(folder), int(number), int(calls), json.loads(limits))))
        return 0
    rows = []
    for kind, calls in (("file", given.calls), ("ref", given.steps)):
        with TemporaryDirectory() as folder:
            rows.append(measure(kind, Path(folder), given.processes, calls))
    print(json.dumps([asdict(row) for row in rows], indent=2) if given.json else table(rows))
    fine = all(
        r.worst <= 100 and r.billed == r.noted and not (r.rows_lost or r.answers_lost or r.in_flight) for r in rows
    )
    return int(not fine)


if __name__ == "__main__":
    sys.exit(main())
