"""What an index costs, beside reading and `ast.parse`-ing the same files in the same process, from 1.5k to 43k chunks.

    LOCALIZE=…/localize LOCALIZE_MIRROR=… .venv/bin/python bench/index_speed.py [--picture docs/index-cost.svg]

The files are sympy's at one of the harness's cases: all of them, every second, fourth, … ; each size in a process
of its own, in turns, each turn with other files of the smaller sizes; medians. Seconds are of the processor, since wall
time is the other programs' as well; both are printed.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import resource
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from itertools import product
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from greenloop.retrieval.corpus import File, searchable
from greenloop.retrieval.hybrid import Hybrid, Material
from greenloop.retrieval.store import Store
from retrieval import files_in, harness, reader

REPO = "sympy/sympy"
PARTS = (32, 16, 8, 4, 2, 1)
CHANGED = 5  # files of one commit


def timed(do: Callable[[], Any]) -> tuple[float, float, Any]:
    wall, cpu = time.perf_counter(), time.process_time()
    value = do()
    return time.perf_counter() - wall, time.process_time() - cpu, value


def one(root: Path, part: int, turn: int, queries: list[str]) -> dict[str, float]:
    files, read = searchable(files_in(root))[turn % part :: part], reader(root)
    python = [file.path for file in files if file.path.endswith(".py")]

    def parse() -> None:
        for path in python:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                ast.parse(read(path) or "")

    parse_wall, parse_cpu, _ = timed(parse)
    with TemporaryDirectory() as folder:
        at = Path(folder) / "index.sqlite"
        wall, cpu, made = timed(lambda: Hybrid(Store(at), Material(files=files, read=read)))
        chunks = sum(len(row.bodies) for row in made.corpus.rows)
        asked = [timed(lambda text=text: made.regions(text, 64_000))[1] for text in queries for _ in range(2)]
        made.close()
        changed = {file.path for file in files[:: max(1, len(files) // CHANGED)]}
        after = [File(f.path, f.blob[::-1], f.size) if f.path in changed else f for f in files]
        again_wall, again_cpu, made = timed(lambda: Hybrid(Store(at), Material(files=after, read=read)))
        made.close()
        return {
            "chunks": chunks,
            "parse_s": parse_cpu,
            "cold_s": cpu,
            "cold_ms_a_chunk": 1000 * cpu / chunks,
            "cold_wall_s": wall,
            "cold_to_parse": cpu / parse_cpu,
            "cold_wall_to_parse": wall / parse_wall,
            "again_s": again_cpu,
            "again_wall_s": again_wall,
            "query_ms": 1000 * median(asked),
            "index_mb": at.stat().st_size / 1e6,
            "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }


def picture(rows: list[dict[str, float]]) -> str:
    """Processor seconds over chunks, both linear: a line through the origin is what linear growth looks like."""
    most, top = rows[-1]["chunks"], max(row["cold_s"] for row in rows) * 1.1

    def at(chunks: float, seconds: float) -> str:
        return f"{60 + 560 * chunks / most:.0f},{330 - 290 * seconds / top:.0f}"

    def line(key: str, colour: str) -> str:
        points = " ".join(at(row["chunks"], row[key]) for row in rows)
        dots = "".join(
            '<circle cx="{}" cy="{}" r="3" fill="{}"/>'.format(*at(row["chunks"], row[key]).split(","), colour)
            for row in rows
        )
        return f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>{dots}'

    x, y = at(most, rows[-1]["cold_s"]).split(",")
    last = rows[-1]
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 680 380" font-family="sans-serif" font-size="12">
<rect width="680" height="380" fill="white"/>
<path d="M60,40 V330 H620" fill="none" stroke="#888"/>
<path d="M{at(0, 0)} L{x},{y}" stroke="#bbb" stroke-dasharray="4 4"/>
{line("cold_s", "#1a7f37")}
{line("parse_s", "#0969da")}
<text x="70" y="60" fill="#1a7f37">cold index, {last["cold_s"]:.1f} s at {most:.0f} chunks; dashed: linear growth</text>
<text x="70" y="78" fill="#0969da">reading and ast.parse of the same files, {last["parse_s"]:.1f} s</text>
<text x="60" y="350">0</text><text x="600" y="350">{most:.0f} chunks</text>
<text x="60" y="30">{top:.0f} s of processor time</text>
</svg>
"""


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--picture", type=Path, metavar="FILE")
    asked.add_argument("--turns", type=int, default=3, metavar="N", help="how often each size is measured")
    asked.add_argument(
        "--one", nargs=3, metavar=("FOLDER", "PART", "TURN"), help="one size alone, for the program itself"
    )
    options = asked.parse_args()
    common = harness()
    data = (Path(os.environ["LOCALIZE"]) / "data/open/cases.jsonl").read_text("utf-8")
    cases = [case for case in map(json.loads, data.splitlines()) if case["repo"] == REPO]
    if options.one:
        queries = [case["query"] for case in cases]
        print(json.dumps(one(Path(options.one[0]), int(options.one[1]), int(options.one[2]), queries)))
        return 0
    every: dict[int, list[dict[str, float]]] = {part: [] for part in PARTS}
    with TemporaryDirectory() as folder:
        root = Path(folder) / "tree"
        common.checkout(REPO, cases[0]["parent"], root)
        for turn, part in product(range(options.turns), PARTS):
            argv = [sys.executable, __file__, "--one", str(root), str(part), str(turn)]
            every[part].append(json.loads(subprocess.run(argv, check=True, capture_output=True, text=True).stdout))
            print(f"{turn + 1} of {options.turns}, every {part}", file=sys.stderr, flush=True)
    rows = [{key: median(row[key] for row in found) for key in found[0]} for found in every.values()]
    for row in rows:
        print(" ".join(f"{key}={value:.3g}" for key, value in row.items()))
    if options.picture:
        options.picture.write_text(picture(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
