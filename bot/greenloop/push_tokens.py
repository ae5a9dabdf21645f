"""Which token the workflows of a checkout give to greenloop. What is pushed with the job's own starts no workflow by
itself; with any other one the repository's CI runs generated code with its secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(".github") / "workflows"
OWN = "The workflows here push with the job's own token: no workflow starts by itself on what it pushes."
WARNING = (
    "{place}: {token} starts the repository's workflows on what it pushes, so that generated code runs with the "
    "secrets that they have. Leave `github_token` out, for the job's own token, unless that is what you want."
)
_GIVEN = re.compile(r"""\b(?:github_token|INPUT_GITHUB_TOKEN)\b["']?\s*:\s*["']?(\$\{\{.*?\}\}|[^\s,}"'#]+)""")
_JOBS_OWN = re.compile(r"\$\{\{\s*(?:github\.token|secrets\.GITHUB_TOKEN)\s*\}\}")
_OURS = re.compile(r"\bgreenloop\b", re.IGNORECASE)
_LONGEST = 1 << 20


def told(folder: Path) -> tuple[str, ...]:
    """For people; nothing where no workflow speaks of greenloop."""
    ours = [(path.name, text) for path, text in _texts(folder) if _OURS.search(text)]
    warnings = tuple(warning for name, text in ours for warning in _warnings(name, text))
    return warnings or ((OWN,) if ours else ())


def _texts(folder: Path) -> Iterator[tuple[Path, str]]:
    for path in sorted((folder / FOLDER).glob("*.y*ml")):
        if path.is_file() and path.stat().st_size <= _LONGEST:
            yield path, path.read_text("utf-8", "replace")


def _warnings(name: str, text: str) -> Iterator[str]:
    for number, line in enumerate(text.splitlines(), 1):
        found = _GIVEN.search(line.partition(" #")[0])
        if found and not _JOBS_OWN.fullmatch(found[1]):
            yield WARNING.format(place=f"{FOLDER / name}:{number}", token=found[1])
