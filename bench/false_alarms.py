"""How often the check `integrity` and the scanner of secrets speak up over ordinary history, and with what.

    python bench/false_alarms.py REPOSITORY… [--commits 100]

Each REPOSITORY is a git folder. Every commit but merges is judged as if it were an attempt whose changes are all
permitted: nothing is put back, so this is the worst case. Only what would decide (errors and warnings) is counted.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from greenloop.hygiene.secrets import found
from greenloop.integrity import Side, examine
from greenloop.verdict.findings import decides


def git(repository: Path, *words: str) -> bytes:
    words = ("git", "-C", str(repository), *words)
    return subprocess.run(words, check=True, capture_output=True).stdout


def changes(repository: Path, commit: str) -> Iterator[Side]:
    """The files that a commit changed, with the lines that it added."""
    for line in (
        git(repository, "diff-tree", "-r", "--no-renames", "--root", f"{commit}^", commit).decode().splitlines()
    ):
        _, new_mode, old, new, rest = line[1:].split(" ", 4)
        path = rest.split("\t", 1)[1]
        if "160000" in line[:16] or new_mode == "120000":
            continue
        before, after = (
            None if set(blob) == {"0"} else git(repository, "cat-file", "blob", blob) for blob in (old, new)
        )
        if any(b"\0" in (text or b"")[:8000] for text in (before, after)):
            continue
        texts = (None if text is None else text.decode("utf-8", "replace") for text in (before, after))
        yield Side(
            path=path,
            before=(old_text := next(texts)),
            after=(new_text := next(texts)),
            added=_added(old_text, new_text),
        )


def _added(before: str | None, after: str | None) -> frozenset[int]:
    import difflib  # noqa: PLC0415

    if after is None:
        return frozenset()
    new = after.split("\n")
    if before is None:
        return frozenset(range(1, len(new) + 1))
    blocks = difflib.SequenceMatcher(None, before.split("\n"), new, autojunk=False).get_opcodes()
    return frozenset(n + 1 for word, _, _, a, b in blocks if word != "equal" for n in range(a, b))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("repositories", nargs="+", type=Path)
    parser.add_argument("--commits", type=int, default=100)
    given = parser.parse_args()
    for repository in given.repositories:
        commits = git(repository, "log", "--no-merges", "--format=%h", f"-{given.commits}").decode().split()
        rules: Counter[str] = Counter()
        loud = hits = files = 0
        for commit in commits:
            sides = tuple(changes(repository, commit))
            told = [f for f in examine(sides) if decides(f)]
            loud += bool(told)
            rules.update(f.rule for f in told)
            for finding in told:
                sys.stderr.write(
                    f"{repository.name} {commit} {finding.path}:{finding.line} {finding.rule} {finding.context[:90]}\n"
                )
            for side in sides:
                added = "\n".join(t for n, t in enumerate((side.after or "").split("\n"), 1) if n in side.added)
                files += 1
                for kind, text in found(added):
                    hits += 1
                    sys.stderr.write(f"{repository.name} {commit} {side.path} secret {kind} {text[:60]}\n")
        counts = ", ".join(f"{rule} {n}" for rule, n in rules.most_common())
        print(f"{repository}: {loud} of {len(commits)} commits [{counts}]; secrets: {hits} in {files} changed files")


if __name__ == "__main__":
    main()
