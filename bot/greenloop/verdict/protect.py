"""What an attempt may not change on its own: existing tests, check configuration, CI files, and our own settings.

Pure: it says which paths to put back and how to judge the rest; `candidate.py` does it. The lists of names are in
`protected_names.py`; what a change does to the checks that it may touch, or around them, is in `integrity`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from greenloop.domain import Finding, Severity
from greenloop.patterns import matches
from greenloop.ports import Change
from greenloop.settings import FILE, Settings
from greenloop.source.named import names_file
from greenloop.verdict.judge import DELETED
from greenloop.verdict.manifests import changed_sections, check_sections
from greenloop.verdict.protected_names import Kind, is_compiled, is_test, is_test_module, kind_of, stands_in

__all__ = ["Guarded", "Read", "check_sections", "decides", "guard", "is_test"]

Read = Callable[[str], bytes | None]

_NEVER = frozenset({FILE, FILE.removesuffix("yml") + "yaml"})
_FORBIDS_TESTS = re.compile(
    r"\b(?:do not|don.?t|must not|mustn.?t|never|without|no)\b[^.;\n]{0,40}"
    r"\b(?:chang|edit|touch|modif|alter|adapt|delet|remov|rewrit)\w*[^.;\n]{0,60}\btest",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """What becomes of an attempt's changes. All are paths but `notes` and `forbidden`.

    `restored` are put back to the base in what is committed. `judged_as_base` stay in the commit, and the judged run
    sees the base's version. `permitted` are existing protected paths that request or settings name. `own` are test
    files that the attempt added or changed and that remain. `forbidden` is the answer to the model when paths outside
    `settings.paths` were changed, or "".
    """

    restored: tuple[str, ...] = ()
    judged_as_base: tuple[str, ...] = ()
    permitted: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    notes: tuple[Finding, ...] = ()
    forbidden: str = ""


def guard(
    changes: tuple[Change, ...],
    *,
    request: str,
    settings: Settings,
    read_base: Read = lambda _path: None,
    read_new: Read = lambda _path: None,
    roots: Iterable[str] = (),
    led: frozenset[str] = frozenset(),
) -> Guarded:
    """Sort an attempt's changes. The readers are asked for manifests only; what they cannot give counts as changed.
    `roots` are the folders, beside the root and `directory`, that the target's code is imported from; `led` are files
    that the base's checks are led to."""
    places = {"", settings.directory, *roots}
    fates = {c.path: _fate(c, request, settings, read_base, read_new, places, led) for c in changes}
    put_back = [path for path, fate in fates.items() if fate.put_back]
    for change in changes:  # a new file cannot stay where a folder comes back
        if change.status != "D" and any(path.startswith(f"{change.path}/") for path in put_back):
            fates[change.path] = _back(change.path, "stands where protected files come back")
    if any(fate.permitted and kind_of(path) is Kind.TEST for path, fate in fates.items()):
        new = {c.path for c in changes if c.status == "A"}  # changed tests may need them
        fates = {path: replace(fate, aside=fate.aside and path not in new) for path, fate in fates.items()}
    outside = [c.path for c in changes if settings.paths and not matches(c.path, settings.paths)]
    kept = [(c, fates[c.path]) for c in changes if not fates[c.path].put_back]
    return Guarded(
        restored=tuple(path for path, fate in fates.items() if fate.put_back),
        judged_as_base=tuple(c.path for c, fate in kept if fate.aside),
        permitted=tuple(c.path for c, fate in kept if fate.permitted and c.status != "A"),
        own=tuple(c.path for c, _ in kept if c.status != "D" and is_test_module(c.path)),
        notes=tuple(fate.note for fate in fates.values() if fate.note is not None),
        forbidden=_outside(outside, settings) if outside else "",
    )


def decides(change: Change, *, read_base: Read, read_new: Read, roots: Iterable[str]) -> bool:
    """Whether a change, whoever made it, is to how everything is checked, and not to what is checked: existing tests
    are not asked for here."""
    kind = kind_of(change.path)
    if kind is Kind.MANIFEST:
        return bool(_sections(change, read_base, read_new))
    return change.path in _NEVER or kind in {Kind.CONFIG, Kind.CI} or bool(_instead(change, roots))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fate:
    put_back: bool = False
    aside: bool = False
    permitted: bool = False
    note: Finding | None = None


def _fate(
    change: Change,
    request: str,
    settings: Settings,
    read_base: Read,
    read_new: Read,
    roots: Iterable[str],
    led: frozenset[str],
) -> _Fate:
    path = change.path
    if path in _NEVER:
        return _back(path, "holds greenloop's own settings, which no attempt may change")
    kind = kind_of(path)
    why = _WHY.get(kind, "") or (_LED if path in led else "") or _instead(change, roots)
    if kind is Kind.MANIFEST:
        sections = _sections(change, read_base, read_new)
        why = f"configures checks ({', '.join(sections)[:120]})" if sections else ""
    if kind is Kind.TEST and change.status == "A" and not is_compiled(path):
        return _Fate(aside=path.endswith((".py", ".pyw")))
    if not why:
        return _Fate()
    if _may(path, kind, request, settings):
        return _permitted(change)
    if kind is Kind.TEST and is_test_module(path) and _only_adds(change):
        what = "was added to; its existing tests are judged as the base has them."
        return _Fate(aside=True, note=_note(path, "added-to", what))
    return _back(path, why)


_WHY = {Kind.TEST: "is an existing test", Kind.CONFIG: "configures checks", Kind.CI: "is a CI file"}
_LED = "is what the checks' configuration or command leads to"


def _instead(change: Change, roots: Iterable[str]) -> str:
    """Why Python would run this file in place of another one that can be read or that judges; or ""."""
    if is_compiled(change.path):
        return "is compiled code, which nobody can read"
    if change.status == "A" and stands_in(change.path, roots):
        return "would be imported instead of a module of Python or pytest"
    return ""


def _only_adds(change: Change) -> bool:
    """A binary file, or one whose mode alone changed, has no lines on either side: nothing is known of it."""
    return change.status == "M" and bool(change.lines) and change.removed == 0


def _sections(change: Change, read_base: Read, read_new: Read) -> tuple[str, ...]:
    base = b"" if change.status == "A" else read_base(change.path)
    new = b"" if change.status == "D" else read_new(change.path)
    if base is None or new is None or change.status == "T":
        return ("a file that cannot be read",)
    return changed_sections(change.path, base, new)


def _may(path: str, kind: Kind, request: str, settings: Settings) -> bool:
    """By the settings, or because the request names the file and does not say to leave the tests alone."""
    if settings.allow and matches(path, settings.allow):
        return True
    return names_file(request, path) and not (kind is Kind.TEST and _FORBIDS_TESTS.search(request))


def _permitted(change: Change) -> _Fate:
    path = change.path
    if change.status == "D":
        return _Fate(permitted=True, note=_note(path, DELETED, "was deleted, as the request or the settings permit."))
    what = (
        "was changed, as the request or the settings permit; it is judged in the attempt's version and in the base's."
    )
    return _Fate(permitted=True, note=_note(path, "permitted", what))


def _back(path: str, why: str) -> _Fate:
    return _Fate(put_back=True, note=_note(path, "restored", f"{why}; the change to it was put back."))


def _note(path: str, rule: str, what: str) -> Finding:
    return Finding(check="integrity", rule=rule, message=f"{path} {what}", path=path, severity=Severity.NOTE)


def _outside(paths: list[str], settings: Settings) -> str:
    more = f" and {len(paths) - 5} more" if len(paths) > 5 else ""
    allowed = ", ".join(settings.paths)
    return f"{', '.join(paths[:5])}{more} may not be changed. Only paths that match these may be: {allowed}."
