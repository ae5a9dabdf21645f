from __future__ import annotations

import pytest

from greenloop.secrets import holds_secret, scrub

KEYS = [
    "-----BEGIN OPENSSH PRIVATE KEY-----",
    "AKIA" + "Z" * 16,
    "ghp_" + "a1" * 18,
    "github_pat_" + "a1" * 35,
    "sk-ant-" + "a1" * 20,
    "hf_" + "a1" * 17,
    "xoxb-" + "1" * 24,
    "eyJ" + "a" * 12 + ".eyJ" + "b" * 12 + "." + "c" * 24,
]


@pytest.mark.parametrize("key", KEYS)
def test_credentials_are_seen_and_removed(key: str) -> None:
    text = f"token = '{key}'\nother = 1\n"
    assert holds_secret(text)
    assert key not in scrub(text)
    assert "other = 1" in scrub(text)


def test_code_that_only_speaks_of_keys_is_no_secret() -> None:
    text = "key = os.environ['API_KEY']\nsk_learn = 'sk-learn'\nsha = '" + "a1" * 32 + "'\n"
    assert not holds_secret(text)
    assert scrub(text) == text
