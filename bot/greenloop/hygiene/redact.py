"""Keys out of any text that people, logs or files get: a key as it is, and as JSON, URL, HTML, base64 or hex write it.

Knows the keys it is given, and by `secrets` the shapes of well-known ones. For source code there is `hide`.
"""

from __future__ import annotations

import json
import re
from binascii import b2a_base64
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import quote, quote_plus

from greenloop.hygiene.secrets import scrub

REDACTED = "[redacted]"
_SHORT = 8  # a shorter key hides only where it stands alone: "test" must not eat "tests"
_LEAST = 4  # what is shorter protects nothing
_LONG = 16  # from here on a key cannot be part of code by accident
_CORE = 8  # characters of base64 that are enough to know a key by
_HEADER = re.compile(r"(?i)\b(bearer|basic|x-api-key:|api-key:)\s+[\w.~+/=-]{8,}")


def redact(text: str, keys: Iterable[str] = ()) -> str:
    """`text` without these keys in any form, without authorisation headers and well-known kinds of credentials."""
    return scrub(_HEADER.sub(rf"\1 {REDACTED}", _without(text, keys, _LEAST)))


def hide(text: str, keys: Iterable[str]) -> str:
    """`text` without these very keys. For code: an example key in it stays, and so does a word that is a short key."""
    return _without(text, keys, _LONG)


def recorded(text: str, keys: Iterable[str]) -> str:
    """`text` for a record that is played again: without these very keys, and without shapes of credentials."""
    return scrub(hide(text, keys))


def forms(key: str) -> tuple[str, ...]:
    """Every text that a key may turn up as, for whoever hides exact texts only; none for what protects nothing."""
    known = key.strip()
    return tuple(sorted(_forms(known))) if len(known) >= _LEAST else ()


def _without(text: str, keys: Iterable[str], least: int) -> str:
    known = tuple(sorted({k.strip() for k in keys if len(k.strip()) >= least}))
    return _pattern(known).sub(REDACTED, text) if known else text


@lru_cache(maxsize=16)
def _pattern(keys: tuple[str, ...]) -> re.Pattern[str]:
    forms = sorted({form for key in keys for form in _forms(key)}, key=len, reverse=True)
    return re.compile("|".join(map(_alternative, forms)))


def _alternative(form: str) -> str:
    """The escapes of a URL may be in either case; a short key must stand alone."""
    escaped = re.sub("%[0-9A-F]{2}", lambda found: f"(?i:{found[0]})", re.escape(form))
    return escaped if len(form) >= _SHORT else rf"(?<!\w){escaped}(?!\w)"


def _forms(key: str) -> set[str]:
    raw = key.encode()
    once = json.dumps(key)[1:-1]
    forms = {key, once, json.dumps(key, ensure_ascii=False)[1:-1], json.dumps(once)[1:-1], once.replace("/", "\\/")}
    forms |= {quote(key), quote(key, safe=""), quote_plus(key)}
    forms |= {raw.hex(), raw.hex().upper(), *_marked_up(key)}
    return forms | (_encoded(raw) if len(raw) >= _SHORT else set())


def _marked_up(key: str) -> set[str]:
    plain = key.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return {plain, plain.replace('"', "&quot;").replace("'", "&#x27;")}


def _encoded(raw: bytes) -> set[str]:
    """The part of base64 that depends on the key alone, for each place that it can stand at (`user:key`)."""
    forms = set()
    for shift in range(3):
        text = b2a_base64(bytes(shift) + raw, newline=False).decode()
        core = text[(0, 2, 3)[shift] : (shift + len(raw)) * 8 // 6]
        if len(core) >= _CORE:
            forms |= {core, core.replace("+", "-").replace("/", "_")}
    return forms
