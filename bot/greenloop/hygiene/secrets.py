"""What must never reach a model: files by their name, and text that looks like a credential.

Precise shapes of well-known credentials, not entropy: a false hit would hide code from the model. detect-secrets, the
library for it, is no fit: it brings `requests`, keeps its settings in globals, and without its entropy rules it is a
table such as this one, of twenty kinds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

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

# Name, shape, and where the shape is told. Each has a prefix or a structure of its own: entropy alone decides nothing.
_KINDS = (
    ("private key", r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----", "RFC 7468, RFC 4880"),
    ("AWS access key", r"\b(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}\b", "AWS IAM: unique identifiers"),
    ("GitHub token", r"\bgh[pousr]_[A-Za-z0-9]{36,}", "GitHub: token formats"),
    ("GitHub token", r"\bgithub_pat_[A-Za-z0-9_]{60,}", "GitHub: token formats"),
    ("GitLab token", r"\bgl(?:pat|dt|rt|ptt|cbt|soat|ft|imt|agent)-[A-Za-z0-9_-]{20,}", "GitLab: token overview"),
    (
        "model provider key",
        r"\bsk-(?:ant-|proj-|or-|svcacct-|admin-)?[A-Za-z0-9_-]{32,}",
        "OpenAI, Anthropic, OpenRouter",
    ),
    ("Hugging Face token", r"\bhf_[A-Za-z0-9]{30,}", "Hugging Face: user access tokens"),
    ("Groq key", r"\bgsk_[A-Za-z0-9]{40,}", "Groq console"),
    ("Replicate token", r"\br8_[A-Za-z0-9]{37}\b", "Replicate: API tokens"),
    ("Slack token", r"\bxox[abeoprs]-[A-Za-z0-9-]{20,}", "Slack: token types"),
    ("Slack token", r"\bxapp-\d-[A-Z0-9]+-\d+-[a-f0-9]{30,}", "Slack: token types"),
    (
        "Slack webhook",
        r"https://hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/+_-]{40,}",
        "Slack: incoming webhooks",
    ),
    ("Discord webhook", r"https://discord(?:app)?\.com/api/webhooks/\d{17,20}/[A-Za-z0-9_-]{60,}", "Discord: webhooks"),
    ("Google key", r"\bAIza[0-9A-Za-z_-]{35}\b", "Google Cloud: API keys"),
    ("Google client secret", r"\bGOCSPX-[A-Za-z0-9_-]{28}\b", "Google OAuth"),
    ("PyPI token", r"\bpypi-AgEI[A-Za-z0-9_-]{50,}", "PyPI: API tokens, RFC of macaroons"),
    ("npm token", r"\bnpm_[A-Za-z0-9]{36}\b", "npm: access tokens"),
    ("Docker Hub token", r"\bdckr_(?:pat|oat)_[A-Za-z0-9_-]{27,}", "Docker: access tokens"),
    ("Stripe key", r"\b[sr]k_live_[A-Za-z0-9]{24,}", "Stripe: API keys"),
    ("Twilio key", r"\bSK[0-9a-f]{32}\b", "Twilio: API keys"),
    ("SendGrid key", r"\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}\b", "SendGrid: API keys"),
    ("DigitalOcean token", r"\bdo[opr]_v1_[a-f0-9]{64}\b", "DigitalOcean: token formats"),
    ("Shopify token", r"\bshp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}\b", "Shopify: access tokens"),
    ("Databricks token", r"\bdapi[a-f0-9]{32}(?:-\d)?\b", "Databricks: personal access tokens"),
    ("Grafana token", r"\bgl(?:sa|c)_[A-Za-z0-9+/_]{32,}", "Grafana: service account tokens"),
    ("Linear key", r"\blin_api_[A-Za-z0-9]{40}\b", "Linear: API keys"),
    ("Vault token", r"\bhv[sb]\.[A-Za-z0-9_-]{90,}", "HashiCorp Vault: tokens"),
    ("Terraform token", r"\b[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_-]{60,}", "HCP Terraform: API tokens"),
    ("Azure storage key", r"\bAccountKey=[A-Za-z0-9+/]{86}==", "Azure Storage: connection strings"),
    ("age key", r"\bAGE-SECRET-KEY-1[0-9A-Z]{58}\b", "age: specification"),
    ("GitHub token of git", r"\beC1hY2Nlc3MtdG9rZW46[A-Za-z0-9+/]{4,}=*", "actions/checkout: extraheader, in base64"),
    ("JSON web token", r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{20,}", "RFC 7519"),
)
# One of these literals is in each of them; looking for the shapes themselves costs fifty times as much
_HINT = re.compile(
    "-----BEGIN |AKIA|ASIA|ABIA|ACCA|gh[pousr]_|github_pat_|gl(?:pat|dt|rt|ptt|cbt|soat|ft|imt|agent)-|sk-|hf_|gsk_|r8_"
    "|xox[abeoprs]-|xapp-|hooks\\.slack|discord|AIza|GOCSPX-|pypi-AgEI|npm_|dckr_|k_live_|SK[0-9a-f]{9}|SG\\.|do[opr]_v1_"
    "|shp(?:at|ca|pa|ss)_|dapi|gl(?:sa|c)_|lin_api_|hv[sb]\\.|\\.atlasv1\\.|AccountKey=|AGE-SECRET|eC1hY2Nl|eyJ"
)
_SECRET = re.compile("|".join(f"(?P<k{n}>{shape})" for n, (_, shape, _) in enumerate(_KINDS)))
# Made up on purpose: documentation and tests are full of them
_EXAMPLE = re.compile(
    r"example|placeholder|redacted|changeme|your|dummy|fake|sample|x{6}|0{8}|1234567|abcdefg|deadbeef", re.IGNORECASE
)
_VARIED = 10  # different characters that a random credential has at least
REMOVED = "[removed: looks like a secret]"


def holds_secret(text: str) -> bool:
    return _HINT.search(text) is not None and _SECRET.search(text) is not None


def scrub(text: str) -> str:
    """The same text with everything that has the shape of a credential replaced; for output, never for a file."""
    return _SECRET.sub(REMOVED, text) if _HINT.search(text) else text


def found(text: str) -> Iterator[tuple[str, str]]:
    """Kind and text of each real credential in code that is to be committed: not the plain examples among them."""
    matches = _SECRET.finditer(text) if _HINT.search(text) else ()
    return ((_kind(match), match[0]) for match in matches if _real(match[0]))


def replaced(text: str) -> tuple[str, tuple[str, ...]]:
    """Code without the credentials in it, and their kinds."""
    kinds = tuple(kind for kind, _ in found(text))
    if not kinds:
        return text, ()
    return _SECRET.sub(lambda match: REMOVED if _real(match[0]) else match[0], text), kinds


def _kind(match: re.Match[str]) -> str:
    return _KINDS[int((match.lastgroup or "k0")[1:])][0]


def _real(text: str) -> bool:
    return text.startswith("-----BEGIN") or (len(set(text)) >= _VARIED and not _EXAMPLE.search(text))
