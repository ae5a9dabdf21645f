"""Our loop with a model of dice, over the 40 programs of QuixBugs, beside aider, mini-swe-agent and the best possible.

    python bench/loop/simulated.py --quixbugs MIRROR --results FILE --seeds 25
    python bench/loop/simulated.py --results FILE --table

Real programs on real repositories; only the model is not one (`chance.py`). Each run is a line of the results, so that
a stopped measurement goes on. `--seeds 25` is 1,000 runs of ours; peers take part in the first `--peer-runs`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from statistics import mean, median
from typing import Any

import harness
from beside import Counter, Ours, counted, install, made, one
from chance import ATTEMPTS, DAMAGES, NONSENSE, Draw, Odds, ceiling, draws, told, values

PEERS = ("aider-diff", "mini-condensed")
LEAST = 0.5  # seconds of the processor that a test has: some of the bugs never end, and a clock would tell of the load
CLOCK = """

@pytest.fixture(autouse=True)
def limited():
    import signal

    def late(*_):
        pytest.fail("Timeout")

    signal.signal(signal.SIGPROF, late)
    signal.setitimer(signal.ITIMER_PROF, {seconds})
    yield
    signal.setitimer(signal.ITIMER_PROF, 0)
"""
SIDE = ("commit message", "summarize this partial")


class Program(harness.tasks.Task):  # type: ignore[misc, name-defined]
    """One program of QuixBugs. What is told of its bug is computed once, in the folder that all seeds share."""

    failures: dict[str, list[tuple[str, ...]]]

    def limited(self, seconds: float) -> Program:
        """With a limit for each of its tests."""
        limit = self.files["conftest.py"] + CLOCK.replace("{seconds}", str(seconds))
        return replace(self, files=self.files | {"conftest.py": limit})

    def worse(self, n: int) -> str:
        """An answer that breaks what worked: nothing is returned."""
        lines = self.wrong(n).splitlines()
        at = next(i for i, line in enumerate(lines) if "# attempt" in line)
        return "\n".join([*lines[: at + 1], lines[at].split("#")[0] + "return None", *lines[at + 1 :]]) + "\n"


class Dice:
    """The model of one run."""

    def __init__(self, task: Program, drawn: list[Draw], odds: Odds, *, agent: bool) -> None:
        self.task, self.drawn, self.odds, self.agent = task, drawn, odds, agent
        self.versions = [task.buggy]
        self.failed = ["bug"]
        self.said = 0

    def __call__(self, body: dict[str, Any], api: str) -> Any:  # noqa: ANN401, ARG002 - the harness's
        text = harness.script.all_text(body)
        if any(mark in harness.script.system_text(body).lower() for mark in SIDE):
            return harness.script.Reply("fix: correct the faulty expression", kind="side")
        if self.agent:
            return self._step(text)
        current = max(
            (v for v in self.versions if v.strip() in text), key=lambda v: text.rindex(v.strip()), default=None
        )
        draw = self.drawn[self.said]
        self.said += 1
        if current is None:
            return harness.script.Reply(NONSENSE)
        answer = harness.script.fmt_search_replace(self.task.path, current, self._answer(draw, text))
        return harness.script.Reply(DAMAGES[draw.damage](answer) if draw.damage else answer)

    def _step(self, text: str) -> Any:  # noqa: ANN401 - the harness's
        """An agent's model writes and tests in one command, and gives up after as many proposals as the others have."""
        tool = harness.script.tool
        if not self.said and "def " not in text:
            look = f"cat {self.task.path} {self.task.test_path}; {self.task.test_cmd}"
            return harness.script.Reply("First a look.", [tool("bash", command=look)])
        if self.versions[-1] == self.task.right or len(self.versions) > ATTEMPTS:
            return harness.script.Reply("", [tool("bash", command="echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT")])
        draw = self.drawn[self.said]
        self.said += 1
        if draw.damage:
            return harness.script.Reply("The fix is clear: the faulty expression has to be replaced.")
        write = harness.script.heredoc(self.task.path, self._answer(draw, text))
        return harness.script.Reply("Next step.", [tool("bash", command=f"{write}\n{self.task.test_cmd}")])

    def _answer(self, draw: Draw, text: str) -> str:
        informed = told(text, [pair for kind in self.failed for pair in self.task.failures[kind]])
        number = len(self.versions)
        if draw.luck < (self.odds.q if informed else self.odds.p):
            new = self.task.right
        else:
            new = self.task.worse(number) if draw.worse else self.task.wrong(number)
            self.failed.append("worse" if draw.worse else "bug")
        self.versions.append(new)
        return str(new)


def programs(mirror: Path, python: str, cache: Path) -> list[Program]:
    def show(path: str) -> str:
        return str(harness.tasks.git("show", f"HEAD:{path}", cwd=mirror))

    listed = harness.tasks.git("ls-tree", "-r", "--name-only", "HEAD", cwd=mirror).split()
    names = [Path(p).stem.removeprefix("test_") for p in listed if p.startswith("python_testcases/test_")]
    known = json.loads(cache.read_text("utf-8")) if cache.exists() else {}
    shared = {p: show(p) for p in ("conftest.py", "python_testcases/load_testdata.py", "python_testcases/node.py")}
    shared[".gitignore"] = "__pycache__/\n.pytest_cache/\n.aider*\n"
    found = []
    for name in names:
        path, test, data = (
            f"python_programs/{name}.py",
            f"python_testcases/test_{name}.py",
            f"json_testcases/{name}.json",
        )
        buggy = show(path)
        head = buggy[: buggy.index('"""')] if '"""' in buggy else buggy
        fixed = show(f"correct_python_programs/{name}.py").split('\n"""')[0].strip("\n")
        lead, gap = head[: len(head) - len(head.lstrip("\n"))], head[len(head.rstrip("\n")) :]
        files = shared | {path: buggy, test: show(test)} | ({data: show(data)} if data in listed else {})
        task = Program(name, path, test, buggy, lead + fixed + gap + buggy[len(head) :], files, python)
        if name not in known:
            seconds = round(max(LEAST, 2 * _ran(task, task.right)[1]), 2)
            limited = task.limited(seconds)
            told = {kind: values(_ran(limited, text)[0]) for kind, text in (("bug", buggy), ("worse", task.worse(1)))}
            known[name] = {"seconds": seconds, "told": told}
        task = task.limited(known[name]["seconds"])
        task.failures = {kind: [tuple(pair) for pair in pairs] for kind, pairs in known[name]["told"].items()}
        cache.write_text(json.dumps(known), "utf-8")
        found.append(task)
    return found


def _ran(task: Program, text: str) -> tuple[str, float]:
    """What pytest prints of this text, and the seconds of the processor that it takes."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "repo"
        task.materialise(root, os.environ | harness.tasks.GIT_ENV)
        (root / task.path).write_text(text)
        before = os.times()
        done = subprocess.run(task.test_cmd, shell=True, cwd=root, capture_output=True, text=True, check=False)  # noqa: S602
        after = os.times()
    return done.stdout, after.children_user + after.children_system - before.children_user - before.children_system


def measured(args: argparse.Namespace, odds: Odds) -> None:
    venvs = args.work / "venvs"
    python = str(venvs / "tests" / "bin" / "python")
    ours = Ours(venvs)
    install(venvs, [ours, *(harness.peers.ALL[name](venvs) for name in args.peers)])
    done = {(row["peer"], row["task"], row["seed"]) for row in made(args.results)}
    tasks = programs(args.quixbugs, python, args.results.with_suffix(".failures.json"))
    with Counter(venvs) as tokens:
        for seed in range(args.first_seed, args.seeds):
            for number, task in enumerate(tasks[: args.programs], seed * len(tasks)):
                beside = args.peers if number < args.peer_runs else ()
                for peer in [ours, *(harness.peers.ALL[name](venvs) for name in beside)]:
                    if (peer.name, task.name, seed) in done:
                        continue
                    row = played(peer, task, seed, odds, args=args, tokens=tokens)
                    with args.results.open("a", encoding="utf-8") as out:
                        out.write(json.dumps(row) + "\n")
                    told = ("seed", "task", "peer", "solved", "best", "calls", "cpu", "spent")
                    print("#", *(f"{key}={row[key]}" for key in told), file=sys.stderr)


def played(
    peer: Any,  # noqa: ANN401 - the harness's
    task: Program,
    seed: int,
    odds: Odds,
    *,
    args: argparse.Namespace,
    tokens: Counter,
) -> dict[str, Any]:
    """One run; `spent` is the processor's time of the run and of what the harness does around it."""
    drawn, before = draws(seed, task.name, odds), sum(os.times()[:4])
    agent = isinstance(peer, harness.peers.Mini)
    peer.script = lambda task, _: Dice(task, drawn, odds, agent=agent)
    row = counted(one(peer, task, args.work, args.timeout), tokens)
    row |= {"seed": seed, "best": ceiling(drawn, odds), "odds": odds._asdict()}
    return row | {"spent": round(sum(os.times()[:4]) - before, 2), "load": os.getloadavg()[0]}


def table(rows: list[dict[str, Any]]) -> str:
    lines = [
        "| peer | runs | solved | best possible | calls | prompt tokens a run, mean | median | completion | wall s |"
    ]
    lines += ["|" + "---|" * 9]
    for peer in dict.fromkeys(row["peer"] for row in rows):
        own = [row for row in rows if row["peer"] == peer]
        solved, best = (100 * mean(row[key] for row in own) for key in ("solved", "best"))
        tokens = [row["prompt"] for row in own]
        cells = [str(len(own)), f"{solved:.1f} %", f"{best:.1f} %", f"{mean(row['calls'] for row in own):.2f}"]
        cells += [f"{mean(tokens):,.0f}", f"{median(tokens):,.0f}", f"{mean(row['completion'] for row in own):,.0f}"]
        lines.append(f"| {peer} | {' | '.join(cells)} | {median(row['wall'] for row in own):.2f} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quixbugs", type=Path, help="clone or bare mirror of jkoppel/QuixBugs")
    parser.add_argument("--results", type=Path, required=True, help="JSON lines; what is there is not measured again")
    parser.add_argument("--seeds", type=int, default=25)
    parser.add_argument("--first-seed", type=int, default=0, help="where this process begins; another needs its --work")
    parser.add_argument("--programs", type=int, default=40)
    parser.add_argument("--peers", nargs="*", default=PEERS, choices=PEERS)
    parser.add_argument("--peer-runs", type=int, default=40, help="of how many runs the peers are measured as well")
    parser.add_argument("--odds", type=float, nargs=3, default=(0.25, 0.5, 0.1), metavar=("P", "Q", "R"))
    parser.add_argument(
        "--work", type=Path, default=Path(tempfile.gettempdir()) / "peer-bench", help="environments, runs"
    )
    parser.add_argument("--timeout", type=float, default=900, help="seconds of a run")
    parser.add_argument("--table", action="store_true", help="only print the table of what is in the results")
    args = parser.parse_args()
    if not args.table:
        measured(args, Odds(p=args.odds[0], q=args.odds[1], r=args.odds[2]))
    print(table(made(args.results)))


if __name__ == "__main__":
    main()
