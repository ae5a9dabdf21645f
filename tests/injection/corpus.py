"""The attacks of `attacks/*.toml`, as values. `known.toml` is by somebody who knows the code, `blind.toml` by somebody
who has not seen what stands against it."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "attacks"
SPOKEN = frozenset({"comment", "issue_title", "issue_body", "stranger_comment", "review_thread"})
MADE = frozenset({"file_content", "file_path", "branch_name", "commit_message", "commit_author", "gitattributes"})
PRINTED = frozenset({"test_output", "workflow_log", "model_answer"})
DOORS = SPOKEN | MADE | PRINTED | {"instruction_file", "knowledge"}


@dataclass(frozen=True, kw_only=True)
class Attack:
    """`door` is where the text comes in, `canary` what to look for afterwards. `live` is a pattern of what must not be
    found `where` it says: in the prompt outside of what is quoted, posted outside of code, or in the log."""

    id: str
    kind: str
    door: str
    text: str
    canary: str
    why: str
    live: str
    where: str


def attacks() -> list[Attack]:
    rows = [
        (path.stem, row) for path in sorted(FOLDER.glob("*.toml")) for row in tomllib.loads(path.read_text())["attack"]
    ]
    return [
        Attack(
            id=f"{name}-{row['id']}",
            kind=row["class"],
            door=row["door"],
            text=row["text"],
            canary=row["canary"],
            why=row["why"],
            live=row.get("live", ""),
            where=row["why"][1:].partition("]")[0] if "live" in row else "",
        )
        for name, row in rows
    ]


@cache
def words() -> frozenset[str]:
    """Ids of those whose pattern finds words that do nothing where they stand with us."""
    return frozenset(f"blind-{name}" for name in tomllib.loads((FOLDER / "known.toml").read_text())["words"])
