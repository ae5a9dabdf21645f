"""The step before the checks: ruff's safe fixes and its formatter, on changed lines only.

A fix is taken when every one of its edits lies in changed lines. The formatter is taken for a file whose other lines
are as it would have them (so was the base, or the file is new), and again only where the lines changed. The result
parses, or the file stays as it is. `tidy` decides nothing; it returns new bytes and leaves the folder as it found it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from greenloop.checks import files, hunks, ruff
from greenloop.ports import Policy, Sandbox
from greenloop.settings import Settings

_PASSES = 5  # a fix may uncover another one, and fixes that overlap wait for the next pass
_LARGEST = 500_000  # bytes
_BOM = "\ufeff"
# The rules are words of ours without spaces; both answers for one start of the sandbox
_BOTH = """\
ruff=$1 out=$2 rules=$3; shift 3
"$ruff" check --no-fix --output-format json-lines --output-file "$out/fixes" $rules -- "$@" >/dev/null 2>&1
"$ruff" format --diff --no-cache --force-exclude --no-respect-gitignore -- "$@" >"$out/diff" 2>/dev/null
exit 0
"""


@dataclass(slots=True)
class _File:
    """A file on its way: its text without the mark some editors put first, and the lines that changed."""

    original: bytes
    mark: str
    text: str
    changed: frozenset[int]

    def bytes(self) -> bytes:
        return (self.mark + self.text).encode()


def tidy(
    folder: Path, lines: Mapping[str, frozenset[int]], sandbox: Sandbox, settings: Settings
) -> Mapping[str, bytes]:
    """The new bytes of each file that gets better; `lines` are the changed ones of each path, 1-based.

    Ruff is asked about changed files only. Where it cannot answer, nothing is tidied; the check will say why.
    """
    found = dict(_taken(folder, lines))
    todo = tuple(found)
    try:
        for _ in range(_PASSES):
            if not todo:
                break
            fixes, groups = _asked(folder, todo, sandbox, settings)
            todo = tuple(p for p in todo if _improved(found[p], fixes.get(p, []), groups.get(p, [])))
            for path in todo:
                (folder / path).write_bytes(found[path].bytes())
    finally:
        for path, file in found.items():
            (folder / path).write_bytes(file.original)
    return {path: file.bytes() for path, file in found.items() if file.bytes() != file.original}


def _taken(folder: Path, lines: Mapping[str, frozenset[int]]) -> Iterator[tuple[str, _File]]:
    """The files that can be tidied: regular, text, with line ends that all tools count alike, and parsing."""
    for path, changed in sorted(lines.items()):
        raw = files.read(folder, path, limit=_LARGEST) if changed and path.endswith((".py", ".pyi")) else None
        try:
            text = (raw or b"").decode()
        except UnicodeDecodeError:
            continue
        mark = _BOM if text.startswith(_BOM) else ""
        text = text.removeprefix(_BOM)
        if raw and "\r" not in text.replace("\r\n", "") and hunks.parses(text):
            yield path, _File(original=raw, mark=mark, text=text, changed=changed)


def _improved(file: _File, fixes: list[Mapping[str, Any]], groups: list[hunks.Group]) -> bool:
    """Fixes first, and then it is to be looked at again; the formatter when there is nothing left to fix."""
    new = hunks.fixed(file.text, fixes, file.changed)
    if new != file.text:
        file.changed = hunks.carried(file.text, new, file.changed)
        file.text = new
        return True
    file.text = hunks.formatted(file.text, groups, file.changed)
    return False


def _asked(
    folder: Path, paths: tuple[str, ...], sandbox: Sandbox, settings: Settings
) -> tuple[dict[str, list[Mapping[str, Any]]], dict[str, list[hunks.Group]]]:
    """What ruff would fix and how it would format, by path; empty where it gave no answer."""
    with tempfile.TemporaryDirectory(prefix="greenloop-tidy-") as made:
        out = Path(made)
        fixes, diff = out / "fixes", out / "diff"
        rules = " ".join(ruff.options(folder, paths))
        done = sandbox.run(
            ("sh", "-c", _BOTH, "sh", str(ruff.binary()), made, rules, *paths),
            cwd=folder,
            policy=Policy(
                readable=(folder, ruff.binary()),
                writable=(out,),
                seconds=60,
                memory=settings.memory,
                processes=64,
                artifacts=(fixes, diff),
            ),
        )
    by_path: dict[str, list[Mapping[str, Any]]] = {}
    for line in ruff.parsed(done.artifacts.get(fixes, b"")) or []:
        if isinstance(line.get("fix"), dict):
            by_path.setdefault(ruff.relative(str(line.get("filename")), folder), []).append(line["fix"])
    return by_path, hunks.groups_of(done.artifacts.get(diff, b"").decode("utf-8", "replace"))
