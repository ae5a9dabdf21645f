"""What a person gives: the address of an endpoint, a key, the name of a model. Whether it can be used at all."""

from __future__ import annotations

from importlib.util import find_spec
from urllib.parse import urlsplit

from greenloop.errors import Misconfigured

_MISSING = (
    "The model {model!r} needs litellm, which is not installed: pip install 'greenloop[litellm]' (up to Python 3.13). "
    "An OpenAI-compatible endpoint needs no litellm: give its address with --api-base."
)
_NO_PROVIDER = (
    "The model {model!r} names no provider. Write provider/name, such as anthropic/claude-sonnet-5, "
    "or give the address of an endpoint with --api-base."
)


def origin(address: str) -> tuple[str, str, int]:
    """Scheme, host and port. Raises `ValueError`."""
    parts = urlsplit(address)
    return parts.scheme, parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def local(host: str) -> bool:
    return host in {"localhost", "::1"} or host.startswith("127.") or host.endswith(".localhost")


def check_address(api_base: str) -> None:
    """Only the plain base of an endpoint, with nothing that hides a password. Raises `Misconfigured`."""
    try:
        parts = urlsplit(api_base)
        fits = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fits = False
    if not fits:
        from greenloop.hygiene.redact import redact  # noqa: PLC0415 - 3 ms, for this sentence only

        raise Misconfigured(
            f"`api_base` is {redact(api_base)!r}, which is no address of an endpoint; one looks like "
            "http://127.0.0.1:8000/v1"
        )
    if parts.username or parts.password or parts.query or parts.fragment:
        raise Misconfigured(
            "`api_base` holds a user, a password, a `?` or a `#`. Give the address alone; the key goes into "
            "GREENLOOP_API_KEY."
        )
    if parts.path.rstrip("/").endswith("/chat/completions"):
        raise Misconfigured("`api_base` ends before `/chat/completions`, usually in `/v1`.")


def check_key(key: str) -> None:
    """A key goes into a header, whole; several stand beside each other. Raises `Misconfigured`, which shows none."""
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise Misconfigured("The key holds blanks, line breaks or signs that no key has; was it pasted whole?")


def check_provider(model: str) -> None:
    """`provider/name`, and litellm to speak to it. Raises `Misconfigured`."""
    if "://" in model:  # some providers of litellm's take it for the endpoint, and send the key there
        raise Misconfigured(f"The model {model!r} holds an address. An endpoint is named by `api_base`.")
    if "/" not in model:
        raise Misconfigured(_NO_PROVIDER.format(model=model))
    if find_spec("litellm") is None:
        raise Misconfigured(_MISSING.format(model=model))
