"""Does the retriever put the code that a real fix changed into the prompt? Fix commits of public projects, no model.

    LOCALIZE=…/localize LOCALIZE_MIRROR=… .venv/bin/python bench/retrieval.py [--every N] [--json FILE]

LOCALIZE is the folder of the harness (`common.py`, `data/open/cases.jsonl`), LOCALIZE_MIRROR one that holds a git
directory `<owner>+<name>/repo` per project. All retrievers of a case see the same tree in the same run; differences are
paired, with 95 % intervals by bootstrap over the cases.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from hashlib import sha1
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

from greenloop.retrieval import history, kinds
from greenloop.retrieval.corpus import Corpus, File, searchable
from greenloop.retrieval.hybrid import Hybrid, Material
from greenloop.retrieval.query import parse
from greenloop.retrieval.ranking import SIGNALS
from greenloop.retrieval.store import Store

BUDGETS = (8000, 16000, 32000)
QUERIES = {"message": "query", "vague": "query_vague"}
SHOWN = ("file@1", "file@5", "file@10", "func@10", "gold@8k", "gold@16k", "gold@32k")
DRAWS = 2000
Region = tuple[str, int, int]
Rows = dict[tuple[str, str], list[dict[str, Any]]]


def tokens(text: str) -> int:
    """As the harness counts them."""
    return (len(text) + 3) // 4


def harness() -> ModuleType:
    sys.path.insert(0, os.environ["LOCALIZE"])
    import common  # noqa: PLC0415 - lies where the environment says

    common.units_of = lru_cache(8000)(common.units_of)  # the same files are judged for each retriever
    return common


def files_in(root: Path) -> Iterator[File]:
    for folder, _, names in os.walk(root):
        for name in names:
            path = Path(folder, name)
            if path.is_file() and not path.is_symlink():
                data = path.read_bytes()
                blob = sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
                yield File(path.relative_to(root).as_posix(), blob, len(data))


def reader(root: Path) -> Callable[[str], str | None]:
    def read(path: str) -> str | None:
        try:
            return (root / path).read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            return None

    return read


def before(git_dir: Path, commit: str) -> tuple[history.Past, ...]:
    """The commits that lead to `commit`, as a clone with its whole history has them."""
    from greenloop.workspace.history import PAST, past  # noqa: PLC0415 - only here

    argv = ["git", "--git-dir", str(git_dir), "log", *PAST, f"--max-count={history.COMMITS}", commit, "--"]
    done = subprocess.run(argv, capture_output=True, check=True)
    return tuple(history.past(message, paths) for message, paths in past(done.stdout))


WEAK = tuple(signal for signal in SIGNALS if signal not in {"history", "dense"})
NAMES = (
    "BM25 files",
    "BM25F functions",
    "RRF",
    "greenloop, no history",
    "greenloop",
    *(f"… without {signal}" for signal in WEAK),
)


def answers(text: str, made: Hybrid) -> Iterator[tuple[str, list[Region]]]:
    """What each retriever answers, all of them from one index."""
    known, query = made.corpus, parse(text)
    lexical = made.ranking._lexical  # noqa: SLF001 - the baselines are made of its parts
    weight = [1.0 if kind == kinds.SOURCE else 0.15 for kind in known.kinds]
    flat = lexical.score(dict.fromkeys(query.words, 1.0)).files
    best = sorted(flat, key=lambda f: -flat[f] * weight[f])
    yield NAMES[0], [(known.files[f].path, 1, 10**6) for f in best[:50]]
    scores = lexical.score(query.words)
    chunks = {n: value * weight[known.owner[n]] for n, value in scores.chunks.items()}
    order = sorted(chunks, key=lambda n: -chunks[n])
    yield NAMES[1], regions(known, order)
    lists = [{f: value * weight[f] for f, value in found.items()} for found in (scores.files, scores.paths)]
    yield NAMES[2], regions(known, fused(order, lists, known.owner))
    for name, signals in zip(NAMES[3:], (("history",), (), *((signal,) for signal in WEAK)), strict=True):
        made.ranking._without = frozenset(signals)  # noqa: SLF001 - an ablation
        yield name, made.regions(text, BUDGETS[-1])


def fused(order: Sequence[int], lists: Sequence[Mapping[int, float]], owner: Sequence[int]) -> list[int]:
    """Reciprocal rank fusion of BM25F over functions, BM25 over files and over paths."""
    top = {owner[n]: -place for place, n in reversed(list(enumerate(order)))}
    file: dict[int, float] = {}
    for values in (*lists, top):
        for place, f in enumerate(sorted(values, key=lambda f: -values[f]), 1):
            file[f] = file.get(f, 0.0) + 1 / (10 + place)
    most = max(file.values(), default=1.0)
    both = {n: 21 / (20 + place) + file[owner[n]] / most for place, n in enumerate(order, 1)}
    return sorted(both, key=lambda n: -both[n])


def regions(known: Corpus, best: Sequence[int]) -> list[Region]:
    found = []
    for n in best[:400]:
        row = known.rows[known.owner[n]]
        chunk = known.chunks(row)[n - row.first]
        found.append((known.files[known.owner[n]].path, chunk.start, chunk.end))
    return found


def measure(cases: Sequence[Mapping[str, Any]], work: Path) -> Rows:
    common = harness()
    rows: Rows = {}
    stores: dict[str, Store] = {}
    for number, case in enumerate(cases, 1):
        repo = case["repo"]
        root = work / repo.replace("/", "+")
        common.checkout(repo, case["parent"], root)
        store = stores.setdefault(repo, Store(work / f"{root.name}.sqlite"))
        files, read = searchable(files_in(root)), reader(root)
        past = before(common.gitdir(repo), case["parent"])
        material = Material(files=files, read=read, past=past, estimate=tokens)
        made = Hybrid(store, material)
        for kind, query in QUERIES.items():
            for name, found in answers(case[query], made) if case[query] else ():
                scores = common.score(case, root, found, BUDGETS)
                rows.setdefault((name, kind), []).append({"id": case["id"], **scores})
        print(f"{number} of {len(cases)}: {case['id']}", file=sys.stderr, flush=True)
    return rows


def in_prompt(cases: Sequence[Mapping[str, Any]], work: Path) -> Iterator[str]:
    """Of the fixes of more than one file: gold functions that the loop's first prompt quotes, without any lookup."""
    from greenloop.model.budget import estimate_tokens  # noqa: PLC0415 - only here
    from greenloop.settings import Settings  # noqa: PLC0415 - only here

    common = harness()
    budget = Settings().context_tokens // 2
    found: dict[str, list[float]] = {}
    for case in (case for case in cases if len(case["gold_lines"]) > 1 and case["gold_funcs"]):
        root = work / case["repo"].replace("/", "+")
        common.checkout(case["repo"], case["parent"], root)
        read, past = reader(root), before(common.gitdir(case["repo"]), case["parent"])
        files = searchable(files_in(root))
        made = Hybrid(
            Store(work / f"{root.name}.sqlite"),
            Material(files=files, read=read, past=past, estimate=estimate_tokens),
        )
        for kind, query in QUERIES.items():
            shown = made.find(case[query], budget).snippets
            lines = {(s.path, s.start + n) for s in shown for n in range(s.text.count("\n") + 1)}
            units = {(p, u.name): u for p in case["gold_lines"] for u in common.units_of(read(p) or "") or []}
            gold = [(path, units[path, name]) for path, name in case["gold_funcs"] if (path, name) in units]
            there = [all((path, n) in lines for n in range(u.start, u.end)) for path, u in gold]
            found.setdefault(kind, []).append(sum(there) / len(there))
        made.close()
    yield f"\nFixes of more than one file: gold functions quoted whole in a first prompt of {budget} tokens"
    yield from (f"{kind}: {100 * mean(shares):.1f} % ({len(shares)} cases)" for kind, shares in found.items())


def interval(ours: Sequence[Mapping[str, Any]], theirs: Sequence[Mapping[str, Any]], key: str) -> str:
    """The mean difference of the same cases, and where 95 % of its bootstrap draws lie; in points."""
    pairs = [a[key] - b[key] for a, b in zip(ours, theirs, strict=True)]
    draw = random.Random(1)  # noqa: S311 - the same draws each time
    means = sorted(mean(draw.choices(pairs, k=len(pairs))) for _ in range(DRAWS))
    return f"{100 * mean(pairs):+.1f} [{100 * means[DRAWS // 40]:+.1f}, {100 * means[-DRAWS // 40]:+.1f}]"


def tell(rows: Rows) -> Iterator[str]:
    for kind in QUERIES:
        ours = rows["greenloop", kind]
        yield f"\n{kind}, {len(ours)} cases\n"
        yield "| retriever | " + " | ".join(SHOWN) + " | greenloop's file@5 beside it | gold@16k |"
        yield "|---|" + "---|" * (len(SHOWN) + 2)
        for name in NAMES:
            theirs = rows[name, kind]
            values = [mean(row[key] for row in theirs if key in row) * 100 for key in SHOWN]
            apart = [interval(ours, theirs, key) if name != "greenloop" else "" for key in ("file@5", "gold@16k")]
            yield f"| {name} | " + " | ".join(f"{value:.1f}" for value in values) + f" | {' | '.join(apart)} |"


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--every", type=int, default=1, metavar="N", help="only every Nth case")
    asked.add_argument("--cases", type=Path, help="other cases than the harness's open ones")
    asked.add_argument("--json", type=Path, metavar="FILE", help="write each case's measures there")
    asked.add_argument("--prompt", action="store_true", help="only what the loop's first prompt quotes of larger fixes")
    options = asked.parse_args()
    path = options.cases or Path(os.environ["LOCALIZE"]) / "data/open/cases.jsonl"
    cases = [json.loads(line) for line in path.read_text("utf-8").splitlines()][:: options.every]
    with TemporaryDirectory() as folder:
        if options.prompt:
            print("\n".join(in_prompt(cases, Path(folder))))
            return 0
        rows = measure(cases, Path(folder))
    if options.json:
        options.json.write_text(json.dumps([[*key, values] for key, values in rows.items()]))
    print("\n".join(tell(rows)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
