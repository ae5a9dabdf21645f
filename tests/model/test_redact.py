"""Keys out of every text, in every form that they are written in."""

from __future__ import annotations

import base64
import html
import json
from urllib.parse import quote, quote_plus

import pytest

from greenloop.hygiene.redact import hide, redact

KEY = 'q8"Zk/+w=é&<7>\\nL0pVx2'
OTHER = "plain-key-0123456789"


def forms(key: str) -> dict[str, str]:
    raw = key.encode()
    encoded = {
        f"{name} {before!r}{after!r}": encode(before + raw + after).decode()
        for name, encode in (("base64", base64.b64encode), ("url-safe", base64.urlsafe_b64encode))
        for before in (b"", b"u", b"us", b"usr")
        for after in (b"", b":", b"::")
    }
    once = json.dumps(key)
    return encoded | {
        "as it is": key,
        "json": once,
        "json in json": json.dumps(json.dumps({"error": key})),
        "json as text": json.dumps(key, ensure_ascii=False),
        "json of php": once.replace("/", "\\/"),
        "url": quote(key, safe=""),
        "url, path": quote(key),
        "url, form": quote_plus(key),
        "url, lower case": quote(key, safe="").replace("%2F", "%2f").replace("%3D", "%3d").replace("%2B", "%2b"),
        "html": html.escape(key),
        "html text": html.escape(key, quote=False),
        "hex": raw.hex(),
        "HEX": raw.hex().upper(),
    }


@pytest.mark.parametrize("key", [KEY, OTHER])
def test_every_form_of_a_key_is_redacted(key: str) -> None:
    for name, form in forms(key).items():
        for text in (f"before {form} after", f"before {form} after {form}"):
            found = redact(text, [OTHER, key])
            inner = form.strip('"=')
            assert inner not in found, name
            assert "[redacted]" in found, name
            assert len(found) < len(text) or name == "as it is", name
            left = found.replace("[redacted]", "").replace("before", "").replace("after", "")
            assert max(map(len, left.replace('"', " ").split()), default=0) <= 16, (name, left)
            assert hide(form, [key]) != form, name


def test_short_keys_hide_only_where_they_stand_alone() -> None:
    assert redact("the key test is wrong; tests, test_x and latest are fine", ["test"]) == (
        "the key [redacted] is wrong; tests, test_x and latest are fine"
    )
    assert redact("abc", ["abc", "", "  "]) == "abc"
    assert hide("the key test-key-123", ["test-key-123"]) == "the key test-key-123"
    assert hide(f"X = '{OTHER}'", [f" {OTHER}\n"]) == "X = '[redacted]'"


def test_what_looks_like_a_credential_goes_even_if_nobody_knows_it() -> None:
    token = "tok.en-" * 3
    text = f"curl -H 'Authorization: Bearer {token}' -H 'x-api-key: {'k' * 20}' {'ghp_' + 'a1B2' * 9} bearer of news"
    assert redact(text) == (
        "curl -H 'Authorization: Bearer [redacted]' -H 'x-api-key: [redacted]' [removed: looks like a secret] "
        "bearer of news"
    )
    assert hide(text, []) == text
