"""`usage`: what the calls on this machine have used, by day, model or requester; as a table, CSV or JSON."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from greenloop.domain import Usage
from greenloop.errors import UsageError
from greenloop.forge.terminal import printable
from greenloop.model.audit import Audit, Call, database
from greenloop.records.places import Places

_COLUMNS = ("calls", "from_store", "failed", "input", "cached", "output", "cost", "unpriced", "seconds")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_FORMULA = ("=", "+", "-", "@")  # what a spreadsheet would run


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What the calls of one group have used. `unpriced` counts those whose cost nobody knows."""

    group: str
    calls: int
    from_store: int
    failed: int
    input: int
    cached: int
    output: int
    cost: float
    unpriced: int
    seconds: float


def usage(environment: Mapping[str, str], *, by: str = "day", form: str = "table", since: str = "") -> str:
    """The text to print. Raises `UsageError`, and `StoreTrouble` when the file cannot be read."""
    rows = database(Places.of(environment).state)
    try:
        lines = lines_of(Audit(rows).calls(since=_since(since)), by=by)
    finally:
        rows.close()
    return {"table": _table, "csv": _csv, "json": _json}[form](lines, by, str(rows.path))


def lines_of(calls: Iterable[Call], *, by: str) -> tuple[Line, ...]:
    """One line for each group, in the order of their names."""
    groups: dict[str, list[Call]] = {}
    for call in calls:
        groups.setdefault(call.at[:10] if by == "day" else str(getattr(call, by)), []).append(call)
    return tuple(_line(name, groups[name]) for name in sorted(groups))


def _line(name: str, calls: list[Call]) -> Line:
    total = sum((call.usage for call in calls), Usage())
    return Line(
        group=name,
        calls=total.calls,
        from_store=len(calls) - total.calls,
        failed=sum(call.outcome.startswith("failed") for call in calls),
        input=total.input,
        cached=total.cached,
        output=total.output,
        cost=round(sum(call.cost or 0.0 for call in calls), 6),
        unpriced=sum(call.cost is None for call in calls),
        seconds=round(sum(call.seconds for call in calls), 3),
    )


def _since(given: str) -> str:
    """`2026-11-01`, or `7d` for the last seven days."""
    days = re.fullmatch(r"(\d{1,4})d", given)
    if days:
        return (datetime.now(UTC) - timedelta(days=int(days[1]))).date().isoformat()
    if given and not _DAY.fullmatch(given):
        raise UsageError(f"--since is {printable(given)!r}; write a day such as 2026-11-01, or 7d.")
    return given


def _cells(line: Line) -> list[str]:
    return [printable(line.group), *(f"{getattr(line, name)}" for name in _COLUMNS)]


def _table(lines: tuple[Line, ...], by: str, place: str) -> str:
    if not lines:
        return f"No calls are noted in {place}.\n"
    rows = [[by, *(name.replace("_", " ") for name in _COLUMNS)], *map(_cells, lines)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    aligned = (
        "  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))])
        for row in rows
    )
    return "\n".join(line.rstrip() for line in aligned) + "\n"


def _csv(lines: tuple[Line, ...], by: str, _place: str) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([by, *_COLUMNS])
    for group, *cells in map(_cells, lines):
        writer.writerow([f"'{group}" if group.startswith(_FORMULA) else group, *cells])
    return out.getvalue()


def _json(lines: tuple[Line, ...], by: str, _place: str) -> str:
    rows = [{by: line.group, **{name: getattr(line, name) for name in _COLUMNS}} for line in lines]
    return json.dumps(rows, indent=2) + "\n"
