"""What is measured beside tests, lint and security, and when it decides. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from greenloop.domain import Covered, Finding, Number
from greenloop.setting_values import Criteria

CHECK = "criteria"
COVERAGE = "coverage of the changed lines"
_FILES, _SPANS = 10, 20  # told in full
_SECONDS, _MEGABYTES = 0.5, 16.0  # differences below which a machine tells nothing


Cost = tuple[float, float | None]  # seconds, and megabytes where they were seen


def costs(what: str, before: Cost, after: Cost, limits: Criteria) -> tuple[Number, ...]:
    """Of something that was run on both sides."""
    return (
        Number(f"time of {what}", before[0], after[0], "s", _above(limits.time)),
        Number(f"memory of {what}", before[1], after[1], "MB", _above(limits.memory)),
    )


def coverage(files: tuple[Covered, ...], limits: Criteria) -> Number:
    """Of the changed statements, those that a test ran; of none at all, when `files` are none, nothing is known."""
    every, missed = sum(len(file.lines) for file in files), sum(len(file.missed) for file in files)
    least = "" if limits.coverage is None else f"at least {limits.coverage:g} %"
    told = [f"{file.path} {spans(file.missed)}" for file in files if file.missed]
    left = f"; not run: {', '.join(told[:_FILES])}" + (f" and {len(told) - _FILES} files more" * (len(told) > _FILES))
    strange = "".join(f"; something else ran under the name of {file.path}" for file in files if file.strange)
    detail = f"{every - missed} of {every}{left if told else ''}{strange}"
    return Number(COVERAGE, None, 100.0 * (every - missed) / every if every else None, "%", least, detail)


def spans(lines: tuple[int, ...]) -> str:
    """`3-5, 9`, the first of them."""
    found: list[list[int]] = []
    for line in lines:
        if found and line == found[-1][1] + 1:
            found[-1][1] = line
        else:
            found.append([line, line])
    said = [f"{first}-{last}" if last > first else f"{first}" for first, last in found]
    return ", ".join(said[:_SPANS]) + (" …" if len(said) > _SPANS else "")


def complexity(name: str, before: int | None, after: int, limits: Criteria) -> Number:
    most = "" if limits.complexity is None else f"at most {limits.complexity}"
    return Number(f"complexity of {name}", None if before is None else float(before), float(after), "", most)


def exceeded(numbers: Iterable[Number], limits: Criteria) -> Iterator[Finding]:
    """Those that break their limit. What was as complex before, or is not measurably slower, breaks none."""
    for number in numbers:
        if number.limit and (number.after is None or _breaks(number, number.after, limits)):  # not measured is not kept
            was = "" if number.before is None else f", {said(number.before, number.unit)} before"
            made = f" ({number.detail})" if number.detail else ""
            message = f"{number.what}: {said(number.after, number.unit)}{made}{was}; {number.limit}."
            yield Finding(check=CHECK, rule=number.what.partition(" ")[0], message=message, context=number.what)


def _breaks(number: Number, after: float, limits: Criteria) -> bool:
    before = number.before
    if not number.unit:
        return after > (limits.complexity or 0) and (before is None or after > before)
    if number.unit == "%":
        return after < (limits.coverage or 0.0)
    more, least = (limits.time, _SECONDS) if number.unit == "s" else (limits.memory, _MEGABYTES)
    return before is not None and after > before * (1 + (more or 0.0)) and after - before > least


def _above(more: float | None) -> str:
    return "" if more is None else f"at most {100 * more:g} % more"


def said(value: float | None, unit: str) -> str:
    if value is None:
        return "not known"
    figure = f"{value:.2f}" if unit == "s" else f"{value:.0f}"
    return f"{figure} {unit}".rstrip()
