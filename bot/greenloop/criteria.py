"""What is measured beside tests, lint and security, and when it decides. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from greenloop.domain import Finding, Number
from greenloop.setting_values import Criteria

CHECK = "criteria"
_SECONDS, _MEGABYTES = 0.5, 16.0  # differences below which a machine tells nothing


def costs(what: str, before: tuple[float, float], after: tuple[float, float], limits: Criteria) -> tuple[Number, ...]:
    """Seconds and megabytes of something that was run on both sides."""
    return (
        Number(f"time of {what}", before[0], after[0], "s", _above(limits.time)),
        Number(f"memory of {what}", before[1], after[1], "MB", _above(limits.memory)),
    )


def complexity(name: str, before: int | None, after: int, limits: Criteria) -> Number:
    most = "" if limits.complexity is None else f"at most {limits.complexity}"
    return Number(f"complexity of {name}", None if before is None else float(before), float(after), "", most)


def exceeded(numbers: Iterable[Number], limits: Criteria) -> Iterator[Finding]:
    """Those that break their limit. What was as complex before, or is not measurably slower, breaks none."""
    for number in numbers:
        if number.after is None or not number.limit:
            continue
        if _breaks(number, number.after, limits):
            was = "" if number.before is None else f", {said(number.before, number.unit)} before"
            message = f"{number.what}: {said(number.after, number.unit)}{was}; {number.limit}."
            yield Finding(check=CHECK, rule=number.what.partition(" ")[0], message=message, context=number.what)


def _breaks(number: Number, after: float, limits: Criteria) -> bool:
    before = number.before
    if not number.unit:
        return after > (limits.complexity or 0) and (before is None or after > before)
    more, least = (limits.time, _SECONDS) if number.unit == "s" else (limits.memory, _MEGABYTES)
    return before is not None and after > before * (1 + (more or 0.0)) and after - before > least


def _above(more: float | None) -> str:
    return "" if more is None else f"at most {100 * more:g} % more"


def said(value: float | None, unit: str) -> str:
    if value is None:
        return "not known"
    figure = f"{value:.2f}" if unit == "s" else f"{value:.0f}"
    return f"{figure} {unit}".rstrip()
