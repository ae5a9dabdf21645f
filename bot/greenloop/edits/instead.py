"""What to do instead, in words for a model that was asked for one form only: it is sent back to that form."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType


def _by_form(either: str, *, whole: str, diff: str) -> Mapping[str, str]:
    """`either`: of whole files and SEARCH/REPLACE, which is what most models are asked for."""
    return MappingProxyType({"any": either, "search": either, "whole": whole, "diff": diff})


LEFT_OUT = _by_form(
    "Write the whole file, or use SEARCH/REPLACE blocks.",
    whole="Write the whole file, first line to last.",
    diff="Write the whole file, or a unified diff.",
)
PART = _by_form(
    "Change a part by SEARCH/REPLACE blocks; or send the whole file.",
    whole="Send the whole file, first line to last.",
    diff="Change a part by a unified diff; or send the whole file.",
)
HUNK = _by_form(
    "Use SEARCH/REPLACE blocks, or a diff with its headers.",
    whole="Send the whole file, without signs before its lines.",
    diff="Send a diff with its headers.",
)
SHORTER = _by_form(
    "Answer shorter: SEARCH/REPLACE blocks instead of whole files, and no explanations.",
    whole="Answer shorter: only the files that have to change, and no explanations.",
    diff="Answer shorter: a diff of what has to change, and no explanations.",
)
REMINDER = _by_form(
    "",
    whole="You are asked for whole files only: each path alone on a line, then the whole file in a fence.",
    diff="You are asked for one unified diff in a fence, with its headers.",
)


def reminded(message: str, form: str) -> str:
    """With what was asked for, where that is one form only."""
    return "\n\n".join(part for part in (message, REMINDER[form]) if part)
