"""Our loop beside the peers, in one run: ten programs of QuixBugs and thirty exercises in several languages.

    python bench/loop/beside.py --quixbugs MIRROR --polyglot MIRROR --results FILE
    python bench/loop/beside.py --results FILE --table          # the table of what was measured so far

The scripted model's first answer fails; the next is right only when the prompt holds the request, the whole file and a
line of the real failure (`informed` of the harness). Each run is a line of the results, so that a stopped run goes on.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any, Self

import harness
from exercises import Exercise, load, missing

HERE = Path(__file__).resolve().parent
WANTED = {"python": 12, "javascript": 10, "rust": 8, "go": 8}
PEERS = ("floor", "aider-diff", "mini-condensed", "codex-condensed")
COUNT = 30  # exercises, of all languages together
COLUMNS = ("solved", "calls", "prompt", "largest", "completion", "cpu", "wall")


class Ours(harness.peers.FromFile):  # type: ignore[misc, name-defined]
    """pytest for Python, as the peers have it; elsewhere the command that the repository's settings name."""

    def __init__(self, venvs: Path) -> None:
        super().__init__(venvs, HERE.parent / "peers.json")

    def command(self, task: Any, repo: Path, server: Any, home: Path) -> list[str]:  # noqa: ANN401 - the harness's
        argv = [str(word) for word in super().command(task, repo, server, home)]
        if getattr(task, "language", "python") != "python":
            argv[2] = re.sub(r' --test-command "\$4"| --check pytest', "", argv[2])
        return argv


def one(peer: Any, task: Any, work: Path, timeout: float) -> dict[str, Any]:  # noqa: ANN401 - the harness's
    slot = work / "runs" / re.sub(r"\W+", "_", f"{peer.name}-{task.name}")
    shutil.rmtree(slot, ignore_errors=True)
    home = slot / "home"
    home.mkdir(parents=True)
    base = harness.run.base_env(home) | toolchains()
    repo = task.materialise(slot / "repo", base)
    with harness.server.ModelServer(peer.script(task, "fix"), 60) as server:
        peer.prepare(home, server.url)
        env = base | harness.run.encodings(work / "venvs") | peer.env(server)
        done = harness.measure.run(
            peer.command(task, repo, server, home), cwd=repo, env=env, timeout=timeout, log=slot / "log.txt"
        )
    green = subprocess.run(task.test_cmd, shell=True, cwd=repo, env=base, capture_output=True, check=False)  # noqa: S602
    replies = [entry.get("reply") or {} for entry in server.log]
    return {
        "peer": peer.name,
        "task": task.name,
        "set": "exercises" if isinstance(task, Exercise) else "quixbugs",
        "solved": green.returncode == 0,
        "calls": len(server.log),
        "cpu": done.cpu,
        "wall": done.wall,
        "confirming": confirming(repo),
        "bodies": [entry["body"] for entry in server.log],
        "texts": [r.get("text", "") + "".join(json.dumps(c["arguments"]) for c in r.get("calls", ())) for r in replies],
    }


def confirming(repo: Path) -> float:
    """Seconds of the run that confirmed a proof of ours: what its twin, the first run on the base, took. 0 without."""
    for result in repo.glob(".git/greenloop/runs/*/result.json"):
        said = json.loads(result.read_text("utf-8"))
        proven = said["attempts"][-1:] if said["evidence"].startswith("proven") else []
        return sum(n["before"] or 0 for a in proven for n in a["numbers"] if n["what"].startswith("time of "))
    return 0.0


def toolchains() -> dict[str, str]:
    """Rustup's programs look for their settings in a home folder that a run does not have."""
    home = Path.home()
    given = {"RUSTUP_HOME": home / ".rustup", "CARGO_HOME": home / ".cargo"}
    return {name: os.environ.get(name, str(folder)) for name, folder in given.items() if folder.is_dir()}


class Counter:
    """The harness's program that counts tokens, started once: loading the tokenizer costs as much as a run of tests."""

    def __init__(self, venvs: Path) -> None:
        known = sorted(venvs.glob("*/lib/*/site-packages/tiktoken"))
        python = known[0].parents[3] / "bin" / "python" if known else Path(sys.executable)
        argv = [str(python), "-u", str(harness.FOLDER / "count_tokens.py")]
        self._program = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.unit = self._line()

    def _line(self) -> str:
        assert self._program.stdout
        return self._program.stdout.readline().strip()

    def __call__(self, bodies: list[Any]) -> list[int]:
        assert self._program.stdin
        counts = []
        for body in bodies:
            self._program.stdin.write(json.dumps(body) + "\n")
            self._program.stdin.flush()
            counts.append(int(self._line()))
        return counts

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._program.kill()
        self._program.communicate()


def counted(row: dict[str, Any], tokens: Counter) -> dict[str, Any]:
    """Tokens instead of texts."""
    prompt = tokens(row.pop("bodies"))
    completion = tokens([{"messages": [{"content": text}]} for text in row.pop("texts")])
    largest = max(prompt, default=0)
    return row | {"prompt": sum(prompt), "largest": largest, "completion": sum(completion), "unit": tokens.unit}


def made(results: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in results.read_text("utf-8").splitlines()] if results.exists() else []


def tasks_of(args: argparse.Namespace, python: str) -> Iterator[Any]:
    if args.quixbugs:
        yield from harness.tasks.load(args.quixbugs, python)[: args.programs]
    if args.polyglot:
        yield from exercises(args.polyglot, python, args.languages)


def exercises(mirror: Path, python: str, languages: list[str]) -> Iterator[Exercise]:
    """The languages take turns, so that a measurement which is stopped holds some of each."""
    there = [language for language in languages if not missing(language)]
    for language in set(languages) - set(there):
        print(f"# {language} is left out: there is no `{missing(language)}` here", file=sys.stderr)
    turns = [islice(load(mirror, python, language), WANTED[language]) for language in there]
    yield from islice((task for row in zip_longest(*turns) for task in row if task), COUNT)


def install(venvs: Path, peers: list[Any]) -> None:
    """Each peer in an environment of its own, made once; ours as it is now."""
    venvs.mkdir(parents=True, exist_ok=True)
    for peer in (harness.peers.Floor(venvs), *peers):
        requires = peer.requires or ["pytest"]
        if problem := harness.run.ensure_venv(venvs, peer.venv, requires, peer.python, peer.npm):
            raise SystemExit(f"{peer.name}: {problem}")


def measured(args: argparse.Namespace) -> None:
    venvs = args.work / "venvs"
    peers = [*(harness.peers.ALL[name](venvs) for name in args.peers), Ours(venvs)]
    install(venvs, peers)
    done = {(row["peer"], row["task"]) for row in made(args.results)}
    order = random.Random(7)  # noqa: S311 - only the order
    with Counter(venvs) as tokens:
        for task in tasks_of(args, str(venvs / "tests" / "bin" / "python")):
            turns = [peer for peer in peers if (peer.name, task.name) not in done]
            if turns:
                task.failure_lines()  # computed once: not in the time of whoever is first
            for peer in order.sample(turns, len(turns)):
                row = counted(one(peer, task, args.work, args.timeout), tokens) | {"load": os.getloadavg()[0]}
                with args.results.open("a", encoding="utf-8") as out:
                    out.write(json.dumps(row) + "\n")
                print("#", *(f"{key}={row[key]}" for key in ("task", "peer", *COLUMNS)), file=sys.stderr)


def table(rows: list[dict[str, Any]]) -> str:
    lines = []
    for name in dict.fromkeys(row["set"] for row in rows):
        mine = [row for row in rows if row["set"] == name]
        peers = list(dict.fromkeys(row["peer"] for row in mine))
        common = set.intersection(*({row["task"] for row in mine if row["peer"] == peer} for peer in peers))
        floor = {row["task"]: row["wall"] for row in mine if row["peer"].startswith("floor")}
        lines += [f"\n{name}: {len(common)} tasks that every peer has done; medians\n"]
        head = (
            "| peer | solved | calls | prompt tokens | largest | completion | CPU s | wall s | to the floor | apart |"
        )
        lines += [head, "|" + "---|" * 10]
        for peer in peers:
            own = [row for row in mine if row["peer"] == peer and row["task"] in common]
            mid: Callable[[str], float] = lambda key, own=own: statistics.median(row[key] for row in own)  # noqa: E731
            ratio = statistics.median(row["wall"] / floor[row["task"]] for row in own) if floor else 0
            apart = [(row["wall"] - row.get("confirming", 0)) / floor[row["task"]] for row in own if floor]
            cells = f"{sum(row['solved'] for row in own)}/{len(own)} | {mid('calls'):g} | {mid('prompt'):,.0f}"
            cells += f" | {mid('largest'):,.0f} | {mid('completion'):,.0f} | {mid('cpu'):.2f} | {mid('wall'):.2f}"
            lines.append(f"| {peer} | {cells} | {ratio:.2f} | {statistics.median(apart or [0]):.2f} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quixbugs", type=Path, help="clone or bare mirror of jkoppel/QuixBugs")
    parser.add_argument("--polyglot", type=Path, help="clone or bare mirror of Aider-AI/polyglot-benchmark")
    parser.add_argument("--programs", type=int, default=10, help="how many of QuixBugs")
    parser.add_argument("--languages", nargs="*", default=list(WANTED), choices=list(WANTED))
    parser.add_argument("--peers", nargs="*", default=PEERS, choices=sorted(harness.peers.ALL), help="beside ours")
    parser.add_argument(
        "--work", type=Path, default=Path(tempfile.gettempdir()) / "peer-bench", help="environments, runs"
    )
    parser.add_argument("--results", type=Path, required=True, help="JSON lines; what is there is not measured again")
    parser.add_argument("--timeout", type=float, default=180)
    parser.add_argument("--table", action="store_true", help="only print the table of what is in the results")
    args = parser.parse_args()
    if not args.table:
        measured(args)
    print(table(made(args.results)))


if __name__ == "__main__":
    main()
