"""Known vulnerabilities of distributions, asked of a service that speaks OSV's API. Not reached is not checked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from greenloop.domain import Dependency

NOT_CHECKED = "not checked"
NONE_KNOWN = "none known"
_SECONDS = 10.0
_SHOWN = 5  # ids of one distribution


def checked(found: Iterable[Dependency], service: str) -> tuple[Dependency, ...]:
    """The same with what the service knows; where it cannot be asked, or answers nonsense, they say so."""
    found = tuple(found)
    asked = [d for d in found if d.version[:1].isdigit()]
    answers = _answers(asked, service) if service and asked else None
    if answers is None:
        return tuple(replace(d, vulnerabilities=NOT_CHECKED) for d in found)
    # a lock for several systems may hold two versions of one name
    known = {(d.name, d.version): _words(answer) for d, answer in zip(asked, answers, strict=True)}
    return tuple(replace(d, vulnerabilities=known.get((d.name, d.version), NOT_CHECKED)) for d in found)


def _answers(asked: list[Dependency], service: str) -> list[Any] | None:
    import httpx

    queries = [{"package": {"name": d.name, "ecosystem": "PyPI"}, "version": d.version} for d in asked]
    try:
        answer = httpx.post(f"{service.rstrip('/')}/v1/querybatch", json={"queries": queries}, timeout=_SECONDS)
        answer.raise_for_status()
        results = answer.json()["results"]
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError, RecursionError):
        return None
    fits = isinstance(results, list) and len(results) == len(asked) and all(isinstance(r, dict) for r in results)
    return results if fits else None


def _words(answer: dict[str, Any]) -> str:
    vulnerabilities = answer.get("vulns") or []
    ids = [str(v.get("id"))[:60] for v in vulnerabilities if isinstance(v, dict) and v.get("id")]
    if not ids:
        return NONE_KNOWN if not vulnerabilities else NOT_CHECKED
    more = f" and {len(ids) - _SHOWN} more" if len(ids) > _SHOWN else ""
    return f"{', '.join(ids[:_SHOWN])}{more}"
