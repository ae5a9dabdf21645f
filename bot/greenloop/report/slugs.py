"""Names of branches made of a request's words."""

from __future__ import annotations

import re

_WORDS, _LENGTH = 6, 40


def slug(text: str) -> str:
    """`add-retry-to-the-uploader`, of the first words."""
    return "-".join(re.findall(r"[a-z0-9]+", text.lower())[:_WORDS])[:_LENGTH].strip("-") or "change"
