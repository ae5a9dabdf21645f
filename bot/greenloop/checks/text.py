"""Text that came from the target: bounded, without control characters, and the same from run to run where it means the
same. It is quoted material for people and models; nothing here judges it.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from greenloop.domain import Finding, Severity
from greenloop.lessons.excerpts import excerpt
from greenloop.ports import Completed

MESSAGE = 4_000  # characters of one message
OUTPUT = 4_000  # characters of a check's output that are kept
FINDINGS = 2_000  # findings of one check of an attempt
YARDSTICK = 20_000  # findings of one check of the base: what is missing there would look new later

_NOTE = 50  # characters that the note about what is left out may take

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
# C0 without tab and newline, DEL, C1, bidirectional overrides, lone surrogates
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]{6,}")
_PYTEST_TMP = re.compile(r"/[^\s'\"]{0,400}?/pytest-of-[^/\s'\"]+/pytest-\d+")


def clean(text: str, limit: int = MESSAGE) -> str:
    """Harmless and at most `limit` characters: of a longer text the head and a piece of the end."""
    text = _CONTROL.sub("", _ANSI.sub("", text.replace("\r\n", "\n"))).rstrip().lstrip("\n")
    if len(text) <= limit:
        return text
    room = max(limit - _NOTE, 0)
    return f"{text[: room - room // 4]}\n… {len(text) - room} characters left out …\n{text[len(text) - room // 4 :]}"


def tail(text: str, limit: int = OUTPUT) -> str:
    """The end of an output, from the beginning of a line."""
    text = _CONTROL.sub("", _ANSI.sub("", _seen(text)[-4 * limit :])).strip()
    if len(text) <= limit:
        return text
    rest = text[-limit:]
    return rest.partition("\n")[2] or rest


def steady(text: str, root: str) -> str:
    """Without what differs from run to run: where the copy lies, temporary folders, addresses, the time of day.

    Only times of the present are replaced: an assertion about a date has to stay readable.
    """
    text = text.replace(root + "/", "").replace(root, ".")
    text = _ADDRESS.sub("at 0x…", _PYTEST_TMP.sub("<tmp>", text))
    now = datetime.now(UTC)
    days = "|".join((now + timedelta(days=n)).strftime("%Y-%m-%d") for n in (-1, 0, 1))
    return re.sub(rf"\b(?:{days})[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?", "<now>", text)


def quoted(done: Completed, folder: Path) -> Completed:
    """How a run ended, with the ends of what it printed as they may be shown and compared."""
    root = str(folder.resolve())
    stdout, stderr = (steady(tail(part, 4 * OUTPUT), root) for part in (done.stdout, done.stderr))
    return replace(done, stdout=stdout, stderr=stderr)


def output(done: Completed) -> str:
    """The end of all that was printed."""
    return tail("\n".join(part for part in (done.stdout, done.stderr) if part.strip()))


def told(done: Completed, folder: Path) -> str:
    """What a program printed that nobody knows: its beginning, its end, and what looks like an error between."""
    said = "\n".join(part.rstrip() for part in (done.stdout, done.stderr) if part.strip())
    clean = _CONTROL.sub("", _ANSI.sub("", _seen(said)))
    return steady(excerpt(clean.strip("\n"), OUTPUT), str(folder.resolve()))


def _seen(text: str) -> str:
    """Lines as a terminal shows them in the end: of a bar that was drawn over and over, the last drawing."""
    text = text.replace("\r\n", "\n")
    if "\r" not in text:
        return text
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))


def first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")[:500]


def capped(findings: tuple[Finding, ...], *, limit: int, check: str) -> tuple[Finding, ...]:
    """At most `limit`, closed by one that says how many more there are and that is an error: unseen is not passed."""
    if len(findings) <= limit:
        return findings
    more = Finding(
        check=check,
        rule="more",
        message=f"{len(findings) - limit} more findings are not listed here.",
        severity=Severity.ERROR,
    )
    return (*findings[:limit], more)
