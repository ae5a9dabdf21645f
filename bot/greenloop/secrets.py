"""What must never reach a model: files by their name, and text that looks like a credential.

Precise patterns of well-known credentials, not entropy: a false hit would hide code from the model.
"""

from __future__ import annotations

import re

NEVER_SEND = (
    ".env",
    ".env.*",
    "*.pem",
    "*.key",
    "*.p12",
    "*.pfx",
    "*.keystore",
    "*.jks",
    "id_rsa*",
    "id_ed25519*",
    "id_ecdsa*",
    ".netrc",
    ".pypirc",
    ".npmrc",
    ".git-credentials",
    "*.tfstate",
    "credentials.json",
    "service-account*.json",
    "secrets.y*ml",
)

_PATTERNS = (
    r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----",
    r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    r"\bgh[pousr]_[A-Za-z0-9]{36,}",
    r"\bgithub_pat_[A-Za-z0-9_]{60,}",
    r"\bglpat-[A-Za-z0-9_-]{20,}",
    r"\bsk-(?:ant-|proj-|or-)?[A-Za-z0-9_-]{32,}",
    r"\bhf_[A-Za-z0-9]{30,}",
    r"\bxox[abprs]-[A-Za-z0-9-]{20,}",
    r"\bAIza[0-9A-Za-z_-]{35}\b",
    r"\bpypi-AgEI[A-Za-z0-9_-]{50,}",
    r"\bnpm_[A-Za-z0-9]{36}\b",
    r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{20,}",
)
_SECRET = re.compile("|".join(_PATTERNS))
_REMOVED = "[removed: looks like a secret]"


def holds_secret(text: str) -> bool:
    return _SECRET.search(text) is not None


def scrub(text: str) -> str:
    """The same text with everything that looks like a credential replaced; for output, never for a file."""
    return _SECRET.sub(_REMOVED, text)
